//! How an unlocker comes to its secret: what stands in a wrapped key for it.

use super::cipher::KeyId;
use super::derive::{Derivation, SALT_LEN};
use super::wrapping::{broken, cut};
use crate::error::{Error, ErrorKind, Result};

/// The most bytes that something outside may give for a wrapped secret, or a browser for the name of a passkey.
pub const MAX_OPAQUE: usize = 16 * 1024;

const PASSPHRASE: u8 = 1;
const ARGON2ID: u8 = 2;
const KEY: u8 = 3;
const OUTSIDE: u8 = 4;
const PASSKEY: u8 = 5;
const STORE: u8 = 6;

/// How an unlocker comes to its secret of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// PBKDF2 of a passphrase.
    Passphrase(Derivation),
    /// HMAC-SHA256 of a salt, by a key that cannot be read.
    Key {
        /// Who keeps that key.
        keeper: Keeper,
        /// The salt.
        salt: [u8; SALT_LEN],
    },
    /// A random secret that something outside has wrapped, and unwraps.
    Outside {
        /// What wraps it.
        wrapper: Wrapper,
        /// The wrapped secret, opaque.
        wrapped: Vec<u8>,
    },
    /// The pseudorandom function of a passkey, of a salt.
    Passkey {
        /// The credential's id.
        credential: Vec<u8>,
        /// The salt.
        salt: [u8; SALT_LEN],
    },
    /// Another store key: so what opens one opens both, once both were open together.
    Store(KeyId),
    /// The store key that took the place of the wrapped one: so it opens what was sealed before, and no former secret
    /// opens what is sealed since.
    Follower(KeyId),
}

/// Who keeps a key that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper {
    /// We do, on the device that made it.
    Device,
    /// The application does.
    Application,
}

/// What wraps a secret outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapper {
    /// Functions of the application.
    Provider,
    /// An AES-GCM key of the application.
    AesGcm,
    /// An AES-KW key of the application.
    AesKw,
}

impl Method {
    /// What it is called in the public interface.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "passphrase",
            Self::Key { keeper: Keeper::Device, .. } => "device",
            Self::Key { keeper: Keeper::Application, .. }
            | Self::Outside { wrapper: Wrapper::AesGcm | Wrapper::AesKw, .. } => "key",
            Self::Outside { wrapper: Wrapper::Provider, .. } => "provider",
            Self::Passkey { .. } => "passkey",
            Self::Store(_) | Self::Follower(_) => "store",
        }
    }

    /// The store key that opens what it wraps, where it is one.
    #[must_use]
    pub const fn by_store(&self) -> Option<KeyId> {
        match self {
            Self::Store(by) | Self::Follower(by) => Some(*by),
            _ => None,
        }
    }

    /// Kind, variant, iterations, salt.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        let (kind, variant, iterations, salt) = match self {
            Self::Passphrase(derivation) => (PASSPHRASE, 1, derivation.iterations(), *derivation.salt()),
            Self::Key { keeper: Keeper::Device, salt } => (KEY, 1, 0, *salt),
            Self::Key { keeper: Keeper::Application, salt } => (KEY, 2, 0, *salt),
            Self::Outside { wrapper: Wrapper::Provider, .. } => (OUTSIDE, 1, 0, [0; SALT_LEN]),
            Self::Outside { wrapper: Wrapper::AesGcm, .. } => (OUTSIDE, 2, 0, [0; SALT_LEN]),
            Self::Outside { wrapper: Wrapper::AesKw, .. } => (OUTSIDE, 3, 0, [0; SALT_LEN]),
            Self::Passkey { salt, .. } => (PASSKEY, 1, 0, *salt),
            Self::Store(_) => (STORE, 1, 0, [0; SALT_LEN]),
            Self::Follower(_) => (STORE, 2, 0, [0; SALT_LEN]),
        };
        bytes.extend_from_slice(&[kind, variant]);
        bytes.extend_from_slice(&iterations.to_le_bytes());
        bytes.extend_from_slice(&salt);
    }

    /// What stands behind the label.
    pub(super) fn opaque(&self) -> &[u8] {
        match self {
            Self::Passphrase(_) | Self::Key { .. } => &[],
            Self::Outside { wrapped, .. } => wrapped,
            Self::Passkey { credential, .. } => credential,
            Self::Store(id) | Self::Follower(id) => id.as_bytes(),
        }
    }

    pub(super) fn read([kind, variant]: [u8; 2], iterations: u32, salt: [u8; SALT_LEN], opaque: &[u8]) -> Result<Self> {
        if opaque.len() > MAX_OPAQUE {
            return Err(broken("the wrapped key is longer than any version writes it"));
        }
        let wrapped = || opaque.to_vec();
        let method = match (kind, variant) {
            (PASSPHRASE, 1) => Self::Passphrase(Derivation::read(iterations, salt)?),
            (ARGON2ID, 1..) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the passphrase is derived by Argon2id, which this version does not do; use another unlocker",
                ));
            }
            (KEY, 1) => Self::Key { keeper: Keeper::Device, salt },
            (KEY, 2) => Self::Key { keeper: Keeper::Application, salt },
            (OUTSIDE, 1) => Self::Outside { wrapper: Wrapper::Provider, wrapped: wrapped() },
            (OUTSIDE, 2) => Self::Outside { wrapper: Wrapper::AesGcm, wrapped: wrapped() },
            (OUTSIDE, 3) => Self::Outside { wrapper: Wrapper::AesKw, wrapped: wrapped() },
            (PASSKEY, 1) => Self::Passkey { credential: wrapped(), salt },
            (STORE, 1) => Self::Store(KeyId(opaque.try_into().map_err(|_| cut())?)),
            (STORE, 2) => Self::Follower(KeyId(opaque.try_into().map_err(|_| cut())?)),
            (0, _) | (_, 0) => return Err(broken("the wrapped key names no way to unlock it")),
            _ => {
                return Err(Error::new(
                    ErrorKind::VersionError,
                    "the wrapped key is unlocked in a way of a newer version; update the application",
                )
                .with("kind", kind));
            }
        };
        // What a kind does not use is empty: there is one way to write each.
        let mut again = Vec::new();
        method.write(&mut again);
        let written = [[kind, variant].as_slice(), &iterations.to_le_bytes(), &salt].concat();
        if again != written || method.opaque() != opaque {
            return Err(broken("the wrapped key holds what its kind does not use"));
        }
        Ok(method)
    }
}
