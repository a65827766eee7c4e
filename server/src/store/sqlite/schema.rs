//! The tables, and how those of an older release become those of this one.

use rusqlite::Connection;
use rusqlite_migration::{Error, M, MigrationDefinitionError, Migrations};

use super::convert::failed;
use crate::store::StoreError;

/// What marks a file as ours: “tide”.
const APPLICATION: i64 = 0x7469_6465;

/// The steps from an empty file to the tables of this release. A step that was released is never changed.
const STEPS: [M<'static>; 2] =
    [M::up(include_str!("migrations/1-tables.sql")), M::up(include_str!("migrations/2-retention.sql"))];

/// Makes the tables in a new file, and brings those of an older release up to date, each step in a transaction.
///
/// # Errors
///
/// Where the file belongs to another program, or to a newer release; it is left as it is then.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StoreError> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let application = number("PRAGMA application_id")?;
    if application != APPLICATION && (application != 0 || number("SELECT count(*) FROM sqlite_schema")? > 0) {
        return Err(StoreError::Failed("the file belongs to another program; give another --database".to_owned()));
    }
    Migrations::from_slice(&STEPS).to_latest(connection).map_err(|error| match error {
        Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            StoreError::Failed("its tables are of a newer release; use the release that made them".to_owned())
        }
        Error::RusqliteError { err, .. } => failed(err),
        _ => StoreError::Failed("its tables cannot be brought up to date".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_lead_from_an_empty_file_to_the_tables_of_today() {
        Migrations::from_slice(&STEPS).validate().unwrap();
    }

    #[test]
    fn a_file_of_the_first_tables_is_brought_up_to_date_with_its_documents() {
        let mut connection = Connection::open_in_memory().unwrap();
        Migrations::from_slice(&STEPS[..1]).to_latest(&mut connection).unwrap();
        connection
            .execute_batch(
                "INSERT INTO spaces VALUES (1, 'mine', 'e', 1, 0);
                 INSERT INTO documents (space, c, id, seq, hlc) VALUES (1, 'n', 'a', 1, 'x');",
            )
            .unwrap();
        prepare(&mut connection).unwrap();
        let at: i64 = connection.query_row("SELECT at FROM documents", [], |row| row.get(0)).unwrap();
        assert!(at > 1_600_000_000_000);
    }
}
