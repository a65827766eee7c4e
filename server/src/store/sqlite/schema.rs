//! The tables.

use rusqlite::{Connection, TransactionBehavior};

use super::convert::failed;
use crate::store::StoreError;

/// What marks a file as ours: “tide”.
const APPLICATION: i64 = 0x7469_6465;
/// The version of the tables. A file of a greater one is left alone.
const VERSION: i64 = 1;

/// A document's revision is the sequence of its last change, so there is one column for both.
///
/// `results` holds what took effect, by client and mutation; of older ones, `clients.watermark` says enough.
const TABLES: &str = "
CREATE TABLE spaces (
    space INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    head INTEGER NOT NULL,
    floor INTEGER NOT NULL
) STRICT;
CREATE TABLE documents (
    space INTEGER NOT NULL REFERENCES spaces,
    c TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hlc TEXT NOT NULL,
    body TEXT,
    PRIMARY KEY (space, c, id)
) STRICT;
CREATE UNIQUE INDEX documents_by_seq ON documents (space, seq, c);
CREATE TABLE clients (
    space INTEGER NOT NULL REFERENCES spaces,
    client TEXT NOT NULL,
    last INTEGER NOT NULL,
    watermark INTEGER NOT NULL,
    PRIMARY KEY (space, client)
) STRICT, WITHOUT ROWID;
CREATE TABLE results (
    space INTEGER NOT NULL REFERENCES spaces,
    client TEXT NOT NULL,
    mid INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    c TEXT NOT NULL,
    id TEXT NOT NULL,
    hlc TEXT NOT NULL,
    PRIMARY KEY (space, client, mid)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables in a new file, and checks those of an old one.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let number = |pragma: &str| transaction.query_row(pragma, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    if application != APPLICATION {
        if tables > 0 || application != 0 {
            return Err(StoreError::Failed("the file belongs to another program; give another --database".to_owned()));
        }
        let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};");
        transaction.execute_batch(TABLES).and_then(|()| transaction.execute_batch(&marks)).map_err(failed)?;
    } else if version != VERSION {
        return Err(StoreError::Failed(format!(
            "its tables have version {version} and this release knows version {VERSION}; use the release that made it"
        )));
    }
    transaction.commit().map_err(failed)
}
