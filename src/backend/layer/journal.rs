//! The journal: what replicates is stamped and named in the outbox, in the commit that writes it.

use core::fmt;
use std::rc::Rc;

use super::Replicated;
use crate::backend::{Backend, LocalFuture, Read, Row, Scan};
use crate::error::Result;
use crate::model::{
    CommitReceipt, Delete, Doc, Durability, Key, OpReceipt, Put, Register, Reseal, WriteBatch, WriteOp,
};
use crate::sync::{Hlc, SharedClock, outbox};

/// A backend that remembers what is to be sent.
///
/// # Behavior
///
/// - A write or deletion of what replicates is stamped by the clock, and the outbox names it in the same commit.
/// - Where conflicts are decided with the state that a write was made on, that is kept beside it, in the same commit.
/// - Such a commit is strict, data included: what the outbox names survives a power cut.
/// - Clearing what replicates deletes each record that is there when the clearing begins, so that each leaves a
///   tombstone; one that another writer adds meanwhile is taken to come after.
/// - Everything else passes through as it is, the keys of a replicating collection that stay on the device too.
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
                    let keeps_base = self.replicated.policies().keeps_base(&collection);
                    let stamp =
                        |key: &Key| self.replicated.takes(&collection, key).then(|| self.clock.borrow_mut().tick(now));
                    journalled.clear(&collection, stored, keeps_base, stamp);
                }
                WriteOp::Put(put) if put.replicate.is_none() && self.replicated.takes(&put.collection, &put.key) => {
                    let stamp = self.clock.borrow_mut().tick(now);
                    journalled.name(&Doc::new(put.collection.as_str(), put.key.clone()));
                    let keeps_base = self.replicated.policies().keeps_base(&put.collection);
                    journalled.pass(WriteOp::Put(Put { replicate: Some(stamp), keeps_base, ..put }));
                }
                WriteOp::Delete(delete)
                    if delete.replicate.is_none() && self.replicated.takes(&delete.collection, &delete.key) =>
                {
                    let stamp = self.clock.borrow_mut().tick(now);
                    if !mutant!("deletions-are-not-named") {
                        journalled.name(&Doc::new(delete.collection.as_str(), delete.key.clone()));
                    }
                    let keeps_base = self.replicated.policies().keeps_base(&delete.collection);
                    journalled.pass(WriteOp::Delete(Delete { replicate: Some(stamp), keeps_base, ..delete }));
                }
                WriteOp::Reseal(reseal) if self.replicated.takes(&reseal.collection, &reseal.key) => {
                    journalled.name(&Doc::new(reseal.collection.as_str(), reseal.key.clone()));
                    let keeps_base = self.replicated.policies().tells_reseals(&reseal.collection);
                    journalled.pass(WriteOp::Reseal(Reseal { replicate: true, keeps_base, ..reseal }));
                }
                WriteOp::Put(put) if put.replicate.is_none() && self.replicated.contains(&put.collection) => {
                    journalled.kept.push(Doc::new(put.collection.as_str(), put.key.clone()));
                    journalled.pass(WriteOp::Put(put));
                }
                other => journalled.pass(other),
            }
        }
        if journalled.named.is_empty() {
            let receipt = self.inner.commit(WriteBatch { ops: journalled.ops, durability, now }).await?;
            return Ok(receipts(receipt, &journalled.spans, now));
        }
        if mutant!("one-document-of-a-commit-is-named") {
            journalled.named.truncate(1);
        }
        if mutant!("the-outbox-is-written-after-the-data") {
            let ops = core::mem::take(&mut journalled.ops);
            self.inner.commit(WriteBatch { ops, durability, now }).await?;
        }
        journalled.ops.extend(outbox::append(&journalled.named, now)?);
        let batch = WriteBatch { ops: journalled.ops, durability: Durability::Strict, now };
        let receipt = self.inner.commit(batch).await?;
        if !mutant!("no-one-is-told-of-a-write") {
            (self.wrote)();
        }
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
    /// What was put and stays on the device, though its collection replicates.
    kept: Vec<Doc>,
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

    /// Deletes what is stored, and what this batch has written before, each under its stamp if it replicates.
    fn clear(&mut self, collection: &str, stored: Vec<Row>, keeps_base: bool, stamp: impl Fn(&Key) -> Option<Hlc>) {
        let stored = stored.into_iter().map(|row| Doc::new(collection, row.key));
        let here = self.named.iter().chain(&self.kept).filter(|doc| doc.collection == collection);
        let mut cleared: Vec<Doc> = here.cloned().collect();
        cleared.extend(stored.filter(|doc| !self.seen.contains(doc) && !self.kept.contains(doc)));
        self.spans.push(Span::Cleared(cleared.len()));
        for doc in cleared {
            let replicate = stamp(&doc.key);
            if replicate.is_some() {
                self.name(&doc);
            }
            let delete = Delete::new(doc.collection, doc.key);
            self.ops.push(WriteOp::Delete(Delete { replicate, keeps_base, ..delete }));
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
        let local = [("notes".to_owned(), vec!["local_*".to_owned()])];
        let replicated = Replicated::new(["notes".to_owned(), system::KEYS.to_owned()]).keeping(&local);
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
    fn a_key_that_stays_is_written_and_cleared_without_a_trace_in_the_outbox() {
        let Fixture { raw, journal, told } = fixture();
        commit(&journal, vec![put("notes", "local_a")]).unwrap();
        assert!(outbox(&raw).is_empty());
        let clear = WriteOp::Clear { collection: "notes".into() };
        commit(&journal, vec![put("notes", "local_b"), clear]).unwrap();
        assert!(outbox(&raw).is_empty());
        for place in ["notes", system::TOMBSTONES] {
            assert!(raw.scan(&Scan::all(place)).now_or_never().unwrap().unwrap().is_empty(), "{place}");
        }
        assert_eq!(told.get(), 0);
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
