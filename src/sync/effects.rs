//! What a merge writes, gathered into one commit.

use super::document;
use super::engine::{Change, Incoming, Tally, Unreadable};
use super::lookup::Standing;
use super::merge::{Decision, History, Policy, Remote, decide};
use super::ports::Listeners;
use super::state::{SharedClock, strict};
use super::{Applied, dead, outbox};
use crate::backend::Backend;
use crate::backend::layer::Replicated;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Doc, Key, RemoteState, Replica, Replicate, WriteOp};

/// What a step of storage works with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage<'a> {
    pub(crate) backend: &'a dyn Backend,
    pub(crate) clock: &'a SharedClock,
    pub(crate) collections: &'a Replicated,
    pub(crate) policy: Policy,
    pub(crate) now: f64,
    pub(crate) listeners: &'a Listeners,
}

/// What a step of storage did.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) tally: Tally,
    pub(crate) problems: Vec<Error>,
}

/// How a step of storage ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Written),
    /// Another sender was faster, and nothing was written.
    Late,
}

impl Written {
    pub(crate) fn add(&mut self, other: Self) {
        self.tally.pushed += other.tally.pushed;
        self.tally.pulled += other.tally.pulled;
        self.tally.conflicts += other.tally.conflicts;
        self.tally.failed += other.tally.failed;
        self.problems.extend(other.problems);
    }
}

/// Whether a commit failed because something was written in between.
pub(crate) fn raced(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::AlreadyExists | ErrorKind::NotFound)
}

/// The writes of one commit, and what to say of them once it is made.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) ops: Vec<WriteOp>,
    pub(crate) written: Written,
    applied: Vec<Applied>,
    /// Documents that stay or become pending by our own doing, and must be named again.
    named: Vec<Doc>,
}

/// What is known of a document beside its standing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) history: History,
    /// Whether an outbox row that outlives this commit names the document, if it is pending.
    pub(crate) named: bool,
    /// Whether a dead letter may speak of it.
    pub(crate) lettered: bool,
}

impl Effects {
    pub(crate) fn name(&mut self, doc: &Doc) {
        self.named.push(doc.clone());
    }

    /// Replaces the replica state of what is there.
    pub(crate) fn restate(&mut self, doc: &Doc, standing: &Standing, replica: Replica) {
        self.replicate(doc, standing, None, replica);
    }

    fn replicate(&mut self, doc: &Doc, standing: &Standing, state: Option<RemoteState>, replica: Replica) {
        self.ops.push(WriteOp::Replicate(Replicate {
            collection: doc.collection.clone(),
            key: doc.key.clone(),
            state,
            replica,
            precondition: standing.precondition(),
            checksum: None,
        }));
    }

    /// Takes the endpoint's state of a document in its own place.
    pub(crate) fn take(&mut self, doc: &Doc, standing: &Standing, state: RemoteState, replica: Replica) {
        let deleted = matches!(state, RemoteState::Deleted);
        if !deleted || standing.live().is_some() {
            self.applied.push(Applied { collection: doc.collection.clone(), key: doc.key.clone(), deleted });
        }
        self.written.tally.pulled += 1;
        self.replicate(doc, standing, Some(state), replica);
    }

    /// Lets the endpoint's state of a document meet ours.
    pub(crate) fn meet(
        &mut self,
        storage: Storage<'_>,
        doc: &Doc,
        standing: &Standing,
        change: &Change,
        circumstances: Circumstances,
    ) -> core::result::Result<(), Unreadable> {
        let remote = Remote { rev: change.rev, hlc: change.hlc };
        let before = standing.replica();
        match decide(standing.local(), remote, storage.policy, circumstances.history) {
            Decision::TakeRemote => {
                let state = if change.del {
                    RemoteState::Deleted
                } else {
                    document::decode(change.body.as_deref(), change.hlc.millis())
                        .map_err(|error| Unreadable { name: Some((change.c.clone(), change.id.clone())), error })?
                };
                if before.is_some_and(|replica| replica.dirty) {
                    self.written.tally.conflicts += 1;
                }
                self.take(doc, standing, state, Replica { rev: Some(remote.rev), hlc: remote.hlc, dirty: false });
                if circumstances.lettered {
                    self.ops.push(dead::settled(doc));
                    self.ops.push(dead::readable(doc));
                }
            }
            Decision::KeepLocal(replica) => {
                self.restate(doc, standing, replica);
                if !circumstances.named || !before.is_some_and(|replica| replica.dirty) {
                    self.name(doc);
                }
            }
            Decision::Echo(replica) => {
                self.restate(doc, standing, replica);
                if circumstances.lettered {
                    self.ops.push(dead::settled(doc));
                }
            }
            Decision::Known => {}
        }
        storage.clock.borrow_mut().observe(change.hlc, storage.now);
        Ok(())
    }

    /// Sets a document aside that cannot be read, and says so.
    pub(crate) fn set_aside(&mut self, unreadable: Unreadable, now: f64) -> Result<()> {
        self.written.tally.failed += 1;
        let mut error = unreadable.error;
        if let Some((collection, id)) = unreadable.name {
            error = error.with("collection", &collection).with("id", &id);
            self.ops.push(dead::unreadable(&collection, &id, now, &error)?);
        }
        self.written.problems.push(error);
        Ok(())
    }

    /// Commits, with strict durability, and tells at once what was taken: a later commit of the same step may fail.
    pub(crate) async fn commit(mut self, storage: Storage<'_>) -> Result<Written> {
        self.ops.extend(outbox::append(&self.named, storage.now)?);
        if !self.ops.is_empty() {
            storage.backend.commit(strict(self.ops, storage.now)).await?;
        }
        if !self.applied.is_empty() {
            storage.listeners.each(|listener| listener.applied(&self.applied));
        }
        Ok(self.written)
    }
}

/// The document that a change is of.
pub(crate) fn document_of(incoming: Incoming) -> core::result::Result<(Doc, Change), Unreadable> {
    let change = incoming?;
    match Key::from_text(&change.id) {
        Ok(key) => Ok((Doc::new(change.c.clone(), key), change)),
        Err(_) => Err(Unreadable {
            name: Some((change.c, change.id)),
            error: Error::new(ErrorKind::SerializationError, "the endpoint sent a document whose key is none"),
        }),
    }
}
