//! One collection: single records and many.

use std::rc::Rc;

use super::search::Searchable;
use super::{DataStore, EntryOptions, Gate, Query, WriteResult};
use crate::backend::{Backend, Read, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Body, CommitReceipt, Content, Delete, Durability, Expiry, Fields, Key, KeyRange, MetadataChange, Precondition, Put,
    Record, Secrecy, WriteOp, system,
};
use crate::platform::{Payload, now};

/// How often an update begins again when others write the same record.
const UPDATE_ATTEMPTS: usize = 16;

/// How many records are read ahead at once.
const PREFETCHED: usize = 64;

/// A handle on a collection.
#[derive(Debug, Clone)]
pub struct Collection {
    pub(super) store: DataStore,
    name: Rc<str>,
    gate: Gate,
}

/// An entry as it was read.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Its value.
    pub value: Payload,
    /// What the system keeps.
    pub meta: crate::model::Meta,
}

impl Entry {
    /// The entry of an opened record.
    pub(super) fn of(record: Record) -> Result<Self> {
        match record.body {
            Body::Clear(value) => Ok(Self { key: record.key, value, meta: record.meta }),
            Body::Sealed(_) => Err(Error::new(
                ErrorKind::Corrupted,
                "a sealed record stands in a collection that is not encrypted; declare it encrypted",
            )
            .with("key", record.key.to_text())),
        }
    }
}

impl Collection {
    pub(super) fn new(store: DataStore, name: &str) -> Self {
        Self { store, name: Rc::from(name), gate: Gate::default() }
    }

    /// The same collection, whose writes pass this gate before the backend has them.
    #[must_use]
    pub fn gated(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn stack(&self) -> &dyn Backend {
        &*self.store.0.stack
    }

    /// Whether this is a transaction's view of it.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.store.0.parent.is_some()
    }

    /// What was declared of it, if anything was.
    pub(super) fn declared(&self) -> Option<&crate::model::Collection> {
        self.store.0.schema.get(&self.name)
    }

    /// Its full-text index.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where none was declared.
    pub(super) fn searchable(&self) -> Result<Rc<Searchable>> {
        let declared = self.store.0.searchables.iter().find(|searchable| searchable.collection() == self.name());
        declared.cloned().ok_or_else(|| {
            Error::new(ErrorKind::InvalidQuery, "the collection has no full-text index; declare its fields as `search`")
        })
    }

    /// Whether its records are sealed at rest.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.store.0.schema.encrypted(&self.name)
    }

    /// The key that a record carries under the collection's key path.
    ///
    /// # Errors
    ///
    /// `INVALID_KEY` where the collection has no key path, or the record no key there.
    pub fn key_of(&self, record: &Payload) -> Result<Key> {
        let refuse = |message: &str| Error::new(ErrorKind::InvalidKey, message).with("collection", &self.name);
        let Some(key_path) = self.declared().and_then(|declared| declared.key_path.as_ref()) else {
            return Err(refuse("the collection has no keyPath; give the key: set(key, value, { namespace })"));
        };
        key_path.extract(record).ok_or_else(|| {
            refuse("the record has no valid key in its keyPath; a key is a string, a number, a Date, bytes or an array")
                .with("keyPath", key_path.paths().join(" + "))
        })
    }

    /// The put of a value under a key.
    ///
    /// # Errors
    ///
    /// `INVALID_KEY` where the record carries another key; `INVALID_CONFIG` for options that exclude each other;
    /// `VALIDATION_FAILED` where the value does not fit the collection's schema.
    pub fn put_op(&self, key: Key, value: Payload, options: &EntryOptions) -> Result<WriteOp> {
        let keyed = self.declared().is_some_and(|declared| declared.key_path.is_some());
        if keyed && self.key_of(&value)? != key {
            return Err(Error::new(ErrorKind::InvalidKey, "the record carries another key than it is written under")
                .with("collection", &self.name)
                .with("key", key.to_text()));
        }
        self.put_keyed(key, value, options)
    }

    /// The put of a record under the [key](Collection::key_of) that it carries.
    ///
    /// # Errors
    ///
    /// Those of [`put_op`](Collection::put_op).
    pub fn put_keyed(&self, key: Key, value: Payload, options: &EntryOptions) -> Result<WriteOp> {
        let declared = self.declared();
        if declared.is_some() && value.field(system::RESERVED).is_some() {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "the record has a property that the system keeps for itself; give it another name",
            )
            .with("collection", &self.name)
            .with("property", system::RESERVED));
        }
        self.store.0.checks.check(&self.name, &value).map_err(|error| error.with("key", key.to_text()))?;
        let secrecy = match options.encrypt {
            None if self.seals(&key, options) => Secrecy::Sealed,
            None => Secrecy::Kept,
            Some(false) if self.encrypted() => {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "the collection is encrypted as a whole, so none of it can lie in the clear; leave “encrypt” out",
                )
                .with("collection", &self.name));
            }
            Some(false) => Secrecy::Clear,
            Some(true) => Secrecy::Sealed,
        };
        let put = Put::new(&*self.name, key, Body::Clear(value));
        Ok(WriteOp::Put(Put {
            secrecy,
            metadata: options.metadata_change(),
            tags: options.tags.clone(),
            expires: options.expiry(declared.and_then(|declared| declared.ttl), now())?,
            precondition: options.precondition()?,
            ..put
        }))
    }

    /// Writes a value under a key.
    pub async fn set(&self, key: Key, value: Payload, options: &EntryOptions) -> Result<WriteResult> {
        let op = self.put_op(key, value, options).map_err(|error| error.during("set"))?;
        let receipt = self.write(vec![op], options).await.map_err(|error| error.during("set"))?;
        results(receipt).next().ok_or_else(no_receipt)
    }

    /// Writes a secret under its service: sealed whole, so that it need not carry its key.
    pub(super) async fn set_sealed(
        &self,
        service: Key,
        secret: Payload,
        options: &EntryOptions,
    ) -> Result<WriteResult> {
        let put = Put {
            metadata: options.metadata_change(),
            expires: options.expiry(None, now())?,
            ..Put::new(&*self.name, service, Body::Clear(secret))
        };
        let receipt = self.write(vec![WriteOp::Put(put)], options).await.map_err(|error| error.during("set"))?;
        results(receipt).next().ok_or_else(no_receipt)
    }

    /// Writes many entries, all or none.
    pub async fn set_many(&self, ops: Vec<WriteOp>, options: &EntryOptions) -> Result<Vec<WriteResult>> {
        let receipt = self.write(ops, options).await.map_err(|error| error.during("setMany"))?;
        Ok(results(receipt).collect())
    }

    /// The live entry under a key.
    pub async fn get(&self, key: &Key) -> Result<Option<Entry>> {
        Ok(self.get_many(core::slice::from_ref(key)).await?.pop())
    }

    /// The live entries under some keys, read at one point in time, in the order asked for.
    pub async fn get_many(&self, keys: &[Key]) -> Result<Vec<Entry>> {
        let records = self.stack().get(&self.name, keys).await.map_err(|error| error.during("get"))?;
        let now = now();
        let live: Vec<Record> = records.into_iter().flatten().filter(|record| !record.meta.expired(now)).collect();
        self.store.0.space.used(&self.name, live.iter().map(|record| &record.key), now);
        live.into_iter().map(Entry::of).collect()
    }

    /// Reads what the cache lacks of some keys, so that it is there when it is wanted; waits for `idle` before each part.
    /// Without a cache, and in a sealed collection, which is never cached, nothing is read.
    pub async fn prefetch(&self, keys: &[Key], idle: impl AsyncFn()) -> Result<()> {
        let Some(cache) = &self.store.0.cache else { return Ok(()) };
        for part in keys.chunks(PREFETCHED) {
            idle().await;
            let lacking = cache.lacking(&self.name, part);
            if !lacking.is_empty() {
                self.stack().get(&self.name, &lacking).await.map_err(|error| error.during("prefetch"))?;
            }
        }
        Ok(())
    }

    /// Whether there is a live entry under a key. Its value is not opened.
    pub async fn has(&self, key: &Key) -> Result<bool> {
        Ok(self.meta(key).await.map_err(|error| error.during("has"))?.is_some())
    }

    /// What the system keeps of the live entry under a key.
    pub async fn meta(&self, key: &Key) -> Result<Option<crate::model::Meta>> {
        let range = KeyRange::only(key.clone());
        let scan = Scan { range, limit: Some(1), read: Read::Meta, ..Scan::all(&*self.name) };
        let rows = self.stack().scan(&scan).await?;
        let meta = rows.into_iter().next().and_then(|row| row.record).map(|record| record.meta);
        Ok(meta.filter(|meta| !meta.expired(now())))
    }

    /// All live entries, in key order.
    pub async fn all(&self, limit: Option<usize>) -> Result<Vec<Entry>> {
        let query = Query { limit, ..Query::default() };
        self.query(&query).await.map_err(|error| error.during("all"))
    }

    /// Deletes some entries, all in one commit; answers for each whether it was there.
    pub async fn delete_many(&self, keys: Vec<Key>) -> Result<Vec<bool>> {
        let ops = keys.into_iter().map(|key| WriteOp::Delete(Delete::new(&*self.name, key))).collect();
        let receipt = self.commit(ops, None).await.map_err(|error| error.during("delete"))?;
        Ok(receipt.ops.into_iter().map(|op| op.existed).collect())
    }

    /// Reads, changes and writes one record so that no update is lost.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where there is no such record; `CONFLICT` where others write it all the time; what `change` fails
    /// with.
    pub async fn update(&self, key: &Key, mut change: impl FnMut(Payload) -> Result<Payload>) -> Result<WriteResult> {
        let mut attempt = 0;
        let mut _turn = None;
        loop {
            attempt += 1;
            if attempt == 2 {
                // Those of this store that met go on one after another, and do not meet again.
                _turn = Some(self.store.0.updating.lock().await);
            }
            let entry = self
                .get(key)
                .await
                .map_err(|error| error.during("update"))?
                .ok_or_else(|| self.missing(key, "update"))?;
            let changed = change(entry.value)?.detached()?;
            let op = match self
                .put_op(key.clone(), changed, &EntryOptions::default())
                .map_err(|error| error.during("update"))?
            {
                WriteOp::Put(put) => WriteOp::Put(Put {
                    expires: Expiry::Keep,
                    precondition: Precondition::Version(entry.meta.version),
                    ..put
                }),
                other => other,
            };
            match self.commit(vec![op], None).await {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < UPDATE_ATTEMPTS => {}
                outcome => {
                    let receipt = outcome.map_err(|error| error.during("update"))?;
                    return results(receipt).next().ok_or_else(no_receipt);
                }
            }
        }
    }

    /// Changes the metadata of an entry and nothing else of it.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where there is no such entry.
    pub async fn set_metadata(&self, key: Key, metadata: MetadataChange) -> Result<()> {
        let put = Put::new(&*self.name, key, Body::Clear(Payload::undefined()));
        let op = WriteOp::Put(Put { content: Content::Keep, metadata, ..put });
        self.commit(vec![op], None).await.map(drop).map_err(|error| error.during("setMetadata"))
    }

    /// Deletes every entry.
    pub async fn clear(&self) -> Result<()> {
        let op = WriteOp::Clear { collection: self.name.to_string() };
        self.commit(vec![op], None).await.map(drop).map_err(|error| error.during("clear"))
    }

    /// `NOT_FOUND` for a key.
    #[must_use]
    pub fn missing(&self, key: &Key, operation: &'static str) -> Error {
        Error::new(ErrorKind::NotFound, "there is no such entry; write it first")
            .with("collection", &self.name)
            .with("key", key.to_text())
            .during(operation)
    }

    /// Commits, unless it was called off by now.
    async fn commit(&self, ops: Vec<WriteOp>, durability: Option<Durability>) -> Result<CommitReceipt> {
        self.gate.pass()?;
        self.store.commit(ops, durability).await
    }

    async fn write(&self, ops: Vec<WriteOp>, options: &EntryOptions) -> Result<CommitReceipt> {
        self.commit(ops, options.durability).await
    }
}

fn results(receipt: CommitReceipt) -> impl Iterator<Item = WriteResult> {
    let durability = receipt.durability;
    receipt.ops.into_iter().map(move |op| WriteResult {
        key: op.key,
        version: op.version,
        modified: op.modified,
        durability,
    })
}

fn no_receipt() -> Error {
    Error::new(ErrorKind::Corrupted, "the backend answered for fewer writes than it was given")
}
