//! Applying a push, in the one transaction that writes.

use rusqlite::{OptionalExtension, Transaction, params};
use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::{Change, PushOp, PushResult, PushStatus};

use super::convert::{COLUMNS, change, failed, signed, stamp, unsigned};
use super::space::{self, SpaceNumber};
use crate::decide::{Decision, decide};
use crate::limits::Refusal;
use crate::store::{Changed, Push, Pushed, StoreError};

/// Results that are kept of each client; older ones fall below the watermark.
const KEPT_RESULTS: i64 = 1000;
/// Bytes of documents in one answer.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// Applies a push.
pub(super) fn apply(transaction: &Transaction<'_>, name: &str, push: Push) -> Result<Pushed, StoreError> {
    let (space, mut state) = space::ensure(transaction, name)?;
    if push.epoch.is_some_and(|epoch| epoch != state.epoch) {
        return Err(StoreError::Reset);
    }
    let before = state.head;
    let first = push.ops.first().map_or(0, |(op, _)| op.mid);
    let (last, watermark) = client(transaction, space, &push.client)?;
    let mut pusher = Pusher { transaction, space, client: &push.client, head: before, last, watermark };
    let (mut results, mut bytes) = (Vec::with_capacity(push.ops.len()), 0);
    for (op, refusal) in &push.ops {
        let result = pusher.result(op, *refusal)?;
        bytes += result.current.as_ref().and_then(|current| current.body.as_ref()).map_or(0, |body| body.get().len());
        if bytes > MAX_ANSWER_BYTES {
            return Err(StoreError::AnswerTooLarge);
        }
        results.push(result);
    }
    if pusher.last != last {
        pusher.remember(first)?;
    }
    state.head = pusher.head;
    let changed = if state.head == before { Changed::No } else { Changed::Yes };
    if changed == Changed::Yes {
        space::advance(transaction, space, state.head)?;
    }
    Ok(Pushed { state, changed, results })
}

/// The last mutation of a client that took effect, and the watermark below which results are no longer kept.
fn client(transaction: &Transaction<'_>, space: SpaceNumber, client: &str) -> Result<(u64, u64), StoreError> {
    let found = transaction
        .prepare_cached("SELECT last, watermark FROM clients WHERE space = ?1 AND client = ?2")
        .and_then(|mut query| {
            query.query_row(params![space, client], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?)))).optional()
        })
        .map_err(failed)?;
    Ok(found.unwrap_or((0, 0)))
}

/// A push under way.
struct Pusher<'a> {
    transaction: &'a Transaction<'a>,
    space: SpaceNumber,
    client: &'a str,
    head: u64,
    last: u64,
    watermark: u64,
}

impl Pusher<'_> {
    /// What becomes of one operation.
    ///
    /// # Behavior
    ///
    /// - What took effect is answered as it was, whatever has happened to the document since.
    /// - A number that is not greater than the last that took effect never takes effect itself: it is late, or its
    ///   client's counter went back, and what the client did since must not be undone.
    fn result(&mut self, op: &PushOp, refusal: Option<Refusal>) -> Result<PushResult, StoreError> {
        if op.mid <= self.watermark {
            return Ok(repeat(op.mid, 0));
        }
        if op.mid <= self.last
            && let Some(earlier) = self.earlier(op.mid)?
        {
            return if earlier.is_of(op) { Ok(repeat(op.mid, earlier.seq)) } else { self.late(op) };
        }
        if let Some(refusal) = refusal {
            return Ok(refused(op.mid, refusal));
        }
        let current = self.current(op)?;
        Ok(match decide(current.as_ref(), op) {
            Decision::Write if op.mid <= self.last => with_current(op.mid, PushStatus::Conflict, current),
            Decision::Write => self.write(op)?,
            Decision::Same => repeat(op.mid, current.map_or(0, |current| current.seq)),
            Decision::Conflict => with_current(op.mid, PushStatus::Conflict, current),
            Decision::Superseded => with_current(op.mid, PushStatus::Superseded, current),
        })
    }

    fn late(&self, op: &PushOp) -> Result<PushResult, StoreError> {
        Ok(with_current(op.mid, PushStatus::Conflict, self.current(op)?))
    }

    fn earlier(&self, mid: u64) -> Result<Option<Earlier>, StoreError> {
        self.transaction
            .prepare_cached("SELECT seq, c, id, hlc FROM results WHERE space = ?1 AND client = ?2 AND mid = ?3")
            .and_then(|mut query| {
                query
                    .query_row(params![self.space, self.client, signed(mid)], |row| {
                        Ok(Earlier { seq: unsigned(row.get(0)?), c: row.get(1)?, id: row.get(2)?, hlc: stamp(row, 3)? })
                    })
                    .optional()
            })
            .map_err(failed)
    }

    fn current(&self, op: &PushOp) -> Result<Option<Change>, StoreError> {
        self.transaction
            .prepare_cached(&format!("SELECT {COLUMNS} FROM documents WHERE space = ?1 AND c = ?2 AND id = ?3"))
            .and_then(|mut query| query.query_row(params![self.space, op.c, op.id], change).optional())
            .map_err(failed)
    }

    fn write(&mut self, op: &PushOp) -> Result<PushResult, StoreError> {
        let seq = self.head + 1;
        let (hlc, body) = (op.hlc.to_string(), op.body.as_ref().map(|body| body.get()));
        self.transaction
            .prepare_cached(
                "INSERT INTO documents (space, c, id, seq, hlc, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (space, c, id) DO UPDATE SET seq = ?4, hlc = ?5, body = ?6",
            )
            .and_then(|mut upsert| upsert.execute(params![self.space, op.c, op.id, signed(seq), hlc, body]))
            .map_err(failed)?;
        self.transaction
            .prepare_cached(
                "INSERT INTO results (space, client, mid, seq, c, id, hlc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut insert| {
                insert.execute(params![self.space, self.client, signed(op.mid), signed(seq), op.c, op.id, hlc])
            })
            .map_err(failed)?;
        (self.head, self.last) = (seq, op.mid);
        Ok(PushResult { seq: Some(seq), rev: Some(seq), ..bare(op.mid, PushStatus::Ok) })
    }

    /// Notes the last mutation, and lets go of results that are too old to be asked for again.
    ///
    /// The watermark stays below the `first` mutation of this push: those of one push may be repeated together, and
    /// those that did not take effect must not be answered as if they had.
    fn remember(&self, first: u64) -> Result<(), StoreError> {
        let oldest: Option<i64> = self
            .transaction
            .prepare_cached(
                "SELECT mid FROM results WHERE space = ?1 AND client = ?2 AND mid < ?3
                 ORDER BY mid DESC LIMIT 1 OFFSET ?4",
            )
            .and_then(|mut query| {
                query
                    .query_row(params![self.space, self.client, signed(first), KEPT_RESULTS], |row| row.get(0))
                    .optional()
            })
            .map_err(failed)?;
        let watermark = oldest.unwrap_or(signed(self.watermark));
        self.transaction
            .execute(
                "DELETE FROM results WHERE space = ?1 AND client = ?2 AND mid <= ?3",
                params![self.space, self.client, watermark],
            )
            .and_then(|_| {
                self.transaction.execute(
                    "INSERT INTO clients (space, client, last, watermark) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (space, client) DO UPDATE SET last = ?3, watermark = ?4",
                    params![self.space, self.client, signed(self.last), watermark],
                )
            })
            .map(drop)
            .map_err(failed)
    }
}

/// A mutation that took effect.
struct Earlier {
    seq: u64,
    c: String,
    id: String,
    hlc: Hlc,
}

impl Earlier {
    fn is_of(&self, op: &PushOp) -> bool {
        self.hlc == op.hlc && self.c == op.c && self.id == op.id
    }
}

fn bare(mid: u64, status: PushStatus) -> PushResult {
    PushResult { mid, status, seq: None, rev: None, dup: false, current: None, code: None, message: None }
}

fn repeat(mid: u64, seq: u64) -> PushResult {
    PushResult { seq: Some(seq), rev: Some(seq), dup: true, ..bare(mid, PushStatus::Ok) }
}

fn with_current(mid: u64, status: PushStatus, current: Option<Change>) -> PushResult {
    PushResult { current, ..bare(mid, status) }
}

fn refused(mid: u64, refusal: Refusal) -> PushResult {
    PushResult {
        code: Some(refusal.code.to_owned()),
        message: Some(refusal.message.to_owned()),
        ..bare(mid, PushStatus::Rejected)
    }
}
