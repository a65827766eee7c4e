//! The bytes of a data key that a store key wraps.

use super::cipher::{DataKey, KeyId, Nonce};
use super::store_key::StoreKey;
use super::wrapping::{Place, Wrapped, broken, checked, cut, tampered};
use crate::error::Result;

/// What the bytes begin with.
pub(super) const MAGIC: [u8; 4] = *b"TKDK";
const VERSION: u8 = 1;
/// Wrapped by AES-256-GCM, committed to by HMAC-SHA256.
const SUITE: u8 = 1;
const DOMAIN: &str = "tidekeep/wrapped-data-key/1";

/// A data key, wrapped by a store key: what is stored, and travels between devices.
///
/// # Behavior
///
/// - Damage is told by a checksum.
/// - It commits to its store key: bytes that open to different data keys under two store keys are refused.
/// - Everything in it is authenticated, and so is the database it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedDataKey {
    id: KeyId,
    store: KeyId,
    generation: u32,
    wrapped: Wrapped,
}

impl WrappedDataKey {
    /// How long the bytes are.
    pub const LEN: usize = Self::HEAD + Wrapped::LEN + 8;

    const HEAD: usize = 4 + 2 + 2 * KeyId::LEN + 4;

    /// Reads the bytes. Whether they are authentic shows only when they are opened.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where they are no wrapped data key, or were damaged; `VERSION_ERROR` where they are of a newer
    /// version.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let rest = checked(bytes, MAGIC, VERSION, SUITE)?;
        let (id, rest) = rest.split_first_chunk::<{ KeyId::LEN }>().ok_or_else(cut)?;
        let (store, rest) = rest.split_first_chunk::<{ KeyId::LEN }>().ok_or_else(cut)?;
        let (generation, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        Ok(Self {
            id: KeyId(*id),
            store: KeyId(*store),
            generation: u32::from_le_bytes(*generation),
            wrapped: Wrapped::read(rest)
                .ok_or_else(|| broken("the wrapped key has another length than it was written in"))?,
        })
    }

    /// The data key inside.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The store key that wraps it.
    #[must_use]
    pub const fn store(&self) -> KeyId {
        self.store
    }

    /// The higher of two keys' generations was made later, knowing the other.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The key of the record that keeps it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("data/{}/{}", self.store, self.id)
    }

    /// The bytes that [`WrappedDataKey::parse`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        self.wrapped.write(&mut bytes);
        bytes
    }

    /// Wraps a data key.
    pub(super) fn wrap(key: &DataKey, generation: u32, store: &StoreKey, database: &str, nonce: Nonce) -> Result<Self> {
        let (id, by) = (key.id(), store.id());
        let head = head(id, by, generation);
        let place = Place { domain: DOMAIN, database, head: &head };
        let wrapped = Wrapped::wrap(key.bytes(), &store.wrapping(), nonce, &place)?;
        Ok(Self { id, store: by, generation, wrapped })
    }

    /// The data key inside.
    ///
    /// # Errors
    ///
    /// `DECRYPTION_FAILED` where another store key wrapped it than it says, or it was changed by someone who mended the
    /// checksum, or belongs to another database.
    pub(super) fn unwrap(&self, store: &StoreKey, database: &str) -> Result<DataKey> {
        let head = self.head();
        let opened = self.wrapped.unwrap(&store.wrapping(), &Place { domain: DOMAIN, database, head: &head });
        let key = match opened.map_err(|error| error.with("key", self.id))? {
            Some(bytes) => DataKey::from_slice(bytes.as_slice())?,
            None => return Err(tampered().with("key", self.id)),
        };
        if key.id() == self.id { Ok(key) } else { Err(tampered().with("key", self.id)) }
    }

    fn head(&self) -> Vec<u8> {
        head(self.id, self.store, self.generation)
    }
}

/// The bytes before the commitment.
fn head(id: KeyId, store: KeyId, generation: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(WrappedDataKey::LEN);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&[VERSION, SUITE]);
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(store.as_bytes());
    bytes.extend_from_slice(&generation.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests;
