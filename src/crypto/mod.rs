//! Sealing: the envelope, the cipher, key derivation, the keyring. Pure.
//!
//! A value is sealed under a random data key ([`Keyring::seal`]) into an [`Envelope`] that bare Web Crypto opens, bound
//! by [`AdditionalData`] to the one place it was written for. The store key wraps each data key ([`WrappedDataKey`]), and
//! is wrapped by each unlocker ([`WrappedKey`]): a passphrase, a device's key, a passkey. The bytes are in
//! `docs/formats.md`.
//!
//! Random bytes and the secrets of unlockers come from outside, as [`Random`] and [`Unlocker`]: in a browser both are
//! Web Crypto's, off the main thread.

mod aad;
mod blind;
mod cipher;
mod derive;
mod envelope;
mod keyring;
mod method;
mod reach;
mod record;
mod store_key;
mod unlocker;
mod wrapped;
mod wrapped_data;
mod wrapping;

pub use aad::AdditionalData;
pub use blind::Blinding;
pub(crate) use cipher::not_authentic;
pub use cipher::{Cipher, DataKey, KEY_LEN, KeyId, NONCE_LEN, Nonce, TAG_LEN};
pub use derive::{Derivation, MAX_ITERATIONS, MIN_ITERATIONS, SALT_LEN, new_salt};
pub use envelope::Envelope;
pub use keyring::{Keyring, MAX_SEALS, MAX_UNLOCKERS, NewKeys, Sealing, Succession, Unlocked};
pub use method::{Keeper, MAX_OPAQUE, Method, Wrapper};
pub use reach::still_opens_without;
pub use record::{KeyRecord, methods};
pub use unlocker::{Answer, Derive, Passphrase, Unlocker};
pub use wrapped::{MAX_LABEL, WrappedKey};
pub use wrapped_data::WrappedDataKey;
pub use wrapping::Secret;

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// Fills bytes from a cryptographic generator.
pub type Random<'a> = dyn FnMut(&mut [u8]) -> Result<()> + 'a;

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Asks `random` for bytes, and refuses what a generator that does nothing would leave.
fn fill(bytes: &mut [u8], random: &mut Random<'_>) -> Result<()> {
    random(bytes)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the random number generator gave nothing but zeros; nothing is sealed with it",
        ));
    }
    Ok(())
}
