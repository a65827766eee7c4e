//! The bytes of a store key that an unlocker wraps.

use super::cipher::{KeyId, Nonce};
use super::derive::SALT_LEN;
use super::method::{MAX_OPAQUE, Method};
use super::store_key::StoreKey;
use super::wrapping::{Place, Secret, Tier, Wrapped, Wrapping, broken, checked, cut, tampered};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: [u8; 4] = *b"TKWK";
const VERSION: u8 = 1;
/// Wrapped by AES-256-GCM, committed to by HMAC-SHA256.
const SUITE: u8 = 1;
const DOMAIN: &str = "tidekeep/wrapped-key/1";

/// The most bytes that a label may have.
pub const MAX_LABEL: usize = 256;

/// A store key, wrapped by one unlocker: what is stored, and travels between devices.
///
/// # Behavior
///
/// - Damage is told from a wrong passphrase by a checksum, before any work is spent on the passphrase.
/// - It commits to its secret: bytes that open to different keys under two secrets are refused.
/// - Everything in it is authenticated, and so is the database it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    id: KeyId,
    store: KeyId,
    method: Method,
    label: String,
    wrapped: Wrapped,
}

impl WrappedKey {
    /// Reads the bytes. Whether they are authentic shows only when they are unlocked.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where they are no wrapped key, were damaged, or ask for less work than is safe; `VERSION_ERROR` where
    /// they are of a newer version; `UNSUPPORTED` where they ask for what this one does not do, or for more work than it
    /// takes on.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let rest = checked(bytes, MAGIC, VERSION, SUITE)?;
        let (id, rest) = rest.split_first_chunk::<{ KeyId::LEN }>().ok_or_else(cut)?;
        let (store, rest) = rest.split_first_chunk::<{ KeyId::LEN }>().ok_or_else(cut)?;
        let (kind, rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        let (iterations, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>().ok_or_else(cut)?;
        let (label, rest) = counted(rest).ok_or_else(cut)?;
        let (opaque, rest) = counted(rest).ok_or_else(cut)?;
        let label = core::str::from_utf8(label).ok().filter(|label| label.len() <= MAX_LABEL);
        Ok(Self {
            id: KeyId(*id),
            store: KeyId(*store),
            method: Method::read(*kind, u32::from_le_bytes(*iterations), *salt, opaque)?,
            label: label.ok_or_else(|| broken("the wrapped key has no label that can be read"))?.to_owned(),
            wrapped: Wrapped::read(rest)
                .ok_or_else(|| broken("the wrapped key has another length than it was written in"))?,
        })
    }

    /// The unlocker's name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The store key inside.
    #[must_use]
    pub const fn store(&self) -> KeyId {
        self.store
    }

    /// How it is unlocked.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// What the application calls it; empty where it does not.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The key of the record that keeps an unlocker of this name.
    #[must_use]
    pub fn name_of(id: impl core::fmt::Display) -> String {
        format!("unlocker/{id}")
    }

    /// The bytes that [`WrappedKey::parse`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        self.wrapped.write(&mut bytes);
        bytes
    }

    /// Wraps a store key under an unlocker's secret.
    pub(super) fn wrap(
        key: &StoreKey,
        (id, method, label): (KeyId, Method, &str),
        secret: &Secret,
        database: &str,
        nonce: Nonce,
    ) -> Result<Self> {
        if label.len() > MAX_LABEL {
            return Err(Error::new(ErrorKind::InvalidConfig, "the label is too long")
                .with("bytes", label.len())
                .with("most", MAX_LABEL));
        }
        if method.opaque().len() > MAX_OPAQUE {
            return Err(Error::new(ErrorKind::InvalidConfig, "what wraps the key gave too many bytes to be kept")
                .with("bytes", method.opaque().len())
                .with("most", MAX_OPAQUE));
        }
        let by = Wrapping::new(secret, Tier::Unlocker);
        let store = key.id();
        let head = head(id, store, &method, label);
        let wrapped = Wrapped::wrap(key.bytes(), &by, nonce, &Place { domain: DOMAIN, database, head: &head })?;
        Ok(Self { id, store, method, label: label.to_owned(), wrapped })
    }

    /// The store key inside.
    ///
    /// # Errors
    ///
    /// `AUTHENTICATION_FAILED` where the secret is another; `DECRYPTION_FAILED` where it is the right one, and the bytes
    /// were changed by someone who mended the checksum, or belong to another database.
    pub(super) fn unwrap(&self, secret: &Secret, database: &str) -> Result<StoreKey> {
        let by = Wrapping::new(secret, Tier::Unlocker);
        let head = self.head();
        let opened = self.wrapped.unwrap(&by, &Place { domain: DOMAIN, database, head: &head });
        let Some(bytes) = opened.map_err(|error| error.with("unlocker", self.id))? else {
            let message = match self.method {
                Method::Passphrase(_) => "the passphrase is wrong; try again",
                _ => "this is not what the store was locked with; unlock with another",
            };
            return Err(Error::new(ErrorKind::AuthenticationFailed, message).with("unlocker", self.id));
        };
        let key = StoreKey::new(&bytes);
        if key.id() == self.store { Ok(key) } else { Err(tampered().with("unlocker", self.id)) }
    }

    fn head(&self) -> Vec<u8> {
        head(self.id, self.store, &self.method, &self.label)
    }
}

/// The bytes before the commitment.
fn head(id: KeyId, store: KeyId, method: &Method, label: &str) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[VERSION, SUITE]);
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(store.as_bytes());
    method.write(&mut bytes);
    for part in [label.as_bytes(), method.opaque()] {
        // Neither is longer: what reads and what wraps sees to it.
        bytes.extend_from_slice(&u16::try_from(part.len()).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The bytes that stand behind their number, and the rest.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}

#[cfg(test)]
mod tests;
