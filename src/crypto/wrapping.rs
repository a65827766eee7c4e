//! How one key of 32 bytes wraps another: the part that both kinds of wrapped keys end with.

use aes_gcm::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::aad::joined;
use super::cipher::{Cipher, KEY_LEN, NONCE_LEN, Nonce, TAG_LEN};
use super::envelope::known;
use crate::error::{Error, ErrorKind, Result};

/// 32 bytes that are overwritten when they are dropped.
pub type Secret = Zeroizing<[u8; 32]>;

pub(super) const COMMITMENT_LEN: usize = 32;
const SEALED_LEN: usize = KEY_LEN + TAG_LEN;
const CHECKSUM_LEN: usize = 8;

/// Which key wraps which. Each tier has labels of its own, so that what was wrapped in one opens in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tier {
    /// An unlocker's secret wraps a store key.
    Unlocker,
    /// A store key wraps a data key.
    Store,
}

impl Tier {
    const fn wrapping_label(self) -> &'static str {
        match self {
            Self::Unlocker => "tidekeep/wrapping-key/1",
            Self::Store => "tidekeep/store-wrapping-key/1",
        }
    }

    const fn commitment_label(self) -> &'static str {
        match self {
            Self::Unlocker => "tidekeep/commitment/1",
            Self::Store => "tidekeep/store-commitment/1",
        }
    }
}

/// A key in its use as what wraps: one key made from it encrypts, another commits.
pub(super) struct Wrapping<'a> {
    secret: &'a [u8; 32],
    tier: Tier,
}

impl<'a> Wrapping<'a> {
    pub(super) const fn new(secret: &'a [u8; 32], tier: Tier) -> Self {
        Self { secret, tier }
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(&hmac(self.secret, self.tier.wrapping_label()))
    }

    /// A value that only this key has. GCM alone promises no such thing: a ciphertext can be made that opens under two
    /// keys of the maker's choice.
    fn commitment(&self) -> [u8; COMMITMENT_LEN] {
        *hmac(self.secret, self.tier.commitment_label())
    }

    /// Compares in constant time.
    fn commits_to(&self, commitment: &[u8; COMMITMENT_LEN]) -> bool {
        keyed(self.secret, self.tier.commitment_label().as_bytes()).verify(commitment.into()).is_ok()
    }
}

/// A key of 32 bytes, wrapped: commitment, nonce, ciphertext, tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrapped {
    pub(super) commitment: [u8; COMMITMENT_LEN],
    pub(super) nonce: Nonce,
    pub(super) sealed: [u8; SEALED_LEN],
}

impl Wrapped {
    pub(super) const LEN: usize = COMMITMENT_LEN + NONCE_LEN + SEALED_LEN;

    /// Wraps `key`, and authenticates `place` with it.
    pub(super) fn wrap(key: &[u8; KEY_LEN], by: &Wrapping<'_>, nonce: Nonce, place: &Place<'_>) -> Result<Self> {
        let mut wrapped = Self { commitment: by.commitment(), nonce, sealed: [0; SEALED_LEN] };
        let sealed = by.cipher().seal(&nonce, &wrapped.additional(place)?, key)?;
        wrapped.sealed.iter_mut().zip(&sealed).for_each(|(to, from)| *to = *from);
        Ok(wrapped)
    }

    /// The key inside; none where it was wrapped by another key than this.
    ///
    /// # Errors
    ///
    /// `DECRYPTION_FAILED` where this key wrapped it, and it was changed since, or belongs to another place.
    pub(super) fn unwrap(&self, by: &Wrapping<'_>, place: &Place<'_>) -> Result<Option<Secret>> {
        if !by.commits_to(&self.commitment) {
            return Ok(None);
        }
        let bytes = by.cipher().open(&self.nonce, &self.additional(place)?, &self.sealed).map_err(|_| tampered())?;
        let mut key = Secret::default();
        if bytes.len() != key.len() {
            return Err(tampered());
        }
        key.copy_from_slice(&bytes);
        Ok(Some(key))
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.commitment);
        bytes.extend_from_slice(&self.nonce.0);
        bytes.extend_from_slice(&self.sealed);
        bytes.extend_from_slice(&checksum_of(bytes));
    }

    /// Reads exactly these bytes; none where they are of another length.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (commitment, rest) = bytes.split_first_chunk::<COMMITMENT_LEN>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
        Some(Self { commitment: *commitment, nonce: Nonce(*nonce), sealed: rest.try_into().ok()? })
    }

    /// Binds the key to its format, its database, all that stands before it, and its commitment.
    pub(super) fn additional(&self, place: &Place<'_>) -> Result<Vec<u8>> {
        joined(&[place.domain.as_bytes(), place.database.as_bytes(), place.head, &self.commitment])
    }
}

/// What a wrapped key is bound to.
pub(super) struct Place<'a> {
    /// Keeps these bytes apart from whatever else is ever authenticated under the same key.
    pub(super) domain: &'static str,
    /// The database's name.
    pub(super) database: &'a str,
    /// The bytes before the commitment.
    pub(super) head: &'a [u8],
}

/// What wrapped bytes hold behind magic, version and suite, and before the checksum, once these have been looked at.
///
/// # Errors
///
/// `CORRUPTED` for other bytes, and for damaged ones; `VERSION_ERROR` for those of a newer version.
pub(super) fn checked(bytes: &[u8], magic: [u8; 4], version: u8, suite: u8) -> Result<&[u8]> {
    let (found, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
    if *found != magic {
        return Err(broken("these bytes are no wrapped key"));
    }
    let ([newer, other], _) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
    known("version", *newer, version)?;
    known("suite", *other, suite)?;
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or_else(cut)?;
    if *checksum != checksum_of(content) {
        return Err(broken("the wrapped key was damaged or cut"));
    }
    content.get(6..).ok_or_else(cut)
}

pub(super) fn broken(what: &str) -> Error {
    Error::new(ErrorKind::Corrupted, format!("{what}; restore it from a copy"))
}

pub(super) fn cut() -> Error {
    broken("the wrapped key was cut short")
}

pub(super) fn tampered() -> Error {
    Error::new(
        ErrorKind::DecryptionFailed,
        "the wrapped key was tampered with, or belongs to another place; restore it from a copy",
    )
}

/// The first bytes of the SHA-256 of what precedes them. It finds damage, and stops nobody: the tag does.
fn checksum_of(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut checksum = [0; CHECKSUM_LEN];
    checksum.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    checksum
}

/// Writes the checksum anew, as whoever changes the bytes can.
#[cfg(test)]
pub(super) fn mend(bytes: &mut [u8]) {
    let (content, checksum) = bytes.split_last_chunk_mut::<CHECKSUM_LEN>().unwrap();
    *checksum = checksum_of(content);
}

/// HMAC-SHA256 of a label: a key for one purpose from a key for none.
pub(super) fn hmac(key: &[u8; 32], label: &str) -> Secret {
    hmac_of(key, label.as_bytes())
}

/// HMAC-SHA256 of bytes.
pub(super) fn hmac_of(key: &[u8; 32], message: &[u8]) -> Secret {
    Zeroizing::new(keyed(key, message).finalize().into_bytes().into())
}

fn keyed(key: &[u8; 32], message: &[u8]) -> Hmac<Sha256> {
    // HMAC fills a short key up with zeros to the block of its hash; a whole block cannot be refused.
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(message);
    mac
}

#[cfg(test)]
mod commitment_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_that_of_the_standard() {
        // Computed with Python's hmac module.
        let expected = [
            0xC3, 0xF2, 0x64, 0x9C, 0x34, 0xEA, 0x24, 0xE4, 0xD6, 0x2A, 0x2C, 0x7E, 0x86, 0x8B, 0xBE, 0xA0, 0x23, 0x3C,
            0x9D, 0x4C, 0x2C, 0xC3, 0x00, 0x79, 0x4D, 0xB7, 0x6A, 0xA1, 0x8D, 0x68, 0x22, 0xD8,
        ];
        assert_eq!(*hmac(&[0x0B; 32], "what do ya want for nothing?"), expected);
    }

    #[test]
    fn what_one_key_is_made_into_differs_by_purpose_and_tier() {
        let key = [7; 32];
        let labels = [Tier::Unlocker, Tier::Store].map(|tier| [tier.wrapping_label(), tier.commitment_label()]);
        let made: Vec<Secret> = labels.concat().iter().map(|label| hmac(&key, label)).collect();
        for (at, one) in made.iter().enumerate() {
            assert!(made.iter().skip(at + 1).all(|other| other != one));
        }
        let [unlocker, store] = [Tier::Unlocker, Tier::Store].map(|tier| Wrapping::new(&key, tier));
        assert!(unlocker.commits_to(&unlocker.commitment()) && !store.commits_to(&unlocker.commitment()));
        assert!(!Wrapping::new(&[8; 32], Tier::Unlocker).commits_to(&unlocker.commitment()));
    }
}
