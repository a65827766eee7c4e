//! Layers: backends around backends.
//!
//! From the store downwards they are journal, then seal, then the raw backend. The other way round, the journal would
//! still name the right documents, but a clear the journal turns into deletions would have been sealed before.

mod journal;

pub use journal::{Journal, Replicated};
