//! Deciding: what a policy, the application or a person makes of two states, and the commit that ends it.

use futures_util::future::{Either, select};

use super::fields::{Later, are_same, merged};
use super::row::{Decided, Undecided, undecided};
use super::{Arbiter, Choice, Conflict, ConflictOutcome};
use crate::error::{Error, ErrorKind, ErrorStatus, Result};
use crate::model::{BaseChange, Body, Record, RemoteState, Replica};
use crate::platform::Payload;
use crate::sync::effects::{Effects, Storage, raced};
use crate::sync::engine::Event;
use crate::sync::inner::Inner;
use crate::sync::lookup::{Standing, lookup};
use crate::sync::state::strict;
use crate::sync::{Policy, dead, document};

/// What a decision writes.
enum Written {
    /// Ours stays.
    Local,
    /// The endpoint's is taken.
    Remote(RemoteState),
    /// Something else.
    Value(RemoteState),
}

/// Decides what can be decided without a person, and tells of the rest.
///
/// Nothing here ends a round: what fails is reported, and the conflict stays.
pub(in crate::sync) async fn arbitrate(inner: &Inner) {
    let conflicts = match undecided(&*inner.backend).await {
        Ok(conflicts) => conflicts,
        Err(error) => return inner.listeners.each(|listener| listener.failed(&error)),
    };
    let mut named = false;
    for conflict in conflicts.iter().filter(|conflict| !conflict.damaged) {
        match decide(inner, conflict).await {
            Ok(ended) => named |= ended,
            // Whoever was faster has decided, or written: there is another look at it in the next round.
            Err(error) if raced(&error) => named = true,
            Err(error) => inner.listeners.each(|listener| listener.failed(&error)),
        }
    }
    if named {
        inner.tell(Event::Wrote);
    }
}

/// Decides one by its policy; answers whether it is over.
async fn decide(inner: &Inner, conflict: &Undecided) -> Result<bool> {
    let wishes = inner.wishes();
    let storage = inner.storage(&wishes);
    let Some(standing) = lookup(storage.backend, core::slice::from_ref(&conflict.doc)).await?.pop() else {
        return Ok(false);
    };
    let policy = storage.policies.of(&conflict.doc.collection);
    let by_hand = policy == Policy::Manual || conflict.failed.is_some();
    if by_hand && standing.replica().is_some_and(|replica| replica.dirty) {
        inner.tell_of_conflict(conflict).await;
        return Ok(false);
    }
    let written = match choose(inner, conflict, &standing, policy).await {
        Ok(written) => written,
        Err(error) if waits(&error) => {
            inner.tell_of_conflict(conflict).await;
            return Ok(false);
        }
        Err(error) if error.status() == ErrorStatus::Temporary => return Err(error),
        Err(error) => return leave(inner, conflict, error).await.map(|()| false),
    };
    match end(storage, conflict, &standing, written, policy.name()).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_still(storage, conflict, &standing).await? => {
            leave(inner, conflict, error).await.map(|()| false)
        }
        outcome => outcome.map(|()| true),
    }
}

/// Leaves a conflict to a person that could not be decided without.
async fn leave(inner: &Inner, conflict: &Undecided, error: Error) -> Result<()> {
    let error = error.with("document", conflict.doc.id());
    let op = conflict.left(&error)?;
    inner.backend.commit(strict(vec![op], inner.now())).await?;
    inner.listeners.each(|listener| listener.failed(&error));
    inner.forget_told(conflict);
    if let Some(conflict) = undecided(&*inner.backend).await?.iter().find(|one| one.doc == conflict.doc) {
        inner.tell_of_conflict(conflict).await;
    }
    Ok(())
}

/// Whether the record is as it was read: then it is another one that a decision cannot be beside, in a unique index.
async fn is_still(storage: Storage<'_>, conflict: &Undecided, standing: &Standing) -> Result<bool> {
    let now = lookup(storage.backend, core::slice::from_ref(&conflict.doc)).await?.pop();
    Ok(now.is_some_and(|now| now.precondition() == standing.precondition()))
}

/// Whether something is not at hand yet that may be later.
pub(super) fn waits(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Locked | ErrorKind::KeyMissing)
}

/// What a policy makes of it.
async fn choose(inner: &Inner, conflict: &Undecided, standing: &Standing, policy: Policy) -> Result<Written> {
    let remote = conflict.state()?;
    let Some(local) = standing.replica().filter(|replica| replica.dirty) else { return Ok(Written::Remote(remote)) };
    let later = if local.hlc > conflict.remote.hlc { Later::Local } else { Later::Remote };
    let latest = |remote| if later == Later::Local { Written::Local } else { Written::Remote(remote) };
    match policy {
        Policy::Latest => Ok(latest(remote)),
        Policy::Local | Policy::Manual => Ok(Written::Local),
        Policy::Remote => Ok(Written::Remote(remote)),
        Policy::Merge => match (standing.live(), &remote) {
            // A change outlives a deletion: it can be deleted again, and what was written could not be had back.
            (Some(_), RemoteState::Deleted) => Ok(Written::Local),
            (None, _) => Ok(Written::Remote(remote)),
            (Some(_), RemoteState::Present { .. }) => {
                let opened = inner.opened(conflict, standing, &remote).await?;
                let text = |value: &Option<Payload>| value.as_ref().map(Payload::to_wire).transpose();
                let (base, local, theirs) = (text(&opened.base)?, text(&opened.local)?, text(&opened.remote)?);
                let (Some(local), Some(theirs)) = (local, theirs) else { return Ok(latest(remote)) };
                let Some(value) = merged(base.as_deref(), &local, &theirs, later) else { return Ok(latest(remote)) };
                if are_same(&value, &theirs) {
                    return Ok(Written::Remote(remote));
                }
                if are_same(&value, &local) {
                    return Ok(Written::Local);
                }
                let value = Payload::from_wire(&value)?;
                inner.closed(conflict, standing, remote, Some(value), later).await.map(Written::Value)
            }
        },
        Policy::Ask => {
            let opened = inner.opened(conflict, standing, &remote).await?;
            let answer = inner.asked(&opened).await?;
            inner.closed(conflict, standing, remote, answer, later).await.map(Written::Value)
        }
    }
}

/// What a person chose.
pub(super) async fn chosen(inner: &Inner, conflict: &Undecided, standing: &Standing, choice: &Choice) -> Result<()> {
    let remote = conflict.state()?;
    let value = match choice {
        Choice::Value(value) => Some(value.clone()),
        Choice::Local | Choice::Remote | Choice::Deleted => None,
    };
    let written = match choice {
        Choice::Local => Written::Local,
        Choice::Remote => Written::Remote(remote),
        Choice::Value(_) | Choice::Deleted => {
            Written::Value(inner.closed(conflict, standing, remote, value, Later::Local).await?)
        }
    };
    let wishes = inner.wishes();
    end(inner.storage(&wishes), conflict, standing, written, "resolve").await
}

/// Ends a conflict in one commit, which fails where the record or the conflict is no longer as it was read.
async fn end(
    storage: Storage<'_>,
    conflict: &Undecided,
    standing: &Standing,
    written: Written,
    by: &str,
) -> Result<()> {
    let doc = &conflict.doc;
    let mut effects = Effects::default();
    effects.ops.extend([conflict.removed(), dead::settled(doc), dead::readable(doc)]);
    let local = standing.replica().filter(|replica| replica.dirty);
    let ours = || standing.live().and_then(|record| document::encode(record).ok());
    let theirs = || conflict.body.clone();
    let (outcome, lost_local, lost_remote) = match &written {
        Written::Local => (ConflictOutcome::Local, None, theirs()),
        Written::Remote(_) => (ConflictOutcome::Remote, ours(), None),
        Written::Value(_) => (ConflictOutcome::Value, ours(), theirs()),
    };
    match (written, local) {
        // Something later has come in since.
        (Written::Remote(_), None) if standing.replica().is_some_and(|now| now.rev >= Some(conflict.remote.rev)) => {}
        (Written::Remote(state), _) => {
            let replica = Replica { rev: Some(conflict.remote.rev), hlc: conflict.remote.hlc, dirty: false };
            effects.take(doc, standing, state, replica);
        }
        (Written::Local, Some(local)) => {
            effects.rebase(doc, standing, onward(storage, conflict, local), base(storage, conflict));
            effects.name(doc);
        }
        (Written::Value(state), Some(local)) => {
            effects.write(doc, standing, state, onward(storage, conflict, local), base(storage, conflict));
            effects.name(doc);
        }
        // Nothing waits here any more.
        (Written::Local | Written::Value(_), None) => {}
    }
    if local.is_some() {
        let (doc, by) = (doc.clone(), by.to_owned());
        effects.lose(Decided { doc, at: storage.now, by, outcome, local: lost_local, remote: lost_remote });
    }
    effects.commit(storage).await.map(drop)
}

/// Where the document stands once it is to be sent on the endpoint's revision: what is decided is a write of its own.
fn onward(storage: Storage<'_>, conflict: &Undecided, local: Replica) -> Replica {
    let hlc = storage.stamp(local.hlc, conflict.remote.hlc);
    Replica { rev: Some(conflict.remote.rev), hlc, dirty: true }
}

fn base(storage: Storage<'_>, conflict: &Undecided) -> BaseChange {
    conflict.state().map_or(BaseChange::Keep, |state| storage.base(&conflict.doc.collection, &state))
}

impl Inner {
    fn arbiter(&self) -> Result<std::rc::Rc<dyn Arbiter>> {
        self.arbiter.borrow().clone().ok_or_else(|| Error::new(ErrorKind::Locked, "nobody is there to decide yet"))
    }

    /// Both states and what they were made on, in the clear. A base that cannot be opened counts as none.
    pub(super) async fn opened(
        &self,
        conflict: &Undecided,
        standing: &Standing,
        remote: &RemoteState,
    ) -> Result<Conflict> {
        let base = match standing.record().and_then(|record| record.meta.base.as_deref()) {
            Some(base) => self.open(conflict, base).await.ok(),
            None => None,
        };
        let local = match standing.live() {
            Some(record) => Some(self.open(conflict, &record.body).await?),
            None => None,
        };
        let remote = match remote {
            RemoteState::Present { body, .. } => Some(self.open(conflict, body).await?),
            RemoteState::Deleted => None,
        };
        let doc = &conflict.doc;
        Ok(Conflict { id: doc.id(), collection: doc.collection.clone(), key: doc.key.clone(), local, remote, base })
    }

    async fn open(&self, conflict: &Undecided, body: &Body) -> Result<Payload> {
        self.arbiter()?.open(&conflict.doc.collection, &conflict.doc.key, body).await
    }

    /// The state of a value, with what lies beside the later of both.
    async fn closed(
        &self,
        conflict: &Undecided,
        standing: &Standing,
        remote: RemoteState,
        value: Option<Payload>,
        later: Later,
    ) -> Result<RemoteState> {
        let Some(value) = value else { return Ok(RemoteState::Deleted) };
        let local = standing.live();
        let is_sealed = |body: &Body| matches!(body, Body::Sealed(_));
        let sealed = local.is_some_and(|record| is_sealed(&record.body))
            || matches!(&remote, RemoteState::Present { body, .. } if is_sealed(body));
        let (collection, key) = (&conflict.doc.collection, &conflict.doc.key);
        let body = self.arbiter()?.close(collection, key, value, sealed).await?;
        let now = self.now();
        Ok(match (local, remote) {
            (Some(record), remote) if later == Later::Local || matches!(remote, RemoteState::Deleted) => {
                beside(record, body, now)
            }
            (_, RemoteState::Present { metadata, tags, expires, created, .. }) => {
                RemoteState::Present { body, metadata, tags, expires, created, modified: now }
            }
            (_, RemoteState::Deleted) => RemoteState::Present {
                body,
                metadata: None,
                tags: Vec::new(),
                expires: None,
                created: now,
                modified: now,
            },
        })
    }

    /// Asks the application, and does not wait for ever.
    async fn asked(&self, conflict: &Conflict) -> Result<Option<Payload>> {
        let arbiter = self.arbiter()?;
        let answer = core::pin::pin!(arbiter.ask(conflict));
        let failed = match select(answer, (self.ports.sleep)(self.config.timeout)).await {
            Either::Left((Ok(answer), _)) => return Ok(answer),
            Either::Left((Err(error), _)) => error.to_string(),
            Either::Right(((), _)) => "it did not answer in time".to_owned(),
        };
        // Whatever it failed with: it has failed for good.
        let message = "the function that decides conflicts failed; decide this one with sync.resolve";
        Err(Error::new(ErrorKind::ValidationFailed, message).caused_by(failed))
    }

    /// Tells of a conflict that waits for a person, or for the keys: once for each state of the endpoint's.
    async fn tell_of_conflict(&self, conflict: &Undecided) {
        let told = (conflict.doc.id(), conflict.remote.rev);
        if self.told.borrow().contains(&told) {
            return;
        }
        self.forget_told(conflict);
        self.told.borrow_mut().push(told);
        if let Ok(entry) = super::face::entry(self, conflict).await {
            self.listeners.each(|listener| listener.conflict(&entry));
        }
    }

    fn forget_told(&self, conflict: &Undecided) {
        let id = conflict.doc.id();
        self.told.borrow_mut().retain(|(known, _)| *known != id);
    }
}

/// A record's state with another body.
fn beside(record: &Record, body: Body, now: f64) -> RemoteState {
    RemoteState::Present {
        body,
        metadata: record.meta.metadata.clone(),
        tags: record.meta.tags.clone(),
        expires: record.meta.expires,
        created: record.meta.created,
        modified: now,
    }
}

/// Finds a conflict that waits for a decision.
///
/// # Errors
///
/// `NOT_FOUND`; what the backend raises.
pub(super) async fn find(inner: &Inner, id: &str) -> Result<Undecided> {
    let found = undecided(&*inner.backend).await?;
    found.into_iter().find(|conflict| !conflict.damaged && conflict.doc.id() == id).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "no conflict of this id waits for a decision; see `conflicts`").with("id", id)
    })
}
