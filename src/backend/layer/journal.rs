//! The journal: what replicates is stamped and named in the outbox, in the commit that writes it.

use core::fmt;
use std::rc::Rc;

use crate::backend::{Backend, LocalFuture, Read, Row, Scan};
use crate::error::Result;
use crate::model::{
    CommitReceipt, Delete, Doc, Durability, OpReceipt, Put, Register, Reseal, WriteBatch, WriteOp, sorted_names,
};
use crate::sync::{SharedClock, outbox};

/// Which collections replicate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replicated(Vec<String>);

impl Replicated {
    /// These, the system's own among them where they do.
    #[must_use]
    pub fn new(collections: impl IntoIterator<Item = String>) -> Self {
        Self(sorted_names(collections))
    }

    /// Whether this one does.
    #[must_use]
    pub fn contains(&self, collection: &str) -> bool {
        self.0.iter().any(|name| name == collection)
    }

    /// Their names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.clone()
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
                    let stored = self.inner.scan(&scan).await?;
                    journalled.clear(&collection, stored, || self.clock.borrow_mut().tick(now));
                }
                WriteOp::Put(put) if put.replicate.is_none() && self.replicated.contains(&put.collection) => {
                    let stamp = self.clock.borrow_mut().tick(now);
                    journalled.name(&Doc::new(put.collection.as_str(), put.key.clone()));
                    journalled.pass(WriteOp::Put(Put { replicate: Some(stamp), ..put }));
                }
                WriteOp::Delete(delete)
                    if delete.replicate.is_none() && self.replicated.contains(&delete.collection) =>
                {
                    let stamp = self.clock.borrow_mut().tick(now);
                    journalled.name(&Doc::new(delete.collection.as_str(), delete.key.clone()));
                    journalled.pass(WriteOp::Delete(Delete { replicate: Some(stamp), ..delete }));
                }
                WriteOp::Reseal(reseal) if self.replicated.contains(&reseal.collection) => {
                    journalled.name(&Doc::new(reseal.collection.as_str(), reseal.key.clone()));
                    journalled.pass(WriteOp::Reseal(Reseal { replicate: true, ..reseal }));
                }
                other => journalled.pass(other),
            }
        }
        if journalled.named.is_empty() {
            let receipt = self.inner.commit(WriteBatch { ops: journalled.ops, durability, now }).await?;
            return Ok(receipts(receipt, &journalled.spans, now));
        }
        journalled.ops.extend(outbox::append(&journalled.named, now)?);
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
    named: Vec<Doc>,
    seen: Register,
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

    fn name(&mut self, doc: &Doc) {
        if self.seen.add(doc) {
            self.named.push(doc.clone());
        }
    }

    /// Deletes what is stored, and what this batch has written before.
    fn clear(&mut self, collection: &str, stored: Vec<Row>, mut tick: impl FnMut() -> crate::sync::Hlc) {
        let stored = stored.into_iter().map(|row| Doc::new(collection, row.key));
        let mut cleared: Vec<Doc> = self.named.iter().filter(|doc| doc.collection == collection).cloned().collect();
        cleared.extend(stored.filter(|doc| !self.seen.contains(doc)));
        self.spans.push(Span::Cleared(cleared.len()));
        for doc in cleared {
            self.name(&doc);
            self.ops.push(WriteOp::Delete(Delete { replicate: Some(tick()), ..Delete::new(doc.collection, doc.key) }));
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
                Some(OpReceipt::of_many(now, existed))
            }
        })
        .collect();
    CommitReceipt { ops, durability: receipt.durability }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Journal {
    crate::delegate!(inner: facts, get, scan, count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(self.commit_journalled(batch))
    }
}

#[cfg(test)]
mod tests {
    use core::cell::{Cell, RefCell};

    use futures_util::FutureExt as _;

    use super::*;
    use crate::backend::memory::MemoryBackend;
    use crate::model::{Acknowledged, Body, Key, Precondition, Schema, system, tombstone_key};
    use crate::platform::Payload;
    use crate::sync::Clock;

    struct Fixture {
        raw: Rc<dyn Backend>,
        journal: Journal,
        told: Rc<Cell<u32>>,
    }

    fn fixture() -> Fixture {
        let raw: Rc<dyn Backend> = Rc::new(MemoryBackend::new("test", Rc::new(Schema::default()), 100));
        let told = Rc::new(Cell::new(0));
        let count = Rc::clone(&told);
        let clock = Rc::new(RefCell::new(Clock::new(7)));
        let replicated = Replicated::new(["notes".to_owned(), system::KEYS.to_owned()]);
        let wrote = Rc::new(move || count.set(count.get() + 1));
        Fixture { journal: Journal::new(Rc::clone(&raw), replicated, clock, wrote), raw, told }
    }

    fn put(collection: &str, key: &str) -> WriteOp {
        WriteOp::Put(Put::new(collection, Key::from(key), Body::Clear(Payload::from_wire("1").unwrap())))
    }

    fn commit(journal: &Journal, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
        journal.commit(WriteBatch { ops, now: 5.0, ..WriteBatch::default() }).now_or_never().unwrap()
    }

    fn outbox(raw: &Rc<dyn Backend>) -> Vec<String> {
        let rows = raw.scan(&Scan::all(system::OUTBOX)).now_or_never().unwrap().unwrap();
        rows.into_iter()
            .map(|row| match row.record.unwrap().body {
                Body::Clear(payload) => payload.to_wire().unwrap(),
                Body::Sealed(_) => String::new(),
            })
            .collect()
    }

    #[test]
    fn what_replicates_is_stamped_and_named_once_in_one_row_for_each_commit() {
        let Fixture { raw, journal, told } = fixture();
        let receipt = commit(&journal, vec![put("notes", "a"), put("other", "x"), put("notes", "a")]).unwrap();
        assert_eq!(receipt.ops.len(), 3);
        assert_eq!(receipt.durability, Acknowledged::Memory);
        assert_eq!(outbox(&raw), [r#"{"at":5,"docs":[["notes","a"]],"v":1}"#]);
        let record = raw.get("notes", &[Key::from("a")]).now_or_never().unwrap().unwrap().remove(0).unwrap();
        assert!(record.meta.replica.unwrap().dirty);
        assert_eq!(told.get(), 1);
    }

    #[test]
    fn what_does_not_replicate_passes_through() {
        let Fixture { raw, journal, told } = fixture();
        commit(&journal, vec![put("other", "x"), WriteOp::Clear { collection: "other".into() }]).unwrap();
        assert!(outbox(&raw).is_empty());
        assert_eq!(told.get(), 0);
    }

    #[test]
    fn clearing_leaves_a_tombstone_for_each_record_those_of_the_same_commit_too() {
        let Fixture { raw, journal, .. } = fixture();
        commit(&journal, vec![put("notes", "a"), put("notes", "b")]).unwrap();
        let clear = WriteOp::Clear { collection: "notes".into() };
        let receipt = commit(&journal, vec![put("notes", "c"), clear, put("notes", "d")]).unwrap();
        assert_eq!(receipt.ops.len(), 3);
        assert!(receipt.ops[1].existed && receipt.ops[1].key == Key::Array(Vec::new()));
        assert_eq!(receipt.ops[2].key, Key::from("d"));
        let left = raw.scan(&Scan::all("notes")).now_or_never().unwrap().unwrap();
        assert_eq!(left.len(), 1);
        let buried = ["a", "b", "c"].map(|key| tombstone_key("notes", &Key::from(key)));
        let found = raw.get(system::TOMBSTONES, &buried).now_or_never().unwrap().unwrap();
        assert!(found.iter().all(Option::is_some));
    }

    #[test]
    fn a_commit_that_fails_names_nothing_and_tells_no_one() {
        let Fixture { raw, journal, told } = fixture();
        let refused = WriteOp::Put(Put {
            precondition: Precondition::Present,
            ..Put::new("notes", Key::from("b"), Body::Clear(Payload::undefined()))
        });
        commit(&journal, vec![put("notes", "a"), refused]).unwrap_err();
        assert!(outbox(&raw).is_empty());
        assert_eq!(told.get(), 0);
    }
}
