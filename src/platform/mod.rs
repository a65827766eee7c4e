//! The ground we stand on: time, randomness, tasks and values, in the browser and natively.
//!
//! This is the only place where `cfg(target_family)` decides anything but whether a browser's module is there at all.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod web;

#[cfg(not(target_family = "wasm"))]
pub use native::{Bytes, Large, Payload, breathe, folded, now, number_of, number_text, pbkdf2_sha256, random, steady};
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{Gathered, SubtleKey};
#[cfg(target_family = "wasm")]
pub use web::{
    Bytes, Large, Payload, breathe, folded, now, number_of, number_text, pbkdf2_sha256, random, sleep, spawn, steady,
    within,
};
#[cfg(target_family = "wasm")]
pub(crate) use web::{Gathered, SubtleKey};
#[cfg(target_family = "wasm")]
pub(crate) use web::{environment, is_array, items, names, said, slumber};

/// The encoding of a value that is to be sealed.
#[derive(Debug)]
pub enum Plaintext {
    /// To be sealed at once.
    Small(zeroize::Zeroizing<Vec<u8>>),
    /// To be sealed by Web Crypto.
    Large(Large),
}
