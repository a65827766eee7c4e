//! Writing down what becomes of what we send: each step is one commit.

use super::conflict::{self, Undecided};
use super::effects::{Circumstances, Effects, Outcome, Storage, Written, document_of, raced};
use super::engine::{SentOp, Settlement, Tally, Unreadable, Verdict};
use super::lookup::{Standing, lookup};
use super::merge::{History, acknowledge};
use super::state::{Flight, Persisted, Progress, Versioned, clock, is_current, strict};
use super::{Hlc, MAX_AHEAD_MS, OutboxEntry, dead, document, outbox};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{BaseChange, Doc, Key, Register, RemoteState, Replica, WriteOp};

/// How often a commit is made anew because of writes in between.
const MOST_RACES: usize = 10;

/// Commits what only another sender can prevent.
async fn commit(storage: Storage<'_>, ops: Vec<WriteOp>, tally: Tally) -> Result<Outcome> {
    match storage.backend.commit(strict(ops, storage.now)).await {
        Ok(_) => Ok(Outcome::Done(Written { tally, ..Written::default() })),
        Err(error) if raced(&error) => Ok(Outcome::Late),
        Err(error) => Err(error),
    }
}

/// Freezes a flight in the place of the one that was read, and takes its numbers.
pub(crate) async fn store_flight(
    storage: Storage<'_>,
    state: &Persisted,
    flight: &Flight,
    mids: u64,
) -> Result<Outcome> {
    let mut ops = vec![state.flight.replaced(flight)?];
    if mids > 0 && !mutant!("numbers-are-not-taken") {
        ops.push(state.client.taking(mids)?);
        ops.push(clock(&storage.clock.borrow())?);
    }
    commit(storage, ops, Tally::default()).await
}

/// Gives a flight up, and asks for a snapshot.
pub(crate) async fn reset(storage: Storage<'_>, state: &Persisted, progress: &Progress) -> Result<Outcome> {
    let flight = if mutant!("a-reset-keeps-the-flight") { state.flight.value.clone() } else { Flight::none() };
    let ops = vec![state.flight.replaced(&flight)?, state.progress.replaced(progress)?];
    commit(storage, ops, Tally::default()).await
}

/// Deletes outbox rows that are done with.
pub(crate) async fn sweep(storage: Storage<'_>, rows: &[u64]) -> Result<Outcome> {
    commit(storage, rows.iter().map(|row| outbox::remove(*row)).collect(), Tally::default()).await
}

/// Sets aside what cannot be sent.
pub(crate) async fn set_aside(storage: Storage<'_>, letters: Vec<(Doc, Hlc, Error)>) -> Result<Outcome> {
    let entry = |(doc, _, error): &(Doc, Hlc, Error)| OutboxEntry::dead(doc.clone(), 0, error.clone());
    let tally = Tally { failed: letters.iter().map(entry).collect(), ..Tally::default() };
    let ops = letters
        .iter()
        .map(|(doc, hlc, error)| dead::refused(doc, *hlc, 0, storage.now, error))
        .collect::<Result<_>>()?;
    let outcome = commit(storage, ops, tally).await?;
    Ok(match outcome {
        Outcome::Done(mut written) => {
            written.problems.extend(letters.into_iter().map(|(doc, _, error)| error.with("document", doc.id())));
            Outcome::Done(written)
        }
        Outcome::Late => Outcome::Late,
    })
}

/// Settles a request: every operation's outcome, the flight and the outbox rows, in one commit.
///
/// # Behavior
///
/// - A document is clean only if it still is what was sent; a later write stays pending.
/// - What stays pending by our own doing is named by a new row in the same commit.
pub(crate) async fn settle(
    storage: Storage<'_>,
    flight: &Versioned<Flight>,
    settlement: &Settlement,
) -> Result<Outcome> {
    let docs: Vec<Doc> = settlement.verdicts.iter().map(|(op, _)| doc_of(op)).collect::<Result<_>>()?;
    let mut last = Error::new(ErrorKind::Timeout, "the documents keep changing; the answer is taken later");
    for _ in 0..MOST_RACES {
        let letters = dead::letters(storage.backend).await?;
        let refused: Register = letters.into_iter().filter(|letter| letter.sent().is_some()).map(|l| l.doc).collect();
        let undecided = conflict::undecided(storage.backend).await?;
        let standings = lookup(storage.backend, &docs).await?;
        let mut effects = Effects::default();
        effects.ops.push(flight.replaced(&settlement.rest)?);
        if let Some((from, to)) = &settlement.met {
            effects.ops.push(from.replaced(to)?);
        }
        if mutant!("rows-are-done-with-before-the-answer-is-settled") {
            commit(storage, settlement.rows.iter().map(|row| outbox::remove(*row)).collect(), Tally::default()).await?;
        }
        effects.ops.extend(settlement.rows.iter().map(|row| outbox::remove(*row)));
        for ((op, verdict), (doc, standing)) in settlement.verdicts.iter().zip(docs.iter().zip(&standings)) {
            let known = KnownOf {
                lettered: refused.contains(doc),
                undecided: undecided.iter().find(|undecided| undecided.doc == *doc),
                settlement,
            };
            effects.settle(storage, op, verdict, doc, standing, known)?;
        }
        match effects.commit(storage).await {
            Ok(written) => return Ok(Outcome::Done(written)),
            Err(error) if raced(&error) => {
                let met = match &settlement.met {
                    Some((from, _)) => is_current(storage.backend, from).await?,
                    None => true,
                };
                if !met || !is_current(storage.backend, flight).await? {
                    return Ok(Outcome::Late);
                }
                last = last.caused_by(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn doc_of(op: &SentOp) -> Result<Doc> {
    let key = Key::from_text(&op.id).map_err(|error| {
        Error::new(ErrorKind::Corrupted, "the frozen request names a key that is none").caused_by(error.message())
    })?;
    Ok(Doc::new(op.c.clone(), key))
}

impl Effects {
    fn settle(
        &mut self,
        storage: Storage<'_>,
        op: &SentOp,
        verdict: &Verdict,
        doc: &Doc,
        standing: &Standing,
        known: KnownOf<'_>,
    ) -> Result<()> {
        let KnownOf { lettered, undecided, settlement } = known;
        let replica = standing.replica();
        // What was sent, if it is still the last that was written.
        let ours = replica.filter(|replica| replica.hlc == op.hlc);
        match verdict {
            Verdict::Done { rev } => {
                self.written.tally.pushed += 1;
                if let Some(next) = replica.and_then(|replica| acknowledge(replica, op.hlc, *rev)) {
                    // What was written since was made on what was sent.
                    let base = match sent_state(op) {
                        Some(state) if next.dirty => storage.base(&doc.collection, &state),
                        _ => BaseChange::Keep,
                    };
                    self.rebase(doc, standing, next, base);
                }
                if lettered && !mutant!("a-letter-outlives-its-answer") {
                    self.ops.push(dead::settled(doc));
                }
            }
            Verdict::Met { current: None } => {
                self.written.tally.conflicts += 1;
                if let Some(replica) = replica.filter(|replica| replica.dirty) {
                    self.restate(doc, standing, Replica { rev: None, ..replica });
                    self.name(doc);
                }
            }
            Verdict::Met { current: Some(incoming) } => {
                let met = document_of(incoming.clone()).and_then(|(named, change)| {
                    if named != *doc {
                        return Err(Unreadable { name: None, error: stranger() });
                    }
                    let known = replica.and_then(|replica| replica.rev);
                    if known.is_some_and(|known| known > change.rev) {
                        // It was asked before what we have since: the next answer decides.
                        if ours.is_some_and(|replica| replica.dirty) {
                            self.name(doc);
                        }
                        return Ok(());
                    }
                    // The endpoint's word on what we sent counts, whatever revision we thought we had.
                    let standing = match ours {
                        Some(replica) => standing.with(Replica { rev: None, ..replica }),
                        None => standing.clone(),
                    };
                    let rootless = replica.is_none_or(|replica| replica.rev.is_none());
                    let history = History::Continued;
                    let circumstances = Circumstances { history, named: false, lettered, rootless, undecided };
                    self.meet(storage, doc, &standing, &change, circumstances)
                });
                if let Err(unreadable) = met {
                    let name = Some((op.c.clone(), op.id.clone()));
                    self.set_aside(Unreadable { name, ..unreadable }, storage.now)?;
                    if let Some(replica) = ours {
                        self.restate(doc, standing, Replica { dirty: false, ..replica });
                    }
                }
            }
            Verdict::Restamp => {
                if let Some(replica) = ours.filter(|replica| replica.dirty) {
                    self.restate(doc, standing, Replica { hlc: restamped(replica, settlement.server_time), ..replica });
                    if !mutant!("what-is-stamped-anew-is-not-named") {
                        self.name(doc);
                    }
                }
            }
            Verdict::Unsaid => {
                if ours.is_some_and(|replica| replica.dirty) {
                    self.name(doc);
                }
            }
            Verdict::Refused(error) => {
                if ours.is_some_and(|replica| replica.dirty) && !mutant!("a-refusal-leaves-no-letter") {
                    let entry = OutboxEntry::dead(doc.clone(), settlement.attempts, error.clone());
                    self.written.tally.failed.push(entry);
                    self.ops.push(dead::refused(doc, op.hlc, settlement.attempts, storage.now, error)?);
                    self.written.problems.push(error.clone().with("document", doc.id()));
                }
            }
        }
        Ok(())
    }
}

/// What is known of a document beside its standing, when its operation is settled.
#[derive(Clone, Copy)]
struct KnownOf<'a> {
    /// Whether it was refused before.
    lettered: bool,
    undecided: Option<&'a Undecided>,
    settlement: &'a Settlement,
}

/// The state that an operation was to make.
fn sent_state(op: &SentOp) -> Option<RemoteState> {
    match &op.body {
        None => Some(RemoteState::Deleted),
        Some(body) => document::decode(Some(body), op.hlc.millis()).ok(),
    }
}

/// The stamp of a write that a clock stamped too far ahead: the latest that the endpoint takes.
///
/// INVARIANT: it is later than every state that the write was made on. Such a state was accepted, and so is no further
/// ahead of the endpoint than a stamp may be. The endpoint's bare time would let an earlier write of ours win.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since the epoch")]
fn restamped(replica: Replica, server_time: f64) -> Hlc {
    Hlc::new(
        server_time.max(0.0) as u64 + if mutant!("a-write-is-stamped-anew-too-early") { 0 } else { MAX_AHEAD_MS },
        0,
        replica.hlc.device(),
    )
}

fn stranger() -> Error {
    Error::new(ErrorKind::SerializationError, "the endpoint answered with another document than was sent")
}
