//! Replication: the clock, the protocol, the merge, the engine, and the driver that lets it act.
//!
//! [`Sync`] is what an application sees. Below it, `engine` decides and does no I/O; `outbox`, `settle` and `pull` are
//! the commits that it asks for; `state` and `dead` are what is remembered.

mod clock;
mod config;
mod conflict;
mod control;
mod dead;
mod document;
mod driver;
mod effects;
mod engine;
mod extent;
mod hear;
mod inner;
mod lookup;
mod merge;
pub(crate) mod outbox;
mod perform;
mod policy;
mod ports;
pub mod protocol;
mod pull;
mod report;
mod retry;
mod settle;
mod state;
mod wishes;
mod worker;

pub use clock::{Clock, Hlc, MAX_AHEAD_MS};
pub use config::SyncConfig;
pub use conflict::{Arbiter, Choice, Conflict, ConflictEntry, ConflictOutcome, Which};
pub use extent::Extent;
pub use outbox::Priority;
pub use policy::{Policies, Policy};
pub use ports::{Always, Leadership, Listener, Ports, Sleep, Spawn, TokenProvider};
pub use report::{Applied, Direction, EntryState, OutboxEntry, SyncReport, SyncStatus};
pub use retry::{Growth, Retry};
pub use state::{SharedClock, open_clock};
pub(crate) use state::{body as row_body, parse as row_content, row as row_object};
pub use worker::Sync;
