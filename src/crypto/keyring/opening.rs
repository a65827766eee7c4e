//! From records to open keys.

use std::rc::Rc;

use litemap::LiteMap;

use super::{Keyring, MAX_UNLOCKERS, OpenKey, State};
use crate::crypto::cipher::KeyId;
use crate::crypto::method::Method;
use crate::crypto::record::{KeyRecord, Parsed};
use crate::crypto::store_key::StoreKey;
use crate::crypto::unlocker::Unlocker;
use crate::crypto::wrapped::WrappedKey;
use crate::crypto::wrapped_data::WrappedDataKey;
use crate::error::{Error, ErrorKind, Result};

/// What an unlocking did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlocked {
    /// The data keys that opened.
    pub opened: Vec<KeyId>,
    /// The unlockers that opened a store key.
    pub by: Vec<KeyId>,
    /// Why each of the other records did not.
    pub refused: Vec<Error>,
}

/// What records gave, before any of it is taken up.
#[derive(Default)]
pub(super) struct Found {
    pub(super) stores: LiteMap<KeyId, Rc<StoreKey>>,
    pub(super) followed: Vec<KeyId>,
    pub(super) keys: Vec<OpenKey>,
    pub(super) by: Vec<KeyId>,
    pub(super) refused: Vec<Error>,
}

/// Records, read.
#[derive(Default)]
struct Sorted {
    unlockers: Vec<WrappedKey>,
    data: Vec<WrappedDataKey>,
    refused: Vec<Error>,
}

impl Keyring {
    /// Opens every store key that `unlocker` opens, and every data key that one of them wraps.
    ///
    /// # Behavior
    ///
    /// - One that opens is success; what happened to the others is in [`Unlocked::refused`].
    /// - Keys that were open stay open.
    ///
    /// # Errors
    ///
    /// `KEY_MISSING` where no record is for an unlocker of this kind, or where the store key opens and no data key is
    /// there; `AUTHENTICATION_FAILED` where none opens, one of them because the secret is another; otherwise why the
    /// first does not; `ABORTED` where the keyring was locked meanwhile.
    pub async fn unlock(&self, records: &[KeyRecord], unlocker: &dyn Unlocker) -> Result<Unlocked> {
        let locks = self.state.borrow().locks;
        let found = self.find(records, &[unlocker]).await;
        let mut state = self.state.borrow_mut();
        if state.locks != locks {
            return Err(Error::new(ErrorKind::Aborted, "the keys were locked while they were being unlocked"));
        }
        if found.by.is_empty() {
            return Err(why_none(&found.refused));
        }
        if found.keys.is_empty() {
            return Err(found.refused.into_iter().next().unwrap_or_else(no_data_key));
        }
        Ok(state.take(found))
    }

    /// Opens what can be opened with the store keys that are open: data keys that another tab or device made since.
    ///
    /// # Behavior
    ///
    /// - It asks for no secret, and does nothing while the keyring is locked.
    /// - It answers how many data keys opened that were not open before.
    pub fn refresh(&self, records: &[KeyRecord]) -> usize {
        let stores = self.state.borrow().stores.clone();
        if stores.is_empty() {
            return 0;
        }
        let found = follow(&sorted(records), stores, &self.database);
        let mut state = self.state.borrow_mut();
        let before = state.open.len();
        state.take(found);
        state.open.len() - before
    }

    /// What the records give to these unlockers, and to the store keys that are open.
    pub(super) async fn find(&self, records: &[KeyRecord], unlockers: &[&dyn Unlocker]) -> Found {
        let mut sorted = sorted(records);
        let mut stores = self.state.borrow().stores.clone();
        let mut by = Vec::new();
        for record in &sorted.unlockers {
            for unlocker in unlockers {
                match self.try_one(record, *unlocker).await {
                    Ok(None) => {}
                    Ok(Some(key)) => {
                        by.push(record.id());
                        stores.insert(record.store(), Rc::new(key));
                        break;
                    }
                    Err(error) => sorted.refused.push(error),
                }
            }
        }
        Found { by, ..follow(&sorted, stores, &self.database) }
    }

    async fn try_one(&self, record: &WrappedKey, unlocker: &dyn Unlocker) -> Result<Option<StoreKey>> {
        if record.method().by_store().is_some() {
            return Ok(None);
        }
        match unlocker.secret(record.id(), record.method()).await? {
            None => Ok(None),
            Some(secret) => record.unwrap(&secret, &self.database).map(Some),
        }
    }
}

impl State {
    /// Takes up what was found.
    pub(super) fn take(&mut self, found: Found) -> Unlocked {
        for (id, key) in found.stores {
            self.stores.insert(id, key);
        }
        for id in found.followed {
            if !self.followed.contains(&id) {
                self.followed.push(id);
            }
        }
        for id in &found.by {
            if !self.by.contains(id) {
                self.by.push(*id);
            }
        }
        let opened = found.keys.into_iter().map(|key| self.insert(key)).collect();
        self.choose();
        Unlocked { opened, by: found.by, refused: found.refused }
    }
}

fn sorted(records: &[KeyRecord]) -> Sorted {
    let mut sorted = Sorted::default();
    for record in records {
        match record.parse() {
            Ok(Parsed::Data(key)) => sorted.data.push(key),
            Ok(Parsed::Unlocker(_)) if sorted.unlockers.len() >= MAX_UNLOCKERS => sorted.refused.push(too_many()),
            Ok(Parsed::Unlocker(key)) => sorted.unlockers.push(key),
            Err(error) => sorted.refused.push(error.with("record", &record.name)),
        }
    }
    sorted
}

/// From store keys to the store keys that they unlock, and to all of their data keys.
fn follow(sorted: &Sorted, mut stores: LiteMap<KeyId, Rc<StoreKey>>, database: &str) -> Found {
    let mut refused = sorted.refused.clone();
    loop {
        let known = stores.len();
        for record in &sorted.unlockers {
            let Some(by) = record.method().by_store() else { continue };
            let Some(secret) = stores.get(&by).map(|key| key.as_secret()) else { continue };
            if !stores.contains_key(&record.store()) {
                match record.unwrap(&secret, database) {
                    Ok(key) => drop(stores.insert(record.store(), Rc::new(key))),
                    Err(error) => refused.push(error),
                }
            }
        }
        if stores.len() == known {
            break;
        }
    }
    let mut keys = Vec::new();
    for record in &sorted.data {
        let Some(store) = stores.get(&record.store()) else { continue };
        match record.unwrap(store, database) {
            Ok(key) => {
                let (id, store, generation) = (record.id(), record.store(), record.generation());
                keys.push(OpenKey { id, store, generation, cipher: Rc::new(key.cipher()) });
            }
            Err(error) => refused.push(error),
        }
    }
    let followed = sorted.unlockers.iter().filter(|record| matches!(record.method(), Method::Follower(_)));
    let followed = followed.map(WrappedKey::store).collect();
    Found { stores, followed, keys, by: Vec::new(), refused }
}

pub(super) fn why_none(refused: &[Error]) -> Error {
    let of = |kind| refused.iter().find(|error| error.kind() == kind);
    let told = of(ErrorKind::InsecureContext).or_else(|| of(ErrorKind::AuthenticationFailed)).or(refused.first());
    told.cloned().unwrap_or_else(|| {
        Error::new(
            ErrorKind::KeyMissing,
            "nothing of this kind unlocks the store here; unlock it with another unlocker, and add this one",
        )
    })
}

fn no_data_key() -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "the store key opens, but no data key is here; let it sync to this device, or restore it from a copy",
    )
}

fn too_many() -> Error {
    Error::new(ErrorKind::Unsupported, "there are more unlockers than one unlocking tries").with("most", MAX_UNLOCKERS)
}
