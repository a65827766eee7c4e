//! Forgetting deletions, and beginning histories anew.

use std::sync::{Mutex, PoisonError};

use deadpool_postgres::Object;

use super::convert::{column, failed, signed};
use super::space::ENTER;
use crate::store::{StoreError, new_epoch};

/// Spaces that are looked at in one slice.
const SPACES: i64 = 100;

/// The list of spaces, which a transaction sees under the name that none can have.
const LIST: &str = "SELECT name FROM spaces WHERE name > $1 ORDER BY name LIMIT $2";
/// Takes the space, unless somebody else has it: then it is for another time.
const TAKE: &str = "SELECT 1 FROM spaces WHERE name = $1 FOR UPDATE SKIP LOCKED";
const FORGET: &str = "
WITH old AS (
    SELECT c, id FROM documents WHERE space = $1 AND body IS NULL AND at < $2 ORDER BY at, seq LIMIT $3
), gone AS (
    DELETE FROM documents d USING old WHERE d.space = $1 AND d.c = old.c AND d.id = old.id RETURNING d.seq
), raised AS (
    UPDATE spaces SET floor = greatest(floor, (SELECT max(seq) FROM gone))
    WHERE name = $1 AND EXISTS (SELECT 1 FROM gone)
)
SELECT count(*) FROM gone";

/// Where the next slice begins.
#[derive(Debug, Default)]
pub(super) struct Place(Mutex<String>);

/// One slice: some spaces, and at most `most` deletions of them.
///
/// Answers with how much was looked at; 0 once every space has been, and none is left over.
pub(super) async fn forget(client: &mut Object, place: &Place, before: u64, most: usize) -> Result<usize, StoreError> {
    let from = place.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let names = list(client, &from, SPACES).await?;
    let (mut left, mut reached) = (i64::try_from(most).unwrap_or(i64::MAX), from);
    for name in &names {
        if left <= 0 {
            break;
        }
        let gone = forget_in(client, name, signed(before), left).await?;
        left -= gone;
        if left > 0 {
            reached.clone_from(name);
        }
    }
    let looked = names.len();
    *place.0.lock().unwrap_or_else(PoisonError::into_inner) = if looked == 0 { String::new() } else { reached };
    Ok(looked)
}

async fn list(client: &mut Object, after: &str, most: i64) -> Result<Vec<String>, StoreError> {
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute(ENTER, &[&"*"]).await.map_err(failed)?;
    let rows = transaction.query(LIST, &[&after, &most]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    rows.iter().map(|row| column(row, 0)).collect()
}

async fn forget_in(client: &mut Object, name: &str, before: i64, most: i64) -> Result<i64, StoreError> {
    let transaction = client.transaction().await.map_err(failed)?;
    transaction.execute(ENTER, &[&name]).await.map_err(failed)?;
    if transaction.query_opt(TAKE, &[&name]).await.map_err(failed)?.is_none() {
        return Ok(0);
    }
    let gone = transaction.query_one(FORGET, &[&name, &before, &most]).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    column(&gone, 0)
}

/// Gives every space a new epoch; answers with how many there are.
pub(super) async fn renew(client: &mut Object) -> Result<usize, StoreError> {
    let (mut from, mut count) = (String::new(), 0);
    loop {
        let names = list(client, &from, SPACES).await?;
        let Some(last) = names.last() else { return Ok(count) };
        from.clone_from(last);
        for name in &names {
            let transaction = client.transaction().await.map_err(failed)?;
            transaction.execute(ENTER, &[name]).await.map_err(failed)?;
            transaction
                .execute("UPDATE spaces SET epoch = $2 WHERE name = $1", &[name, &new_epoch()?])
                .await
                .map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            count += 1;
        }
    }
}
