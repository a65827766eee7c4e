//! What sync tells of itself.

use crate::error::Error;
use crate::model::{Doc, Key};

/// Which way a round goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Push, then pull.
    #[default]
    Both,
    /// Push alone.
    Push,
    /// Pull alone.
    Pull,
}

/// What a round did.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncReport {
    /// Operations that the endpoint has taken.
    pub pushed: u64,
    /// Documents that were taken from the endpoint.
    pub pulled: u64,
    /// Documents that had changed on both sides.
    pub conflicts: u64,
    /// Documents that were set aside.
    pub failed: u64,
    /// Those documents, each with what was wrong.
    pub failures: Vec<OutboxEntry>,
    /// How long it took, milliseconds.
    pub duration_ms: f64,
    /// When it ended, milliseconds since the epoch.
    pub at: f64,
}

/// How sync stands. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, as the public interface has them")]
pub struct SyncStatus {
    /// Whether it goes by itself.
    pub enabled: bool,
    /// How often changes are pulled without any other reason, milliseconds.
    pub interval: f64,
    /// Which of the collections that can replicate are switched on.
    pub preferences: Vec<(String, bool)>,
    /// Whether a round is under way.
    pub running: bool,
    /// How far a round is that pulls many pages: the endpoint's sequence that it has come to, and the last.
    pub progress: Option<(u64, u64)>,
    /// Whether there is a network, as far as is known.
    pub online: bool,
    /// Whether this tab is the one that sends.
    pub leader: bool,
    /// Documents that wait to be sent.
    pub pending: u64,
    /// Documents that were set aside.
    pub failed: u64,
    /// Conflicts that wait for a decision.
    pub conflicts: u64,
    /// When the last whole round was.
    pub last_sync_time: Option<f64>,
    /// When the next round is.
    pub next_sync_time: Option<f64>,
    /// Why the last round failed, if it did.
    pub last_error: Option<Error>,
    /// What the last whole round did.
    pub last_report: Option<SyncReport>,
}

/// A document that waits to be sent, or was set aside.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// `collection/key`, the key in its text form.
    pub id: String,
    /// The collection.
    pub collection: String,
    /// The key.
    pub key: Key,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, milliseconds since the epoch.
    pub next_attempt: Option<f64>,
    /// Where it stands.
    pub state: EntryState,
    /// The last error.
    pub error: Option<Error>,
}

impl OutboxEntry {
    /// A document that was set aside.
    pub(crate) fn dead(doc: Doc, attempts: u32, error: Error) -> Self {
        let (id, state, error) = (doc.id(), EntryState::Dead, Some(error));
        Self { id, collection: doc.collection, key: doc.key, attempts, next_attempt: None, state, error }
    }
}

/// Where an outbox entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// It waits.
    Waiting,
    /// It is in a request that may have reached the endpoint.
    Sending,
    /// It was set aside: refused by the endpoint, not fit to be sent, or not readable when it came.
    Dead,
}

/// A document that came from the endpoint and was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The collection.
    pub collection: String,
    /// The key.
    pub key: Key,
    /// Whether it was deleted.
    pub deleted: bool,
}
