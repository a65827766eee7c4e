//! A backend that is slow and fails, around one that does neither; and a log of what was written.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_util::FutureExt;
use tidekeep::backend::{Backend, LocalFuture, Row, Scan};
use tidekeep::model::{CommitReceipt, Key, Record, RemoteState, WriteBatch, WriteOp, system, tombstone_key};
use tidekeep::sync::{Hlc, Sleep};
use tidekeep::{Error, ErrorKind, Result};

use crate::cloud::Cloud;
use crate::oracle;
use crate::world::{Random, World};

/// A document: collection and key.
pub type Name = (String, String);

/// What was written.
#[derive(Debug, Default)]
pub struct Frontier {
    /// The writes that no later write was made on: of each document, one of these must win.
    pub writes: BTreeMap<Name, BTreeMap<Hlc, Option<String>>>,
    /// The stamp of each value that was written.
    pub stamps: BTreeMap<(Name, String), Hlc>,
    /// The deletions that the endpoint may have forgotten: an older state may be there again, and, where its history
    /// began anew, the deletion as well.
    pub forgotten: BTreeMap<Name, BTreeSet<Hlc>>,
    /// What was set aside once, or given up for a snapshot.
    pub lettered: BTreeSet<Name>,
}

/// Something to be done at the worst moment.
pub type Interrupt = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

pub struct Flaky {
    pub inner: Rc<dyn Backend>,
    pub world: Rc<World>,
    pub cloud: Rc<dyn Cloud>,
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

    fn read(&self) -> Result<()> {
        self.world.step(|| "read".to_owned());
        if self.faulty.get() && self.random.below(300) == 0 { Err(lost()) } else { Ok(()) }
    }

    /// Notes what a commit changes: a write by a user stands on what was there, and a new stamp is the same write.
    fn commit_logged(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        let mut touched = Vec::new();
        for op in &batch.ops {
            match op {
                WriteOp::Put(put) if put.replicate.is_some() => {
                    touched.push((put.collection.clone(), put.key.clone(), By::User));
                }
                WriteOp::Delete(delete) if delete.replicate.is_some() => {
                    touched.push((delete.collection.clone(), delete.key.clone(), By::User));
                }
                WriteOp::Put(put) if put.collection == system::DEAD => {
                    if let Key::Array(parts) = &put.key
                        && let [Key::String(collection), key] = parts.as_slice()
                    {
                        self.frontier.borrow_mut().lettered.insert((collection.clone(), key.to_text()));
                    }
                }
                WriteOp::Replicate(op) => {
                    let by = match op.state {
                        None => By::Stamp,
                        Some(RemoteState::Deleted) => By::Deletion,
                        Some(_) => By::Endpoint,
                    };
                    touched.push((op.collection.clone(), op.key.clone(), by));
                }
                _ => {}
            }
        }
        let before: Vec<_> = touched.iter().map(|(c, key, _)| standing(&*self.inner, c, key)).collect();
        self.world.step(|| format!("commit {}", summary(&batch)));
        let progress = oracle::progress(&batch);
        self.frontier.borrow_mut().lettered.extend(oracle::given_up(&batch, &*self.inner));
        let receipt = self.inner.commit(batch).now_or_never().unwrap()?;
        for ((collection, key, by), before) in touched.into_iter().zip(before) {
            let Some(record) = standing(&*self.inner, &collection, &key) else { continue };
            let hlc = record.meta.replica.unwrap().hlc;
            // A deletion may be forgotten by the endpoint, and what comes after it be earlier.
            let by = match (by, &before) {
                (By::Endpoint | By::Deletion, Some(before)) if value_of(&collection, before).is_none() => By::Forgotten,
                (by, _) => by,
            };
            let before = before.and_then(|before| before.meta.replica).map(|replica| replica.hlc);
            self.log((collection.clone(), key.to_text()), by, before, hlc, value_of(&collection, &record));
        }
        if let Some(cursor) = progress {
            oracle::nothing_is_skipped(&self.world, &*self.cloud, &*self.inner, &cursor);
        }
        Ok(receipt)
    }

    fn log(&self, name: Name, by: By, before: Option<Hlc>, hlc: Hlc, value: Option<String>) {
        let mut frontier = self.frontier.borrow_mut();
        let forgotten = frontier.forgotten.contains_key(&name);
        let writes = frontier.writes.entry(name.clone()).or_default();
        let back = before.is_some_and(|before| hlc < before);
        match by {
            By::User if before.is_some_and(|before| hlc <= before) => {
                // Deleting what is not there changes nothing.
                if value.is_some() {
                    self.world.violate("monotonic writes", format!("{name:?} was written at {hlc}, after {before:?}"));
                }
            }
            By::Endpoint if before == Some(hlc) => {
                self.world.violate("an echo is no news", format!("{name:?} was taken at {hlc} once more"));
            }
            By::Endpoint | By::Deletion if back && !forgotten => {
                self.world.violate("monotonic reads", format!("{name:?} went back from {before:?} to {hlc}"));
            }
            By::User | By::Stamp | By::Endpoint | By::Deletion | By::Forgotten => {}
        }
        if Some(hlc) == before || matches!(by, By::Endpoint | By::Deletion | By::Forgotten) {
            return;
        }
        let old = before.and_then(|before| writes.remove(&before));
        if by == By::User {
            writes.insert(hlc, value.clone());
            frontier.stamps.insert((name, value.unwrap_or_default()), hlc);
        } else if let Some(old) = old {
            writes.insert(hlc, old);
            frontier.stamps.retain(|(of, _), _| *of != name);
        }
    }
}

/// Whose change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    User,
    /// Only where it stands in replication.
    Stamp,
    Endpoint,
    /// That the endpoint has it no longer.
    Deletion,
    /// Over a deletion.
    Forgotten,
}

/// The operations of a commit, for a trace.
fn summary(batch: &WriteBatch) -> String {
    let op = |op: &WriteOp| match op {
        WriteOp::Put(put) => format!("put {} {}", put.collection, put.key.to_text()),
        WriteOp::Delete(delete) => format!("delete {} {}", delete.collection, delete.key.to_text()),
        WriteOp::Replicate(op) => {
            let what = if op.state.is_some() { "take" } else { "restate" };
            format!("{what} {}/{} {} dirty={}", op.collection, op.key.to_text(), op.replica.hlc, op.replica.dirty)
        }
        WriteOp::Append { collection, .. } => format!("append {collection}"),
        _ => "other".to_owned(),
    };
    batch.ops.iter().map(op).collect::<Vec<_>>().join(", ")
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
            self.read()?;
            self.inner.get(collection, keys).await
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            self.wait().await;
            self.read()?;
            self.inner.scan(scan).await
        })
    }
}
