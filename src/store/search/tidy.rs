//! Few and large blocks in the place of many small ones.

use super::searchable::{bytes_of, fold_block, pack, raced};
use crate::backend::{Backend, Read, Scan};
use crate::error::Result;
use crate::model::{Body, Delete, Key, Precondition, Put, WriteBatch, WriteOp, search_log};
use crate::platform::{Payload, now};
use crate::search::{Block, Index, Pace};

/// The fewest blocks that are worth merging.
const FEW: usize = 8;
/// How many rows are read at once.
const ROWS: usize = 32;
/// The most blocks that are merged at once.
const MOST: usize = 256;
/// Blocks up to this many bytes are merged whatever is behind them.
const SMALL: usize = 16 * 1024;

/// A row of a log.
struct Run {
    key: Key,
    version: u64,
    block: Vec<u8>,
}

/// Merges the last blocks of a collection's log, where there are many.
///
/// # Behavior
///
/// - The merged block takes the place of the last of those it is made of. So whoever has seen some of them sees it
///   as new, and folding it changes nothing of what was seen.
/// - A block is merged with those behind it once they have become as large together; so each word is written anew a
///   number of times that grows with the logarithm of all there are.
/// - Where another tab merges at the same time, one of the two does nothing.
///
/// # Errors
///
/// What the backend fails with; `CORRUPTED` for a damaged block, which the next search mends.
pub async fn tidy(backend: &dyn Backend, collection: &str) -> Result<()> {
    let log = search_log(collection);
    let scan = Scan { read: Read::Keys, ..Scan::all(log.as_str()) };
    let mut older: Vec<Key> = backend.scan(&scan).await?.into_iter().map(|row| row.key).collect();
    if older.len() < FEW {
        return Ok(());
    }
    let (run, first) = last_run(backend, &log, &mut older).await?;
    let Some(last) = run.first().filter(|_| run.len() >= FEW) else { return Ok(()) };
    let mut pace = Pace::new();
    let mut index = Index::new(&fields_of(&last.block)?);
    for row in run.iter().rev() {
        fold_block(&mut index, &Block::open(&row.block)?, &mut pace).await?;
    }
    let merged = Body::Clear(Payload::bytes(&pack(index, first, &mut pace).await));
    let put = Put::new(log.as_str(), last.key.clone(), merged);
    let mut ops = vec![WriteOp::Put(Put { precondition: Precondition::Version(last.version), ..put })];
    for row in run.iter().skip(1) {
        let precondition = Precondition::Version(row.version);
        ops.push(WriteOp::Delete(Delete { precondition, ..Delete::new(log.as_str(), row.key.clone()) }));
    }
    if first {
        // Before the first that counts, nothing does.
        ops.extend(older.into_iter().map(|key| WriteOp::Delete(Delete::new(log.as_str(), key))));
    }
    match backend.commit(WriteBatch { ops, now: now(), ..WriteBatch::default() }).await {
        Err(error) if raced(&error) => Ok(()),
        outcome => outcome.map(drop),
    }
}

/// The blocks to merge, the last first, taken off the end of `older`; and whether what comes before them is void.
async fn last_run(backend: &dyn Backend, log: &str, older: &mut Vec<Key>) -> Result<(Vec<Run>, bool)> {
    let (mut run, mut total) = (Vec::<Run>::new(), 0);
    while !older.is_empty() && run.len() < MOST {
        let keys: Vec<Key> = older.iter().skip(older.len().saturating_sub(ROWS)).cloned().collect();
        for record in backend.get(log, &keys).await?.into_iter().rev() {
            let Some(record) = record else { return Ok((Vec::new(), false)) }; // another tab merges
            let block = bytes_of(&record)?;
            let opened = Block::open(&block)?;
            let alike = run.first().map_or(Ok(true), |last| Ok(fields_of(&last.block)? == opened.fields))?;
            if !alike || block.len() > total.max(SMALL) {
                return Ok((run, false));
            }
            let cleared = opened.cleared;
            total += block.len();
            older.pop();
            run.push(Run { key: record.key, version: record.meta.version, block });
            if cleared {
                return Ok((run, true));
            }
        }
    }
    let first = older.is_empty();
    Ok((run, first))
}

fn fields_of(block: &[u8]) -> Result<Vec<String>> {
    Ok(Block::open(block)?.fields.into_iter().map(ToOwned::to_owned).collect())
}
