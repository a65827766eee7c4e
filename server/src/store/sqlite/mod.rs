//! Documents in one SQLite file.
//!
//! One connection writes, so commits have one order; others read beside it, each its own moment (WAL).

mod changes;
mod convert;
mod open;
mod push;
mod retention;
mod schema;
mod snapshot;
mod space;

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::{ChangesQuery, Page, Push, Pushed, Snapshot, SpaceState, Store, StoreError, StoreFuture};
use convert::failed;
use snapshot::SqliteSnapshot;

/// Connections that read at the same time.
const READERS: usize = 4;
/// Snapshots that are read at the same time.
const SNAPSHOTS: usize = 16;

/// A store in one SQLite file.
pub(crate) struct SqliteStore {
    path: PathBuf,
    writer: Arc<AsyncMutex<Connection>>,
    idle: Arc<Mutex<Vec<Connection>>>,
    reading: Arc<Semaphore>,
    snapshots: Arc<Semaphore>,
}

impl SqliteStore {
    /// Opens the file, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// Where the file is no database of ours, was made by a newer release, or cannot be used.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            writer: Arc::new(AsyncMutex::new(open::writer(path)?)),
            idle: Arc::default(),
            reading: Arc::new(Semaphore::new(READERS)),
            snapshots: Arc::new(Semaphore::new(SNAPSHOTS)),
        })
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let mut connection = Arc::clone(&self.writer).lock_owned().await;
        run(move || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            let done = work(&transaction)?;
            transaction.commit().map_err(failed)?;
            Ok(done)
        })
        .await
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let place = Arc::clone(&self.reading).acquire_owned().await.map_err(|_| StoreError::Busy)?;
        let (idle, path) = (Arc::clone(&self.idle), self.path.clone());
        run(move || {
            let spare = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = spare.map_or_else(|| open::reader(&path), Ok)?;
            let done = connection.transaction().map_err(failed).and_then(|transaction| work(&transaction));
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            drop(place);
            done
        })
        .await
    }

    /// The state of a space that may not exist yet.
    async fn ensured(&self, space: String) -> Result<SpaceState, StoreError> {
        let name = space.clone();
        if let Some((_, state)) = self.read(move |transaction| space::find(transaction, &name)).await? {
            return Ok(state);
        }
        self.write(move |transaction| Ok(space::ensure(transaction, &space)?.1)).await
    }
}

/// Runs what blocks where blocking is allowed.
async fn run<T, F>(work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, StoreError> + Send + 'static,
{
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|_| Err(StoreError::Failed("a task of the database broke off".to_owned())))
}

impl Store for SqliteStore {
    fn state<'a>(&'a self, space: &'a str) -> StoreFuture<'a, SpaceState> {
        Box::pin(self.ensured(space.to_owned()))
    }

    fn push<'a>(&'a self, space: &'a str, push: Push) -> StoreFuture<'a, Pushed> {
        let space = space.to_owned();
        Box::pin(self.write(move |transaction| push::apply(transaction, &space, &push)))
    }

    fn changes<'a>(&'a self, space: &'a str, query: ChangesQuery) -> StoreFuture<'a, Page> {
        Box::pin(async move {
            self.ensured(space.to_owned()).await?;
            let space = space.to_owned();
            self.read(move |transaction| changes::page(transaction, &space, &query)).await
        })
    }

    fn snapshot<'a>(&'a self, space: &'a str, collections: Vec<String>) -> StoreFuture<'a, Box<dyn Snapshot>> {
        Box::pin(async move {
            let place = Arc::clone(&self.snapshots).try_acquire_owned().map_err(|_| StoreError::Busy)?;
            self.ensured(space.to_owned()).await?;
            let (space, path) = (space.to_owned(), self.path.clone());
            let snapshot = run(move || SqliteSnapshot::begin(&path, &space, collections, place)).await?;
            Ok(Box::new(snapshot) as Box<dyn Snapshot>)
        })
    }

    fn forget(&self, before: u64, most: usize) -> StoreFuture<'_, usize> {
        Box::pin(self.write(move |transaction| retention::forget(transaction, before, most)))
    }

    fn renew(&self) -> StoreFuture<'_, usize> {
        Box::pin(self.write(retention::renew))
    }

    fn check(&self) -> StoreFuture<'_, ()> {
        Box::pin(self.read(|transaction| {
            transaction.query_row("SELECT count(*) FROM pragma_schema_version", [], |_| Ok(())).map_err(failed)
        }))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
