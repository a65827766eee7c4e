//! Unlockers: listed, added, removed, changed. Nothing that is sealed is touched.

use super::Credentials;
use super::keys::{device_row, put, without};
use crate::crypto::{Keeper, KeyId, KeyRecord, Method, Unlocker, WrappedKey, still_opens_without};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Delete, Key, Put, WriteOp, system};
use crate::platform::{Payload, random};

/// What unlocks a store.
#[derive(Debug, Clone, PartialEq)]
pub struct UnlockerInfo {
    /// Its name, in hexadecimal.
    pub id: String,
    /// What it is: `unknown` where its record is damaged, or of a newer version.
    pub kind: &'static str,
    /// What the application calls it, if it does.
    pub label: Option<String>,
    /// When it was added, milliseconds since the epoch.
    pub created: f64,
    /// Whether it can be used here: false for another device's key.
    pub here: bool,
}

impl Credentials {
    /// What unlocks the store, in the order of their names. Opens nothing.
    pub async fn unlockers(&self) -> Result<Vec<UnlockerInfo>> {
        let keys = self.store.keys().await?;
        let mut found = Vec::new();
        for (record, created) in keys.records.iter().zip(&keys.created) {
            let Some(id) = id_of(record) else { continue };
            let parsed = WrappedKey::parse(&record.bytes).ok();
            let method = parsed.as_ref().map(WrappedKey::method);
            if method.is_some_and(|method| method.by_store().is_some()) {
                continue;
            }
            let of_a_device = matches!(method, Some(Method::Key { keeper: Keeper::Device, .. }));
            found.push(UnlockerInfo {
                id: id.to_owned(),
                kind: method.map_or("unknown", Method::name),
                label: parsed.as_ref().map(WrappedKey::label).filter(|label| !label.is_empty()).map(str::to_owned),
                created: *created,
                here: parsed.is_some() && (!of_a_device || self.device_row(id).await?.is_some()),
            });
        }
        Ok(found)
    }

    /// Adds an unlocker, and answers its name.
    ///
    /// # Behavior
    ///
    /// - It is stored, read back and used before this resolves.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `INVALID_CONFIG` for an empty passphrase or a long label; what the unlocker fails with.
    pub async fn add_unlocker(&self, unlocker: &dyn Unlocker, label: &str) -> Result<String> {
        let new = self.store.0.keyring.add(unlocker, label, &mut |bytes| random(bytes)).await?;
        let id = new.records().first().and_then(id_of).unwrap_or_default().to_owned();
        let undo = without(&new);
        self.store.keep(new, Vec::new(), &[unlocker], undo).await?;
        Ok(id)
    }

    /// Removes an unlocker. What it has opened stays open until the keys are locked.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `NOT_FOUND`; `ACCESS_DENIED` for the last one; `CONFLICT` where others change at the same time.
    pub async fn remove_unlocker(&self, id: &str) -> Result<()> {
        if self.locked() {
            return Err(Error::new(ErrorKind::Locked, "the keys are locked; unlock them first"));
        }
        let keys = self.store.keys().await?;
        let name = WrappedKey::name_of(id);
        let linked =
            |record: &KeyRecord| WrappedKey::parse(&record.bytes).is_ok_and(|key| key.method().by_store().is_some());
        if !keys.records.iter().any(|record| record.name == name && !linked(record)) {
            return Err(Error::new(ErrorKind::NotFound, "there is no such unlocker").with("unlocker", id));
        }
        if !still_opens_without(&keys.records, id) {
            return Err(Error::new(
                ErrorKind::AccessDenied,
                "without this unlocker nothing would open what is sealed; add another first",
            )
            .with("unlocker", id));
        }
        // Two tabs that each remove one of the last two must not both succeed.
        let delete = |collection: &str, key: Key| WriteOp::Delete(Delete::new(collection, key));
        let ops = vec![
            keys.unchanged(),
            delete(system::KEYS, Key::from(name.as_str())),
            delete(system::DEVICE, device_row(id)),
        ];
        self.store.commit_keys(ops).await
    }

    /// Wraps the store key under another passphrase, in the place of the one that opened it.
    ///
    /// # Behavior
    ///
    /// - Where the passphrase has opened several store keys, each is wrapped anew, in one commit.
    /// - Where something else has opened the store, the only passphrase that there is makes room for this one.
    /// - It is stored, read back and used before this resolves; otherwise the old one stays.
    ///
    /// # Errors
    ///
    /// `LOCKED`; `INVALID_CONFIG` for an empty passphrase, and where it cannot be told which of several is meant;
    /// `NOT_FOUND` where no passphrase unlocks the store; `CONFLICT` where others change at the same time.
    pub async fn change_passphrase(&self, next: &dyn Unlocker) -> Result<()> {
        let keyring = &self.store.0.keyring;
        if self.locked() {
            return Err(Error::new(ErrorKind::Locked, "the keys are locked; unlock them first"));
        }
        let keys = self.store.keys().await?;
        let by_passphrase = |record: &&KeyRecord| {
            WrappedKey::parse(&record.bytes).is_ok_and(|key| matches!(key.method(), Method::Passphrase(_)))
        };
        let all: Vec<&KeyRecord> = keys.records.iter().filter(by_passphrase).collect();
        let used = keyring.unlocked_by();
        let opened = |record: &&&KeyRecord| used.iter().any(|id| WrappedKey::name_of(id) == record.name);
        let mut chosen: Vec<&KeyRecord> = all.iter().filter(opened).copied().collect();
        if chosen.is_empty() {
            chosen = all;
            if chosen.len() > 1 {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "several passphrases unlock this store; unlock it with the one that is to change",
                ));
            }
        }
        if chosen.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFound,
                "no passphrase unlocks this store; add one: addUnlocker({ passphrase })",
            ));
        }
        let undo = chosen.iter().map(|record| put(record)).collect();
        let new = keyring.rewrap(&chosen, next, &mut |bytes| random(bytes)).await?;
        self.store.keep(new, vec![keys.unchanged()], &[next], undo).await
    }

    /// The key that this device keeps for an unlocker.
    pub async fn device_key(&self, id: KeyId) -> Result<Option<Payload>> {
        self.device_row(&id.to_string()).await
    }

    /// Keeps a key on this device, and gives what storage gives back for it.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` for a key that cannot be cloned, and nothing is written.
    pub async fn keep_device_key(&self, id: KeyId, key: Payload) -> Result<Option<Payload>> {
        let put = Put::new(system::DEVICE, device_row(&id.to_string()), Body::Clear(key.detached()?));
        self.store.commit_keys(vec![WriteOp::Put(put)]).await?;
        self.device_key(id).await
    }

    /// Forgets a key of this device.
    pub async fn forget_device_key(&self, id: KeyId) -> Result<()> {
        let delete = Delete::new(system::DEVICE, device_row(&id.to_string()));
        self.store.commit_keys(vec![WriteOp::Delete(delete)]).await
    }

    async fn device_row(&self, id: &str) -> Result<Option<Payload>> {
        self.store.of_device(device_row(id)).await
    }
}

fn id_of(record: &KeyRecord) -> Option<&str> {
    record.name.strip_prefix("unlocker/")
}
