//! What a merge writes, gathered into one commit.

use super::conflict::{self, Decided, Undecided};
use super::document;
use super::engine::{Change, Incoming, Tally, Unreadable};
use super::lookup::Standing;
use super::merge::{Decision, History, Remote, decide};
use super::ports::Listeners;
use super::state::{SharedClock, strict};
use super::{Applied, ConflictOutcome, Hlc, OutboxEntry, Policies, Policy, dead, outbox};
use crate::backend::Backend;
use crate::backend::layer::Replicated;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{BaseChange, Body, Doc, Key, RemoteState, Replica, Replicate, WriteOp, system};

/// What a step of storage works with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage<'a> {
    pub(crate) backend: &'a dyn Backend,
    pub(crate) clock: &'a SharedClock,
    pub(crate) collections: &'a Replicated,
    pub(crate) endpoint: &'a str,
    pub(crate) policies: &'a Policies,
    pub(crate) now: f64,
    pub(crate) listeners: &'a Listeners,
}

impl Storage<'_> {
    /// The stamp of a decision: it is made now, and on both of these.
    pub(crate) fn stamp(self, local: Hlc, remote: Hlc) -> Hlc {
        let mut clock = self.clock.borrow_mut();
        clock.observe(remote, self.now);
        clock.tick(self.now).after(local).after(remote)
    }

    /// What becomes of what is kept beside a record, now that it is to be sent on this state of the endpoint's.
    pub(crate) fn base(self, collection: &str, remote: &RemoteState) -> BaseChange {
        let kept = self.policies.keeps_base(collection);
        BaseChange::Set(if kept { conflict::base_of(remote) } else { None })
    }
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
        self.tally.add(other.tally);
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
    /// What lost, to be kept for a while.
    lost: Vec<Decided>,
    /// Whether a document is withheld from sending by this commit.
    pub(crate) withholds: bool,
}

/// What is known of a document beside its standing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances<'a> {
    pub(crate) history: History,
    /// Whether an outbox row that outlives this commit names the document, if it is pending.
    pub(crate) named: bool,
    /// Whether a dead letter may speak of it.
    pub(crate) lettered: bool,
    /// Whether our change was made on no state of the endpoint's.
    pub(crate) rootless: bool,
    /// The conflict that is still to be decided of it.
    pub(crate) undecided: Option<&'a Undecided>,
}

impl Effects {
    pub(crate) fn name(&mut self, doc: &Doc) {
        self.named.push(doc.clone());
    }

    /// Replaces the replica state of what is there.
    pub(crate) fn restate(&mut self, doc: &Doc, standing: &Standing, replica: Replica) {
        self.replicate(doc, standing, None, replica, BaseChange::Keep);
    }

    /// The same, with what the endpoint has, as it is kept beside.
    pub(crate) fn rebase(&mut self, doc: &Doc, standing: &Standing, replica: Replica, base: BaseChange) {
        self.replicate(doc, standing, None, replica, base);
    }

    /// Writes a state that neither side had, to be sent.
    pub(crate) fn write(
        &mut self,
        doc: &Doc,
        standing: &Standing,
        state: RemoteState,
        replica: Replica,
        base: BaseChange,
    ) {
        let deleted = matches!(state, RemoteState::Deleted);
        self.applied.push(Applied { collection: doc.collection.clone(), key: doc.key.clone(), deleted });
        self.replicate(doc, standing, Some(state), replica, base);
    }

    /// Keeps what lost in a conflict, for a while; never of the system's own collections.
    pub(crate) fn lose(&mut self, lost: Decided) {
        if !system::is_own(&lost.doc.collection) {
            self.lost.push(lost);
        }
    }

    fn replicate(
        &mut self,
        doc: &Doc,
        standing: &Standing,
        state: Option<RemoteState>,
        replica: Replica,
        base: BaseChange,
    ) {
        self.ops.push(WriteOp::Replicate(Replicate {
            collection: doc.collection.clone(),
            key: doc.key.clone(),
            state,
            replica,
            precondition: standing.precondition(),
            base,
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
        self.replicate(doc, standing, Some(state), replica, BaseChange::Keep);
    }

    /// Lets the endpoint's state of a document meet ours.
    pub(crate) fn meet(
        &mut self,
        storage: Storage<'_>,
        doc: &Doc,
        standing: &Standing,
        change: &Change,
        circumstances: Circumstances<'_>,
    ) -> core::result::Result<(), Unreadable> {
        let remote = Remote { rev: change.rev, hlc: change.hlc, deleted: change.del };
        let Circumstances { history, undecided, .. } = circumstances;
        let before = standing.replica();
        let pending = before.is_some_and(|replica| replica.dirty);
        let state = || -> core::result::Result<RemoteState, Unreadable> {
            if change.del {
                return Ok(RemoteState::Deleted);
            }
            document::decode(change.body.as_deref(), change.hlc.millis())
                .map_err(|error| Unreadable { name: Some((change.c.clone(), change.id.clone())), error })
        };
        let mut decision = decide(standing.local(), remote, storage.policies.of(&doc.collection), history);
        if decision == Decision::Conflict || (undecided.is_some() && pending && decision.is_choice()) {
            decision = self.contest(storage, doc, standing, change, circumstances, &state()?)?;
        }
        match decision {
            Decision::TakeRemote => {
                if change.del && mutant!("a-deletion-is-not-taken") {
                    return Ok(());
                }
                let state = state()?;
                if pending && !unedited(standing) && (!change.del || standing.live().is_some()) {
                    self.written.tally.conflicts += 1;
                    self.lose(lost(storage, doc, ConflictOutcome::Remote, standing, None));
                }
                self.take(doc, standing, state, Replica { rev: Some(remote.rev), hlc: remote.hlc, dirty: false });
                if circumstances.lettered {
                    self.ops.push(dead::settled(doc));
                    self.ops.push(dead::readable(doc));
                }
            }
            Decision::KeepLocal(replica) => {
                let base = state().map_or(BaseChange::Keep, |state| storage.base(&doc.collection, &state));
                self.rebase(doc, standing, replica, base);
                if !circumstances.named || !pending {
                    self.name(doc);
                }
                if pending && history == History::Continued && remote.hlc.device() != replica.hlc.device() {
                    self.written.tally.conflicts += 1;
                    self.lose(lost(storage, doc, ConflictOutcome::Local, standing, change.body.clone()));
                }
            }
            Decision::Echo(replica) => {
                self.restate(doc, standing, replica);
                if circumstances.lettered {
                    self.ops.push(dead::settled(doc));
                }
            }
            Decision::Known | Decision::Conflict => {}
        }
        if let (Some(undecided), Decision::TakeRemote | Decision::Echo(_)) = (undecided, decision) {
            self.ops.push(undecided.removed());
        }
        storage.clock.borrow_mut().observe(change.hlc, storage.now);
        Ok(())
    }

    /// Notes a conflict that stamps do not decide, unless it is none.
    fn contest(
        &mut self,
        storage: Storage<'_>,
        doc: &Doc,
        standing: &Standing,
        change: &Change,
        circumstances: Circumstances<'_>,
        state: &RemoteState,
    ) -> core::result::Result<Decision, Unreadable> {
        let Circumstances { history, undecided, rootless, .. } = circumstances;
        if unedited(standing) || (change.del && standing.live().is_none()) {
            return Ok(Decision::TakeRemote);
        }
        if let (true, true, Some(local)) = (change.del, rootless, standing.local()) {
            // What was deleted is not what was made anew here.
            let hlc = storage.stamp(local.replica.hlc, change.hlc);
            let replica = Replica { rev: Some(change.rev), hlc, dirty: true };
            self.rebase(doc, standing, replica, storage.base(&doc.collection, state));
            self.name(doc);
            self.ops.extend(undecided.map(Undecided::removed));
            return Ok(Decision::Known);
        }
        let heard = |one: &Undecided| history == History::Continued && one.remote.rev >= change.rev;
        if !undecided.is_some_and(heard) {
            let name = || Some((change.c.clone(), change.id.clone()));
            let row = conflict::met(doc, change, storage.now, undecided);
            self.ops.push(row.map_err(|error| Unreadable { name: name(), error })?);
            self.written.tally.conflicts += 1;
            self.withholds = true;
        }
        Ok(Decision::Conflict)
    }

    /// Sets a document aside that cannot be read, and says so.
    pub(crate) fn set_aside(&mut self, unreadable: Unreadable, now: f64) -> Result<()> {
        let mut error = unreadable.error;
        let (mut doc, mut known) = (Doc::new("", Key::Array(Vec::new())), false);
        if let Some((collection, id)) = unreadable.name {
            error = error.with("collection", &collection).with("id", &id);
            self.ops.push(dead::unreadable(&collection, &id, now, &error)?);
            (doc, known) = (Doc::new(collection, Key::from_text(&id).unwrap_or(Key::String(id))), true);
        }
        let entry = OutboxEntry::dead(doc, 1, error.clone());
        self.written.tally.failed.push(if known { entry } else { OutboxEntry { id: String::new(), ..entry } });
        self.written.problems.push(error);
        Ok(())
    }

    /// Commits, with strict durability, and tells at once what was taken: a later commit of the same step may fail.
    pub(crate) async fn commit(mut self, storage: Storage<'_>) -> Result<Written> {
        self.ops.extend(outbox::append(&self.named, storage.now)?);
        if !self.lost.is_empty() {
            self.ops.extend(conflict::tidied(storage.backend, storage.now, self.lost.len()).await?);
            for lost in &self.lost {
                self.ops.push(lost.kept()?);
            }
        }
        if !self.ops.is_empty() {
            storage.backend.commit(strict(self.ops, storage.now)).await?;
        }
        if !self.applied.is_empty() {
            storage.listeners.each(|listener| listener.applied(&self.applied));
        }
        Ok(self.written)
    }
}

/// Whether what waits to be sent is another envelope of what the endpoint has, and no change.
fn unedited(standing: &Standing) -> bool {
    standing.live().is_some_and(|record| match (&record.body, record.meta.base.as_deref()) {
        (Body::Sealed(ours), Some(Body::Sealed(base))) => ours.to_vec() == base.to_vec(),
        _ => false,
    })
}

/// What the later stamp decided against.
fn lost(
    storage: Storage<'_>,
    doc: &Doc,
    outcome: ConflictOutcome,
    standing: &Standing,
    remote: Option<String>,
) -> Decided {
    let local = standing.live().filter(|_| outcome == ConflictOutcome::Remote);
    Decided {
        doc: doc.clone(),
        at: storage.now,
        by: Policy::Latest.name().to_owned(),
        outcome,
        // What cannot be encoded could not have been sent.
        local: local.and_then(|record| document::encode(record).ok()),
        remote,
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
