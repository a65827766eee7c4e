//! All documents of one moment, in pieces.

use deadpool_postgres::Object;
use futures_util::future::try_join3;
use tidekeep::sync::protocol::Change;
use tokio::sync::OwnedSemaphorePermit;

use super::changes::Range;
use super::convert::failed;
use super::space::{self, BEGIN_READ, ENTER, FIND};
use crate::store::run::{Complete, Which};
use crate::store::{Snapshot, SpaceState, StoreError, StoreFuture};

/// Documents in one piece.
const PIECE: usize = 500;

/// A read transaction that stays open from piece to piece, on a connection of its own.
pub(super) struct PostgresSnapshot {
    transaction: Open,
    name: String,
    state: SpaceState,
    collections: Vec<String>,
    after: u64,
    complete: Complete,
    _place: OwnedSemaphorePermit,
}

/// A connection with an open transaction. One that is dropped so is closed, and does not go back to the pool.
pub(super) struct Open(Option<Object>);

impl Open {
    pub(super) fn new(client: Object) -> Self {
        Self(Some(client))
    }

    pub(super) fn client(&self) -> Result<&Object, StoreError> {
        self.0.as_ref().ok_or_else(|| StoreError::Failed("the transaction is over".to_owned()))
    }

    /// Gives the connection back: its transaction is over.
    pub(super) fn release(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            drop(Object::take(client));
        }
    }
}

impl PostgresSnapshot {
    /// Fixes the moment; nothing where the space has not begun.
    pub(super) async fn begin(
        client: Object,
        name: String,
        collections: Vec<String>,
        place: OwnedSemaphorePermit,
    ) -> Result<Option<Self>, StoreError> {
        let transaction = Open::new(client);
        let client = transaction.client()?;
        let enter = client.prepare_cached(ENTER).await.map_err(failed)?;
        let find = client.prepare_cached(FIND).await.map_err(failed)?;
        let ((), _, found) = try_join3(
            client.batch_execute(BEGIN_READ),
            client.execute(&enter, &[&name]),
            client.query_opt(&find, &[&name]),
        )
        .await
        .map_err(failed)?;
        let Some(found) = found else { return Ok(None) };
        let state = space::state(&found)?;
        Ok(Some(Self { transaction, name, state, collections, after: 0, complete: Complete::No, _place: place }))
    }
}

impl Snapshot for PostgresSnapshot {
    fn state(&self) -> &SpaceState {
        &self.state
    }

    fn next(&mut self) -> StoreFuture<'_, Vec<Change>> {
        Box::pin(async move {
            if self.complete == Complete::Yes {
                return Ok(Vec::new());
            }
            let client = self.transaction.client()?;
            let range = Range::new(&self.name, self.after, &self.collections, Which::Existing, PIECE);
            let read = range.prepare(client).await?;
            let rows = client.query(&read, &range.values()).await.map_err(failed)?;
            let run = range.run(&rows)?;
            self.complete = run.complete;
            self.after = run.changes.last().map_or(self.after, |last| last.seq);
            if self.complete == Complete::Yes {
                client.batch_execute("COMMIT").await.map_err(failed)?;
                self.transaction.release();
            }
            Ok(run.changes)
        })
    }
}
