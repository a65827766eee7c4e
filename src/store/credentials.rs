//! Secrets: sealed at rest, opened only while the keys are.

use super::{Collection, DataStore, EntryOptions, Event, Item, ListOptions, LockReason, Locked, WriteResult};
use crate::backend::{Read, Scan};
use crate::crypto::Unlocked;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Durability, Key, Put, WriteBatch, WriteOp, system};
use crate::platform::{Payload, now, pbkdf2_sha256, random};

/// The secrets of a store, one for each service.
///
/// # Behavior
///
/// - The first unlocking makes a data key, wraps it under the passphrase, and keeps it; every later one opens it.
/// - A secret is sealed before it is written; its service, times and metadata are not.
/// - Listing opens nothing.
#[derive(Debug, Clone)]
pub struct Credentials {
    store: DataStore,
    records: Collection,
}

impl Credentials {
    pub(super) fn new(store: DataStore) -> Self {
        let records = Collection::new(store.clone(), system::CREDENTIALS);
        Self { store, records }
    }

    /// Whether no key is open.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.store.0.keyring.is_locked()
    }

    /// Whether there is a wrapped key: whether a passphrase was ever chosen, here or where this store replicates from.
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

    /// Opens the keys with the passphrase, or makes the first one.
    ///
    /// # Errors
    ///
    /// `AUTHENTICATION_FAILED` for a wrong passphrase, `INVALID_CONFIG` for an empty one; `INSECURE_CONTEXT` where the
    /// page has no Web Crypto; `CORRUPTED` for a key that cannot be read.
    pub async fn unlock(&self, passphrase: &[u8]) -> Result<()> {
        let were_locked = self.locked();
        self.unlock_or_create(passphrase).await.map_err(|error| error.during("unlock"))?;
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

    async fn unlock_or_create(&self, passphrase: &[u8]) -> Result<()> {
        let wrapped = self.wrapped_keys().await?;
        if !wrapped.is_empty() {
            let Unlocked { .. } = self.store.0.keyring.unlock(&wrapped, passphrase, &pbkdf2_sha256).await?;
            return Ok(());
        }
        let new = self.store.0.keyring.create(passphrase, &mut |bytes| random(bytes), &pbkdf2_sha256).await?;
        let id = Key::String(new.id().to_string());
        // Through the whole stack, so that the wrapped key replicates as the secrets do.
        let body = Payload::bytes(new.wrapped());
        let put = Put::new(system::KEYS, id.clone(), Body::Clear(body));
        let batch = WriteBatch { ops: vec![WriteOp::Put(put)], durability: Durability::Strict, now: now() };
        self.store.0.stack.commit(batch).await?;
        let read = self.store.0.stack.get(system::KEYS, &[id]).await?;
        let stored = read.first().and_then(Option::as_ref).and_then(wrapped_bytes).unwrap_or_default();
        self.store.0.keyring.adopt(new, &stored)?;
        Ok(())
    }

    async fn wrapped_keys(&self) -> Result<Vec<Vec<u8>>> {
        let rows = self.store.0.stack.scan(&Scan::all(system::KEYS)).await?;
        let wrapped = rows.iter().filter_map(|row| row.record.as_ref()).map(|record| {
            wrapped_bytes(record).ok_or_else(|| {
                Error::new(ErrorKind::Corrupted, "a stored key is not what was written")
                    .with("key", record.key.to_text())
            })
        });
        wrapped.collect()
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

fn wrapped_bytes(record: &crate::model::Record) -> Option<Vec<u8>> {
    match &record.body {
        Body::Clear(payload) => payload.as_bytes(),
        Body::Sealed(_) => None,
    }
}

fn service_key(service: &str) -> Result<Key> {
    if service.is_empty() {
        return Err(Error::new(ErrorKind::InvalidKey, "a service needs a name").during("credentials"));
    }
    Ok(Key::from(service))
}
