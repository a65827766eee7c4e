//! Backends around backends.
//!
//! The order matters. From the application down: cache, journal, seal, checksum, backend. The cache sees every write of
//! this store before it is acknowledged, the journal stamps what the application wrote, the seal closes it, and the
//! checksum is that of what is stored:
//!
//! ```text
//! right: journal(seal(indexeddb))   what travels is what is stored: ciphertext
//! wrong: seal(journal(indexeddb))   the log would be sealed too, and nobody without the key could send it
//! wrong: seal(cache(indexeddb))     what is cached would be opened anew at each read
//! ```
//!
//! A transaction is an overlay over the whole of that, for as long as it lives: what it commits goes through the journal
//! and the seal as one batch.

mod cache;
mod checksum;
mod journal;
mod overlay;
mod seal;

pub use cache::{Cache, CacheLimits, CacheStats};
pub use checksum::{Checksums, Compared};
pub use journal::{Journal, Replicated};
pub use overlay::{Isolation, Open, Overlay};
pub use seal::Seal;
