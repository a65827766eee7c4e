//! AES-256-GCM, its keys and nonces.

use core::cell::RefCell;
use core::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

use super::wrapping::hmac;
use super::{Random, fill};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::SubtleKey;

/// The length of a key, in bytes.
pub const KEY_LEN: usize = 32;
/// The length of a nonce, in bytes.
pub const NONCE_LEN: usize = 12;
/// The length of a tag, in bytes.
pub const TAG_LEN: usize = 16;

/// A random key that seals data.
///
/// # Behavior
///
/// - Its bytes are overwritten when it is dropped, and never leave their place on the heap before.
/// - `Debug` shows nothing of it.
pub struct DataKey(Box<Zeroizing<[u8; KEY_LEN]>>);

impl DataKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// What `random` fails with; `UNSUPPORTED` where it gives only zeros.
    pub fn generate(random: &mut Random<'_>) -> Result<Self> {
        let mut key = Self(Box::default());
        fill(key.0.as_mut_slice(), random)?;
        Ok(key)
    }

    /// The key of these bytes.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` where they are not 32.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != KEY_LEN {
            return Err(Error::new(ErrorKind::InvalidValue, "a data key has 256 bits").with("bytes", bytes.len()));
        }
        let mut key = Self(Box::default());
        key.0.copy_from_slice(bytes);
        Ok(key)
    }

    /// The name of this key, which follows from the key itself: no other key can be passed off under it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.0, "tidekeep/key-id/1")
    }

    /// The cipher under this key.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        Cipher::new(&self.0)
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(redacted)")
    }
}

/// The name of a key or of an unlocker: 16 bytes, written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) [u8; Self::LEN]);

impl KeyId {
    /// Its length, in bytes.
    pub const LEN: usize = 16;

    /// The name of a key: the beginning of its HMAC-SHA256 of a label.
    pub(super) fn of(key: &[u8; KEY_LEN], label: &str) -> Self {
        let mut id = [0; Self::LEN];
        id.iter_mut().zip(hmac(key, label).iter()).for_each(|(to, from)| *to = *from);
        Self(id)
    }

    /// A new name, of random bytes: an unlocker's, which has no key of its own that the name could follow from.
    ///
    /// # Errors
    ///
    /// What `random` fails with; `UNSUPPORTED` where it gives only zeros.
    pub fn generate(random: &mut Random<'_>) -> Result<Self> {
        let mut id = [0; Self::LEN];
        fill(&mut id, random)?;
        Ok(Self(id))
    }

    /// Its bytes, as envelopes and wrapped keys hold them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A number used once under a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub(super) [u8; NONCE_LEN]);

impl Nonce {
    /// A new one, of 96 random bits. Source: NIST SP 800-38D, 8.2.2, RBG-based construction.
    ///
    /// # Errors
    ///
    /// What `random` fails with; `UNSUPPORTED` where it gives only zeros.
    pub fn generate(random: &mut Random<'_>) -> Result<Self> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce, random)?;
        Ok(Self(nonce))
    }

    /// The nonce of these bytes.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` where they are not 12.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        <[u8; NONCE_LEN]>::try_from(bytes)
            .map(Self)
            .map_err(|_| Error::new(ErrorKind::InvalidValue, "a nonce has 96 bits").with("bytes", bytes.len()))
    }

    /// Its bytes, as Web Crypto takes them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; NONCE_LEN] {
        &self.0
    }
}

/// AES-256-GCM under one key, with 96-bit nonces and 128-bit tags: what Web Crypto calls `AES-GCM`.
///
/// # Behavior
///
/// - The tag follows the ciphertext, as in Web Crypto.
/// - Nothing is decrypted before the tag is verified, in constant time.
/// - Its key and its key schedule are overwritten when it is dropped, and `Debug` shows nothing of them. What Web Crypto
///   was given of it goes then too.
pub struct Cipher {
    schedule: Box<Aes256Gcm>,
    key: DataKey,
    subtle: RefCell<Option<SubtleKey>>,
}

impl Cipher {
    pub(super) fn new(key: &[u8; KEY_LEN]) -> Self {
        let mut kept = DataKey(Box::default());
        kept.0.copy_from_slice(key);
        Self { schedule: Box::new(Aes256Gcm::new(key.into())), key: kept, subtle: RefCell::default() }
    }

    /// The key in the hands of Web Crypto, handed over when it is first asked for; none where there is no Web Crypto.
    pub(crate) async fn subtle(&self) -> Option<SubtleKey> {
        let known = self.subtle.borrow().clone();
        if known.is_some() {
            return known;
        }
        let imported = SubtleKey::import(self.key.bytes()).await?;
        self.subtle.replace(Some(imported.clone()));
        Some(imported)
    }

    /// Ciphertext and tag of `plaintext`.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` above the 64 GiB that the mode allows.
    pub fn seal(&self, nonce: &Nonce, additional: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
        self.seal_after(&[], nonce, additional, plaintext)
    }

    /// `header`, then ciphertext and tag of `plaintext`, in one allocation.
    pub(crate) fn seal_after(
        &self,
        header: &[u8],
        nonce: &Nonce,
        additional: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(header.len() + plaintext.len() + TAG_LEN));
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(plaintext);
        let (_, body) = bytes.split_at_mut(header.len());
        let tag = self
            .schedule
            .encrypt_inout_detached(&nonce.0.into(), additional, InOutBuf::from(body))
            .map_err(|_| Error::new(ErrorKind::InvalidValue, "the value is too long to be sealed"))?;
        bytes.extend_from_slice(&tag);
        Ok(core::mem::take(&mut *bytes))
    }

    /// The plaintext of ciphertext and tag.
    ///
    /// # Errors
    ///
    /// `CORRUPTED` where there is no room for a tag; `DECRYPTION_FAILED` where key, nonce, additional data, ciphertext
    /// and tag do not belong together.
    pub fn open(&self, nonce: &Nonce, additional: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let Some((body, tag)) = ciphertext.split_last_chunk::<TAG_LEN>() else {
            return Err(Error::new(ErrorKind::Corrupted, "the ciphertext was cut: it is shorter than its tag"));
        };
        let mut plaintext = Zeroizing::new(body.to_vec());
        self.schedule
            .decrypt_inout_detached(&nonce.0.into(), additional, InOutBuf::from(plaintext.as_mut_slice()), tag.into())
            .map_err(|_| not_authentic())?;
        Ok(plaintext)
    }
}

/// `DECRYPTION_FAILED`.
pub(crate) fn not_authentic() -> Error {
    Error::new(
        ErrorKind::DecryptionFailed,
        "the sealed value was changed, or belongs to another place; restore it from a copy",
    )
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_shows_nothing_of_itself() {
        let key = DataKey::from_slice(&[0xAB; 32]).unwrap();
        assert_eq!(format!("{key:?} {:?}", key.cipher()), "DataKey(redacted) Cipher(redacted)");
    }

    #[test]
    fn keys_and_nonces_of_another_length_are_refused() {
        for length in (0..64).filter(|length| *length != 32) {
            assert_eq!(DataKey::from_slice(&vec![1; length]).unwrap_err().kind(), ErrorKind::InvalidValue);
        }
        for length in (0..64).filter(|length| *length != 12) {
            assert_eq!(Nonce::from_slice(&vec![1; length]).unwrap_err().kind(), ErrorKind::InvalidValue);
        }
    }

    #[test]
    fn a_generator_that_fails_or_does_nothing_makes_no_key_and_no_nonce() {
        let mut idle = |_: &mut [u8]| Ok(());
        assert_eq!(DataKey::generate(&mut idle).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(Nonce::generate(&mut idle).unwrap_err().kind(), ErrorKind::Unsupported);
        let mut broken = |_: &mut [u8]| Err(Error::new(ErrorKind::Aborted, "no"));
        assert_eq!(DataKey::generate(&mut broken).unwrap_err().kind(), ErrorKind::Aborted);
    }

    #[test]
    fn different_keys_have_different_names() {
        let one = DataKey::from_slice(&[1; 32]).unwrap().id();
        assert_ne!(one, DataKey::from_slice(&[2; 32]).unwrap().id());
        assert_eq!(one, DataKey::from_slice(&[1; 32]).unwrap().id());
        assert_eq!(one.to_string().len(), 32);
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(key: [u8; 32], nonce: [u8; 12], additional: Vec<u8>, plaintext: Vec<u8>) {
            let cipher = Cipher::new(&key);
            let sealed = cipher.seal(&Nonce(nonce), &additional, &plaintext).unwrap();
            prop_assert_eq!(sealed.len(), plaintext.len() + TAG_LEN);
            prop_assert_eq!(&*cipher.open(&Nonce(nonce), &additional, &sealed).unwrap(), &plaintext);
        }

        #[test]
        fn arbitrary_bytes_do_not_open(key: [u8; 32], nonce: [u8; 12], additional: Vec<u8>, bytes: Vec<u8>) {
            let kind = Cipher::new(&key).open(&Nonce(nonce), &additional, &bytes).unwrap_err().kind();
            let cut = bytes.len() < TAG_LEN;
            prop_assert_eq!(kind, if cut { ErrorKind::Corrupted } else { ErrorKind::DecryptionFailed });
        }
    }
}
