//! How a store is doing: measured, not remembered.

use super::DataStore;
use crate::backend::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Delete, Key, KeyRange, Put, WriteBatch, WriteOp, system};
use crate::platform::{Payload, now};

/// How a store is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// Whether an entry could be written, read and deleted just now.
    pub healthy: bool,
    /// How many entries there are, in all collections and namespaces.
    pub size: u64,
    /// How many there may be, where the backend counts.
    pub capacity: Option<u64>,
    /// How many collections and namespaces there are.
    pub namespaces: usize,
}

/// Where the probe is written.
const PROBE: &str = "probe";

impl DataStore {
    /// Writes, reads and deletes a probe, and counts.
    ///
    /// # Errors
    ///
    /// `CLOSED`; every other failure is what `healthy: false` says.
    pub async fn status(&self) -> Result<Status> {
        let probed = self.probe().await;
        if let Err(error) = &probed
            && error.kind() == ErrorKind::Closed
        {
            return Err(error.clone().during("getStatus"));
        }
        let counted = self.counted().await;
        let (size, namespaces) = counted.clone().unwrap_or_default();
        Ok(Status { healthy: probed.is_ok() && counted.is_ok(), size, capacity: self.facts().capacity, namespaces })
    }

    async fn probe(&self) -> Result<()> {
        let key = Key::from(PROBE);
        let put = Put::new(system::SPACE, key.clone(), Body::Clear(Payload::undefined()));
        let batch = |op| WriteBatch { ops: vec![op], now: now(), ..WriteBatch::default() };
        self.0.backend.commit(batch(WriteOp::Put(put))).await?;
        let read = self.0.backend.get(system::SPACE, core::slice::from_ref(&key)).await?;
        self.0.backend.commit(batch(WriteOp::Delete(Delete::new(system::SPACE, key)))).await?;
        match read.first() {
            Some(Some(_)) => Ok(()),
            _ => Err(Error::new(ErrorKind::Corrupted, "what was written could not be read back")),
        }
    }

    async fn counted(&self) -> Result<(u64, usize)> {
        let mut size = 0;
        let names = self.list_namespaces().await?;
        for name in &names {
            size += self.0.stack.count(name, &Source::Primary, &KeyRange::all()).await?;
        }
        Ok((size, names.len()))
    }
}
