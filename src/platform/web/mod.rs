//! The ground in pages, workers, service workers and Node.

mod bytes;
mod derive;
pub(crate) mod environment;
mod number;
mod payload;
mod subtle;
mod task;
mod text;

pub use bytes::Bytes;
pub use derive::pbkdf2_sha256;
pub use number::{number_of, number_text};
pub use payload::{Large, Payload};
pub(crate) use payload::{is_array, items, names, said};
pub(crate) use subtle::{Gathered, SubtleKey};
pub(crate) use task::slumber;
pub use task::{breathe, sleep, spawn, within};
pub use text::folded;

use wasm_bindgen::prelude::*;

use crate::error::{Error, ErrorKind, Result};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Milliseconds since the epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
pub fn now() -> f64 {
    js_sys::Date::now()
}

/// Milliseconds by a clock that is never set, since some moment.
#[must_use]
pub fn steady() -> f64 {
    performance_now()
}

/// Fills `bytes` from the system's cryptographic generator.
///
/// # Errors
///
/// `UNSUPPORTED` where the system has none.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::new(ErrorKind::Unsupported, "this platform gives no random numbers").caused_by(error))
}
