//! From a passphrase to the secret that wraps a store key.

use super::{Random, fill};
use crate::error::{Error, ErrorKind, Result};

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

/// How a passphrase becomes a secret: PBKDF2-HMAC-SHA256 with a salt and a number of iterations.
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

    /// The derivation for a new record: [`MIN_ITERATIONS`] and a new salt.
    ///
    /// # Errors
    ///
    /// What `random` fails with; `UNSUPPORTED` where it gives only zeros.
    pub fn generate(random: &mut Random<'_>) -> Result<Self> {
        Ok(Self { iterations: MIN_ITERATIONS, salt: new_salt(random)? })
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

    /// Reads what was stored beside a wrapped key.
    ///
    /// # Errors
    ///
    /// `UNSUPPORTED` for more work than this version takes on; `CORRUPTED` for less than any version ever asked.
    pub(super) fn read(iterations: u32, salt: [u8; SALT_LEN]) -> Result<Self> {
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
}

/// A new salt.
///
/// # Errors
///
/// What `random` fails with; `UNSUPPORTED` where it gives only zeros.
pub fn new_salt(random: &mut Random<'_>) -> Result<[u8; SALT_LEN]> {
    let mut salt = [0; SALT_LEN];
    fill(&mut salt, random)?;
    Ok(salt)
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
            assert_eq!(Derivation::read(iterations, [1; 16]).unwrap_err().kind(), ErrorKind::Corrupted);
        }
        for iterations in [10_000_001, u32::MAX] {
            assert_eq!(Derivation::read(iterations, [1; 16]).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        Derivation::read(600_000, [1; 16]).unwrap();
        Derivation::read(10_000_000, [1; 16]).unwrap();
    }
}
