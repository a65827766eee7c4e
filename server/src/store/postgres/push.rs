//! Applying a push, in one transaction of at most three round trips.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Object;
use futures_util::future::{try_join, try_join3};
use sha2::{Digest, Sha256};
use tidekeep::sync::protocol::{Change, PushOp};
use tokio_postgres::{Row, Statement};

use super::convert::{change, column, failed, signed, stamp, text, unsigned};
use super::snapshot::Open;
use super::space::{self, ENTER, LOCK};
use crate::store::plan::{DocumentKey, Earlier, KEPT_RESULTS, Known, Outline, Plan, plan};
use crate::store::{Push, Pushed, StoreError};

const CLIENT: &str = "SELECT last, watermark FROM clients WHERE space = $1 AND client = $2";
const EARLIER: &str = "SELECT mid, seq, c, id, hlc FROM results WHERE space = $1 AND client = $2 AND mid = ANY($3)";
/// Documents without their bodies; the digest of those that have the operation's stamp.
const OUTLINES: &str = "
SELECT k.at, d.c, d.id, d.seq, d.hlc, octet_length(d.body), d.hlc = k.hlc,
       CASE WHEN d.hlc = k.hlc THEN sha256(convert_to(d.body, 'UTF8')) END
FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::text[]) AS k (at, c, id, hlc)
JOIN documents d ON d.space = $1 AND d.c = k.c AND d.id = k.id";
const SHOWN: &str = "
SELECT d.c, d.id, d.seq, d.hlc, d.body FROM unnest($2::text[], $3::bytea[]) AS k (c, id)
JOIN documents d ON d.space = $1 AND d.c = k.c AND d.id = k.id";
const NOTE: &str = "
INSERT INTO results (space, client, mid, seq, c, id, hlc)
SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::bytea[], $7::text[])";
const PUT: &str = "
INSERT INTO documents (space, at, c, id, seq, hlc, body)
SELECT $1, $2, * FROM unnest($3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::text[])
ON CONFLICT (space, c, id)
DO UPDATE SET seq = excluded.seq, hlc = excluded.hlc, body = excluded.body, at = excluded.at";
/// The watermark stays below the first mutation of the push: those of one push may be repeated together, and those that
/// did not take effect must not be answered as if they had.
const REMEMBER: &str = "
INSERT INTO clients (space, client, last, watermark)
VALUES ($1, $2, $3, coalesce(
    (SELECT mid FROM results WHERE space = $1 AND client = $2 AND mid < $4 ORDER BY mid DESC LIMIT 1 OFFSET $6), $5))
ON CONFLICT (space, client) DO UPDATE SET last = excluded.last, watermark = excluded.watermark";
const FORGET: &str = "
DELETE FROM results WHERE space = $1 AND client = $2
AND mid <= (SELECT watermark FROM clients WHERE space = $1 AND client = $2)";
const ADVANCE: &str = "UPDATE spaces SET head = $2 WHERE name = $1";

/// Applies a push; nothing where the space has not begun.
///
/// # Behavior
///
/// - The row of the space is locked first and until the commit, so sequences are given in the order of commits.
pub(super) async fn apply(client: Object, space: &str, push: &Push) -> Result<Option<Pushed>, StoreError> {
    let mut transaction = Open::new(client);
    let applied = Work { client: transaction.client()?, space, push }.apply().await;
    // Of one that failed the connection is closed, and with it whatever was open; a refusal ends in order.
    if matches!(applied, Ok(_) | Err(StoreError::Reset | StoreError::AnswerTooLarge)) {
        transaction.release();
    }
    applied
}

/// A push under way.
struct Work<'a> {
    client: &'a Object,
    space: &'a str,
    push: &'a Push,
}

impl Work<'_> {
    async fn apply(&self) -> Result<Option<Pushed>, StoreError> {
        let Some(known) = self.known().await? else {
            self.end("ROLLBACK").await?;
            return Ok(None);
        };
        let plan = match plan(self.push, &known) {
            Ok(plan) => plan,
            Err(error) => {
                self.end("ROLLBACK").await?;
                return Err(error);
            }
        };
        let stored = if plan.shown.is_empty() { HashMap::new() } else { self.stored(&plan.shown).await? };
        if plan.effects.is_empty() {
            self.end("ROLLBACK").await?;
        } else {
            self.write(&plan, known.watermark).await?;
        }
        Ok(Some(plan.answer(&stored)))
    }

    async fn end(&self, how: &str) -> Result<(), StoreError> {
        self.client.batch_execute(how).await.map_err(failed)
    }

    async fn prepared(&self, sql: &str) -> Result<Statement, StoreError> {
        self.client.prepare_cached(sql).await.map_err(failed)
    }

    /// Begins, locks the space, and reads what is known of the push's mutations and documents.
    async fn known(&self) -> Result<Option<Known>, StoreError> {
        let (enter, lock) = (self.prepared(ENTER).await?, self.prepared(LOCK).await?);
        let (client, earlier) = (self.prepared(CLIENT).await?, self.prepared(EARLIER).await?);
        let outlines = self.prepared(OUTLINES).await?;
        let keys = Keys::of(self.push);
        let mids: Vec<i64> = self.push.ops.iter().map(|(op, _)| signed(op.mid)).collect();
        // INVARIANT: the branches are first polled in their order, so that is the order in which they are sent; each
        // statement after the lock sees all that was committed before the lock was given.
        let (((), _, space), (clients, results, documents)) = try_join(
            try_join3(
                self.client.batch_execute("BEGIN"),
                self.client.execute(&enter, &[&self.space]),
                self.client.query_opt(&lock, &[&self.space]),
            ),
            try_join3(
                self.client.query_opt(&client, &[&self.space, &self.push.client]),
                self.client.query(&earlier, &[&self.space, &self.push.client, &mids]),
                self.client.query(&outlines, &[&self.space, &keys.at, &keys.c, &keys.id, &keys.hlc]),
            ),
        )
        .await
        .map_err(failed)?;
        let Some(space) = space else { return Ok(None) };
        let (last, watermark) = match &clients {
            Some(row) => (unsigned(column(row, 0)?), unsigned(column(row, 1)?)),
            None => (0, 0),
        };
        let mut known = Known {
            state: space::state(&space)?,
            last,
            watermark,
            earlier: results.iter().map(earlier_of).collect::<Result<_, _>>()?,
            documents: HashMap::new(),
            same: HashSet::new(),
        };
        for row in &documents {
            self.outline(row, &mut known)?;
        }
        Ok(Some(known))
    }

    /// Takes in a row of [`OUTLINES`].
    fn outline(&self, row: &Row, known: &mut Known) -> Result<(), StoreError> {
        let bytes: Option<i32> = column(row, 5)?;
        let bytes = bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let outline = Outline { seq: unsigned(column(row, 3)?), hlc: stamp(row, 4)?, bytes };
        known.documents.insert((column(row, 1)?, text(row, 2)?), outline);
        let at = usize::try_from(column::<i64>(row, 0)?).ok();
        if let Some((op, _)) = at.and_then(|at| self.push.ops.get(at))
            && column::<bool>(row, 6)?
        {
            let stored: Option<&[u8]> = column(row, 7)?;
            let given = op.body.as_ref().map(|body| Sha256::digest(body.get()).to_vec());
            if stored == given.as_deref() {
                known.same.insert(op.mid);
            }
        }
        Ok(())
    }

    async fn stored(&self, keys: &[DocumentKey]) -> Result<HashMap<DocumentKey, Change>, StoreError> {
        let shown = self.prepared(SHOWN).await?;
        let unique: HashSet<&DocumentKey> = keys.iter().collect();
        let c: Vec<&str> = unique.iter().map(|(c, _)| c.as_str()).collect();
        let id: Vec<&[u8]> = unique.iter().map(|(_, id)| id.as_bytes()).collect();
        let rows = self.client.query(&shown, &[&self.space, &c, &id]).await.map_err(failed)?;
        rows.iter()
            .map(|row| {
                let change = change(row)?;
                Ok(((change.c.clone(), change.id.clone()), change))
            })
            .collect()
    }

    /// Writes what takes effect, and commits.
    async fn write(&self, plan: &Plan, watermark: u64) -> Result<(), StoreError> {
        let (note, put) = (self.prepared(NOTE).await?, self.prepared(PUT).await?);
        let (remember, forget) = (self.prepared(REMEMBER).await?, self.prepared(FORGET).await?);
        let advance = self.prepared(ADVANCE).await?;
        let (noted, kept) = (Rows::of(self.push, &plan.effects), Rows::of(self.push, &plan.last_effects(self.push)));
        let (now, last, head) = (signed(self.push.now), signed(plan.last), signed(plan.state.head));
        let (first, watermark) = (signed(self.push.first()), signed(watermark));
        let client = &self.push.client;
        // INVARIANT: sent in this order. Where any fails, so does the commit, and its failure is the answer.
        try_join(
            try_join3(
                self.client
                    .execute(&note, &[&self.space, client, &noted.mid, &noted.seq, &noted.c, &noted.id, &noted.hlc]),
                self.client.execute(&put, &[&self.space, &now, &kept.c, &kept.id, &kept.seq, &kept.hlc, &kept.body]),
                self.client.execute(&remember, &[&self.space, client, &last, &first, &watermark, &KEPT_RESULTS]),
            ),
            try_join3(
                self.client.execute(&forget, &[&self.space, client]),
                self.client.execute(&advance, &[&self.space, &head]),
                self.client.batch_execute("COMMIT"),
            ),
        )
        .await
        .map(drop)
        .map_err(failed)
    }
}

fn earlier_of(row: &Row) -> Result<(u64, Earlier), StoreError> {
    let earlier =
        Earlier { seq: unsigned(column(row, 1)?), c: column(row, 2)?, id: text(row, 3)?, hlc: stamp(row, 4)? };
    Ok((unsigned(column(row, 0)?), earlier))
}

/// The documents of a push, as columns.
struct Keys<'a> {
    /// The operation's place in the push.
    at: Vec<i64>,
    c: Vec<&'a str>,
    id: Vec<&'a [u8]>,
    hlc: Vec<String>,
}

impl<'a> Keys<'a> {
    fn of(push: &'a Push) -> Self {
        let mut keys = Self { at: Vec::new(), c: Vec::new(), id: Vec::new(), hlc: Vec::new() };
        for (at, (op, _)) in (0_i64..).zip(&push.ops) {
            // No collection is named with the character 0, which PostgreSQL's text cannot hold.
            if !op.c.contains('\0') {
                keys.at.push(at);
                keys.c.push(&op.c);
                keys.id.push(op.id.as_bytes());
                keys.hlc.push(op.hlc.to_string());
            }
        }
        keys
    }
}

/// Operations that take effect, as columns.
struct Rows<'a> {
    mid: Vec<i64>,
    seq: Vec<i64>,
    c: Vec<&'a str>,
    id: Vec<&'a [u8]>,
    hlc: Vec<String>,
    body: Vec<Option<&'a str>>,
}

impl<'a> Rows<'a> {
    fn of(push: &'a Push, effects: &[(usize, u64)]) -> Self {
        let ops: Vec<(&PushOp, u64)> =
            effects.iter().filter_map(|(at, seq)| push.ops.get(*at).map(|(op, _)| (op, *seq))).collect();
        Self {
            mid: ops.iter().map(|(op, _)| signed(op.mid)).collect(),
            seq: ops.iter().map(|(_, seq)| signed(*seq)).collect(),
            c: ops.iter().map(|(op, _)| op.c.as_str()).collect(),
            id: ops.iter().map(|(op, _)| op.id.as_bytes()).collect(),
            hlc: ops.iter().map(|(op, _)| op.hlc.to_string()).collect(),
            body: ops.iter().map(|(op, _)| op.body.as_ref().map(|body| body.get())).collect(),
        }
    }
}
