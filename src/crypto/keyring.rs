//! The open data keys: what seals and opens.

use std::cell::RefCell;
use std::rc::Rc;

use litemap::LiteMap;
use zeroize::Zeroizing;

use super::Random;
use super::aad::AdditionalData;
use super::cipher::{Cipher, DataKey, KeyId, Nonce};
use super::derive::{Derivation, Secret};
use super::envelope::Envelope;
use super::wrapped::WrappedKey;
use crate::error::{Error, ErrorKind, Result};

/// How many values one keyring seals under one key.
///
/// NIST SP 800-38D, 8.3, allows a key 2^32 invocations with random nonces, on all devices and in all sessions together.
/// A keyring can count only its own, so it stops far below: 256 of them reach their ends before the key does.
pub const MAX_SEALS: u64 = 1 << 24;

/// How many wrapped keys one unlocking tries. Each may cost as many iterations as its bytes ask for.
pub const MAX_WRAPPED_KEYS: usize = 64;

/// The open data keys.
///
/// # Behavior
///
/// - It begins locked: with no keys.
/// - It seals under the current key: the one of the highest generation, and of several, the one with the lowest id, so
///   that devices agree. It opens what any of its keys sealed.
/// - [`lock`](Keyring::lock) overwrites every key, and an unlocking that is under way then opens none.
/// - Nonces are random, so neither a restart nor a copied profile repeats them. A generator that gives the same one
///   twice running is refused.
/// - Every method takes `&self`; nothing is borrowed while a derivation or a generator runs.
#[derive(Debug, Default)]
pub struct Keyring(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    open: LiteMap<KeyId, Rc<OpenKey>>,
    current: Option<KeyId>,
    /// What was sealed under each key. It outlives a lock, for the key does too.
    sealed: LiteMap<KeyId, u64>,
    last_nonce: Option<Nonce>,
    locks: u64,
}

#[derive(Debug)]
struct OpenKey {
    id: KeyId,
    generation: u32,
    cipher: Cipher,
}

/// What an unlocking did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlocked {
    /// The keys that opened.
    pub opened: Vec<KeyId>,
    /// Why each of the others did not.
    pub refused: Vec<Error>,
}

/// A new data key that seals nothing yet: it first has to be stored, and [adopted](Keyring::adopt).
#[derive(Debug)]
pub struct NewKey {
    key: OpenKey,
    wrapped: Vec<u8>,
    locks: u64,
}

impl NewKey {
    /// Its name; in hexadecimal, the key of the record that keeps it.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.key.id
    }

    /// The wrapped key, to be stored.
    #[must_use]
    pub fn wrapped(&self) -> &[u8] {
        &self.wrapped
    }
}

impl Keyring {
    /// A keyring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a data key and wraps it under `passphrase`.
    ///
    /// # Behavior
    ///
    /// - Before this resolves, the wrapped bytes are read back, unlocked with the passphrase, and their key is used.
    /// - The key seals nothing before it was [adopted](Keyring::adopt): no value is sealed under a key that could not
    ///   be stored.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` for an empty passphrase; what `random` and `derive` fail with; `CORRUPTED` where the new key
    /// does not work.
    pub async fn create<D>(&self, passphrase: &[u8], random: &mut Random<'_>, derive: &D) -> Result<NewKey>
    where
        D: AsyncFn(&[u8], &[u8], u32) -> Result<Secret>,
    {
        if passphrase.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "the passphrase is empty; give one that is hard to guess",
            ));
        }
        let (locks, generation) = {
            let state = self.0.borrow();
            let latest = state.open.values().map(|key| key.generation).max().unwrap_or(0);
            (state.locks, latest.saturating_add(1))
        };
        let data_key = DataKey::generate(random)?;
        let derivation = Derivation::generate(random)?;
        let nonce = Nonce::generate(random)?;
        let keys = derivation.run(passphrase, derive).await?;
        let wrapped = WrappedKey::wrap(&data_key, generation, derivation, &keys, nonce)?.to_bytes();

        let read_back = open_wrapped(&WrappedKey::parse(&wrapped)?, passphrase, derive).await?;
        let probe = Nonce::generate(random)?;
        let sealed = data_key.cipher().seal(&probe, b"", b"probe")?;
        if read_back.cipher.open(&probe, b"", &sealed)?.as_slice() != b"probe" {
            return Err(Error::new(ErrorKind::Corrupted, "the new data key does not work; nothing was sealed with it"));
        }
        Ok(NewKey { key: read_back, wrapped, locks })
    }

    /// Takes up a new key, and seals under it from now on.
    ///
    /// `stored` is what storage gives back for the key's record, read after it was durably written.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where storage gives back something else; `LOCKED` where the keyring was locked meanwhile, in which
    /// case the key is stored, and opens with the next unlocking.
    pub fn adopt(&self, new: NewKey, stored: &[u8]) -> Result<KeyId> {
        if stored != new.wrapped {
            return Err(Error::new(
                ErrorKind::Corrupted,
                "storage did not keep the new data key; nothing was sealed with it, so it is safe to try again",
            )
            .with("key", new.key.id));
        }
        let id = new.key.id;
        let mut state = self.0.borrow_mut();
        if state.locks != new.locks {
            return Err(Error::new(ErrorKind::Locked, "the keys were locked meanwhile; unlock to use the new one"));
        }
        state.insert(new.key);
        Ok(id)
    }

    /// Opens every wrapped key that `passphrase` opens.
    ///
    /// # Behavior
    ///
    /// - One that opens is success; what happened to the others is in [`Unlocked::refused`].
    /// - Keys that were open stay open.
    /// - A derivation that cannot be done at all opens none.
    ///
    /// # Errors
    ///
    /// `KEY_MISSING` where there is nothing to open; `AUTHENTICATION_FAILED` for an empty passphrase, and where none
    /// opens, one of them because of the passphrase; otherwise why the first does not; `ABORTED` where the keyring was locked meanwhile; what
    /// `derive` fails with.
    pub async fn unlock<W, D>(&self, wrapped: &[W], passphrase: &[u8], derive: &D) -> Result<Unlocked>
    where
        W: AsRef<[u8]>,
        D: AsyncFn(&[u8], &[u8], u32) -> Result<Secret>,
    {
        if passphrase.is_empty() {
            return Err(Error::new(ErrorKind::AuthenticationFailed, "the passphrase is empty").during("unlock"));
        }
        let locks = self.0.borrow().locks;
        let mut opened = Vec::new();
        let mut refused = Vec::new();
        for (index, bytes) in wrapped.iter().enumerate() {
            let parsed = if index < MAX_WRAPPED_KEYS { WrappedKey::parse(bytes.as_ref()) } else { Err(too_many()) };
            match parsed {
                Err(error) => refused.push(error.during("unlock")),
                Ok(parsed) => match attempt(&parsed, passphrase, derive).await? {
                    Ok(key) => opened.push(key),
                    Err(error) => refused.push(error.during("unlock")),
                },
            }
        }
        let mut state = self.0.borrow_mut();
        if state.locks != locks {
            return Err(
                Error::new(ErrorKind::Aborted, "the keys were locked while they were being unlocked").during("unlock")
            );
        }
        if opened.is_empty() {
            return Err(why_none(&refused).during("unlock"));
        }
        let opened = opened.into_iter().map(|key| state.insert(key)).collect();
        Ok(Unlocked { opened, refused })
    }

    /// Seals `plaintext` for the one place that `additional` says.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open key; `KEY_MISSING` where the current key has sealed [`MAX_SEALS`] values, and another
    /// has to be created; `INVALID_VALUE` for what is too long; what `random` fails with; `UNSUPPORTED` where it
    /// repeats itself.
    pub fn seal(&self, additional: &AdditionalData<'_>, plaintext: &[u8], random: &mut Random<'_>) -> Result<Vec<u8>> {
        let key = self.0.borrow().current().ok_or_else(locked)?;
        let additional = additional.to_bytes()?;
        let nonce = Nonce::generate(random)?;
        self.0.borrow_mut().count(&key, nonce)?;
        Envelope::seal(key.id, &key.cipher, &nonce, &additional, plaintext)
    }

    /// Opens what was sealed for the place that `additional` says.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` for what is no whole envelope; `UNSUPPORTED` for one of a newer version; `LOCKED` without an open
    /// key; `KEY_MISSING` where the one it names is not among them; `DECRYPTION_FAILED` where it was changed or moved.
    pub fn open(&self, additional: &AdditionalData<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let envelope = Envelope::parse(envelope)?;
        let state = self.0.borrow();
        let Some(key) = state.open.get(&envelope.key_id) else {
            return Err(if state.open.is_empty() { locked() } else { missing(envelope.key_id) });
        };
        key.cipher.open(&envelope.nonce, &additional.to_bytes()?, envelope.ciphertext)
    }

    /// Whether no key is open.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.borrow().open.is_empty()
    }

    /// The key that seals.
    #[must_use]
    pub fn current(&self) -> Option<KeyId> {
        self.0.borrow().current
    }

    /// The open keys, by id.
    #[must_use]
    pub fn open_keys(&self) -> Vec<KeyId> {
        self.0.borrow().open.keys().copied().collect()
    }

    /// Overwrites every key.
    pub fn lock(&self) {
        let mut state = self.0.borrow_mut();
        state.open.clear();
        state.current = None;
        state.locks += 1;
    }
}

impl State {
    fn current(&self) -> Option<Rc<OpenKey>> {
        self.current.and_then(|id| self.open.get(&id)).map(Rc::clone)
    }

    fn insert(&mut self, key: OpenKey) -> KeyId {
        let id = key.id;
        self.open.insert(id, Rc::new(key));
        self.current = self.open.values().rev().max_by_key(|key| key.generation).map(|key| key.id);
        id
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

/// Outside, what made it impossible to try at all; inside, how the trial went.
async fn attempt<D>(wrapped: &WrappedKey, passphrase: &[u8], derive: &D) -> Result<Result<OpenKey>>
where
    D: AsyncFn(&[u8], &[u8], u32) -> Result<Secret>,
{
    let keys = wrapped.derivation().run(passphrase, derive).await?;
    Ok(wrapped.unwrap(&keys).map(|key| OpenKey {
        id: wrapped.key_id(),
        generation: wrapped.generation(),
        cipher: key.cipher(),
    }))
}

async fn open_wrapped<D>(wrapped: &WrappedKey, passphrase: &[u8], derive: &D) -> Result<OpenKey>
where
    D: AsyncFn(&[u8], &[u8], u32) -> Result<Secret>,
{
    attempt(wrapped, passphrase, derive).await?
}

fn why_none(refused: &[Error]) -> Error {
    let passphrase = refused.iter().find(|error| error.kind() == ErrorKind::AuthenticationFailed);
    match passphrase.or_else(|| refused.first()) {
        Some(error) => error.clone(),
        None => Error::new(ErrorKind::KeyMissing, "there is no data key to unlock; create one"),
    }
}

fn locked() -> Error {
    Error::new(ErrorKind::Locked, "the keys are locked; unlock them first")
}

fn missing(id: KeyId) -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "the data key that sealed this is not open; let it sync to this device, and unlock with its passphrase",
    )
    .with("key", id)
}

fn too_many() -> Error {
    Error::new(ErrorKind::Unsupported, "there are more wrapped keys than one unlocking tries")
        .with("most", MAX_WRAPPED_KEYS)
}

#[cfg(test)]
mod tests;
