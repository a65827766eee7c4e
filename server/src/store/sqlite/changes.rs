//! Reading changes in the order of their sequence.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::convert::{COLUMNS, change, failed, signed};
use super::space::{self, SpaceNumber};
use crate::store::run::{Complete, Run, Which};
use crate::store::{ChangesQuery, MAX_PAGE_BYTES, Page, StoreError};

/// One page of changes.
pub(super) fn page(connection: &Connection, name: &str, query: &ChangesQuery) -> Result<Page, StoreError> {
    let Some((space, state)) = space::find(connection, name)? else {
        return Err(StoreError::Failed("the space is gone".to_owned()));
    };
    let after = state.resume(query.since.as_ref())?;
    let range = Range { after, collections: &query.collections, which: Which::All, limit: query.limit };
    let run = read(connection, space, &range)?;
    let upto = match run.complete {
        Complete::Yes => state.head,
        Complete::No => run.changes.last().map_or(after, |last| last.seq),
    };
    Ok(Page { state, changes: run.changes, upto })
}

/// Which rows to read.
pub(super) struct Range<'a> {
    pub(super) after: u64,
    pub(super) collections: &'a [String],
    pub(super) which: Which,
    pub(super) limit: usize,
}

/// Reads rows by sequence, as many as fit a page.
pub(super) fn read(connection: &Connection, space: SpaceNumber, range: &Range<'_>) -> Result<Run, StoreError> {
    let existing = if range.which == Which::Existing { " AND body IS NOT NULL" } else { "" };
    let chosen = if range.collections.is_empty() {
        String::new()
    } else {
        format!(" AND c IN ({})", vec!["?"; range.collections.len()].join(","))
    };
    let sql = format!("SELECT {COLUMNS} FROM documents WHERE space = ? AND seq > ?{existing}{chosen} ORDER BY seq");
    let values = [Value::from(space), Value::from(signed(range.after))]
        .into_iter()
        .chain(range.collections.iter().cloned().map(Value::from));
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
    let (mut changes, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next().map_err(failed)? {
        if changes.len() >= range.limit || bytes >= MAX_PAGE_BYTES {
            return Ok(Run { changes, complete: Complete::No });
        }
        let change = change(row).map_err(failed)?;
        bytes += change.id.len() + change.body.as_ref().map_or(0, |body| body.get().len());
        changes.push(change);
    }
    Ok(Run { changes, complete: Complete::Yes })
}
