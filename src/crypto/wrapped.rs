//! The bytes of a data key that a passphrase wraps.

use sha2::{Digest, Sha256};

use super::cipher::{Cipher, DataKey, KEY_LEN, KeyId, NONCE_LEN, Nonce, TAG_LEN};
use super::derive::{Derivation, PassphraseKeys, SALT_LEN};
use super::envelope::known;
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 4] = b"TKWK";
const VERSION: u8 = 1;
/// Wrapped by AES-256-GCM, committed to by HMAC-SHA256.
const SUITE: u8 = 1;
/// Keeps these bytes apart from whatever else is ever authenticated under the same key.
const DOMAIN: &[u8] = b"tidekeep/wrapped-key/1";

const COMMITMENT_LEN: usize = 32;
const SEALED_LEN: usize = KEY_LEN + TAG_LEN;
const CHECKSUM_LEN: usize = 8;

/// A data key, wrapped: what is stored, and travels between devices.
///
/// # Behavior
///
/// - Damage is told from a wrong passphrase by a checksum, before any work is spent on the passphrase.
/// - It commits to its passphrase: bytes that open to different keys under two passphrases are refused.
/// - Everything in it is authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    key_id: KeyId,
    generation: u32,
    derivation: Derivation,
    commitment: [u8; COMMITMENT_LEN],
    nonce: Nonce,
    sealed: [u8; SEALED_LEN],
}

impl WrappedKey {
    /// How long the bytes are.
    pub const LEN: usize =
        MAGIC.len() + 2 + KeyId::LEN + 4 + Derivation::LEN + COMMITMENT_LEN + NONCE_LEN + SEALED_LEN + CHECKSUM_LEN;

    /// Reads the bytes. Whether they are authentic shows only when they are unlocked.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where they are no wrapped key, were damaged, or ask for less work than is safe; `UNSUPPORTED` where
    /// they are of a newer version, or ask for more work than this one takes on.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let broken = |what: &str| Error::new(ErrorKind::Corrupted, format!("{what}; restore it from a copy"));
        let cut = || broken("the wrapped key was cut short");
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        if magic != MAGIC {
            return Err(broken("these bytes are no wrapped key"));
        }
        let ([version, suite], _) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        known("version", *version, VERSION)?;
        known("suite", *suite, SUITE)?;
        if bytes.len() > Self::LEN {
            return Err(broken("the wrapped key is longer than it was written"));
        }
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or_else(cut)?;
        if content.len() + CHECKSUM_LEN < Self::LEN {
            return Err(cut());
        }
        if *checksum != checksum_of(content) {
            return Err(broken("the wrapped key was damaged"));
        }
        let rest = content.get(MAGIC.len() + 2..).ok_or_else(cut)?;
        let (key_id, rest) = rest.split_first_chunk::<{ KeyId::LEN }>().ok_or_else(cut)?;
        let (generation, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let ([algorithm], rest) = rest.split_first_chunk::<1>().ok_or_else(cut)?;
        let (iterations, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let (salt, rest) = rest.split_first_chunk::<SALT_LEN>().ok_or_else(cut)?;
        let (commitment, rest) = rest.split_first_chunk::<COMMITMENT_LEN>().ok_or_else(cut)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(cut)?;
        let sealed = rest.try_into().map_err(|_| cut())?;
        Ok(Self {
            key_id: KeyId(*key_id),
            generation: u32::from_le_bytes(*generation),
            derivation: Derivation::read(*algorithm, u32::from_le_bytes(*iterations), *salt)?,
            commitment: *commitment,
            nonce: Nonce(*nonce),
            sealed,
        })
    }

    /// The data key it wraps.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// The higher of two keys' generations was made later, knowing the other.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// How its passphrase becomes a key.
    #[must_use]
    pub const fn derivation(&self) -> &Derivation {
        &self.derivation
    }

    /// The bytes that [`WrappedKey::parse`] reads.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        self.write_head(&mut bytes);
        bytes.extend_from_slice(&self.nonce.0);
        bytes.extend_from_slice(&self.sealed);
        bytes.extend_from_slice(&checksum_of(&bytes));
        bytes
    }

    /// Wraps a data key.
    pub(super) fn wrap(
        key: &DataKey,
        generation: u32,
        derivation: Derivation,
        keys: &PassphraseKeys,
        nonce: Nonce,
    ) -> Result<Self> {
        let commitment = keys.commitment();
        let mut wrapped = Self { key_id: key.id(), generation, derivation, commitment, nonce, sealed: [0; SEALED_LEN] };
        let sealed = keys.wrapping().seal(&nonce, &wrapped.additional(), key.bytes())?;
        wrapped.sealed.iter_mut().zip(&sealed).for_each(|(to, from)| *to = *from);
        Ok(wrapped)
    }

    /// Unwraps the data key.
    ///
    /// # Errors
    ///
    /// `AUTHENTICATION_FAILED` where the passphrase is another; `DECRYPTION_FAILED` where it is the right one, and the
    /// bytes were changed by someone who mended the checksum.
    pub(super) fn unwrap(&self, keys: &PassphraseKeys) -> Result<DataKey> {
        let named = |kind, message: &str| Error::new(kind, message).with("key", self.key_id);
        if !keys.commits_to(&self.commitment) {
            return Err(named(ErrorKind::AuthenticationFailed, "the passphrase is wrong; try again"));
        }
        let tampered = || {
            named(
                ErrorKind::DecryptionFailed,
                "the passphrase is right, but the wrapped key was tampered with; restore it from a copy",
            )
        };
        let wrapping: Cipher = keys.wrapping();
        let bytes = wrapping.open(&self.nonce, &self.additional(), &self.sealed).map_err(|_| tampered())?;
        let key = DataKey::from_slice(&bytes)?;
        if key.id() != self.key_id {
            return Err(tampered());
        }
        Ok(key)
    }

    fn additional(&self) -> Vec<u8> {
        let mut bytes = DOMAIN.to_vec();
        self.write_head(&mut bytes);
        bytes
    }

    fn write_head(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[VERSION, SUITE]);
        bytes.extend_from_slice(self.key_id.as_bytes());
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        self.derivation.write(bytes);
        bytes.extend_from_slice(&self.commitment);
    }
}

/// The first bytes of the SHA-256 of what precedes them. It finds damage, and stops nobody: the tag does.
fn checksum_of(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let mut checksum = [0; CHECKSUM_LEN];
    checksum.iter_mut().zip(Sha256::digest(bytes)).for_each(|(to, from)| *to = from);
    checksum
}

#[cfg(test)]
mod commitment_tests;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;

    fn keys(passphrase: u8) -> PassphraseKeys {
        let derive = async |passphrase: &[u8], _: &[u8], _: u32| Ok(Zeroizing::new([passphrase[0]; 32]));
        derivation().run(&[passphrase], &derive).now_or_never().unwrap().unwrap()
    }

    fn derivation() -> Derivation {
        Derivation::new(600_000, [5; 16]).unwrap()
    }

    fn wrapped() -> WrappedKey {
        let key = DataKey::from_slice(&[3; 32]).unwrap();
        WrappedKey::wrap(&key, 7, derivation(), &keys(1), Nonce([4; 12])).unwrap()
    }

    fn mend(bytes: &mut [u8]) {
        let (content, checksum) = bytes.split_last_chunk_mut::<CHECKSUM_LEN>().unwrap();
        *checksum = checksum_of(content);
    }

    fn mended(at: usize, to: &[u8]) -> Result<WrappedKey> {
        let mut bytes = wrapped().to_bytes();
        bytes[at..at + to.len()].copy_from_slice(to);
        mend(&mut bytes);
        WrappedKey::parse(&bytes)
    }

    #[test]
    fn a_wrapped_key_survives_its_bytes_and_unwraps() {
        let bytes = wrapped().to_bytes();
        assert_eq!(bytes.len(), WrappedKey::LEN);
        let read = WrappedKey::parse(&bytes).unwrap();
        assert_eq!(read, wrapped());
        assert_eq!(read.generation(), 7);
        assert_eq!(read.unwrap(&keys(1)).unwrap().bytes(), &[3; 32]);
    }

    #[test]
    fn a_wrong_passphrase_is_told_from_a_changed_key() {
        assert_eq!(wrapped().unwrap(&keys(2)).unwrap_err().kind(), ErrorKind::AuthenticationFailed);
        assert_eq!(mended(91, &[0; 4]).unwrap().unwrap(&keys(1)).unwrap_err().kind(), ErrorKind::DecryptionFailed);
    }

    #[test]
    fn every_flipped_bit_is_seen_before_any_work_is_spent() {
        let bytes = wrapped().to_bytes();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let kind = WrappedKey::parse(&changed).unwrap_err().kind();
            let newer = matches!(bit / 8, 4 | 5) && changed[bit / 8] != 0;
            assert_eq!(kind, if newer { ErrorKind::Unsupported } else { ErrorKind::Corrupted }, "bit {bit}");
        }
    }

    #[test]
    fn every_flipped_bit_under_a_mended_checksum_is_refused() {
        let bytes = wrapped().to_bytes();
        for bit in 0..(bytes.len() - CHECKSUM_LEN) * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            mend(&mut changed);
            // The derivation here does not look at the salt, so only the tag can notice that it is another.
            assert!(WrappedKey::parse(&changed).and_then(|key| key.unwrap(&keys(1))).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_cut_or_prolonged_wrapped_key_is_corrupted() {
        let bytes = wrapped().to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(WrappedKey::parse(&bytes[..length]).unwrap_err().kind(), ErrorKind::Corrupted, "{length}");
        }
        assert_eq!(WrappedKey::parse(&[bytes, vec![0]].concat()).unwrap_err().kind(), ErrorKind::Corrupted);
    }

    #[test]
    fn lowered_and_raised_work_is_refused_whatever_the_checksum() {
        let kind = |iterations: u32| mended(27, &iterations.to_le_bytes()).unwrap_err().kind();
        assert_eq!(kind(599_999), ErrorKind::Corrupted);
        assert_eq!(kind(1), ErrorKind::Corrupted);
        assert_eq!(kind(10_000_001), ErrorKind::Unsupported);
        assert_eq!(kind(u32::MAX), ErrorKind::Unsupported);
        assert_eq!(mended(26, &[2]).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_key_under_another_keys_name_is_refused() {
        let other = DataKey::from_slice(&[9; 32]).unwrap();
        let mut forged = wrapped();
        forged.key_id = other.id();
        let sealed = keys(1).wrapping().seal(&forged.nonce, &forged.additional(), &[3; 32]).unwrap();
        forged.sealed.copy_from_slice(&sealed);
        assert_eq!(forged.unwrap(&keys(1)).unwrap_err().kind(), ErrorKind::DecryptionFailed);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(WrappedKey::parse(&bytes).is_err());
            let mut longer = [MAGIC.as_slice(), &[VERSION, SUITE], &bytes].concat();
            longer.resize(WrappedKey::LEN, 0);
            prop_assert!(WrappedKey::parse(&longer).is_err());
            mend(&mut longer);
            prop_assert!(WrappedKey::parse(&longer).and_then(|key| key.unwrap(&keys(1))).is_err());
        }
    }
}
