//! Records in memory: the reference for what a backend does, and the fallback where there is no IndexedDB.

mod convert;
mod table;
mod transaction;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use futures_util::future::ready;
use litemap::LiteMap;

use super::{Backend, Facts, LocalFuture, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{CommitReceipt, Key, KeyRange, Record, Schema, WriteBatch};

pub(crate) use convert::copied;
pub(crate) use table::{Table, check_source, is_system};

/// How many records a memory backend takes unless told otherwise.
pub const DEFAULT_CAPACITY: u64 = 10_000;

/// A backend whose records live as long as it does.
pub struct MemoryBackend {
    name: String,
    schema: Rc<Schema>,
    capacity: u64,
    tables: RefCell<LiteMap<String, Table>>,
    closed: Cell<bool>,
}

impl MemoryBackend {
    /// An empty backend. Past `capacity` application records, commits fail with `QUOTA_EXCEEDED`.
    #[must_use]
    pub fn new(name: impl Into<String>, schema: Rc<Schema>, capacity: u64) -> Self {
        Self { name: name.into(), schema, capacity, tables: RefCell::default(), closed: Cell::new(false) }
    }

    fn open<T>(&self, operation: &'static str, result: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.closed.get() {
            return Err(Error::new(ErrorKind::Closed, "the store is closed; open it again").during(operation));
        }
        result().map_err(|error| error.during(operation))
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBackend").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Backend for MemoryBackend {
    fn facts(&self) -> Facts {
        Facts {
            kind: "memory",
            name: self.name.clone(),
            persistent: false,
            schema_version: 1,
            capacity: Some(self.capacity),
        }
    }

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        let result = self
            .open("commit", || transaction::commit(&mut self.tables.borrow_mut(), &self.schema, self.capacity, batch));
        Box::pin(ready(result))
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        let result = self.open("get", || {
            let tables = self.tables.borrow();
            let table = tables.get(collection);
            keys.iter()
                .map(|key| table.and_then(|table| table.get(key)).map(|record| copied(record)).transpose())
                .collect()
        });
        Box::pin(ready(result))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        let result = self.open("scan", || {
            check_source(&self.schema, &scan.collection, &scan.source)?;
            let tables = self.tables.borrow();
            tables.get(&scan.collection).map_or_else(|| Ok(Vec::new()), |table| table.scan(scan))
        });
        Box::pin(ready(result))
    }

    fn count<'a>(
        &'a self,
        collection: &'a str,
        source: &'a Source,
        range: &'a KeyRange,
    ) -> LocalFuture<'a, Result<u64>> {
        let result = self.open("count", || {
            check_source(&self.schema, collection, source)?;
            Ok(self.tables.borrow().get(collection).map_or(0, |table| table.count(source, range)))
        });
        Box::pin(ready(result))
    }

    fn namespaces(&self) -> LocalFuture<'_, Result<Vec<String>>> {
        let result = self.open("namespaces", || {
            let tables = self.tables.borrow();
            let undeclared = |name: &&String| !is_system(name) && self.schema.get(name).is_none();
            Ok(tables
                .iter()
                .filter(|(_, table)| table.len() > 0)
                .map(|(name, _)| name)
                .filter(undeclared)
                .cloned()
                .collect())
        });
        Box::pin(ready(result))
    }

    fn close(&self) -> LocalFuture<'_, ()> {
        self.closed.set(true);
        Box::pin(ready(()))
    }

    fn destroy(&self) -> LocalFuture<'_, Result<()>> {
        self.closed.set(true);
        self.tables.borrow_mut().clear();
        Box::pin(ready(Ok(())))
    }
}
