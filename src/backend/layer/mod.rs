//! Backends around backends.
//!
//! The order matters. From the application down: cache, journal, vault, seal, checksum, postings, backend. The cache sees every
//! write of this store before it is acknowledged, the journal stamps what the application wrote, the seal closes it, the
//! checksum is that of what is stored, and postings note the words of what lies open:
//!
//! ```text
//! right: journal(seal(postings(indexeddb)))   what travels is what is stored: ciphertext
//! wrong: seal(journal(postings(indexeddb)))   the log would be sealed too, and nobody without the key could send it
//! wrong: seal(cache(postings(indexeddb)))     what is cached would be opened anew at each read
//! wrong: postings(journal(seal(indexeddb)))   what the endpoint sends is written below, and would not be found
//! ```
//!
//! A transaction is an overlay over the whole of that, for as long as it lives: what it commits goes through the journal
//! and the seal as one batch.
//!
//! What a layer leaves to the backend below it, it names in one line: [`delegate!`](crate::delegate).

mod cache;
mod checksum;
mod delegate;
mod journal;
mod overlay;
mod postings;
mod replicated;
mod seal;
mod turns;
mod vault;

pub use cache::{Cache, CacheLimits, CacheStats};
pub use checksum::{Checksums, Compared};
pub use journal::Journal;
pub use overlay::{Isolation, Open, Overlay};
pub use postings::Postings;
pub use replicated::Replicated;
pub use seal::Seal;
pub(crate) use seal::{state as blind_state, tagged};
pub(crate) use turns::Turns;
pub use vault::Vault;
