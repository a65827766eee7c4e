//! What the engine asks for.

use super::{Incoming, Means, Settlement, Snapshot};
use crate::backend::layer::Replicated;
use crate::error::Error;
use crate::model::Doc;
use crate::sync::protocol::Limits;
use crate::sync::state::{Flight, Persisted, Progress, Versioned};
use crate::sync::{Hlc, OutboxEntry, SyncReport};
use crate::transport::{ChangesQuery, Encoding};

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Action {
    /// Read the persisted state: answered by `Loaded`.
    Load,
    /// Read what was said at run time: answered by `Wishes` or `Unheard`.
    Hear,
    /// Ask the endpoint what it accepts: answered by `Answered`, as are all requests.
    AskStatus,
    /// Read what is to be sent, of these documents: answered by `Pending`.
    LoadPending { limits: Limits, among: Replicated },
    /// Delete outbox rows that name nothing pending: answered by `Stored`, as are all commits.
    Sweep { rows: Vec<u64> },
    /// Set aside what cannot be sent.
    SetAside { letters: Vec<(Doc, Hlc, Error)> },
    /// Number the operations and freeze the request, or freeze the parts of one that is too large.
    StoreFlight { state: Box<Persisted>, flight: Flight, mids: u64 },
    /// Send these exact bytes.
    Push { body: String, encoding: Encoding },
    /// Write down what became of the operations.
    Settle { flight: Versioned<Flight>, settlement: Box<Settlement> },
    /// Give up a flight that the endpoint's new history knows nothing of, and ask for a snapshot.
    Reset { state: Box<Persisted>, progress: Progress },
    /// Ask what has changed.
    Pull { query: ChangesQuery },
    /// Take what has changed, and move the cursor.
    Apply { changes: Vec<Incoming>, from: Versioned<Progress>, to: Progress },
    /// Ask for everything.
    TakeSnapshot { collections: Vec<String> },
    /// Take everything, and move the cursor.
    ApplySnapshot { snapshot: Box<Snapshot>, from: Versioned<Progress>, to: Progress },
    /// Hear of changes by a call of this number, in the place of the one before: it says `Live`.
    Listen { call: u64, means: Means, query: ChangesQuery },
    /// Hear no more.
    Hush,
    /// The endpoint's time: correct the clock by it.
    ServerTime(f64),
    /// Send `Timer` at this time; it takes the place of an earlier wish.
    WakeAt(f64),
    /// A problem that ends nothing.
    Report(Error),
    /// A round is over.
    Finished { runs: Vec<u64>, outcome: Result<SyncReport, Error> },
}

impl Action {
    /// Whether the endpoint is asked for something by a round.
    pub(super) fn is_request(&self) -> bool {
        matches!(self, Self::AskStatus | Self::Push { .. } | Self::Pull { .. } | Self::TakeSnapshot { .. })
    }
}

/// What a commit did, for the report.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Tally {
    pub(crate) pushed: u64,
    pub(crate) pulled: u64,
    pub(crate) conflicts: u64,
    /// What was set aside.
    pub(crate) failed: Vec<OutboxEntry>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.pushed += other.pushed;
        self.pulled += other.pulled;
        self.conflicts += other.conflicts;
        self.failed.extend(other.failed);
    }
}
