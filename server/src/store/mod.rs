//! Where documents are kept.
//!
//! A store keeps one sequence per space and answers for durability; what becomes of an operation is
//! [`decide`](crate::decide)'s to say, so that every store says the same.

mod plan;
mod postgres;
mod run;
mod sqlite;

use core::fmt;
use core::pin::Pin;

use tidekeep::sync::protocol::{Change, PushOp, PushResult};

pub(crate) use postgres::PostgresStore;
pub(crate) use sqlite::SqliteStore;

use crate::cursor::Position;
use crate::limits::Refusal;

/// Bytes of bodies in one page; a page holds at least one change, however large.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// A future of the store's answer.
pub(crate) type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// How far a space has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpaceState {
    /// Changes when the history begins anew.
    pub(crate) epoch: String,
    /// The sequence of the last change.
    pub(crate) head: u64,
    /// Positions below must take a snapshot.
    pub(crate) floor: u64,
}

impl SpaceState {
    /// The sequence to go on after.
    ///
    /// A position beyond the head is of a history that was lost, by restoring a backup for example.
    pub(crate) fn resume(&self, since: Option<&Position>) -> Result<u64, StoreError> {
        match since {
            None if self.floor > 0 => Err(StoreError::Reset),
            None => Ok(0),
            Some(at) if at.epoch != self.epoch || at.seq < self.floor || at.seq > self.head => Err(StoreError::Reset),
            Some(at) => Ok(at.seq),
        }
    }
}

/// The name of a history that begins.
fn new_epoch() -> Result<String, StoreError> {
    let mut random = [0_u8; 8];
    tidekeep::platform::random(&mut random).map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(format!("{:016x}", u64::from_be_bytes(random)))
}

/// A push whose operations have been checked for all that does not depend on documents.
#[derive(Debug)]
pub(crate) struct Push {
    /// Who pushes.
    pub(crate) client: String,
    /// The epoch that it knows.
    pub(crate) epoch: Option<String>,
    /// Its operations by ascending `mid`, each with why it is refused, if it is.
    pub(crate) ops: Vec<(PushOp, Option<Refusal>)>,
    /// The endpoint's time.
    pub(crate) now: u64,
}

impl Push {
    /// Its first mutation.
    fn first(&self) -> u64 {
        self.ops.first().map_or(0, |(op, _)| op.mid)
    }
}

/// What became of a push.
#[derive(Debug)]
pub(crate) struct Pushed {
    /// The space after it.
    pub(crate) state: SpaceState,
    /// Whether anything changed.
    pub(crate) changed: Changed,
    /// One for each operation.
    pub(crate) results: Vec<PushResult>,
}

/// Whether a push changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changed {
    /// At least one document.
    Yes,
    /// None.
    No,
}

/// What changes are asked for.
#[derive(Debug, Clone)]
pub(crate) struct ChangesQuery {
    /// After where; nothing for the beginning.
    pub(crate) since: Option<Position>,
    /// How many at most.
    pub(crate) limit: usize,
    /// Of which collections; empty for all.
    pub(crate) collections: Vec<String>,
}

/// Some changes, in the order of their sequence.
#[derive(Debug)]
pub(crate) struct Page {
    /// The space as it was when they were read.
    pub(crate) state: SpaceState,
    /// The changes.
    pub(crate) changes: Vec<Change>,
    /// Up to which sequence they are complete.
    pub(crate) upto: u64,
}

/// Keeps documents.
///
/// # Behavior
///
/// - A push is one transaction, durable once its future is ready, even if nobody waits for the answer any more.
/// - Within a space, sequences are given in the order of commits: whoever has read up to one has read all below it.
/// - Every method touches the given space alone; a space that is asked for begins to exist.
pub(crate) trait Store: fmt::Debug + Send + Sync + 'static {
    /// How far a space has come.
    fn state<'a>(&'a self, space: &'a str) -> StoreFuture<'a, SpaceState>;

    /// Applies a push.
    ///
    /// # Errors
    ///
    /// [`StoreError::Reset`] for another epoch, [`StoreError::AnswerTooLarge`]; nothing has changed then.
    fn push<'a>(&'a self, space: &'a str, push: Push) -> StoreFuture<'a, Pushed>;

    /// Reads changes after a position.
    ///
    /// # Errors
    ///
    /// [`StoreError::Reset`] for a position of another epoch, below the floor or beyond the head.
    fn changes<'a>(&'a self, space: &'a str, query: ChangesQuery) -> StoreFuture<'a, Page>;

    /// Begins to read all documents that exist, as of one moment.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] where too many snapshots are being read.
    fn snapshot<'a>(&'a self, space: &'a str, collections: Vec<String>) -> StoreFuture<'a, Box<dyn Snapshot>>;

    /// Tells other instances on the same database that `space` has changed; by itself it wakes nobody here.
    fn announce(&self, _space: &str) {}

    /// Forgets at most `most` deletions that were made before `before`, milliseconds since the epoch, and raises the
    /// floor over them. Answers with how many it may have been; 0 once there are none left.
    fn forget(&self, before: u64, most: usize) -> StoreFuture<'_, usize>;

    /// Gives every space a new epoch, so that every client begins anew from the snapshot; answers with how many.
    fn renew(&self) -> StoreFuture<'_, usize>;

    /// Whether it answers at all.
    fn check(&self) -> StoreFuture<'_, ()>;
}

/// All documents of a space as of one moment, read in pieces.
pub(crate) trait Snapshot: Send {
    /// The space at that moment.
    fn state(&self) -> &SpaceState;

    /// The next documents; none when there are no more.
    fn next(&mut self) -> StoreFuture<'_, Vec<Change>>;
}

/// Why a store did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// The history that the caller knows is gone.
    Reset,
    /// The documents in conflict are more than one answer may hold.
    AnswerTooLarge,
    /// Others are using it; it may be asked again soon.
    Busy,
    /// It cannot be reached; it is looked for at each call.
    Away,
    /// There is no room.
    Full,
    /// Anything else, without any value in it.
    Failed(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reset => f.write_str("the history is gone"),
            Self::AnswerTooLarge => f.write_str("the answer would be too large"),
            Self::Busy => f.write_str("it is in use"),
            Self::Away => f.write_str("it cannot be reached"),
            Self::Full => f.write_str("there is no room"),
            Self::Failed(what) => f.write_str(what),
        }
    }
}
