//! From a passphrase to the keys that wrap a data key.

use aes_gcm::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::cipher::Cipher;
use super::{Random, fill};
use crate::error::{Error, ErrorKind, Result};

/// What a derivation yields: 32 bytes that are overwritten when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// The fewest iterations that are accepted, and what new keys are wrapped with.
///
/// Source: OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256.
pub const MIN_ITERATIONS: u32 = 600_000;

/// The most iterations that are accepted.
///
/// The number is read from storage, and so may be anyone's: four billion would hold up an unlocking for a quarter
/// of an hour on a fast machine. This one leaves room for four doublings of the work, and takes seconds.
pub const MAX_ITERATIONS: u32 = 10_000_000;

/// The length of a salt, in bytes.
pub const SALT_LEN: usize = 16;

const PBKDF2_SHA256: u8 = 1;

/// How a passphrase becomes a key: PBKDF2-HMAC-SHA256 with a salt and a number of iterations.
///
/// # Behavior
///
/// - There is none with fewer iterations than [`MIN_ITERATIONS`] or more than [`MAX_ITERATIONS`], whether asked for or
///   read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derivation {
    iterations: u32,
    salt: [u8; SALT_LEN],
}

impl Derivation {
    /// Its encoded length: algorithm, iterations, salt.
    pub const LEN: usize = 1 + 4 + SALT_LEN;

    /// A derivation of so many iterations.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` where they are too few or too many.
    pub fn new(iterations: u32, salt: [u8; SALT_LEN]) -> Result<Self> {
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "the number of PBKDF2 iterations must be from 600 000 to 10 000 000",
            )
            .with("iterations", iterations));
        }
        Ok(Self { iterations, salt })
    }

    /// The derivation for a new key: [`MIN_ITERATIONS`] and a new salt.
    ///
    /// # Errors
    ///
    /// What `random` fails with; `UNSUPPORTED` where it gives only zeros.
    pub fn generate(random: &mut Random<'_>) -> Result<Self> {
        let mut salt = [0; SALT_LEN];
        fill(&mut salt, random)?;
        Ok(Self { iterations: MIN_ITERATIONS, salt })
    }

    /// How many iterations it takes.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Its salt.
    #[must_use]
    pub const fn salt(&self) -> &[u8; SALT_LEN] {
        &self.salt
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(PBKDF2_SHA256);
        bytes.extend_from_slice(&self.iterations.to_le_bytes());
        bytes.extend_from_slice(&self.salt);
    }

    /// Reads what was stored beside a wrapped key.
    ///
    /// # Errors
    ///
    /// `UNSUPPORTED` for another algorithm, or more work than this version takes on; `CORRUPTED` for less than any
    /// version ever asked.
    pub(super) fn read(algorithm: u8, iterations: u32, salt: [u8; SALT_LEN]) -> Result<Self> {
        match algorithm {
            PBKDF2_SHA256 => {}
            0 => return Err(Error::new(ErrorKind::Corrupted, "the wrapped key names no derivation")),
            other => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the wrapped key uses a derivation of a newer version; update the application",
                )
                .with("algorithm", other));
            }
        }
        if iterations < MIN_ITERATIONS {
            return Err(Error::new(
                ErrorKind::Corrupted,
                "the wrapped key asks for less work than is safe, so it was changed; restore it from a copy",
            )
            .with("iterations", iterations));
        }
        if iterations > MAX_ITERATIONS {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the wrapped key asks for more work than this version takes on; update the application",
            )
            .with("iterations", iterations));
        }
        Ok(Self { iterations, salt })
    }

    pub(super) async fn run<D>(&self, passphrase: &[u8], derive: &D) -> Result<PassphraseKeys>
    where
        D: AsyncFn(&[u8], &[u8], u32) -> Result<Secret>,
    {
        Ok(PassphraseKeys(derive(passphrase, &self.salt, self.iterations).await?))
    }
}

/// The two keys of a passphrase under one salt: one that wraps, one that commits.
pub(super) struct PassphraseKeys(Secret);

impl PassphraseKeys {
    const COMMITMENT: &str = "tidekeep/commitment/1";

    #[cfg(test)]
    pub(super) fn secret(&self) -> &Secret {
        &self.0
    }

    pub(super) fn wrapping(&self) -> Cipher {
        Cipher::new(&hmac(&self.0, "tidekeep/wrapping-key/1"))
    }

    /// A value that only this passphrase under this salt has. GCM alone promises no such thing: a ciphertext can be
    /// made that opens under two keys of the maker's choice.
    pub(super) fn commitment(&self) -> [u8; 32] {
        *hmac(&self.0, Self::COMMITMENT)
    }

    /// Compares in constant time.
    pub(super) fn commits_to(&self, commitment: &[u8; 32]) -> bool {
        keyed(&self.0, Self::COMMITMENT).verify(commitment.into()).is_ok()
    }
}

/// HMAC-SHA256 of a label: a key for one purpose from a key for none.
pub(super) fn hmac(key: &[u8; 32], label: &str) -> Secret {
    Zeroizing::new(keyed(key, label).finalize().into_bytes().into())
}

fn keyed(key: &[u8; 32], label: &str) -> Hmac<Sha256> {
    // HMAC fills a short key up with zeros to the block of its hash; a whole block cannot be refused.
    let mut block = Zeroizing::new([0; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    mac.update(label.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_and_too_much_work_are_refused_when_asked_for() {
        for iterations in [0, 1, MIN_ITERATIONS - 1, MAX_ITERATIONS + 1, u32::MAX] {
            assert_eq!(Derivation::new(iterations, [1; 16]).unwrap_err().kind(), ErrorKind::InvalidConfig);
        }
        for iterations in [MIN_ITERATIONS, MAX_ITERATIONS] {
            assert_eq!(Derivation::new(iterations, [1; 16]).unwrap().iterations(), iterations);
        }
    }

    #[test]
    fn too_little_and_too_much_work_are_refused_when_read() {
        for iterations in [0, 1, 599_999] {
            assert_eq!(Derivation::read(1, iterations, [1; 16]).unwrap_err().kind(), ErrorKind::Corrupted);
        }
        for iterations in [10_000_001, u32::MAX] {
            assert_eq!(Derivation::read(1, iterations, [1; 16]).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        Derivation::read(1, 600_000, [1; 16]).unwrap();
        Derivation::read(1, 10_000_000, [1; 16]).unwrap();
    }

    #[test]
    fn another_algorithm_is_not_guessed_at() {
        assert_eq!(Derivation::read(0, 600_000, [1; 16]).unwrap_err().kind(), ErrorKind::Corrupted);
        assert_eq!(Derivation::read(2, 600_000, [1; 16]).unwrap_err().kind(), ErrorKind::Unsupported);
    }

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
    fn the_two_keys_of_a_passphrase_differ() {
        let keys = PassphraseKeys(Zeroizing::new([7; 32]));
        assert_ne!(*hmac(&keys.0, "tidekeep/wrapping-key/1"), keys.commitment());
        assert!(keys.commits_to(&keys.commitment()));
        assert!(!PassphraseKeys(Zeroizing::new([8; 32])).commits_to(&keys.commitment()));
    }
}
