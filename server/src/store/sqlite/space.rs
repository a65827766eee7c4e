//! The row of a space.

use rusqlite::{Connection, OptionalExtension, params};

use super::convert::{failed, signed, unsigned};
use crate::store::{SpaceState, StoreError, new_epoch};

/// The number of a space within the file.
pub(super) type SpaceNumber = i64;

/// The space of this name, if there is one.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<(SpaceNumber, SpaceState)>, StoreError> {
    connection
        .prepare_cached("SELECT space, epoch, head, floor FROM spaces WHERE name = ?1")
        .and_then(|mut query| {
            query
                .query_row([name], |row| {
                    let state =
                        SpaceState { epoch: row.get(1)?, head: unsigned(row.get(2)?), floor: unsigned(row.get(3)?) };
                    Ok((row.get(0)?, state))
                })
                .optional()
        })
        .map_err(failed)
}

/// The space of this name, begun if there is none.
pub(super) fn ensure(connection: &Connection, name: &str) -> Result<(SpaceNumber, SpaceState), StoreError> {
    if let Some(found) = find(connection, name)? {
        return Ok(found);
    }
    let state = SpaceState { epoch: new_epoch()?, head: 0, floor: 0 };
    connection
        .execute("INSERT INTO spaces (name, epoch, head, floor) VALUES (?1, ?2, 0, 0)", params![name, state.epoch])
        .map_err(failed)?;
    Ok((connection.last_insert_rowid(), state))
}

/// Notes how far a space has come.
pub(super) fn advance(connection: &Connection, space: SpaceNumber, head: u64) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE spaces SET head = ?2 WHERE space = ?1")
        .and_then(|mut update| update.execute(params![space, signed(head)]))
        .map(drop)
        .map_err(failed)
}
