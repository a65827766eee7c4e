//! The open keys: what seals and opens.

use std::cell::RefCell;
use std::rc::Rc;

use litemap::LiteMap;
use zeroize::Zeroizing;

use super::Random;
use super::aad::AdditionalData;
use super::cipher::{Cipher, KeyId, Nonce};
use super::envelope::Envelope;
use super::store_key::StoreKey;
use crate::error::{Error, ErrorKind, Result};

mod making;
mod opening;
mod succession;

pub use making::NewKeys;
pub use opening::Unlocked;
pub use succession::Succession;

/// How many values one keyring seals under one key.
///
/// NIST SP 800-38D, 8.3, allows a key 2^32 invocations with random nonces, on all devices and in all sessions together.
/// A keyring can count only its own, so it stops far below: 256 of them reach their ends before the key does.
pub const MAX_SEALS: u64 = 1 << 24;

/// How many unlockers one unlocking tries. Each may cost as many iterations as its bytes ask for.
pub const MAX_UNLOCKERS: usize = 64;

/// The open keys: store keys, which wrap, and data keys, which seal.
///
/// # Behavior
///
/// - It begins locked: with no keys.
/// - It seals under the current key: the one of the highest generation, and of several, the one with the lowest id, so
///   that devices agree. It opens what any of its keys sealed.
/// - New data keys and unlockers are wrapped with the store key of the lowest id, for the same reason.
/// - A store key that another has followed opens what it opened, and neither it nor its data keys are used for what is
///   new: whoever had a secret of its may have it yet. That a record says so is enough.
/// - [`lock`](Keyring::lock) overwrites every key, and an unlocking that is under way then opens none.
/// - Nonces are random, so neither a restart nor a copied profile repeats them. A generator that gives the same one
///   twice running is refused.
/// - Every method takes `&self`; nothing is borrowed while an unlocker or a generator runs.
#[derive(Debug)]
pub struct Keyring {
    pub(super) database: String,
    pub(super) state: RefCell<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) stores: LiteMap<KeyId, Rc<StoreKey>>,
    /// The store keys that others have followed.
    followed: Vec<KeyId>,
    open: LiteMap<KeyId, Rc<OpenKey>>,
    current: Option<KeyId>,
    /// The unlockers that opened a store key since the last lock.
    by: Vec<KeyId>,
    /// What was sealed under each key. It outlives a lock, for the key does too.
    sealed: LiteMap<KeyId, u64>,
    /// How many more values may be sealed under each key with what was counted ahead.
    ahead: LiteMap<KeyId, u64>,
    last_nonce: Option<Nonce>,
    locks: u64,
}

#[derive(Debug)]
struct OpenKey {
    id: KeyId,
    /// The store key that wraps it.
    store: KeyId,
    generation: u32,
    cipher: Rc<Cipher>,
}

/// What a value is sealed with: the key, and a nonce that nothing else is sealed with.
#[derive(Debug)]
pub struct Sealing {
    /// The key's name.
    pub id: KeyId,
    /// The key.
    pub cipher: Rc<Cipher>,
    /// The nonce.
    pub nonce: Nonce,
}

impl Keyring {
    /// A keyring without keys, for the database of this name: keys of another do not open in it.
    #[must_use]
    pub fn new(database: impl Into<String>) -> Self {
        Self { database: database.into(), state: RefCell::default() }
    }

    /// Seals `plaintext` for the one place that `additional` says.
    ///
    /// # Errors
    ///
    /// What [`sealing`](Keyring::sealing) fails with; `INVALID_VALUE` for what is too long.
    pub fn seal(&self, additional: &AdditionalData<'_>, plaintext: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>> {
        let Sealing { id, cipher, nonce } = self.sealing(random)?;
        Envelope::seal(id, &cipher, &nonce, &additional.to_bytes()?, plaintext)
    }

    /// What the next value is to be sealed with. It is counted as sealed.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open key; `KEY_MISSING` where the current key has sealed [`MAX_SEALS`] values, and another
    /// has to be created, and where every open store key was followed; what `random` fails with; `UNSUPPORTED` where it repeats itself.
    pub fn sealing(&self, random: &mut Random<'_>) -> Result<Sealing> {
        let key = self.state.borrow().current()?;
        let nonce = Nonce::generate(random)?;
        self.state.borrow_mut().count(&key, nonce)?;
        Ok(Sealing { id: key.id, cipher: Rc::clone(&key.cipher), nonce })
    }

    /// Opens what was sealed for the place that `additional` says.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` for what is no whole envelope; `VERSION_ERROR` for one of a newer version; what
    /// [`opening`](Keyring::opening) fails with; `DECRYPTION_FAILED` where it was changed or moved.
    pub fn open(&self, additional: &AdditionalData<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let envelope = Envelope::parse(envelope)?;
        let cipher = self.opening(envelope.key_id)?;
        cipher.open(&envelope.nonce, &additional.to_bytes()?, envelope.ciphertext)
    }

    /// The cipher of a key.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open key; `KEY_MISSING` where this one is not among them.
    pub fn opening(&self, id: KeyId) -> Result<Rc<Cipher>> {
        let state = self.state.borrow();
        let Some(key) = state.open.get(&id) else {
            return Err(if state.open.is_empty() { locked() } else { missing(id) });
        };
        Ok(Rc::clone(&key.cipher))
    }

    /// Takes so many seals under a key out of what was [granted](Keyring::grant); answers whether there were as many.
    ///
    /// The keyring knows only its own seals. What counts those of all tabs and sessions grants them here, before they
    /// are made.
    pub fn take(&self, id: KeyId, seals: u64) -> bool {
        let mut state = self.state.borrow_mut();
        let ahead = state.ahead.entry(id).or_default();
        let left = ahead.checked_sub(seals);
        *ahead = left.unwrap_or(*ahead);
        left.is_some()
    }

    /// Grants seals under a key, which were counted.
    pub fn grant(&self, id: KeyId, seals: u64) {
        *self.state.borrow_mut().ahead.entry(id).or_default() += seals;
    }

    /// Whether no key is open.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.state.borrow().open.is_empty()
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> Option<KeyId> {
        self.state.borrow().current
    }

    /// The open keys, by id.
    #[must_use]
    pub fn open_keys(&self) -> Vec<KeyId> {
        self.state.borrow().open.keys().copied().collect()
    }

    /// Whether its keys were ever locked. What unlocks by itself does so once, and not behind the back of who locked.
    #[must_use]
    pub fn was_locked(&self) -> bool {
        self.state.borrow().locks > 0
    }

    /// Whether each store key that is open was followed by one that is not.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        let state = self.state.borrow();
        !state.stores.is_empty() && state.latest().next().is_none()
    }

    /// The unlockers that have opened a store key since the last lock.
    #[must_use]
    pub fn unlocked_by(&self) -> Vec<KeyId> {
        self.state.borrow().by.clone()
    }

    /// Overwrites every key.
    pub fn lock(&self) {
        let mut state = self.state.borrow_mut();
        state.stores.clear();
        state.followed.clear();
        state.open.clear();
        state.by.clear();
        state.current = None;
        state.locks += 1;
    }
}

impl State {
    fn current(&self) -> Result<Rc<OpenKey>> {
        let key = self.current.and_then(|id| self.open.get(&id)).map(Rc::clone);
        key.ok_or_else(|| if self.open.is_empty() { locked() } else { followed() })
    }

    /// The store keys that none has followed.
    fn latest(&self) -> impl Iterator<Item = &Rc<StoreKey>> {
        self.stores.values().filter(|store| !self.followed.contains(&store.id()))
    }

    /// The store key that wraps what is new.
    pub(super) fn primary(&self) -> Result<Rc<StoreKey>> {
        let primary = self.latest().next().map(Rc::clone);
        primary.ok_or_else(|| if self.stores.is_empty() { locked() } else { followed() })
    }

    fn insert(&mut self, key: OpenKey) -> KeyId {
        let id = key.id;
        // One that is wrapped twice, of which one store key was followed, is the other's.
        let known = self.open.get(&id).is_some_and(|known| !self.followed.contains(&known.store));
        if !known {
            self.open.insert(id, Rc::new(key));
        }
        id
    }

    fn choose(&mut self) {
        let usable = self.open.values().rev().filter(|key| !self.followed.contains(&key.store));
        self.current = usable.max_by_key(|key| key.generation).map(|key| key.id);
    }

    fn count(&mut self, key: &OpenKey, nonce: Nonce) -> Result<()> {
        let sealed = self.sealed.entry(key.id).or_default();
        if *sealed >= MAX_SEALS {
            return Err(Error::new(
                ErrorKind::KeyMissing,
                "the data key has sealed as many values as one key safely may; create another",
            )
            .with("key", key.id));
        }
        if self.last_nonce == Some(nonce) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the random number generator repeats itself; nothing is sealed with it",
            ));
        }
        *sealed += 1;
        self.last_nonce = Some(nonce);
        Ok(())
    }
}

fn locked() -> Error {
    Error::new(ErrorKind::Locked, "the keys are locked; unlock them first")
}

fn followed() -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "a new store key was made in another tab or on another device, and is not open here; lock the keys, and unlock \
         them with what was kept",
    )
}

fn missing(id: KeyId) -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "the data key that sealed this is not open; let it sync to this device, and unlock with its passphrase",
    )
    .with("key", id)
}

#[cfg(test)]
mod succession_tests;
#[cfg(test)]
mod tests;
