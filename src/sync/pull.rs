//! Writing down what the endpoint has.

use core::ops::Bound;

use super::conflict::{self, Undecided};
use super::dead;
use super::effects::{Circumstances, Effects, Outcome, Storage, Written, document_of, raced};
use super::engine::{Change, Incoming, Snapshot, Unreadable};
use super::lookup::{Standing, lookup};
use super::merge::{History, Local};
use super::state::{Progress, Versioned, flight, is_current};
use crate::backend::Scan;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Doc, Key, KeyRange, Record, Register, RemoteState, Replica, WriteOp, system};

/// How often a commit is made anew because of writes in between.
const MOST_RACES: usize = 10;
/// How many documents go into one commit.
const CHUNK: usize = 500;

/// Takes a page of changes and moves the cursor, in one commit.
pub(crate) async fn apply(
    storage: Storage<'_>,
    changes: Vec<Incoming>,
    from: &Versioned<Progress>,
    to: &Progress,
) -> Result<Outcome> {
    let cursor = Cursor { from, to };
    take(storage, sorted_out(storage, changes), History::Continued, Some(&cursor)).await
}

/// Takes a whole snapshot in commits of bounded size, then what it lacks, and then moves the cursor.
///
/// # Behavior
///
/// - Stopping anywhere is harmless: the cursor moves last, and taking it again changes nothing.
/// - Each commit says where the replica stands, as it was read: a sender that was held up between two of them, while
///   another went on, writes nothing more.
/// - What the snapshot lacks was deleted, if it was acknowledged in this same history before the snapshot was made.
/// - In a new history, what the snapshot lacks was lost by the endpoint, and is offered again. So is what was written
///   before its collection replicated.
pub(crate) async fn apply_snapshot(
    storage: Storage<'_>,
    snapshot: Snapshot,
    from: &Versioned<Progress>,
    to: &Progress,
) -> Result<Outcome> {
    let begun = from.value.epoch.is_some() && from.value.epoch != to.epoch;
    let history = if begun { History::Anew } else { History::Continued };
    // What is taken has revisions of this history. One that begins anew before all is taken must not pass for it.
    let mut known = from.clone();
    if known.value.epoch.is_none() {
        let learned = Progress { epoch: to.epoch.clone(), ..from.value.clone() };
        if let Outcome::Late = take(storage, Vec::new(), history, Some(&Cursor { from, to: &learned })).await? {
            return Ok(Outcome::Late);
        }
        known = from.written(learned);
    }
    let complete = snapshot.documents.iter().all(|incoming| !matches!(incoming, Err(Unreadable { name: None, .. })));
    let present = snapshot.documents.iter().filter_map(name).map(|(c, id)| Doc::new(c, Key::String(id))).collect();
    if mutant!("the-cursor-moves-before-the-snapshot")
        && let Outcome::Late = take(storage, Vec::new(), history, Some(&Cursor { from: &known, to })).await?
    {
        return Ok(Outcome::Late);
    }
    let still = known.value.clone();
    let mut documents = snapshot.documents.into_iter();
    let mut written = Written::default();
    loop {
        let chunk: Vec<Incoming> = documents.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            break;
        }
        let held = Cursor { from: &known, to: &still };
        match take(storage, sorted_out(storage, chunk), history, Some(&held)).await? {
            Outcome::Done(part) => written.add(part),
            Outcome::Late => return Ok(Outcome::Late),
        }
        known = known.written(still.clone());
    }
    let undecided = conflict::undecided(storage.backend).await?;
    let rest = Rest { present, complete, history, head: snapshot.head.head, undecided };
    let mut kinds: Vec<_> = storage.collections.names().iter().map(|name| (name.as_str(), Kind::Records)).collect();
    if history == History::Anew && !mutant!("lost-deletions-are-not-offered-again") {
        kinds.push((system::TOMBSTONES, Kind::Tombstones));
    }
    for (collection, kind) in kinds {
        match rest.reconcile(storage, collection, kind, &mut known).await? {
            Outcome::Done(part) => written.add(part),
            Outcome::Late => return Ok(Outcome::Late),
        }
    }
    match take(storage, Vec::new(), history, Some(&Cursor { from: &known, to })).await? {
        Outcome::Done(part) => {
            written.add(part);
            Ok(Outcome::Done(written))
        }
        Outcome::Late => Ok(Outcome::Late),
    }
}

fn name(incoming: &Incoming) -> Option<(String, String)> {
    match incoming {
        Ok(change) => Some((change.c.clone(), change.id.clone())),
        Err(unreadable) => unreadable.name.clone(),
    }
}

struct Cursor<'a> {
    from: &'a Versioned<Progress>,
    to: &'a Progress,
}

type Sorted = core::result::Result<(Doc, Change), Unreadable>;

/// Leaves out what is of other collections: an endpoint writes to none that does not replicate.
fn sorted_out(storage: Storage<'_>, changes: Vec<Incoming>) -> Vec<Sorted> {
    let taken = |c: &str, id: &str| match Key::from_text(id) {
        Ok(key) => storage.collections.takes(c, &key),
        Err(_) => storage.collections.contains(c),
    };
    let wanted = |incoming: &Incoming| name(incoming).is_none_or(|(c, id)| taken(&c, &id));
    changes.into_iter().filter(wanted).map(document_of).collect()
}

/// Takes documents in one commit; where one of them cannot be stored, each in its own, and that one is set aside.
async fn take(
    storage: Storage<'_>,
    changes: Vec<Sorted>,
    history: History,
    cursor: Option<&Cursor<'_>>,
) -> Result<Outcome> {
    if mutant!("the-cursor-moves-before-the-changes") {
        attempt(storage, &[], history, cursor).await?;
        return attempt(storage, &changes, history, None).await;
    }
    match attempt(storage, &changes, history, cursor).await {
        Err(error) if unstorable(&error) && !changes.is_empty() => {}
        outcome => return outcome,
    }
    let mut written = Written::default();
    for change in changes {
        match attempt(storage, core::slice::from_ref(&change), history, None).await {
            Ok(Outcome::Done(part)) => written.add(part),
            Ok(Outcome::Late) => return Ok(Outcome::Late),
            Err(error) if unstorable(&error) => {
                let name = change.ok().map(|(_, change)| (change.c, change.id));
                let aside = [Err(Unreadable { name, error })];
                if let Outcome::Done(part) = attempt(storage, &aside, history, None).await? {
                    written.add(part);
                }
            }
            Err(error) => return Err(error),
        }
    }
    match attempt(storage, &[], history, cursor).await? {
        Outcome::Done(part) => {
            written.add(part);
            Ok(Outcome::Done(written))
        }
        Outcome::Late => Ok(Outcome::Late),
    }
}

/// Whether the content of a document is what a commit failed for.
fn unstorable(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AlreadyExists
            | ErrorKind::InvalidKey
            | ErrorKind::InvalidValue
            | ErrorKind::SerializationError
            | ErrorKind::ValidationFailed
    )
}

async fn attempt(
    storage: Storage<'_>,
    changes: &[Sorted],
    history: History,
    cursor: Option<&Cursor<'_>>,
) -> Result<Outcome> {
    // Of one document the last state counts.
    let mut register = Register::default();
    let mut docs: Vec<Doc> = Vec::new();
    let mut latest: Vec<&Change> = Vec::new();
    for (doc, change) in changes.iter().flatten() {
        if let Some(earlier) = latest.get_mut(register.enter(doc)) {
            *earlier = change;
        } else {
            docs.push(doc.clone());
            latest.push(change);
        }
    }
    let mut races = 0;
    loop {
        let letters: Register = dead::letters(storage.backend).await?.into_iter().map(|letter| letter.doc).collect();
        let undecided = conflict::undecided(storage.backend).await?;
        let standings = lookup(storage.backend, &docs).await?;
        let mut effects = Effects::default();
        if let Some(Cursor { from, to }) = cursor {
            effects.ops.push(from.replaced(to)?);
        }
        for unreadable in changes.iter().filter_map(|change| change.as_ref().err()) {
            effects.set_aside(unreadable.clone(), storage.now)?;
        }
        for ((doc, change), standing) in docs.iter().zip(&latest).zip(&standings) {
            let circumstances = Circumstances {
                history,
                named: true,
                lettered: letters.contains(doc),
                rootless: standing.replica().is_none_or(|replica| replica.rev.is_none()),
                undecided: undecided.iter().find(|undecided| undecided.doc == *doc),
            };
            if let Err(unreadable) = effects.meet(storage, doc, standing, change, circumstances) {
                effects.set_aside(unreadable, storage.now)?;
            }
        }
        if effects.withholds {
            // INVARIANT: nothing is withheld that is under way. What has reached the endpoint may be what the change was
            // made on, and no conflict at all.
            let flight = flight(storage.backend).await?;
            if flight.value.endpoint == storage.endpoint && !flight.value.requests.is_empty() {
                return Ok(Outcome::Late);
            }
            effects.ops.push(flight.replaced(&flight.value)?);
        }
        match effects.commit(storage).await {
            Ok(written) => return Ok(Outcome::Done(written)),
            Err(error) if raced(&error) => {
                if let Some(cursor) = cursor
                    && !is_current(storage.backend, cursor.from).await?
                {
                    return Ok(Outcome::Late);
                }
                races += 1;
                if races >= MOST_RACES {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// What to do with what a snapshot lacks.
struct Rest {
    /// What it has: the texts of the keys stand as keys.
    present: Register,
    complete: bool,
    history: History,
    head: u64,
    undecided: Vec<Undecided>,
}

#[derive(Clone, Copy)]
enum Kind {
    Records,
    Tombstones,
}

impl Rest {
    async fn reconcile(
        &self,
        storage: Storage<'_>,
        collection: &str,
        kind: Kind,
        known: &mut Versioned<Progress>,
    ) -> Result<Outcome> {
        let mut written = Written::default();
        let mut after = Bound::Unbounded;
        let mut races = 0;
        loop {
            let range = KeyRange { lower: after.clone(), upper: Bound::Unbounded };
            let scan = Scan { range, limit: Some(CHUNK), ..Scan::all(collection) };
            let rows = storage.backend.scan(&scan).await?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { return Ok(Outcome::Done(written)) };
            let mut effects = Effects::default();
            for row in rows {
                let Some(record) = row.record else { continue };
                match kind {
                    Kind::Records if !storage.collections.takes(collection, &row.key) => {}
                    Kind::Records => self.record(&mut effects, &Doc::new(collection, row.key), record),
                    Kind::Tombstones => self.tombstone(&mut effects, storage, &row.key, record),
                }
            }
            if !effects.ops.is_empty() {
                effects.ops.push(known.replaced(&known.value)?);
                match effects.commit(storage).await {
                    Ok(part) => written.add(part),
                    Err(error) if raced(&error) => {
                        if !is_current(storage.backend, known).await? {
                            return Ok(Outcome::Late);
                        }
                        races += 1;
                        if races >= MOST_RACES {
                            return Err(error);
                        }
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                *known = known.written(known.value.clone());
            }
            races = 0;
            after = Bound::Excluded(last);
        }
    }

    fn lacks(&self, doc: &Doc) -> bool {
        !self.present.contains(&Doc::new(doc.collection.as_str(), Key::String(doc.key.to_text())))
    }

    /// Ends a conflict with a state that the endpoint has no longer.
    fn over(&self, doc: &Doc) -> Option<WriteOp> {
        self.undecided.iter().find(|undecided| undecided.doc == *doc).map(Undecided::removed)
    }

    fn record(&self, effects: &mut Effects, doc: &Doc, record: Record) {
        if !self.lacks(doc) {
            return;
        }
        let standing = Standing::Live(record);
        let (Some(local), replica) = (standing.local(), standing.replica()) else { return };
        match (replica, self.history) {
            (None, _) => {
                effects.restate(doc, &standing, local.replica);
                effects.name(doc);
            }
            (Some(_), History::Anew) if mutant!("lost-records-are-not-offered-again") => {}
            (Some(replica), History::Anew) => {
                effects.restate(doc, &standing, Replica { rev: None, dirty: true, ..replica });
                effects.name(doc);
                effects.ops.extend(self.over(doc));
            }
            (Some(replica), History::Continued) => {
                // A revision past the snapshot's head was made after it.
                let settled = !replica.dirty || mutant!("a-snapshot-deletes-what-is-pending");
                let deleted = settled && replica.rev.is_some_and(|rev| rev <= self.head);
                if deleted && self.complete && !mutant!("a-snapshot-deletes-nothing") {
                    effects.take(doc, &standing, RemoteState::Deleted, replica);
                }
            }
        }
    }

    /// A deletion that the endpoint has lost is offered again, lest another replica's old copy undo it.
    fn tombstone(&self, effects: &mut Effects, storage: Storage<'_>, row: &Key, record: Record) {
        let Key::Array(parts) = row else { return };
        let [Key::String(collection), key] = parts.as_slice() else { return };
        let doc = Doc::new(collection.clone(), key.clone());
        if !storage.collections.takes(collection, key) || !self.lacks(&doc) {
            return;
        }
        let replica = Local::of(&record, true).replica;
        effects.restate(&doc, &Standing::Deleted(record), Replica { rev: None, dirty: true, ..replica });
        effects.name(&doc);
        effects.ops.extend(self.over(&doc));
    }
}

/// Puts a document's pending change back to what the endpoint has: see [`Sync::discard`](super::Sync::discard).
pub(crate) fn forget(effects: &mut Effects, doc: &Doc, standing: &Standing) -> bool {
    let Some(replica) = standing.replica().filter(|replica| replica.dirty) else { return false };
    if replica.rev.is_none() {
        effects.take(doc, standing, RemoteState::Deleted, Replica { dirty: false, ..replica });
        return false;
    }
    // Older than anything: the snapshot's state replaces it.
    effects.restate(doc, standing, Replica { rev: Some(0), dirty: false, ..replica });
    true
}
