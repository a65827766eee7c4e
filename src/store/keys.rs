//! The records of keys: read, written, and read back.

use core::ops::Bound;

use super::DataStore;
use crate::backend::{Scan, Source};
use crate::crypto::{Answer, KeyRecord, NewKeys, Passphrase, Secret, Unlocker, WrappedKey};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Delete, Durability, Key, KeyRange, Put, Record, Seen, Verify, WriteBatch, WriteOp, system};
use crate::platform::{Payload, now, pbkdf2_sha256, random};

/// The most rows that are looked at in one go for something sealed.
const LOOK: usize = 256;

/// The row of this device that says that keys were made or opened here.
const SEALED: &str = "sealed";

/// A passphrase as an unlocker of a store, derived by Web Crypto where there is one.
#[must_use]
pub fn passphrase(bytes: &[u8]) -> Passphrase {
    fn derive<'a>(passphrase: &'a [u8], salt: &'a [u8], iterations: u32) -> Answer<'a, Secret> {
        Box::pin(pbkdf2_sha256(passphrase, salt, iterations))
    }
    Passphrase::new(bytes, derive)
}

/// The records of keys, as they were read.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    /// What they hold, in order of their names.
    pub(super) records: Vec<KeyRecord>,
    /// The state that each is in.
    pub(super) seen: Vec<Seen>,
    /// When each was first written, milliseconds since the epoch.
    pub(super) created: Vec<f64>,
}

impl Keys {
    /// The condition that they are still these.
    pub(super) fn unchanged(&self) -> WriteOp {
        WriteOp::Verify(Verify {
            collection: system::KEYS.to_owned(),
            source: Source::Primary,
            range: KeyRange::all(),
            rows: self.seen.clone(),
        })
    }

    /// Whether a store key is wrapped here by anything.
    pub(super) fn unlockable(&self) -> bool {
        self.records.iter().any(|record| record.name.starts_with(&WrappedKey::name_of("")))
    }
}

impl DataStore {
    /// Reads every record of keys from the backend itself.
    pub(super) async fn keys(&self) -> Result<Keys> {
        let mut keys = Keys::default();
        for record in self.0.backend.scan(&Scan::all(system::KEYS)).await?.into_iter().filter_map(|row| row.record) {
            keys.seen.push(Seen::of(&record));
            keys.created.push(record.meta.created);
            // What is no bytes is told as damaged, where it is read.
            keys.records.push(KeyRecord { name: record.key.to_text(), bytes: bytes_of(&record).unwrap_or_default() });
        }
        Ok(keys)
    }

    /// Writes new keys with `others` in one strict commit, reads them back, and has the keyring open and use them.
    ///
    /// # Behavior
    ///
    /// - Where they do not open, `undo` takes them back, and the keyring is as it was.
    pub(super) async fn keep(
        &self,
        new: NewKeys,
        others: Vec<WriteOp>,
        unlockers: &[&dyn Unlocker],
        undo: Vec<WriteOp>,
    ) -> Result<()> {
        // Through the whole stack, so that wrapped keys replicate as the secrets do.
        let ops = others.into_iter().chain(new.records().iter().map(put)).collect();
        let committed = self.commit_keys(ops).await;
        if committed.is_err() {
            // A device's key that was kept for an unlocker which is not there is of no use. It does no harm either.
            let forget = |id: &str| WriteOp::Delete(Delete::new(system::DEVICE, device_row(id)));
            let ids = new.records().iter().filter_map(|record| record.name.strip_prefix("unlocker/"));
            drop(self.commit_keys(ids.map(forget).collect()).await);
        }
        committed?;
        let stored = self.keys().await?.records;
        let adopted = self.0.keyring.adopt(new, &stored, unlockers, &mut |bytes| random(bytes)).await;
        if adopted.as_ref().is_err_and(|error| error.kind() != ErrorKind::Locked) && !undo.is_empty() {
            self.commit_keys(undo).await?;
        }
        adopted
    }

    /// Whether it is noted that there are keys.
    pub(super) async fn marked(&self) -> Result<bool> {
        Ok(self.of_device(Key::from(SEALED)).await?.is_some())
    }

    /// What this device keeps.
    pub(super) async fn of_device(&self, key: Key) -> Result<Option<Payload>> {
        let rows = self.0.backend.get(system::DEVICE, &[key]).await?;
        Ok(rows.into_iter().flatten().next().and_then(|record| match record.body {
            Body::Clear(payload) => Some(payload),
            Body::Sealed(_) => None,
        }))
    }

    pub(super) async fn commit_keys(&self, ops: Vec<WriteOp>) -> Result<()> {
        let batch = WriteBatch { ops, durability: Durability::Strict, now: now() };
        self.0.stack.commit(batch).await.map(drop)
    }

    /// Whether anything was sealed here, as far as it can be told: by the mark of the first keys, or by what is stored.
    pub(super) async fn holds_sealed(&self) -> Result<bool> {
        if self.marked().await? {
            return Ok(true);
        }
        let sealed = self.0.schema.collections().filter(|(_, collection)| collection.encrypted).map(|(name, _)| name);
        for collection in sealed.chain([system::CREDENTIALS]) {
            let mut scan = Scan { limit: Some(LOOK), ..Scan::all(collection) };
            loop {
                let rows = self.0.backend.scan(&scan).await?;
                if rows
                    .iter()
                    .filter_map(|row| row.record.as_ref())
                    .any(|record| matches!(record.body, Body::Sealed(_)))
                {
                    return Ok(true);
                }
                match rows.last().filter(|_| rows.len() == LOOK) {
                    Some(last) => scan.range.lower = Bound::Excluded(last.key.clone()),
                    None => break,
                }
            }
        }
        Ok(false)
    }
}

/// Notes that there are keys, or that there are none after all: so that their absence is known for a loss.
pub(super) fn mark(there: bool) -> WriteOp {
    let key = Key::from(SEALED);
    if there {
        WriteOp::Put(Put::new(system::DEVICE, key, Body::Clear(Payload::bytes(&[1]))))
    } else {
        WriteOp::Delete(Delete::new(system::DEVICE, key))
    }
}

/// Where a key is that this device keeps for an unlocker.
pub(super) fn device_row(id: &str) -> Key {
    Key::Array(vec![Key::from("key"), Key::from(id)])
}

/// The writing of a record of keys.
pub(super) fn put(record: &KeyRecord) -> WriteOp {
    let body = Body::Clear(Payload::bytes(&record.bytes));
    WriteOp::Put(Put::new(system::KEYS, Key::from(record.name.as_str()), body))
}

/// The deletion of records of keys.
pub(super) fn without(new: &NewKeys) -> Vec<WriteOp> {
    let delete = |record: &KeyRecord| WriteOp::Delete(Delete::new(system::KEYS, Key::from(record.name.as_str())));
    new.records().iter().map(delete).collect()
}

fn bytes_of(record: &Record) -> Option<Vec<u8>> {
    match &record.body {
        Body::Clear(payload) => payload.as_bytes(),
        Body::Sealed(_) => None,
    }
}

/// Nothing unlocks what is there.
pub(super) fn gone() -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "what is sealed here has no key any more, and a new key would not open it; let the keys sync to this device or \
         restore them, or begin anew and leave it unreadable: unlock({ anew: true })",
    )
}
