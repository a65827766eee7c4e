//! The key between unlockers and data keys.

use core::fmt;

use super::cipher::{KEY_LEN, KeyId};
use super::wrapping::{Secret, Tier, Wrapping, hmac};
use super::{Random, fill};
use crate::error::Result;

/// A random key that wraps data keys, and is wrapped by each unlocker.
///
/// # Behavior
///
/// - It seals no value: so unlockers come and go without a value being sealed again, and a data key is followed by
///   another without a secret being asked for.
/// - Its bytes are overwritten when it is dropped, and never leave their place on the heap before.
/// - `Debug` shows nothing of it.
pub(super) struct StoreKey(Box<Secret>);

impl StoreKey {
    pub(super) fn generate(random: &mut Random<'_>) -> Result<Self> {
        let mut key = Self(Box::default());
        fill(key.0.as_mut_slice(), random)?;
        Ok(key)
    }

    pub(super) fn new(bytes: &[u8; KEY_LEN]) -> Self {
        let mut key = Self(Box::default());
        key.0.copy_from_slice(bytes);
        key
    }

    /// Its name, which follows from the key itself: no other key can be passed off under it.
    pub(super) fn id(&self) -> KeyId {
        KeyId::of(&self.0, "tidekeep/store-key-id/1")
    }

    /// In its use as what wraps data keys.
    pub(super) fn wrapping(&self) -> Wrapping<'_> {
        Wrapping::new(&self.0, Tier::Store)
    }

    /// What it gives as an unlocker of another store key.
    pub(super) fn as_secret(&self) -> Secret {
        hmac(&self.0, "tidekeep/store-link/1")
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(redacted)")
    }
}
