//! Between rows and the protocol's types, and what a failure means.

use core::str::FromStr;

use serde_json::value::RawValue;
use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::Change;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

/// A row of `c, id, seq, hlc, body`.
pub(super) fn change(row: &Row) -> Result<Change, StoreError> {
    let seq = unsigned(column(row, 2)?);
    let body: Option<String> = column(row, 4)?;
    let body = body.map(RawValue::from_string).transpose().map_err(|_| unreadable(4))?;
    Ok(Change { c: column(row, 0)?, id: text(row, 1)?, seq, rev: seq, hlc: stamp(row, 3)?, del: body.is_none(), body })
}

/// The value in a column.
pub(super) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(|_| unreadable(at))
}

/// The text in a column of bytes.
pub(super) fn text(row: &Row, at: usize) -> Result<String, StoreError> {
    let bytes: &[u8] = column(row, at)?;
    core::str::from_utf8(bytes).map(str::to_owned).map_err(|_| unreadable(at))
}

/// The stamp in a column.
pub(super) fn stamp(row: &Row, at: usize) -> Result<Hlc, StoreError> {
    Hlc::from_str(column(row, at)?).map_err(|_| unreadable(at))
}

fn unreadable(column: usize) -> StoreError {
    StoreError::Failed(format!("a stored value in column {column} is not what was written"))
}

/// A number as PostgreSQL keeps it; those that do not fit are refused long before.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as PostgreSQL kept it.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// What a failure of PostgreSQL means. Its own words are left out: they may hold values of a row, and this is logged.
#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
pub(super) fn failed(error: tokio_postgres::Error) -> StoreError {
    let Some(code) = error.code() else {
        // No answer of the server's: the connection is gone, or never was.
        return StoreError::Away;
    };
    let busy = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ];
    let away = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    match code {
        code if busy.contains(code) => StoreError::Busy,
        code if away.contains(code) || code.code().starts_with("08") => StoreError::Away,
        code if *code == SqlState::DISK_FULL => StoreError::Full,
        code => StoreError::Failed(format!("PostgreSQL refused with SQLSTATE {}", code.code())),
    }
}
