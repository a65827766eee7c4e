//! Keeps records that are read again and again in memory.

mod guard;
mod table;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use crate::backend::{Backend, LocalFuture};
use crate::error::Result;
use crate::model::{Body, CommitReceipt, Key, Record, Schema, WriteBatch, WriteOp, hash, system};
use crate::platform::now;
use guard::{Guard, Target};
use table::Table;

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CacheLimits {
    /// The most entries.
    pub entries: usize,
    /// The most that they take, as it is estimated. Bytes.
    pub bytes: usize,
    /// How long an entry is kept, milliseconds.
    pub ttl: f64,
}

impl Default for CacheLimits {
    fn default() -> Self {
        Self { entries: 1_000, bytes: 16 << 20, ttl: 60_000.0 }
    }
}

/// What a cache has done, and holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Keys that were asked for and found in it.
    pub hits: u64,
    /// Keys that had to be read.
    pub misses: u64,
    /// How many entries it holds.
    pub entries: usize,
    /// What they take, as it is estimated. Bytes.
    pub bytes: usize,
}

/// A backend that remembers what was read under a key, and that there was nothing.
///
/// # Behavior
///
/// - A read that begins after a commit of this backend resolved sees it. A read that races a commit leaves nothing
///   behind that is older than the commit.
/// - Writes that do not go through it have to be told, by [`forget`](Cache::forget) and its like; until then, what was
///   there before may still be read.
/// - Each answer is a copy of its own.
/// - Reads of several keys come from it only where it has all of them; else all are read, at one point in time.
/// - Records of sealed collections, and the system's own, pass through: nothing opened outlives the keys.
/// - What was longest not read goes first, past the number or the weight; everything goes after its time.
/// - A commit that is given up before it ended makes its keys uncacheable: it may yet be stored.
pub struct Cache {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    ttl: f64,
    state: RefCell<State>,
    hits: Cell<u64>,
    misses: Cell<u64>,
}

struct State {
    table: Table,
    guard: Guard,
}

impl Cache {
    /// A cache over `inner`.
    #[must_use]
    pub fn new(inner: Rc<dyn Backend>, schema: Rc<Schema>, limits: CacheLimits) -> Self {
        let state = State { table: Table::new(limits.entries, limits.bytes), guard: Guard::new() };
        let (hits, misses) = (Cell::default(), Cell::default());
        Self { inner, schema, ttl: limits.ttl, state: RefCell::new(state), hits, misses }
    }

    /// What it has done, and holds.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let state = self.state.borrow();
        let (entries, bytes) = (state.table.entries(), state.table.bytes());
        CacheStats { hits: self.hits.get(), misses: self.misses.get(), entries, bytes }
    }

    /// A record was written, not through this cache.
    pub fn forget(&self, collection: &str, key: &Key) {
        let hash = hash(collection, key);
        let mut state = self.state.borrow_mut();
        state.guard.wrote(hash);
        state.table.forget(hash, collection, key);
    }

    /// A collection was written, not through this cache.
    pub fn forget_all(&self, collection: &str) {
        let mut state = self.state.borrow_mut();
        state.guard.wrote_all();
        state.table.forget_all(collection);
    }

    /// Anything may have been written.
    pub fn clear(&self) {
        let mut state = self.state.borrow_mut();
        state.guard.wrote_all();
        state.table.clear();
    }

    /// Those of some keys that would have to be read, and could then be kept.
    #[must_use]
    pub fn lacking(&self, collection: &str, keys: &[Key]) -> Vec<Key> {
        if !self.keeps(collection) {
            return Vec::new();
        }
        let (state, since) = (self.state.borrow(), now() - self.ttl);
        let lacks = |key: &&Key| !state.table.has(hash(collection, key), collection, key, since);
        keys.iter().filter(lacks).cloned().collect()
    }

    /// Whether records of a collection are kept at all.
    fn keeps(&self, collection: &str) -> bool {
        !system::is_own(collection) && !self.schema.encrypted(collection)
    }

    /// The records, where all of them are there.
    fn found(&self, collection: &str, keys: &[Key]) -> Option<Vec<Option<Record>>> {
        let (mut state, since) = (self.state.borrow_mut(), now() - self.ttl);
        keys.iter()
            .map(|key| {
                let record = state.table.find(hash(collection, key), collection, key, since)?.as_ref();
                record.map_or(Some(None), |record| copied(record).map(Some))
            })
            .collect()
    }

    async fn read(&self, collection: &str, keys: &[Key]) -> Result<Vec<Option<Record>>> {
        let ticket = self.state.borrow().guard.begin();
        let records = self.inner.get(collection, keys).await?;
        let (mut state, since, name) = (self.state.borrow_mut(), now(), Rc::from(collection));
        for (key, record) in keys.iter().zip(&records) {
            let hash = hash(collection, key);
            if state.guard.allows(hash, ticket) {
                match record.as_ref().map(|record| (copied(record), weight(record))) {
                    None => state.table.keep(hash, (&name, key.clone()), None, 0, since),
                    Some((Some(copy), weight)) => {
                        state.table.keep(hash, (&name, key.clone()), Some(copy), weight, since);
                    }
                    Some((None, _)) => {}
                }
            }
        }
        Ok(records)
    }

    async fn write(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        let targets: Vec<Target> = batch.ops.iter().filter_map(Target::of).collect();
        let read: Vec<String> = batch.ops.iter().filter_map(read_for).collect();
        self.begin(&batch, &targets);
        let outcome = self.inner.commit(batch).await;
        let mut state = self.state.borrow_mut();
        for target in targets {
            state.guard.written(target);
        }
        if outcome.is_err() {
            // It may have failed for what was read here.
            for collection in read {
                state.table.forget_all(&collection);
            }
        }
        drop(state);
        outcome
    }

    /// Forgets what a commit writes, and keeps it forgotten until the commit is over.
    fn begin(&self, batch: &WriteBatch, targets: &[Target]) {
        let mut state = self.state.borrow_mut();
        for target in targets {
            state.guard.writing(*target);
        }
        for op in &batch.ops {
            let (collection, key) = match op {
                WriteOp::Put(put) => (&put.collection, &put.key),
                WriteOp::Delete(delete) => (&delete.collection, &delete.key),
                WriteOp::Replicate(replicate) => (&replicate.collection, &replicate.key),
                WriteOp::Reseal(reseal) => (&reseal.collection, &reseal.key),
                WriteOp::Clear { collection } => {
                    state.table.forget_all(collection);
                    continue;
                }
                WriteOp::Append { .. } | WriteOp::Verify(_) => continue,
            };
            state.table.forget(hash(collection, key), collection, key);
        }
    }
}

/// The collection whose records a commit says that it has read.
fn read_for(op: &WriteOp) -> Option<String> {
    if let WriteOp::Verify(verify) = op { Some(verify.collection.clone()) } else { None }
}

/// A record that shares nothing; none where it cannot be copied, or is sealed at rest and would outlive the keys.
fn copied(record: &Record) -> Option<Record> {
    let Body::Clear(payload) = &record.body else { return None };
    if record.meta.secret {
        return None;
    }
    let mut meta = record.meta.clone();
    if let Some(metadata) = &meta.metadata {
        meta.metadata = Some(metadata.detached().ok()?);
    }
    Some(Record { key: record.key.clone(), body: Body::Clear(payload.detached().ok()?), meta })
}

/// What a record takes, about. Bytes.
fn weight(record: &Record) -> usize {
    let body = match &record.body {
        Body::Clear(payload) => payload.weight(),
        Body::Sealed(envelope) => envelope.len(),
    };
    let tags: usize = record.meta.tags.iter().map(|tag| tag.len() + 24).sum();
    body.saturating_add(tags + record.meta.metadata.as_ref().map_or(0, crate::platform::Payload::weight))
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Cache {
    crate::delegate!(inner: facts, scan, count, namespaces);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(self.write(batch))
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        if !self.keeps(collection) {
            return self.inner.get(collection, keys);
        }
        let found = self.found(collection, keys);
        let counted = if found.is_some() { &self.hits } else { &self.misses };
        counted.set(counted.get() + keys.len() as u64);
        match found {
            Some(records) => Box::pin(core::future::ready(Ok(records))),
            None => Box::pin(self.read(collection, keys)),
        }
    }

    fn close(&self) -> LocalFuture<'_, ()> {
        self.clear();
        self.inner.close()
    }

    fn destroy(&self) -> LocalFuture<'_, Result<()>> {
        self.clear();
        self.inner.destroy()
    }
}

#[cfg(test)]
mod tests;
