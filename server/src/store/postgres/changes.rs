//! Reading changes in the order of their sequence.

use deadpool_postgres::Object;
use futures_util::future::try_join5;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use super::convert::{change, column, failed, signed};
use super::space::{self, BEGIN_READ, ENTER, FIND};
use crate::store::run::{Complete, Run, Which};
use crate::store::{ChangesQuery, MAX_PAGE_BYTES, Page, StoreError};

/// One page of changes; none where the space has not begun.
pub(super) async fn page(client: &Object, name: &str, query: &ChangesQuery) -> Result<Option<Page>, StoreError> {
    let after = query.since.as_ref().map_or(0, |since| since.seq);
    let range = Range::new(name, after, &query.collections, Which::All, query.limit);
    let enter = client.prepare_cached(ENTER).await.map_err(failed)?;
    let find = client.prepare_cached(FIND).await.map_err(failed)?;
    let read = range.prepare(client).await?;
    // INVARIANT: the branches are first polled in their order, so that is the order in which they are sent, all at once:
    // one that is dropped midway leaves no transaction open.
    let ((), _, found, rows, ()) = try_join5(
        client.batch_execute(BEGIN_READ),
        client.execute(&enter, &[&name]),
        client.query_opt(&find, &[&name]),
        client.query(&read, &range.values()),
        client.batch_execute("COMMIT"),
    )
    .await
    .map_err(failed)?;
    let Some(found) = found else { return Ok(None) };
    let state = space::state(&found)?;
    let after = state.resume(query.since.as_ref())?;
    let run = range.run(&rows)?;
    let upto = match run.complete {
        Complete::Yes => state.head,
        Complete::No => run.changes.last().map_or(after, |last| last.seq),
    };
    Ok(Some(Page { state, changes: run.changes, upto }))
}

/// Which rows to read.
pub(super) struct Range<'a> {
    space: &'a str,
    after: i64,
    collections: &'a [String],
    which: Which,
    /// One more than are wanted: whether it is there says whether there are more.
    limit: i64,
}

impl<'a> Range<'a> {
    pub(super) fn new(space: &'a str, after: u64, collections: &'a [String], which: Which, limit: usize) -> Self {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        Self { space, after: signed(after), collections, which, limit }
    }

    /// As many rows as fit a page: rows are cut off by the bytes before them, in the database, so that no more are sent.
    pub(super) async fn prepare(&self, client: &Object) -> Result<Statement, StoreError> {
        let existing = if self.which == Which::Existing { " AND body IS NOT NULL" } else { "" };
        let chosen = if self.collections.is_empty() { "" } else { " AND c = ANY($4)" };
        let sql = format!(
            "SELECT c, id, seq, hlc, body, there FROM (
                 SELECT *, sum(bytes) OVER (ORDER BY seq) - bytes AS before, count(*) OVER () AS there FROM (
                     SELECT c, id, seq, hlc, body, coalesce(octet_length(body), 0) + length(id) AS bytes
                     FROM documents WHERE space = $1 AND seq > $2{existing}{chosen} ORDER BY seq LIMIT $3
                 ) AS next
             ) AS run WHERE before < {MAX_PAGE_BYTES} ORDER BY seq"
        );
        client.prepare_cached(&sql).await.map_err(failed)
    }

    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&self.space, &self.after, &self.limit];
        if !self.collections.is_empty() {
            values.push(&self.collections);
        }
        values
    }

    pub(super) fn run(&self, rows: &[Row]) -> Result<Run, StoreError> {
        let there = rows.first().map_or(Ok(0), |row| column::<i64>(row, 5))?;
        let wanted = usize::try_from(self.limit - 1).unwrap_or(usize::MAX);
        let cut = there >= self.limit || i64::try_from(rows.len()).is_ok_and(|count| count < there);
        let changes = rows.iter().take(wanted).map(change).collect::<Result<_, _>>()?;
        Ok(Run { changes, complete: if cut { Complete::No } else { Complete::Yes } })
    }
}
