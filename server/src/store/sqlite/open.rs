//! Opening the file.

use core::time::Duration;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::convert::failed;
use super::schema;
use crate::private_file;
use crate::store::StoreError;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connection that writes.
///
/// # Behavior
///
/// - A commit is on the disk before it is over: `synchronous=FULL` syncs the write-ahead log at each.
/// - A new file may be read by this user alone.
pub(super) fn writer(path: &Path) -> Result<Connection, StoreError> {
    match private_file::create_new(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(StoreError::Failed(format!("{}: {error}", path.display()))),
    }
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(StoreError::Failed("the file system has no shared memory for a write-ahead log".to_owned()));
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").map_err(failed)?;
    schema::prepare(&mut connection)?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}
