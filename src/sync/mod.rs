//! Replication: the clock, the protocol, the merge, the engine. Pure.

mod clock;
pub mod protocol;

pub use clock::{Clock, Hlc, MAX_AHEAD_MS};
