//! New keys: made, stored by the caller, read back and used, and only then taken up.

use std::rc::Rc;

use super::{Keyring, locked};
use crate::crypto::Random;
use crate::crypto::cipher::{DataKey, KeyId, Nonce};
use crate::crypto::method::Method;
use crate::crypto::record::{KeyRecord, Parsed};
use crate::crypto::store_key::StoreKey;
use crate::crypto::unlocker::Unlocker;
use crate::crypto::wrapped::WrappedKey;
use crate::crypto::wrapped_data::WrappedDataKey;
use crate::error::{Error, ErrorKind, Result};

/// New wrapped keys that nothing relies on yet: first they have to be stored, and [adopted](Keyring::adopt).
#[derive(Debug)]
pub struct NewKeys {
    pub(super) records: Vec<KeyRecord>,
    /// The data key among them, to be compared with what is read back.
    pub(super) made: Option<DataKey>,
    pub(super) locks: u64,
}

impl NewKeys {
    /// The records to be stored, in one commit.
    #[must_use]
    pub fn records(&self) -> &[KeyRecord] {
        &self.records
    }

    /// The data key among them.
    #[must_use]
    pub fn data_key(&self) -> Option<KeyId> {
        self.made.as_ref().map(DataKey::id)
    }
}

impl Keyring {
    /// Makes a store key, wraps it under `unlocker`, and makes its first data key.
    ///
    /// # Errors
    ///
    /// What the unlocker and `random` fail with.
    pub async fn create(&self, unlocker: &dyn Unlocker, label: &str, random: &mut Random<'_>) -> Result<NewKeys> {
        let locks = self.locks();
        let store = StoreKey::generate(random)?;
        let id = KeyId::generate(random)?;
        let wrapped = self.wrap(&store, id, unlocker, label, random).await?;
        let (data, key) = self.data_key(&store, random)?;
        Ok(NewKeys { records: vec![KeyRecord::from(&wrapped), KeyRecord::from(&data)], made: Some(key), locks })
    }

    /// Makes a data key that follows the others: once adopted, it seals.
    ///
    /// # Behavior
    ///
    /// - It is wrapped under the open store key. No secret is asked for, and no other key is touched.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open store key; what `random` fails with.
    pub fn next_data_key(&self, random: &mut Random<'_>) -> Result<NewKeys> {
        let (store, locks) = (self.primary()?, self.locks());
        let (data, key) = self.data_key(&store, random)?;
        Ok(NewKeys { records: vec![KeyRecord::from(&data)], made: Some(key), locks })
    }

    /// Wraps the open store key under one more unlocker.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open store key; what the unlocker and `random` fail with.
    pub async fn add(&self, unlocker: &dyn Unlocker, label: &str, random: &mut Random<'_>) -> Result<NewKeys> {
        let (store, locks) = (self.primary()?, self.locks());
        let id = KeyId::generate(random)?;
        let wrapped = self.wrap(&store, id, unlocker, label, random).await?;
        Ok(NewKeys { records: vec![KeyRecord::from(&wrapped)], made: None, locks })
    }

    /// Wraps the store keys of unlockers anew, under the same names and labels, for another secret.
    ///
    /// # Errors
    ///
    /// `LOCKED` where a store key is not open; what reading the records, the unlocker and `random` fail with.
    pub async fn rewrap(
        &self,
        old: &[&KeyRecord],
        unlocker: &dyn Unlocker,
        random: &mut Random<'_>,
    ) -> Result<NewKeys> {
        let locks = self.locks();
        let mut records = Vec::new();
        for record in old {
            let Parsed::Unlocker(old) = record.parse()? else {
                return Err(Error::new(ErrorKind::NotFound, "the record is no unlocker").with("record", &record.name));
            };
            let store = self.state.borrow().stores.get(&old.store()).map(Rc::clone).ok_or_else(locked)?;
            records.push(KeyRecord::from(&self.wrap(&store, old.id(), unlocker, old.label(), random).await?));
        }
        Ok(NewKeys { records, made: None, locks })
    }

    /// Brings together store keys that were made apart, where several are open: each unlocks the one of the lowest id,
    /// and that one wraps every data key.
    ///
    /// # Behavior
    ///
    /// - So whatever opens one of them opens all from then on, and what is new needs to be wrapped once.
    /// - It gives nothing where nothing is missing.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open store key; what `random` fails with.
    pub fn link(&self, records: &[KeyRecord], random: &mut Random<'_>) -> Result<Option<NewKeys>> {
        let (primary, locks) = (self.primary()?, self.locks());
        let stores: Vec<Rc<StoreKey>> = self.state.borrow().latest().map(Rc::clone).collect();
        let parsed: Vec<Parsed> = records.iter().filter_map(|record| record.parse().ok()).collect();
        let mut missing = Vec::new();
        for store in stores.iter().filter(|store| store.id() != primary.id()) {
            let by = store.id();
            let linked = parsed.iter().any(|record| {
                matches!(record, Parsed::Unlocker(old) if old.store() == primary.id() && *old.method() == Method::Store(by))
            });
            if !linked {
                let head = (KeyId::generate(random)?, Method::Store(by), "");
                let nonce = Nonce::generate(random)?;
                let link = WrappedKey::wrap(&primary, head, &store.as_secret(), &self.database, nonce)?;
                missing.push(KeyRecord::from(&link));
            }
            for record in &parsed {
                let Parsed::Data(data) = record else { continue };
                let there = |other: &Parsed| matches!(other, Parsed::Data(other) if other.store() == primary.id() && other.id() == data.id());
                if data.store() == by && !parsed.iter().any(there) {
                    let key = data.unwrap(store, &self.database)?;
                    let nonce = Nonce::generate(random)?;
                    let again = WrappedDataKey::wrap(&key, data.generation(), &primary, &self.database, nonce)?;
                    missing.push(KeyRecord::from(&again));
                }
            }
        }
        Ok(if missing.is_empty() { None } else { Some(NewKeys { records: missing, made: None, locks }) })
    }

    /// Takes up new keys, and seals under a new data key from now on.
    ///
    /// # Behavior
    ///
    /// - `stored` is what storage gives back for the records, read after they were durably written. It is opened as it
    ///   will be after a restart, with the secret had anew from one of `unlockers` where one wraps it; and a new data key
    ///   opens something before anything relies on it.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where storage gives back something else, or what does not open; why an unlocker does not yield its
    /// secret again; `LOCKED` where the keyring was locked meanwhile, in which case the keys are stored, and open with
    /// the next unlocking.
    pub async fn adopt(
        &self,
        new: NewKeys,
        stored: &[KeyRecord],
        unlockers: &[&dyn Unlocker],
        random: &mut Random<'_>,
    ) -> Result<()> {
        let not_kept = || {
            Error::new(
                ErrorKind::Corrupted,
                "storage did not keep the new key; nothing relies on it, so it is safe to try again",
            )
        };
        if !new.records.iter().all(|record| stored.contains(record)) {
            return Err(not_kept());
        }
        let found = self.find(&new.records, unlockers).await;
        if let Some(refused) = found.refused.first() {
            return Err(match refused.kind() {
                ErrorKind::AuthenticationFailed | ErrorKind::DecryptionFailed => {
                    not_kept().caused_by(refused.message())
                }
                _ => refused.clone(),
            });
        }
        let by_unlocker = |record: &&KeyRecord| match record.parse() {
            Ok(Parsed::Unlocker(key)) => key.method().by_store().is_none(),
            _ => false,
        };
        if found.by.len() != new.records.iter().filter(by_unlocker).count() {
            return Err(not_kept());
        }
        if let Some(made) = &new.made {
            let nonce = Nonce::generate(random)?;
            let sealed = made.cipher().seal(&nonce, b"", b"probe")?;
            let read = found.keys.iter().find(|key| key.id == made.id()).ok_or_else(not_kept)?;
            if read.cipher.open(&nonce, b"", &sealed)?.as_slice() != b"probe" {
                return Err(not_kept());
            }
        }
        let mut state = self.state.borrow_mut();
        if state.locks != new.locks {
            return Err(Error::new(ErrorKind::Locked, "the keys were locked meanwhile; unlock to use the new one"));
        }
        state.take(found);
        Ok(())
    }

    pub(super) async fn wrap(
        &self,
        store: &StoreKey,
        id: KeyId,
        unlocker: &dyn Unlocker,
        label: &str,
        random: &mut Random<'_>,
    ) -> Result<WrappedKey> {
        let method = unlocker.method(id, random).await?;
        let secret = unlocker.secret(id, &method).await?.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the unlocker does not know itself again; use another")
                .with("unlocker", id)
        })?;
        WrappedKey::wrap(store, (id, method, label), &secret, &self.database, Nonce::generate(random)?)
    }

    pub(super) fn data_key(&self, store: &StoreKey, random: &mut Random<'_>) -> Result<(WrappedDataKey, DataKey)> {
        let latest = self.state.borrow().open.values().map(|key| key.generation).max().unwrap_or(0);
        let key = DataKey::generate(random)?;
        let nonce = Nonce::generate(random)?;
        Ok((WrappedDataKey::wrap(&key, latest.saturating_add(1), store, &self.database, nonce)?, key))
    }

    pub(super) fn primary(&self) -> Result<Rc<StoreKey>> {
        self.state.borrow().primary()
    }

    pub(super) fn locks(&self) -> u64 {
        self.state.borrow().locks
    }
}
