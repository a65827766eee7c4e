//! Secrets: sealed at rest, opened only while the keys are.

use super::keys::{Keys, gone, mark, without};
use super::{Collection, DataStore, EntryOptions, Event, Item, ListOptions, LockReason, Locked, WriteResult};
use crate::backend::{Read, Scan};
use crate::crypto::{KeyId, Method, Unlocker, methods};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Durability, Key, system};
use crate::platform::{Payload, random};

/// When an unlocking makes keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Where nothing was ever sealed.
    WhereNew,
    /// Wherever these keys do not open: what is sealed under others stays as it is, unreadable until they come back.
    Anew,
}

/// The secrets of a store, one for each service.
///
/// # Behavior
///
/// - The first unlocking makes a store key, wraps it under what it is given, and keeps it; every later one opens it.
/// - A secret is sealed before it is written; its service, times and metadata are not.
/// - Listing opens nothing.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub(super) store: DataStore,
    records: Collection,
}

impl Credentials {
    /// Whether the keys were locked since the store was opened.
    #[must_use]
    pub fn were_locked(&self) -> bool {
        self.store.0.keyring.was_locked()
    }

    pub(super) fn new(store: DataStore) -> Self {
        let records = Collection::new(store.clone(), system::CREDENTIALS);
        Self { store, records }
    }

    /// Whether no key is open.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.store.0.keyring.is_locked()
    }

    /// Whether there are keys: whether the store was ever unlocked, here or where it replicates from.
    pub async fn exist(&self) -> Result<bool> {
        let scan = Scan { limit: Some(1), read: Read::Keys, ..Scan::all(system::KEYS) };
        Ok(!self.store.0.stack.scan(&scan).await?.is_empty())
    }

    /// Forgets every key. An unlocking that is under way then opens none.
    pub fn lock(&self, reason: LockReason) {
        let were_open = !self.locked();
        self.store.0.keyring.lock();
        self.store.keys_locked();
        self.store.events().emit(&Event::Keys);
        if were_open {
            self.store.events().emit(&Event::Locked(Locked { locked: true, reason }));
        }
    }

    /// How the unlockers that there are come to their secrets, as far as their records can be read.
    ///
    /// # Errors
    ///
    /// What reading fails with.
    pub async fn methods(&self) -> Result<Vec<Method>> {
        Ok(methods(&self.store.keys().await?.records))
    }

    /// Opens the keys with an unlocker, or makes the first ones.
    ///
    /// # Behavior
    ///
    /// - Keys are made where nothing was ever sealed here, and otherwise only where `begin` says so: what is sealed has
    ///   a key somewhere, and a new one would hide that it is gone.
    /// - Of two tabs that make the first keys at once, one does, and the other opens them.
    ///
    /// # Errors
    ///
    /// `AUTHENTICATION_FAILED` for a wrong passphrase, `INVALID_CONFIG` for a new one that is empty; `KEY_MISSING` where
    /// sealed records are here and their keys are not, or where no unlocker is of this kind; `DECRYPTION_FAILED` for a
    /// key that was tampered with, `CORRUPTED` for one that cannot be read, `VERSION_ERROR` for one of a newer version;
    /// `INSECURE_CONTEXT` where the page has no Web Crypto.
    pub async fn unlock(&self, unlocker: &dyn Unlocker, begin: Begin) -> Result<()> {
        let were_locked = self.locked();
        let mut outcome = self.unlock_or_create(unlocker, begin).await;
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            // Another tab made or changed keys meanwhile, and these open now.
            outcome = self.unlock_or_create(unlocker, begin).await;
        }
        outcome.map_err(|error| error.during("unlock"))?;
        self.opened(were_locked);
        Ok(())
    }

    /// Tells that keys were opened.
    fn opened(&self, were_locked: bool) {
        self.store.keys_opened();
        self.store.events().emit(&Event::Keys);
        if were_locked {
            self.store.events().emit(&Event::Locked(Locked { locked: false, reason: LockReason::Call }));
        }
    }

    async fn unlock_or_create(&self, unlocker: &dyn Unlocker, begin: Begin) -> Result<()> {
        let keys = self.store.keys().await?;
        let keyring = &self.store.0.keyring;
        let fresh = keys.records.is_empty() && !self.store.holds_sealed().await?;
        let why = if fresh {
            None
        } else if keys.unlockable() {
            match keyring.unlock(&keys.records, unlocker).await {
                Ok(_) => {
                    // The keys are open either way, and the next unlocking does what this one did not.
                    drop(self.link(&keys).await);
                    drop(self.note().await);
                    return Ok(());
                }
                Err(error) => Some(error),
            }
        } else {
            Some(gone())
        };
        if let Some(error) = why.filter(|_| begin == Begin::WhereNew) {
            return Err(error);
        }
        let new = keyring.create(unlocker, "", &mut |bytes| random(bytes)).await?;
        let mut undo = without(&new);
        if fresh {
            undo.push(mark(false));
        }
        self.store.keep(new, vec![keys.unchanged(), mark(true)], &[unlocker], undo).await
    }

    /// Notes that there are keys, where they came from another device.
    async fn note(&self) -> Result<()> {
        if self.store.marked().await? { Ok(()) } else { self.store.commit_keys(vec![mark(true)]).await }
    }

    /// Brings together store keys that two devices made before they met.
    async fn link(&self, keys: &Keys) -> Result<()> {
        let Some(new) = self.store.0.keyring.link(&keys.records, &mut |bytes| random(bytes))? else { return Ok(()) };
        let undo = without(&new);
        self.store.keep(new, Vec::new(), &[], undo).await
    }

    /// Makes a data key that follows the others, and seals under it from now on; what was sealed before opens as it did.
    ///
    /// # Behavior
    ///
    /// - It is wrapped under the store key: no secret is asked for.
    /// - It is stored, read back and used before this resolves.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `CORRUPTED` where storage does not keep the key; what storage fails with.
    pub async fn next_data_key(&self) -> Result<KeyId> {
        let new = self.store.0.keyring.next_data_key(&mut |bytes| random(bytes))?;
        let (id, undo) = (new.data_key(), without(&new));
        self.store.keep(new, Vec::new(), &[], undo).await?;
        id.ok_or_else(|| Error::new(ErrorKind::KeyMissing, "no data key was made"))
    }

    /// Seals a secret.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `INVALID_KEY` for an empty service; `SERIALIZATION_ERROR` for a secret that has no encoded form.
    pub async fn set(&self, service: &str, secret: Payload, options: &EntryOptions) -> Result<WriteResult> {
        let key = service_key(service)?;
        let options = EntryOptions { durability: Some(Durability::Strict), ..options.clone() };
        self.records.set_sealed(key, secret, &options).await
    }

    /// Opens a secret.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `KEY_MISSING`, `DECRYPTION_FAILED`, `CORRUPTED` for what does not open.
    pub async fn get(&self, service: &str) -> Result<Option<Payload>> {
        Ok(self.records.get(&service_key(service)?).await?.map(|entry| entry.value))
    }

    /// Names and times. Opens nothing.
    pub async fn list(&self) -> Result<Vec<Item>> {
        self.records.list(&ListOptions::default()).await
    }

    /// Whether there is a secret. Opens nothing.
    pub async fn has(&self, service: &str) -> Result<bool> {
        self.records.has(&service_key(service)?).await
    }

    /// Deletes a secret; answers whether it was there.
    pub async fn delete(&self, service: &str) -> Result<bool> {
        let existed = self.records.delete_many(vec![service_key(service)?]).await?;
        Ok(existed.first().copied().unwrap_or(false))
    }
}

fn service_key(service: &str) -> Result<Key> {
    if service.is_empty() {
        return Err(Error::new(ErrorKind::InvalidKey, "a service needs a name").during("credentials"));
    }
    Ok(Key::from(service))
}
