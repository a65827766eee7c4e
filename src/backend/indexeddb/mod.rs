//! Records in IndexedDB: object stores with native indexes, group commit, a connection that comes back.

mod api;
mod connection;
mod convert;
mod emission;
mod error;
mod group;
mod identity;
mod layout;
mod lookup;
mod mark;
mod open;
mod pulse;
mod read;
mod scope;
mod staging;
mod transaction;
mod upgrade;
mod verifying;
mod write;

use core::fmt;
use core::future::Future;
use std::rc::{Rc, Weak};

use super::incident::Incidents;
use super::{Backend, Facts, LocalFuture, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Acknowledged, CommitReceipt, Durability, Key, KeyRange, Record, Schema, WriteBatch};
use crate::platform::environment::Standstill;
use connection::{Connection, Opened};
use group::Queue;
use layout::Layout;
use pulse::{Life, living};

/// A backend over one IndexedDB database.
pub struct IndexedDbBackend {
    connection: Rc<Connection>,
    queue: Rc<Queue>,
    _standstill: Standstill,
}

impl IndexedDbBackend {
    /// Opens the database `name`, making or upgrading it where the schema asks for what is not there.
    ///
    /// # Errors
    ///
    /// `UNSUPPORTED` where there is no IndexedDB; `TIMEOUT` after 5 s, `BLOCKED` after 30 s of upgrading;
    /// `VERSION_ERROR` for a database of a newer layout; `INVALID_CONFIG` for another keyPath than the stored one.
    pub async fn open(name: &str, schema: Rc<Schema>) -> Result<Self> {
        let connection = Connection::open(name, Layout::new(schema)).await.map_err(|error| error.during("open"))?;
        let connection = Rc::new(connection);
        let standing: Weak<Connection> = Rc::downgrade(&connection);
        let standstill = Standstill::watch(move |still| {
            if let Some(connection) = standing.upgrade() {
                connection.stand_still(still);
            }
        });
        Ok(Self { connection, queue: Rc::default(), _standstill: standstill })
    }

    /// What happens to the database that no call is the cause of.
    #[must_use]
    pub fn incidents(&self) -> Incidents {
        self.connection.incidents().clone()
    }

    /// The identity of the database: another one, and it is another database.
    #[must_use]
    pub fn birth(&self) -> String {
        self.connection.birth()
    }

    /// Whether the database had no identity when it was opened first, and was given one.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.connection.is_fresh()
    }

    /// Looks whether this still is the database that was opened, and tells of an incident where it is not.
    pub async fn look(&self) {
        // What keeps it from being looked at is met by the next call as well, which says so.
        drop(self.connection.look().await);
    }

    /// Reads once everything committed before has its transaction, on a new connection where the old one is dead.
    async fn reading<'a, T, F>(&'a self, operation: &'static str, read: impl Fn(Opened) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>> + 'a,
    {
        self.queue.overtaken().await;
        let mut tries = 0;
        loop {
            let result = match self.connection.database().await {
                Err(error) => Err(error),
                Ok(opened) => {
                    let (life, database) = (Life::default(), opened.database.clone());
                    let result = self.connection.pulse().within(&life, living(&life, read(opened))).await;
                    let result = result.and_then(|read| read);
                    match &result {
                        Ok(_) => self.connection.served(),
                        Err(error) => self.connection.failed(&database, error),
                    }
                    result
                }
            };
            match result {
                Err(error) if self.connection.again(&error, &mut tries).await => {}
                result => return result.map_err(|error| error.during(operation)),
            }
        }
    }
}

/// Whether the connection is of no use after this.
fn is_dead(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Timeout)
}

impl fmt::Debug for IndexedDbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexedDbBackend").field("name", &self.connection.name()).finish_non_exhaustive()
    }
}

impl Backend for IndexedDbBackend {
    fn facts(&self) -> Facts {
        Facts {
            kind: "indexeddb",
            name: self.connection.name().to_owned(),
            persistent: true,
            schema_version: self.connection.version(),
            capacity: None,
        }
    }

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            if batch.ops.is_empty() {
                self.connection.database().await.map_err(|error| error.during("commit"))?;
                let durability = match batch.durability {
                    Durability::Strict => Acknowledged::Strict,
                    Durability::Relaxed => Acknowledged::Relaxed,
                };
                return Ok(CommitReceipt { ops: Vec::new(), durability });
            }
            self.queue.commit(&self.connection, batch).await.map_err(|error| error.during("commit"))
        })
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(self.reading("get", move |opened| async move {
            read::get(&opened.database, &opened.layout, collection, keys).await
        }))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(
            self.reading("scan", move |opened| async move { read::scan(&opened.database, &opened.layout, scan).await }),
        )
    }

    fn count<'a>(
        &'a self,
        collection: &'a str,
        source: &'a Source,
        range: &'a KeyRange,
    ) -> LocalFuture<'a, Result<u64>> {
        Box::pin(self.reading("count", move |opened| async move {
            read::count(&opened.database, &opened.layout, collection, source, range).await
        }))
    }

    fn namespaces(&self) -> LocalFuture<'_, Result<Vec<String>>> {
        Box::pin(
            self.reading(
                "namespaces",
                |opened| async move { read::namespaces(&opened.database, &opened.layout).await },
            ),
        )
    }

    fn close(&self) -> LocalFuture<'_, ()> {
        Box::pin(async move {
            self.queue.drained().await;
            self.connection.close();
        })
    }

    fn destroy(&self) -> LocalFuture<'_, Result<()>> {
        Box::pin(async move {
            self.close().await;
            open::delete(self.connection.name()).await.map_err(|error| error.during("destroy"))
        })
    }
}
