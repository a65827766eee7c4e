//! Applying a push, in the one transaction that writes.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};
use tidekeep::sync::protocol::{Change, PushOp};

use super::convert::{COLUMNS, change, failed, signed, stamp, unsigned};
use super::space::{self, SpaceNumber};
use crate::store::plan::{DocumentKey, Earlier, KEPT_RESULTS, Known, Outline, Plan, plan};
use crate::store::{Changed, Push, Pushed, SpaceState, StoreError};

/// Applies a push.
pub(super) fn apply(transaction: &Transaction<'_>, name: &str, push: &Push) -> Result<Pushed, StoreError> {
    let (space, state) = space::ensure(transaction, name)?;
    let work = Work { transaction, space, push };
    let known = work.known(state)?;
    let plan = plan(push, &known)?;
    let stored = work.stored(&plan.shown)?;
    work.write(&plan)?;
    if plan.last != known.last {
        work.remember(plan.last, known.watermark)?;
    }
    if plan.changed() == Changed::Yes {
        space::advance(transaction, space, plan.state.head)?;
    }
    Ok(plan.answer(&stored))
}

/// A push under way.
struct Work<'a> {
    transaction: &'a Transaction<'a>,
    space: SpaceNumber,
    push: &'a Push,
}

impl Work<'_> {
    fn known(&self, state: SpaceState) -> Result<Known, StoreError> {
        let (last, watermark) = self.client()?;
        let (mut earlier, mut documents, mut same) = (HashMap::new(), HashMap::new(), HashSet::new());
        for (op, _) in &self.push.ops {
            if op.mid <= last
                && let Some(found) = self.earlier(op.mid)?
            {
                earlier.insert(op.mid, found);
            }
            if let Some((outline, is_same)) = self.outline(op)? {
                documents.insert((op.c.clone(), op.id.clone()), outline);
                if is_same {
                    same.insert(op.mid);
                }
            }
        }
        Ok(Known { state, last, watermark, earlier, documents, same })
    }

    /// The last mutation of the client that took effect, and the watermark below which results are no longer kept.
    fn client(&self) -> Result<(u64, u64), StoreError> {
        let found = self
            .transaction
            .prepare_cached("SELECT last, watermark FROM clients WHERE space = ?1 AND client = ?2")
            .and_then(|mut query| {
                query
                    .query_row(params![self.space, self.push.client], |row| {
                        Ok((unsigned(row.get(0)?), unsigned(row.get(1)?)))
                    })
                    .optional()
            })
            .map_err(failed)?;
        Ok(found.unwrap_or((0, 0)))
    }

    fn earlier(&self, mid: u64) -> Result<Option<Earlier>, StoreError> {
        self.transaction
            .prepare_cached("SELECT seq, c, id, hlc FROM results WHERE space = ?1 AND client = ?2 AND mid = ?3")
            .and_then(|mut query| {
                query
                    .query_row(params![self.space, self.push.client, signed(mid)], |row| {
                        Ok(Earlier { seq: unsigned(row.get(0)?), c: row.get(1)?, id: row.get(2)?, hlc: stamp(row, 3)? })
                    })
                    .optional()
            })
            .map_err(failed)
    }

    /// The operation's document without its body, and whether it is what the operation would write.
    fn outline(&self, op: &PushOp) -> Result<Option<(Outline, bool)>, StoreError> {
        let (hlc, body) = (op.hlc.to_string(), op.body.as_ref().map(|body| body.get()));
        self.transaction
            .prepare_cached(
                "SELECT seq, hlc, octet_length(body), hlc = ?4 AND body IS ?5
                 FROM documents WHERE space = ?1 AND c = ?2 AND id = ?3",
            )
            .and_then(|mut query| {
                query
                    .query_row(params![self.space, op.c, op.id, hlc, body], |row| {
                        let bytes: Option<i64> = row.get(2)?;
                        let bytes = bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
                        Ok((Outline { seq: unsigned(row.get(0)?), hlc: stamp(row, 1)?, bytes }, row.get(3)?))
                    })
                    .optional()
            })
            .map_err(failed)
    }

    fn stored(&self, keys: &[DocumentKey]) -> Result<HashMap<DocumentKey, Change>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM documents WHERE space = ?1 AND c = ?2 AND id = ?3");
        let mut query = self.transaction.prepare_cached(&sql).map_err(failed)?;
        keys.iter()
            .map(|(c, id)| {
                let found = query.query_row(params![self.space, c, id], change).map_err(failed)?;
                Ok(((c.clone(), id.clone()), found))
            })
            .collect()
    }

    fn write(&self, plan: &Plan) -> Result<(), StoreError> {
        for (at, seq) in &plan.effects {
            let Some((op, _)) = self.push.ops.get(*at) else { continue };
            self.note(op, *seq)?;
        }
        for (at, seq) in plan.last_effects(self.push) {
            let Some((op, _)) = self.push.ops.get(at) else { continue };
            self.put(op, seq)?;
        }
        Ok(())
    }

    fn put(&self, op: &PushOp, seq: u64) -> Result<(), StoreError> {
        let (hlc, body) = (op.hlc.to_string(), op.body.as_ref().map(|body| body.get()));
        let at = signed(self.push.now);
        self.transaction
            .prepare_cached(
                "INSERT INTO documents (space, c, id, seq, hlc, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (space, c, id) DO UPDATE SET seq = ?4, hlc = ?5, body = ?6, at = ?7",
            )
            .and_then(|mut upsert| upsert.execute(params![self.space, op.c, op.id, signed(seq), hlc, body, at]))
            .map(drop)
            .map_err(failed)
    }

    fn note(&self, op: &PushOp, seq: u64) -> Result<(), StoreError> {
        let (client, hlc) = (&self.push.client, op.hlc.to_string());
        self.transaction
            .prepare_cached(
                "INSERT INTO results (space, client, mid, seq, c, id, hlc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .and_then(|mut insert| {
                insert.execute(params![self.space, client, signed(op.mid), signed(seq), op.c, op.id, hlc])
            })
            .map(drop)
            .map_err(failed)
    }

    /// Notes the last mutation, and lets go of results that are too old to be asked for again.
    ///
    /// The watermark stays below the first mutation of this push: those of one push may be repeated together, and
    /// those that did not take effect must not be answered as if they had.
    fn remember(&self, last: u64, watermark: u64) -> Result<(), StoreError> {
        let client = &self.push.client;
        let oldest: Option<i64> = self
            .transaction
            .prepare_cached(
                "SELECT mid FROM results WHERE space = ?1 AND client = ?2 AND mid < ?3
                 ORDER BY mid DESC LIMIT 1 OFFSET ?4",
            )
            .and_then(|mut query| {
                let first = signed(self.push.first());
                query.query_row(params![self.space, client, first, KEPT_RESULTS], |row| row.get(0)).optional()
            })
            .map_err(failed)?;
        let watermark = oldest.unwrap_or(signed(watermark));
        self.transaction
            .execute(
                "DELETE FROM results WHERE space = ?1 AND client = ?2 AND mid <= ?3",
                params![self.space, client, watermark],
            )
            .and_then(|_| {
                self.transaction.execute(
                    "INSERT INTO clients (space, client, last, watermark) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (space, client) DO UPDATE SET last = ?3, watermark = ?4",
                    params![self.space, client, signed(last), watermark],
                )
            })
            .map(drop)
            .map_err(failed)
    }
}
