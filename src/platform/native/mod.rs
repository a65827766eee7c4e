//! The ground outside the browser: tests, the simulator and the server.

mod bytes;
mod derive;
mod number;
mod packed;
mod payload;
mod subtle;
mod text;

pub use bytes::Bytes;
pub use derive::pbkdf2_sha256;
pub use number::{number_of, number_text};
pub use payload::{Large, Payload};
pub(crate) use subtle::{Gathered, SubtleKey};
pub use text::folded;

use crate::error::{Error, ErrorKind, Result};

/// Milliseconds since the epoch.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
pub fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |elapsed| elapsed.as_secs_f64() * 1000.0)
        .trunc()
}

/// Milliseconds by a clock that is never set, since some moment.
#[must_use]
pub fn steady() -> f64 {
    static BEGUN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGUN.get_or_init(std::time::Instant::now).elapsed().as_secs_f64() * 1000.0
}

/// Lets others go on: nobody waits here, since tests have no main thread to keep free.
pub async fn breathe() {}

/// Fills `bytes` from the system's cryptographic generator.
///
/// # Errors
///
/// `UNSUPPORTED` where the system has none.
pub fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes)
        .map_err(|error| Error::new(ErrorKind::Unsupported, "this platform gives no random numbers").caused_by(error))
}
