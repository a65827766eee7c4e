//! What commits change, and through where it is told.

use super::{DataStore, Event};
use crate::model::{CommitReceipt, Doc, Key, Register, WriteOp, system};

/// What one commit, or one step of housekeeping, changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Who did it.
    pub source: ChangeSource,
    /// Each record, in the order of the commit.
    pub list: Vec<Change>,
}

/// A record was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The collection.
    pub collection: String,
    /// The record; the empty array where it is more than one.
    pub key: Key,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was written.
    Put,
    /// It was deleted.
    Delete,
    /// Its collection was emptied.
    Clear,
    /// More records of its collection were written or deleted than are told one by one.
    Many,
}

/// Who changed a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSource {
    /// This store.
    Local,
    /// This database, opened elsewhere: another tab, a worker, a service worker.
    Tab,
    /// Another device, by way of the endpoint.
    Remote,
}

impl Change {
    /// The change of one record.
    #[must_use]
    pub fn new(collection: impl Into<String>, key: Key, kind: ChangeKind) -> Self {
        Self { collection: collection.into(), key, kind }
    }

    /// The change of a whole collection.
    #[must_use]
    pub fn of_all(collection: impl Into<String>, kind: ChangeKind) -> Self {
        Self::new(collection, Key::Array(Vec::new()), kind)
    }

    /// What an operation of the application changes.
    pub(super) fn of(op: &WriteOp) -> Option<Self> {
        match op {
            WriteOp::Put(put) => Some(Self::new(&put.collection, put.key.clone(), ChangeKind::Put)),
            WriteOp::Delete(delete) => Some(Self::new(&delete.collection, delete.key.clone(), ChangeKind::Delete)),
            WriteOp::Clear { collection } => Some(Self::of_all(collection, ChangeKind::Clear)),
            WriteOp::Append { .. } | WriteOp::Replicate(_) | WriteOp::Reseal(_) | WriteOp::Verify(_) => None,
        }
    }
}

impl DataStore {
    /// Tells what was changed. Every change of the store goes through here, whoever made it: a commit of this store,
    /// its housekeeping, another tab, the endpoint.
    ///
    /// # Behavior
    ///
    /// - It is called once what it tells of is stored, commit by commit, in their order; a record that a commit wrote more
    ///   than once is told once.
    /// - When it returns, no read gives what was there before.
    /// - Changes of the system's own records are told to nobody.
    pub fn tell(&self, source: ChangeSource, list: Vec<Change>) {
        if let Some(cache) = &self.0.cache {
            for change in &list {
                match change.kind {
                    ChangeKind::Put | ChangeKind::Delete => cache.forget(&change.collection, &change.key),
                    ChangeKind::Clear | ChangeKind::Many => cache.forget_all(&change.collection),
                }
            }
        }
        self.announce(source, list);
    }

    fn announce(&self, source: ChangeSource, mut list: Vec<Change>) {
        list.retain(|change| !system::is_own(&change.collection));
        if !list.is_empty() && self.0.events.heard() {
            self.0.events.emit(&Event::Changed(Changes { source, list }));
        }
    }

    /// Tells that changes may have been made that nobody told of: the page was frozen, or the connection was lost.
    pub fn missed(&self) {
        if let Some(cache) = &self.0.cache {
            cache.clear();
        }
        self.0.events.emit(&Event::Missed);
    }

    /// Tells what a commit of this store did; `list` holds a change for each operation that is one.
    pub(super) fn tell_commit(&self, list: Vec<Option<Change>>, receipt: &CommitReceipt) {
        let done = list.into_iter().zip(&receipt.ops);
        let happened = done.filter_map(|(change, done)| change.filter(|change| change.happened(done.existed)));
        // The cache has seen the commit itself.
        self.announce(ChangeSource::Local, latest(happened.collect()));
    }
}

/// Of the changes of one record in a commit, the last: what it came to.
fn latest(list: Vec<Change>) -> Vec<Change> {
    let mut seen = Register::default();
    let mut is_new = |change: &Change| seen.add(&Doc::new(change.collection.as_str(), change.key.clone()));
    let mut latest: Vec<Change> = list.into_iter().rev().filter(|change| is_new(change)).collect();
    latest.reverse();
    latest
}

impl Change {
    /// Deleting what is not there changes nothing.
    fn happened(&self, existed: bool) -> bool {
        self.kind != ChangeKind::Delete || existed
    }
}
