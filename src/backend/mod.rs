//! Where records live: one small trait, one behaviour suite.

use core::fmt;
use core::future::Future;
use core::ops::Bound;
use core::pin::Pin;

use crate::error::Result;
use crate::model::{CommitReceipt, Key, KeyRange, Record, WriteBatch};

pub use crate::model::Source;

pub mod exception;
pub mod incident;
#[cfg(target_family = "wasm")]
pub mod indexeddb;
pub mod layer;
pub mod memory;

/// A future of this single-threaded world: a page's or a worker's event loop, or a test's.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A place that keeps records.
///
/// Backends wrap backends: sealing and journalling are layers of this same trait.
///
/// # Behavior
///
/// - [`commit`](Backend::commit) is atomic: a batch happens whole or not at all, and what it resolves with is stored.
/// - Of batches that are committed concurrently, each has its own outcome; one that fails fails no other.
/// - A commit sees every earlier commit of the same backend, and so does a read that begins after it resolved.
/// - Values go in and come out as copies: changing one changes nothing stored.
/// - Rows come in the order of [`Key`], whatever the backend.
/// - Nothing is filtered: records whose time is over are still read. The store above hides them.
/// - After [`close`](Backend::close), every call but `close` fails with `CLOSED`.
/// - `Debug` tells which backend it is, and nothing of what it holds.
pub trait Backend: fmt::Debug {
    /// What this backend is and can do. Constant after opening.
    fn facts(&self) -> Facts;

    /// Applies a batch, whole or not at all.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS`, `NOT_FOUND`, `CONFLICT` for preconditions and unique indexes; `INVALID_KEY`, `INVALID_VALUE`
    /// for what cannot be stored; `QUOTA_EXCEEDED`; `CLOSED`, `CONNECTION_LOST`, `TIMEOUT`.
    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>>;

    /// The records under `keys`, in their order, all read at one point in time.
    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>>;

    /// A run of rows in key order.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` for an index that the collection does not have.
    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>>;

    /// How many rows lie in a range, without reading them.
    fn count<'a>(
        &'a self,
        collection: &'a str,
        source: &'a Source,
        range: &'a KeyRange,
    ) -> LocalFuture<'a, Result<u64>>;

    /// The undeclared namespaces that hold at least one row, sorted.
    fn namespaces(&self) -> LocalFuture<'_, Result<Vec<String>>>;

    /// Finishes what was begun and lets go of the database.
    fn close(&self) -> LocalFuture<'_, ()>;

    /// Closes, and deletes everything.
    fn destroy(&self) -> LocalFuture<'_, Result<()>>;
}

/// What a backend is and can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The name applications select it by.
    pub kind: &'static str,
    /// The database's name.
    pub name: String,
    /// Whether what is committed outlives the page.
    pub persistent: bool,
    /// The version of the database's schema.
    pub schema_version: u32,
    /// The most records it takes, if it counts them.
    pub capacity: Option<u64>,
}

/// A request for a run of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Whose rows.
    pub collection: String,
    /// In which order.
    pub source: Source,
    /// From where to where, in keys of that order.
    pub range: KeyRange,
    /// Forwards or backwards.
    pub direction: Direction,
    /// Only rows strictly behind this place, in the direction of the scan.
    pub after: Option<Position>,
    /// How many to pass over first.
    pub offset: usize,
    /// How many at the most.
    pub limit: Option<usize>,
    /// What of each row to read.
    pub read: Read,
}

impl Scan {
    /// All records of a collection, in key order.
    #[must_use]
    pub fn all(collection: impl Into<String>) -> Self {
        Self {
            collection: collection.into(),
            source: Source::Primary,
            range: KeyRange::all(),
            direction: Direction::Forward,
            after: None,
            offset: 0,
            limit: None,
            read: Read::Records,
        }
    }

    /// The part of the range that rows behind the position can lie in; the position's own index key among it, for
    /// other rows may have it too.
    #[must_use]
    pub fn remaining(&self) -> KeyRange {
        let range = self.range.clone();
        match (&self.after, &self.source) {
            (None, _) => range,
            (Some(after), Source::Primary) => range.intersect(self.direction.onwards(Bound::Excluded(&after.key))),
            (Some(after), _) => range.intersect(self.direction.onwards(Bound::Included(&after.at))),
        }
    }
}

/// A place in the order of a source. There may be a row at it, or no longer, or never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The key in the order of the source: the index key, the end of life; the record's own key in its own order.
    pub at: Key,
    /// The record's own key, which is decisive among rows that share `at`.
    pub key: Key,
}

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Ascending.
    #[default]
    Forward,
    /// Descending.
    Backward,
}

impl Direction {
    /// The keys from a bound on, in this direction.
    #[must_use]
    pub fn onwards(self, from: Bound<&Key>) -> KeyRange {
        match self {
            Self::Forward => KeyRange { lower: from.cloned(), upper: Bound::Unbounded },
            Self::Backward => KeyRange { lower: Bound::Unbounded, upper: from.cloned() },
        }
    }
}

/// What a scan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Read {
    /// Whole records.
    #[default]
    Records,
    /// Records whose body may be anything: what the system keeps is asked for, and nothing is unsealed for it.
    Meta,
    /// Keys alone.
    Keys,
}

/// A row of a scan.
#[derive(Debug, Clone)]
pub struct Row {
    /// The record's own key.
    pub key: Key,
    /// The record, where the scan reads records.
    pub record: Option<Record>,
}
