//! Backends around backends.
//!
//! The order matters. From the application down: journal, seal, backend. The journal stamps what the application
//! wrote, and the seal closes it:
//!
//! ```text
//! right: journal(seal(indexeddb))   what travels is what is stored: ciphertext
//! wrong: seal(journal(indexeddb))   the log would be sealed too, and nobody without the key could send it
//! ```

mod journal;
mod seal;

pub use journal::{Journal, Replicated};
pub use seal::Seal;
