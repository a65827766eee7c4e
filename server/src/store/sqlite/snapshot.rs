//! All documents of one moment, in pieces.

use std::path::Path;

use rusqlite::Connection;
use tidekeep::sync::protocol::Change;
use tokio::sync::OwnedSemaphorePermit;

use super::changes::{self, Range};
use super::convert::failed;
use super::space::{self, SpaceNumber};
use super::{open, run};
use crate::store::run::{Complete, Which};
use crate::store::{Snapshot, SpaceState, StoreError, StoreFuture};

/// Documents in one piece.
const PIECE: usize = 500;

/// A read transaction that stays open from piece to piece, on a connection of its own.
pub(super) struct SqliteSnapshot {
    /// Away while a piece is being read.
    connection: Option<Connection>,
    space: SpaceNumber,
    state: SpaceState,
    collections: Vec<String>,
    after: u64,
    complete: Complete,
    _place: OwnedSemaphorePermit,
}

impl SqliteSnapshot {
    /// Fixes the moment.
    pub(super) fn begin(
        path: &Path,
        name: &str,
        collections: Vec<String>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, StoreError> {
        let connection = open::reader(path)?;
        connection.execute_batch("BEGIN DEFERRED").map_err(failed)?;
        // INVARIANT: the first read within the transaction fixes its moment; everything below reads as of then.
        let found = space::find(&connection, name)?;
        let (space, state) = found.ok_or_else(|| StoreError::Failed("the space is gone".to_owned()))?;
        Ok(Self {
            connection: Some(connection),
            space,
            state,
            collections,
            after: 0,
            complete: Complete::No,
            _place: place,
        })
    }
}

impl Snapshot for SqliteSnapshot {
    fn state(&self) -> &SpaceState {
        &self.state
    }

    fn next(&mut self) -> StoreFuture<'_, Vec<Change>> {
        Box::pin(async move {
            if self.complete == Complete::Yes {
                return Ok(Vec::new());
            }
            let Some(connection) = self.connection.take() else {
                return Err(StoreError::Failed("the snapshot broke off".to_owned()));
            };
            let (space, after, collections) = (self.space, self.after, self.collections.clone());
            let (connection, piece) = run(move || {
                let range = Range { after, collections: &collections, which: Which::Existing, limit: PIECE };
                let piece = changes::read(&connection, space, &range)?;
                Ok((connection, piece))
            })
            .await?;
            self.connection = Some(connection);
            self.complete = piece.complete;
            self.after = piece.changes.last().map_or(self.after, |last| last.seq);
            Ok(piece.changes)
        })
    }
}
