//! The journal: what replicates is stamped and named in the outbox, in the commit that writes it.

use core::fmt;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::backend::{Backend, Facts, LocalFuture, Read, Row, Scan, Source};
use crate::error::Result;
use crate::model::{
    CommitReceipt, Delete, Durability, Key, KeyRange, OpReceipt, Precondition, Put, Record, WriteBatch, WriteOp,
};
use crate::sync::{SharedClock, outbox};

/// Which collections replicate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replicated(BTreeSet<String>);

impl Replicated {
    /// These, the system's own among them where they do.
    #[must_use]
    pub fn new(collections: impl IntoIterator<Item = String>) -> Self {
        Self(collections.into_iter().collect())
    }

    /// Whether this one does.
    #[must_use]
    pub fn contains(&self, collection: &str) -> bool {
        self.0.contains(collection)
    }

    /// Their names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

/// A backend that remembers what is to be sent.
///
/// # Behavior
///
/// - A write or deletion of what replicates is stamped by the clock, and the outbox names it in the same commit.
/// - Such a commit is strict, data included: what the outbox names survives a power cut.
/// - Clearing what replicates deletes each record that is there when the clearing begins, so that each leaves a
///   tombstone; one that another writer adds meanwhile is taken to come after.
/// - Everything else passes through as it is.
/// - On a backend in memory the outbox lives as long as the data, and is acknowledged as memory.
pub struct Journal {
    inner: Rc<dyn Backend>,
    replicated: Replicated,
    clock: SharedClock,
    wrote: Rc<dyn Fn()>,
}

impl Journal {
    /// A journal around `inner`; `wrote` is called after every commit that is to be sent.
    #[must_use]
    pub fn new(inner: Rc<dyn Backend>, replicated: Replicated, clock: SharedClock, wrote: Rc<dyn Fn()>) -> Self {
        Self { inner, replicated, clock, wrote }
    }

    async fn commit_journalled(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        let WriteBatch { ops, durability, now } = batch;
        let mut journalled = Journalled::default();
        for op in ops {
            match op {
                WriteOp::Clear { collection } if self.replicated.contains(&collection) => {
                    let scan = Scan { read: Read::Keys, ..Scan::all(collection.as_str()) };
                    let stored = self.inner.scan(&scan).await?.into_iter().map(|row| row.key);
                    let keys: BTreeSet<Key> = stored.chain(journalled.written_to(&collection)).collect();
                    journalled.clear(&collection, keys, || self.clock.borrow_mut().tick(now));
                }
                WriteOp::Put(put) if put.replicate.is_none() && self.replicated.contains(&put.collection) => {
                    let stamp = self.clock.borrow_mut().tick(now);
                    journalled.name(&put.collection, &put.key);
                    journalled.pass(WriteOp::Put(Put { replicate: Some(stamp), ..put }));
                }
                WriteOp::Delete(delete)
                    if delete.replicate.is_none() && self.replicated.contains(&delete.collection) =>
                {
                    let stamp = self.clock.borrow_mut().tick(now);
                    journalled.name(&delete.collection, &delete.key);
                    journalled.pass(WriteOp::Delete(Delete { replicate: Some(stamp), ..delete }));
                }
                other => journalled.pass(other),
            }
        }
        if journalled.named.is_empty() {
            let receipt = self.inner.commit(WriteBatch { ops: journalled.ops, durability, now }).await?;
            return Ok(receipts(receipt, &journalled.spans, now));
        }
        let named = journalled.named.iter().map(|(collection, key)| (collection.as_str(), key));
        journalled.ops.extend(outbox::append(named, now)?);
        let batch = WriteBatch { ops: journalled.ops, durability: Durability::Strict, now };
        let receipt = self.inner.commit(batch).await?;
        (self.wrote)();
        Ok(receipts(receipt, &journalled.spans, now))
    }
}

/// A batch as it goes to the backend.
#[derive(Default)]
struct Journalled {
    ops: Vec<WriteOp>,
    /// For each operation that came in, what became of it.
    spans: Vec<Span>,
    named: Vec<(String, Key)>,
    seen: BTreeSet<(String, Key)>,
}

/// What became of an operation.
#[derive(Debug, Clone, Copy)]
enum Span {
    /// It is one.
    One,
    /// It is so many deletions.
    Cleared(usize),
}

impl Journalled {
    fn pass(&mut self, op: WriteOp) {
        self.ops.push(op);
        self.spans.push(Span::One);
    }

    fn name(&mut self, collection: &str, key: &Key) {
        let doc = (collection.to_owned(), key.clone());
        if self.seen.insert(doc.clone()) {
            self.named.push(doc);
        }
    }

    /// The keys that this batch has written to before.
    fn written_to(&self, collection: &str) -> Vec<Key> {
        self.named.iter().filter(|(name, _)| name == collection).map(|(_, key)| key.clone()).collect()
    }

    fn clear(&mut self, collection: &str, keys: BTreeSet<Key>, mut tick: impl FnMut() -> crate::sync::Hlc) {
        self.spans.push(Span::Cleared(keys.len()));
        for key in keys {
            self.name(collection, &key);
            self.ops.push(WriteOp::Delete(Delete {
                collection: collection.to_owned(),
                key,
                precondition: Precondition::None,
                replicate: Some(tick()),
            }));
        }
    }
}

/// One receipt for each operation that came in.
fn receipts(receipt: CommitReceipt, spans: &[Span], now: f64) -> CommitReceipt {
    let mut made = receipt.ops.into_iter();
    let ops = spans
        .iter()
        .filter_map(|span| match span {
            Span::One => made.next(),
            Span::Cleared(count) => {
                let existed = made.by_ref().take(*count).fold(false, |existed, receipt| existed | receipt.existed);
                Some(OpReceipt { key: Key::Array(Vec::new()), version: 0, modified: now, existed })
            }
        })
        .collect();
    CommitReceipt { ops, durability: receipt.durability }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("inner", &self.inner)
            .field("replicated", &self.replicated)
            .finish_non_exhaustive()
    }
}

impl Backend for Journal {
    fn facts(&self) -> Facts {
        self.inner.facts()
    }

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(self.commit_journalled(batch))
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        self.inner.get(collection, keys)
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        self.inner.scan(scan)
    }

    fn count<'a>(
        &'a self,
        collection: &'a str,
        source: &'a Source,
        range: &'a KeyRange,
    ) -> LocalFuture<'a, Result<u64>> {
        self.inner.count(collection, source, range)
    }

    fn namespaces(&self) -> LocalFuture<'_, Result<Vec<String>>> {
        self.inner.namespaces()
    }

    fn close(&self) -> LocalFuture<'_, ()> {
        self.inner.close()
    }

    fn destroy(&self) -> LocalFuture<'_, Result<()>> {
        self.inner.destroy()
    }
}
