//! A backend that is slow and fails, around one that does neither; and a log of what was written.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use tidekeep::backend::{Backend, LocalFuture, Row, Scan};
use tidekeep::model::{CommitReceipt, Key, Record, WriteBatch, WriteOp, system, tombstone_key};
use tidekeep::sync::{Hlc, Sleep};
use tidekeep::{Error, ErrorKind, Result};

use crate::world::Random;

/// A document: collection and key.
pub type Name = (String, String);

/// The writes that no later write was made on: of each document, one of these must win.
#[derive(Debug, Default)]
pub struct Frontier(pub BTreeMap<Name, BTreeMap<Hlc, Option<String>>>);

/// Something to be done at the worst moment.
pub type Interrupt = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

pub struct Flaky {
    pub inner: Rc<dyn Backend>,
    pub random: Random,
    pub sleep: Sleep,
    pub faulty: Rc<Cell<bool>>,
    pub frontier: Rc<RefCell<Frontier>>,
    /// Done just before the next commit of replicated state: a write that comes in between.
    pub interrupt: Interrupt,
}

impl std::fmt::Debug for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flaky")
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::ConnectionLost, "a fault that the simulation made")
}

pub fn standing(backend: &dyn Backend, collection: &str, key: &Key) -> Option<Record> {
    let at = |collection: &str, key: Key| backend.get(collection, &[key]).now_or_never().unwrap().unwrap().remove(0);
    at(collection, key.clone()).or_else(|| at(system::TOMBSTONES, tombstone_key(collection, key)))
}

impl Flaky {
    async fn wait(&self) {
        if self.faulty.get() && self.random.chance(50) {
            (self.sleep)(self.random.below(8) as f64).await;
        }
    }

    fn stamp(&self, collection: &str, key: &Key) -> Option<Hlc> {
        standing(&*self.inner, collection, key)?.meta.replica.map(|replica| replica.hlc)
    }

    /// Notes what a commit changes: a write by a user stands on what was there, and a new stamp is the same write.
    fn commit_logged(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        let mut touched = Vec::new();
        for op in &batch.ops {
            match op {
                WriteOp::Put(put) if put.replicate.is_some() => {
                    touched.push((put.collection.clone(), put.key.clone(), true));
                }
                WriteOp::Delete(delete) if delete.replicate.is_some() => {
                    touched.push((delete.collection.clone(), delete.key.clone(), true));
                }
                WriteOp::Replicate(op) if op.state.is_none() => {
                    touched.push((op.collection.clone(), op.key.clone(), false));
                }
                _ => {}
            }
        }
        let before: Vec<_> = touched.iter().map(|(c, key, _)| self.stamp(c, key)).collect();
        let receipt = self.inner.commit(batch).now_or_never().unwrap()?;
        let mut frontier = self.frontier.borrow_mut();
        for ((collection, key, by_user), before) in touched.into_iter().zip(before) {
            let Some(record) = standing(&*self.inner, &collection, &key) else { continue };
            let hlc = record.meta.replica.unwrap().hlc;
            let writes = frontier.0.entry((collection.clone(), key.to_text())).or_default();
            if Some(hlc) == before {
                continue;
            }
            let old = before.and_then(|before| writes.remove(&before));
            if by_user {
                writes.insert(hlc, value_of(&collection, &record));
            } else if let Some(old) = old {
                writes.insert(hlc, old);
            }
        }
        Ok(receipt)
    }
}

/// A record's value as text; none for a tombstone.
pub fn value_of(collection: &str, record: &Record) -> Option<String> {
    let tombstone = matches!(&record.key, Key::Array(parts) if parts.first() == Some(&Key::from(collection)));
    match &record.body {
        _ if tombstone => None,
        tidekeep::model::Body::Clear(payload) => Some(payload.to_wire().unwrap()),
        tidekeep::model::Body::Sealed(bytes) => Some(format!("{:?}", bytes.to_vec())),
    }
}

impl Backend for Flaky {
    tidekeep::delegate!(inner: facts, count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            self.wait().await;
            if self.faulty.get() && self.random.chance(2) {
                return Err(lost());
            }
            if batch.ops.iter().any(|op| matches!(op, WriteOp::Replicate(_))) {
                let interrupt = self.interrupt.take();
                if let Some(interrupt) = interrupt {
                    interrupt();
                }
            }
            let result = self.commit_logged(batch);
            self.wait().await;
            if self.faulty.get() && self.random.chance(2) {
                return Err(lost());
            }
            result
        })
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            self.wait().await;
            self.inner.get(collection, keys).await
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            self.wait().await;
            self.inner.scan(scan).await
        })
    }
}
