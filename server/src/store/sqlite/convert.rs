//! Between rows and the protocol's types.

use core::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{ErrorCode, Row};
use serde_json::value::RawValue;
use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::Change;

use crate::store::StoreError;

/// The columns that [`change`] reads.
pub(super) const COLUMNS: &str = "c, id, seq, hlc, body";

/// A row of [`COLUMNS`].
pub(super) fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    let seq = unsigned(row.get(2)?);
    let body: Option<String> = row.get(4)?;
    let body = body.map(RawValue::from_string).transpose().map_err(|error| unreadable(4, error))?;
    Ok(Change { c: row.get(0)?, id: row.get(1)?, seq, rev: seq, hlc: stamp(row, 3)?, del: body.is_none(), body })
}

/// The stamp in a column.
pub(super) fn stamp(row: &Row<'_>, column: usize) -> rusqlite::Result<Hlc> {
    let text: String = row.get(column)?;
    Hlc::from_str(&text).map_err(|error| unreadable(column, error))
}

fn unreadable(column: usize, error: impl core::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// A number as SQLite keeps it; those that do not fit are refused long before.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as SQLite kept it.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What a failure of SQLite means. Nothing of a row is in it: rows are private, and this is logged.
#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::NotADatabase => StoreError::Failed("the file is not a database".to_owned()),
            _ => StoreError::Failed(failure.to_string()),
        },
        rusqlite::Error::FromSqlConversionFailure(column, ..) => {
            StoreError::Failed(format!("a stored value in column {column} is not what was written"))
        }
        rusqlite::Error::SqlInputError { error, .. } => StoreError::Failed(error.to_string()),
        _ => StoreError::Failed("the database answered out of order".to_owned()),
    }
}
