//! Forgetting deletions, and beginning histories anew.

use rusqlite::{OptionalExtension, Transaction, params};

use super::convert::{failed, signed};
use super::space::SpaceNumber;
use crate::store::{StoreError, new_epoch};

/// Forgets at most `most` deletions of one space that were made before `before`; answers with how many.
pub(super) fn forget(transaction: &Transaction<'_>, before: u64, most: usize) -> Result<usize, StoreError> {
    let before = signed(before);
    let oldest: Option<SpaceNumber> = transaction
        .query_row("SELECT space FROM documents WHERE body IS NULL AND at < ?1 ORDER BY at LIMIT 1", [before], |row| {
            row.get(0)
        })
        .optional()
        .map_err(failed)?;
    let Some(space) = oldest else { return Ok(0) };
    let mut statement = transaction
        .prepare_cached(
            "SELECT seq FROM documents WHERE body IS NULL AND at < ?1 AND space = ?2 ORDER BY at, seq LIMIT ?3",
        )
        .map_err(failed)?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let found = statement
        .query_map(params![before, space, limit], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
        .map_err(failed)?;
    let mut delete =
        transaction.prepare_cached("DELETE FROM documents WHERE space = ?1 AND seq = ?2").map_err(failed)?;
    for seq in &found {
        delete.execute(params![space, seq]).map_err(failed)?;
    }
    transaction
        .execute("UPDATE spaces SET floor = max(floor, ?2) WHERE space = ?1", params![space, found.iter().max()])
        .map_err(failed)?;
    Ok(found.len())
}

/// Gives every space a new epoch; answers with how many there are.
pub(super) fn renew(transaction: &Transaction<'_>) -> Result<usize, StoreError> {
    let mut statement = transaction.prepare("SELECT space FROM spaces").map_err(failed)?;
    let spaces = statement
        .query_map([], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<SpaceNumber>>>)
        .map_err(failed)?;
    for space in &spaces {
        transaction
            .execute("UPDATE spaces SET epoch = ?2 WHERE space = ?1", params![space, new_epoch()?])
            .map_err(failed)?;
    }
    Ok(spaces.len())
}
