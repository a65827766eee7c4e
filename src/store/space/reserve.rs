//! The reserve: filler that gives way on a full disk, so that what is to be sent still finds room.

use super::Space;
use crate::backend::{Read, Scan};
use crate::error::{ErrorKind, Result};
use crate::model::{Body, Delete, Key, Put, WriteBatch, WriteOp, system};
use crate::platform::{Payload, random};
use crate::policy::{Fill, RESERVE_ROW_BYTES, RESERVE_ROWS};

const NAME: &str = "reserve";

fn row_key(number: u32) -> Key {
    Key::Array(vec![Key::from(NAME), Key::from(number)])
}

impl Space {
    /// The rows of filler that are there.
    async fn filler(&self) -> Result<Vec<Key>> {
        let scan = Scan { read: Read::Keys, ..Scan::all(system::SPACE) };
        let keys = self.inner.scan(&scan).await?.into_iter().map(|row| row.key);
        Ok(keys.filter(|key| (0..RESERVE_ROWS).any(|number| row_key(number) == *key)).collect())
    }

    /// Whether there is to be a reserve, and is none as far as is known.
    pub(super) fn lacks_reserve(&self) -> bool {
        self.replicates && self.inner.facts().persistent && !self.reserve_is_full.get()
    }

    /// Lays the reserve in where there is plenty of room.
    pub(super) async fn lay_in(&self, fill: Fill, now: f64) -> Result<()> {
        if !self.lacks_reserve() || !fill.at_ease() {
            return Ok(());
        }
        let there = self.filler().await?;
        for key in (0..RESERVE_ROWS).map(row_key).filter(|key| !there.contains(key)) {
            // At random, since browsers compress what they store.
            let mut bytes = vec![0; RESERVE_ROW_BYTES];
            random(&mut bytes)?;
            let op = WriteOp::Put(Put::new(system::SPACE, key, Body::Clear(Payload::bytes(&bytes))));
            let laid = self.inner.commit(WriteBatch { ops: vec![op], now, ..WriteBatch::default() }).await;
            if laid.is_err_and(|error| error.kind() == ErrorKind::QuotaExceeded) {
                self.ran_out().await;
                return Ok(());
            }
            self.pause().await;
        }
        self.reserve_is_full.set(true);
        Ok(())
    }

    /// Gives the reserve up but for so many rows; answers how many went.
    pub(super) async fn release(&self, kept: u32, now: f64) -> Result<usize> {
        let there = self.filler().await?;
        let going = there.into_iter().skip(kept as usize);
        let ops: Vec<WriteOp> = going.map(|key| WriteOp::Delete(Delete::new(system::SPACE, key))).collect();
        let count = ops.len();
        if count > 0 {
            self.inner.commit(WriteBatch { ops, now, ..WriteBatch::default() }).await?;
            self.reserve_is_full.set(false);
        }
        Ok(count)
    }
}
