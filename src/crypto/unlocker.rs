//! What opens a store: the seam to passphrases, devices, providers and passkeys.

use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use core::pin::Pin;

use zeroize::Zeroizing;

use super::Random;
use super::cipher::KeyId;
use super::derive::Derivation;
use super::method::Method;
use super::wrapping::Secret;
use crate::error::{Error, ErrorKind, Result};

/// What is given later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// PBKDF2 with HMAC-SHA256: passphrase, salt, iterations.
pub type Derive = for<'a> fn(&'a [u8], &'a [u8], u32) -> Answer<'a, Secret>;

/// Something that yields the secrets that wrap store keys.
///
/// # Behavior
///
/// - For one method it yields the same secret each time: what it wraps is opened with it anew before it is relied on.
pub trait Unlocker {
    /// How a new unlocker of this name comes to its secret.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` for what may not wrap a key; why there is none.
    fn method<'a>(&'a self, id: KeyId, random: &'a mut Random<'a>) -> Answer<'a, Method>;

    /// The secret of the unlocker of this name; none where it is of another kind, or another device's.
    ///
    /// # Errors
    ///
    /// Why it cannot be had.
    fn secret<'a>(&'a self, id: KeyId, method: &'a Method) -> Answer<'a, Option<Secret>>;
}

/// A passphrase.
///
/// # Behavior
///
/// - What a salt gave is derived once: so a new unlocker takes the work of one derivation, though what it wraps is opened
///   before it is relied on.
/// - The passphrase and what was derived from it are overwritten when it is dropped.
pub struct Passphrase {
    bytes: Zeroizing<Vec<u8>>,
    derive: Derive,
    derived: RefCell<Vec<(Derivation, Secret)>>,
}

impl Passphrase {
    /// The passphrase of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8], derive: Derive) -> Self {
        Self { bytes: Zeroizing::new(bytes.to_vec()), derive, derived: RefCell::default() }
    }

    fn known(&self, derivation: &Derivation) -> Option<Secret> {
        let derived = self.derived.borrow();
        derived.iter().find(|(other, _)| other == derivation).map(|(_, secret)| secret.clone())
    }
}

impl Unlocker for Passphrase {
    fn method<'a>(&'a self, _id: KeyId, random: &'a mut Random<'a>) -> Answer<'a, Method> {
        Box::pin(async move {
            if self.bytes.is_empty() {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "the passphrase is empty; give one that is hard to guess",
                ));
            }
            Ok(Method::Passphrase(Derivation::generate(random)?))
        })
    }

    fn secret<'a>(&'a self, _id: KeyId, method: &'a Method) -> Answer<'a, Option<Secret>> {
        Box::pin(async move {
            let Method::Passphrase(derivation) = method else { return Ok(None) };
            if self.bytes.is_empty() {
                return Err(Error::new(ErrorKind::AuthenticationFailed, "the passphrase is empty"));
            }
            if let Some(secret) = self.known(derivation) {
                return Ok(Some(secret));
            }
            let secret = (self.derive)(&self.bytes, derivation.salt(), derivation.iterations()).await?;
            self.derived.borrow_mut().push((*derivation, secret.clone()));
            Ok(Some(secret))
        })
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}
