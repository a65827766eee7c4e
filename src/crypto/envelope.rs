//! The bytes of a sealed value.

use super::cipher::{Cipher, KeyId, NONCE_LEN, Nonce, TAG_LEN};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8; 4] = b"TKSE";
const VERSION: u8 = 1;
/// AES-256-GCM, 96-bit nonce, 128-bit tag.
const SUITE: u8 = 1;

/// A sealed value, taken apart: magic, version, suite, key id (16), nonce (12), ciphertext, tag (16).
///
/// # Behavior
///
/// - What it is, is read from its head; nothing is found out by trying keys or formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The data key it was sealed under.
    pub key_id: KeyId,
    /// Its nonce.
    pub nonce: Nonce,
    /// Ciphertext and tag, as Web Crypto takes them.
    pub ciphertext: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// How many bytes an envelope is longer than what is in it.
    pub const OVERHEAD: usize = Self::HEADER + TAG_LEN;

    /// How many bytes stand before the ciphertext.
    pub const HEADER: usize = MAGIC.len() + 2 + KeyId::LEN + NONCE_LEN;

    /// What stands before the ciphertext.
    #[must_use]
    pub fn header(key_id: KeyId, nonce: &Nonce) -> Vec<u8> {
        [MAGIC.as_slice(), &[VERSION, SUITE], key_id.as_bytes(), &nonce.0].concat()
    }

    /// Takes an envelope apart.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where it is none, or was cut; `VERSION_ERROR` where a newer version sealed it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let parsed = Self::parse_head(bytes)?;
        if parsed.ciphertext.len() < TAG_LEN {
            return Err(cut());
        }
        Ok(parsed)
    }

    /// Takes the beginning of an envelope apart, whose rest may be elsewhere.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where it is none, or was cut; `UNSUPPORTED` where a newer version sealed it.
    pub fn parse_head(bytes: &'a [u8]) -> Result<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        if magic != MAGIC {
            return Err(Error::new(ErrorKind::Corrupted, "these bytes are no sealed value; restore it from a copy"));
        }
        let ([version, suite], rest) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
        known("version", *version, VERSION)?;
        known("suite", *suite, SUITE)?;
        let (id, rest) = rest.split_first_chunk::<{ KeyId::LEN }>().ok_or_else(cut)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(cut)?;
        Ok(Self { key_id: KeyId(*id), nonce: Nonce(*nonce), ciphertext })
    }

    /// Seals `plaintext` into an envelope.
    pub(super) fn seal(
        key_id: KeyId,
        cipher: &Cipher,
        nonce: &Nonce,
        additional: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>> {
        cipher.seal_after(&Self::header(key_id, nonce), nonce, additional, plaintext)
    }
}

fn cut() -> Error {
    Error::new(ErrorKind::Corrupted, "the sealed value was cut short; restore it from a copy")
}

/// Tells a later format, which an update can read, from one that never was.
pub(super) fn known(what: &'static str, found: u8, ours: u8) -> Result<()> {
    match found {
        found if found == ours => Ok(()),
        0 => Err(Error::new(ErrorKind::Corrupted, "the sealed bytes were changed; restore them from a copy")
            .with(what, found)),
        _ => Err(Error::new(ErrorKind::VersionError, "a newer version sealed this; update the application")
            .with(what, found)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::cipher::DataKey;
    use super::*;

    fn envelope() -> Vec<u8> {
        let key = DataKey::from_slice(&[3; 32]).unwrap();
        Envelope::seal(key.id(), &key.cipher(), &Nonce([4; 12]), b"here", b"secret").unwrap()
    }

    fn changed(at: usize, to: u8) -> ErrorKind {
        let mut bytes = envelope();
        bytes[at] = to;
        Envelope::parse(&bytes).unwrap_err().kind()
    }

    #[test]
    fn an_envelope_has_its_parts_in_order() {
        let bytes = envelope();
        let parsed = Envelope::parse(&bytes).unwrap();
        assert_eq!(&bytes[..6], b"TKSE\x01\x01");
        assert_eq!(bytes[6..22], parsed.key_id.0);
        assert_eq!(bytes[22..34], parsed.nonce.0);
        assert_eq!(&bytes[34..], parsed.ciphertext);
        assert_eq!(bytes.len(), b"secret".len() + Envelope::OVERHEAD);
    }

    #[test]
    fn a_newer_format_is_told_from_a_damaged_one() {
        assert_eq!(changed(0, b'X'), ErrorKind::Corrupted);
        assert_eq!(changed(4, 0), ErrorKind::Corrupted);
        assert_eq!(changed(4, 2), ErrorKind::VersionError);
        assert_eq!(changed(5, 0), ErrorKind::Corrupted);
        assert_eq!(changed(5, 2), ErrorKind::VersionError);
    }

    #[test]
    fn an_envelope_without_room_for_its_parts_is_corrupted() {
        let bytes = envelope();
        for length in 0..Envelope::OVERHEAD {
            assert_eq!(Envelope::parse(&bytes[..length]).unwrap_err().kind(), ErrorKind::Corrupted, "{length}");
        }
        Envelope::parse(&bytes[..Envelope::OVERHEAD]).unwrap();
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>, tail: Vec<u8>) {
            prop_assert!(Envelope::parse(&bytes).is_err() || bytes.starts_with(MAGIC));
            let _ = Envelope::parse(&[MAGIC.as_slice(), &[VERSION, SUITE], &tail].concat());
        }
    }
}
