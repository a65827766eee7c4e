//! Records that lie in the clear in a collection that is encrypted by now: sealed, a few hundred at a time.

use super::DataStore;
use crate::backend::{Position, Read, Scan};
use crate::error::{ErrorKind, Result};
use crate::model::{Body, Durability, Expiry, Precondition, Put, WriteBatch, WriteOp};
use crate::platform::now;

/// How many records are looked at, and written at the most, in one commit.
const SLICE: usize = 256;

impl DataStore {
    /// Seals the records of encrypted collections that were written while they were not; answers how many.
    ///
    /// # Behavior
    ///
    /// - A record that somebody writes meanwhile is theirs; nobody's write is lost.
    /// - Each is a write: its version counts up, its value is told to nobody, and where it replicates it is sent, so that
    ///   the endpoint has it sealed too. Its metadata, tags and end stay.
    /// - It can be broken off at any time, and goes on with what is left.
    ///
    /// # Errors
    ///
    /// `LOCKED` once the keys are; what storage fails with.
    pub async fn seal_what_lies_clear(&self) -> Result<u64> {
        let names = self.0.schema.collections().filter(|(_, declared)| declared.encrypted);
        let mut sealed = 0;
        for (name, _) in names {
            let mut after = None;
            loop {
                let scan = Scan { after, limit: Some(SLICE), read: Read::Meta, ..Scan::all(name) };
                let rows = self.0.stack.scan(&scan).await?;
                after = rows.last().map(|row| Position { at: row.key.clone(), key: row.key.clone() });
                let clear = rows.into_iter().filter_map(|row| row.record).filter_map(|record| {
                    let Body::Clear(value) = record.body else { return None };
                    let precondition = Precondition::Version(record.meta.version);
                    let put = Put::new(name, record.key, Body::Clear(value));
                    Some(WriteOp::Put(Put { precondition, expires: Expiry::Keep, ..put }))
                });
                let ops: Vec<WriteOp> = clear.collect();
                sealed += self.seal_slice(ops).await?;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(sealed)
    }

    async fn seal_slice(&self, ops: Vec<WriteOp>) -> Result<u64> {
        let batch = |ops| WriteBatch { ops, durability: Durability::Relaxed, now: now() };
        let met = |kind| matches!(kind, ErrorKind::Conflict | ErrorKind::NotFound);
        if ops.is_empty() {
            return Ok(0);
        }
        match self.0.stack.commit(batch(ops.clone())).await {
            Ok(receipt) => return Ok(receipt.ops.len() as u64),
            Err(error) if met(error.kind()) => {}
            Err(error) => return Err(error),
        }
        // One of them was written meanwhile: each by itself.
        let mut sealed = 0;
        for op in ops {
            match self.0.stack.commit(batch(vec![op])).await {
                Ok(_) => sealed += 1,
                Err(error) if met(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sealed)
    }
}
