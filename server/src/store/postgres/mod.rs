//! Documents in PostgreSQL, where any number of instances share one database.
//!
//! Every transaction names the space that it is about, and row-level security shows it no other: each query says which
//! space it means, and the database would not let it forget.

mod changes;
mod convert;
mod notify;
mod open;
mod push;
mod retention;
mod snapshot;
mod space;

use core::fmt;
use std::sync::Arc;

use deadpool_postgres::{Object, Pool, PoolError};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::{ChangesQuery, Page, Push, Pushed, Snapshot, SpaceState, Store, StoreError, StoreFuture};
use crate::database::PostgresUrl;
use crate::listen::Listeners;
use convert::failed;
use notify::Notices;
use snapshot::PostgresSnapshot;

/// A store in a PostgreSQL database.
pub(crate) struct PostgresStore {
    pool: Pool,
    snapshots: Arc<Semaphore>,
    notices: Arc<Notices>,
    place: retention::Place,
    tasks: [AbortHandle; 2],
}

impl PostgresStore {
    /// Reaches the database, makes or updates its tables, and listens to what other instances tell.
    ///
    /// # Errors
    ///
    /// Where it cannot be reached, or is not as [`open`] says that it must be.
    pub(crate) async fn open(url: &PostgresUrl, size: usize, listeners: Arc<Listeners>) -> Result<Self, StoreError> {
        let config = open::settings(url.text())?;
        open::prepare(&config).await?;
        let pool = open::pool(config.clone(), size)?;
        let notices = Arc::new(Notices::default());
        let tasks = [
            tokio::spawn(notify::tell(pool.clone(), Arc::clone(&notices))).abort_handle(),
            tokio::spawn(notify::hear(config, listeners)).abort_handle(),
        ];
        // Half of the connections are left to those that are done soon.
        let snapshots = Arc::new(Semaphore::new((size / 2).max(1)));
        Ok(Self { pool, snapshots, notices, place: retention::Place::default(), tasks })
    }

    async fn client(&self) -> Result<Object, StoreError> {
        connection(&self.pool).await
    }

    /// The state of a space that may not exist yet.
    async fn ensured(&self, space: &str) -> Result<SpaceState, StoreError> {
        let client = self.client().await?;
        if let Some(state) = space::find(&client, space).await? {
            return Ok(state);
        }
        space::begin(&client, space).await?;
        space::find(&client, space).await?.ok_or_else(gone)
    }
}

async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => failed(error),
        PoolError::Timeout(_) => StoreError::Busy,
        PoolError::PostCreateHook(_) | PoolError::Closed => StoreError::Away,
        PoolError::NoRuntimeSpecified => StoreError::Failed(error.to_string()),
    })
}

fn gone() -> StoreError {
    StoreError::Failed("the space is gone".to_owned())
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Store for PostgresStore {
    fn state<'a>(&'a self, space: &'a str) -> StoreFuture<'a, SpaceState> {
        Box::pin(self.ensured(space))
    }

    fn push<'a>(&'a self, space: &'a str, push: Push) -> StoreFuture<'a, Pushed> {
        let (pool, space) = (self.pool.clone(), space.to_owned());
        // A task of its own: a client that goes away must not leave a transaction half done.
        let applied = tokio::spawn(async move {
            if let Some(pushed) = push::apply(connection(&pool).await?, &space, &push).await? {
                return Ok(pushed);
            }
            let client = connection(&pool).await?;
            space::begin(&client, &space).await?;
            push::apply(client, &space, &push).await?.ok_or_else(gone)
        });
        Box::pin(async move {
            applied.await.unwrap_or_else(|_| Err(StoreError::Failed("a task of the database broke off".to_owned())))
        })
    }

    fn changes<'a>(&'a self, space: &'a str, query: ChangesQuery) -> StoreFuture<'a, Page> {
        Box::pin(async move {
            let client = self.client().await?;
            if let Some(page) = changes::page(&client, space, &query).await? {
                return Ok(page);
            }
            space::begin(&client, space).await?;
            changes::page(&client, space, &query).await?.ok_or_else(gone)
        })
    }

    fn snapshot<'a>(&'a self, space: &'a str, collections: Vec<String>) -> StoreFuture<'a, Box<dyn Snapshot>> {
        Box::pin(async move {
            let place = Arc::clone(&self.snapshots).try_acquire_owned().map_err(|_| StoreError::Busy)?;
            self.ensured(space).await?;
            let client = self.client().await?;
            let snapshot = PostgresSnapshot::begin(client, space.to_owned(), collections, place).await?;
            Ok(Box::new(snapshot.ok_or_else(gone)?) as Box<dyn Snapshot>)
        })
    }

    fn announce(&self, space: &str) {
        self.notices.add(space);
    }

    fn forget(&self, before: u64, most: usize) -> StoreFuture<'_, usize> {
        Box::pin(async move { retention::forget(&mut self.client().await?, &self.place, before, most).await })
    }

    fn renew(&self) -> StoreFuture<'_, usize> {
        Box::pin(async move { retention::renew(&mut self.client().await?).await })
    }

    fn check(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.client().await?.batch_execute("SELECT 1").await.map_err(failed) })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
