//! The row of a space, and the transactions around it.

use deadpool_postgres::Object;
use futures_util::future::try_join4;
use tokio_postgres::Row;

use super::convert::{column, failed, unsigned};
use crate::store::{SpaceState, StoreError, new_epoch};

/// Names the space of a transaction: row-level security shows its rows and no others from then on.
pub(super) const ENTER: &str = "SELECT set_config('tidekeep.space', $1, true)";
/// The row of a space.
pub(super) const FIND: &str = "SELECT epoch, head, floor FROM spaces WHERE name = $1";
/// The row of a space, held until the transaction ends: whoever holds it gives out the next sequences.
pub(super) const LOCK: &str = "SELECT epoch, head, floor FROM spaces WHERE name = $1 FOR UPDATE";
/// Begins a transaction that sees one moment.
pub(super) const BEGIN_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";

/// A row of [`FIND`].
pub(super) fn state(row: &Row) -> Result<SpaceState, StoreError> {
    Ok(SpaceState { epoch: column(row, 0)?, head: unsigned(column(row, 1)?), floor: unsigned(column(row, 2)?) })
}

/// How far a space has come, if it has begun.
pub(super) async fn find(client: &Object, name: &str) -> Result<Option<SpaceState>, StoreError> {
    let enter = client.prepare_cached(ENTER).await.map_err(failed)?;
    let find = client.prepare_cached(FIND).await.map_err(failed)?;
    // INVARIANT: the branches are first polled in their order, so that is the order in which they are sent.
    let ((), _, found, ()) = try_join4(
        client.batch_execute(BEGIN_READ),
        client.execute(&enter, &[&name]),
        client.query_opt(&find, &[&name]),
        client.batch_execute("COMMIT"),
    )
    .await
    .map_err(failed)?;
    found.as_ref().map(state).transpose()
}

/// Begins a space, unless it has begun.
pub(super) async fn begin(client: &Object, name: &str) -> Result<(), StoreError> {
    let enter = client.prepare_cached(ENTER).await.map_err(failed)?;
    let insert = client
        .prepare_cached("INSERT INTO spaces (name, epoch) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .await
        .map_err(failed)?;
    let epoch = new_epoch()?;
    // INVARIANT: the branches are first polled in their order, so that is the order in which they are sent.
    try_join4(
        client.batch_execute("BEGIN"),
        client.execute(&enter, &[&name]),
        client.execute(&insert, &[&name, &epoch]),
        client.batch_execute("COMMIT"),
    )
    .await
    .map(drop)
    .map_err(failed)
}
