//! A group of batches in one IndexedDB transaction.
//!
//! First every record that an operation touches is read; then, within the turn of the last answer, everything is
//! decided and written. Nothing else is awaited while the transaction lives.

use core::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbDatabase, IdbRequest, IdbTransaction};

use super::api::{Settlement, acknowledged, begin, commit_now};
use super::convert::{from_row, to_range, to_row};
use super::error::from_js;
use super::layout::{Layout, Place};
use super::staging::Staging;
use super::verifying::Verifying;
use crate::error::{Error, Result};
use crate::model::{
    Body, CommitReceipt, Doc, Durability, Key, KeyRange, Meta, OpReceipt, Record, Register, Verify, WriteBatch,
    WriteOp, system,
};

type Callback = Closure<dyn FnMut(Event)>;

/// What came of one try to commit a group.
pub(super) enum Attempt {
    /// Each batch has its outcome.
    Settled(Vec<Result<CommitReceipt>>),
    /// Nothing was stored; the batch to blame, if one is.
    Failed { batch: Option<usize>, error: Error },
}

/// A transaction that is under way.
pub(super) struct Running {
    transaction: IdbTransaction,
    settlement: Settlement,
    work: Rc<RefCell<Work>>,
    _callbacks: (Callback, Option<Callback>),
}

/// What the callbacks of a transaction work on.
struct Work {
    batches: Vec<WriteBatch>,
    reads: Vec<(Doc, IdbRequest)>,
    /// The conditions of the first batch: the only one that may have some.
    verifying: Vec<Verifying>,
    outcomes: Vec<Result<Vec<OpReceipt>>>,
    /// Requests that write, and for which batch; where it appends, for which of its operations.
    writes: Vec<(IdbRequest, usize, Option<usize>)>,
    failure: Option<(Option<usize>, Error)>,
}

/// Begins the transaction of a group. It goes on by itself.
pub(super) fn run(database: &IdbDatabase, layout: &Layout, batches: Vec<WriteBatch>) -> Result<Running> {
    let touched = touched(&batches);
    let stores = stores(layout, &touched, &batches);
    let strict = batches.iter().any(|batch| batch.durability == Durability::Strict);
    let durability = if strict { Durability::Strict } else { Durability::Relaxed };
    let transaction = begin(database, &stores, Some(durability))?;
    let settlement = Settlement::watch(&transaction);
    let outcomes = Vec::with_capacity(batches.len());
    let work = Rc::new(RefCell::new(Work {
        batches,
        reads: Vec::new(),
        verifying: Vec::new(),
        outcomes,
        writes: Vec::new(),
        failure: None,
    }));

    let blamed = Rc::clone(&work);
    let on_error = Callback::new(move |event: Event| blamed.borrow_mut().blame(&event));
    transaction.set_onerror(Some(on_error.as_ref().unchecked_ref()));

    let last = work.borrow_mut().read(layout, &transaction, touched)?;
    let layout = layout.clone();
    let on_read = match last {
        None => {
            work.borrow_mut().write(&layout, &transaction);
            None
        }
        Some(request) => {
            let (deciding, writing) = (Rc::clone(&work), transaction.clone());
            let on_read = Callback::new(move |_: Event| {
                deciding.borrow_mut().write(&layout, &writing);
            });
            request.set_onsuccess(Some(on_read.as_ref().unchecked_ref()));
            Some(on_read)
        }
    };
    Ok(Running { transaction, settlement, work, _callbacks: (on_error, on_read) })
}

impl Running {
    /// Resolves once the transaction has completed or aborted.
    pub(super) async fn finished(self) -> Attempt {
        let ending = self.settlement.ended().await;
        self.transaction.set_onerror(None);
        let mut work = self.work.borrow_mut();
        match (ending, work.failure.take()) {
            (Ok(()), None) => Attempt::Settled(work.receipts(acknowledged(&self.transaction))),
            (_, Some((batch, error))) => Attempt::Failed { batch, error },
            (Err(cause), None) => Attempt::Failed { batch: None, error: from_js(&cause).during("commit") },
        }
    }
}

/// Every row that the operations need to know, each once.
fn touched(batches: &[WriteBatch]) -> Vec<Doc> {
    let mut register = Register::default();
    let mut touched = Vec::new();
    let mut touch = |doc: Doc| {
        if register.add(&doc) {
            touched.push(doc);
        }
    };
    for op in batches.iter().flat_map(|batch| &batch.ops) {
        let doc = match op {
            WriteOp::Put(put) => Doc::new(put.collection.as_str(), put.key.clone()),
            WriteOp::Delete(delete) => Doc::new(delete.collection.as_str(), delete.key.clone()),
            WriteOp::Replicate(replicate) => {
                let doc = Doc::new(replicate.collection.as_str(), replicate.key.clone());
                touch(doc.tombstone());
                doc
            }
            WriteOp::Clear { .. } | WriteOp::Append { .. } | WriteOp::Verify(_) => continue,
        };
        touch(doc);
    }
    touched
}

fn stores<'a>(layout: &'a Layout, touched: &'a [Doc], batches: &'a [WriteBatch]) -> Vec<&'a str> {
    let mut stores = Vec::new();
    let mut add = |store: &'a str| {
        if !stores.contains(&store) {
            stores.push(store);
        }
    };
    for doc in touched {
        add(layout.place(&doc.collection).store());
    }
    for op in batches.iter().flat_map(|batch| &batch.ops) {
        match op {
            WriteOp::Clear { collection }
            | WriteOp::Append { collection, .. }
            | WriteOp::Verify(Verify { collection, .. }) => add(layout.place(collection).store()),
            WriteOp::Put(put) if put.replicate.is_none() => {}
            WriteOp::Delete(delete) if delete.replicate.is_none() => {}
            WriteOp::Put(_) | WriteOp::Delete(_) | WriteOp::Replicate(_) => add(system::TOMBSTONES),
        }
    }
    stores
}

impl Work {
    /// Asks for every condition's range and every touched row; gives the last request. Requests are answered in order.
    fn read(&mut self, layout: &Layout, transaction: &IdbTransaction, touched: Vec<Doc>) -> Result<Option<IdbRequest>> {
        for wanted in self.batches.iter().flat_map(WriteBatch::conditions) {
            self.verifying.push(Verifying::begin(wanted.clone(), layout, transaction)?);
        }
        for doc in touched {
            let place = layout.place(&doc.collection);
            let request = transaction
                .object_store(place.store())
                .and_then(|store| store.get(&place.stored_key(&doc.key).to_js()))
                .map_err(|thrown| from_js(&thrown))?;
            self.reads.push((doc, request));
        }
        let condition = || self.verifying.iter().rev().find_map(Verifying::last);
        Ok(self.reads.last().map(|(_, request)| request).or_else(condition).cloned())
    }

    /// Decides every operation and writes what comes of it, in this turn.
    fn write(&mut self, layout: &Layout, transaction: &IdbTransaction) {
        let written = self.staged(layout).and_then(|staging| {
            // Firefox commits a transaction whose request fails after it was told to commit: where one may fail, it is
            // left to see for itself that there are no more.
            let may_fail = staging.changed().any(|(row, _)| layout.may_refuse(&row.doc.collection));
            self.emit(layout, transaction, staging).map(|()| may_fail)
        });
        match written {
            Ok(true) => {}
            Ok(false) => commit_now(transaction),
            Err((batch, error)) => {
                self.failure = Some((batch, error));
                // A transaction that has ended already needs no abort.
                drop(transaction.abort());
            }
        }
    }

    fn staged(&mut self, layout: &Layout) -> core::result::Result<Staging, (Option<usize>, Error)> {
        let mut staging = Staging::default();
        for (doc, request) in core::mem::take(&mut self.reads) {
            let place = layout.place(&doc.collection);
            let found = request.result().map_err(|thrown| (None, from_js(&thrown)))?;
            let record = if found.is_undefined() {
                None
            } else {
                Some(from_row(doc.key.clone(), &found).map_err(|error| (None, error.with("store", place.store())))?)
            };
            staging.read(doc, record);
        }
        let mut verified = self.verifying.drain(..).try_for_each(|wanted| wanted.check(layout));
        for (at, batch) in self.batches.iter_mut().enumerate() {
            let ops = core::mem::take(&mut batch.ops);
            let applied = core::mem::replace(&mut verified, Ok(())).map_err(|error| error.during("commit"));
            self.outcomes.push(applied.and_then(|()| staging.apply(at, ops, batch.now)));
        }
        Ok(staging)
    }

    fn emit(
        &mut self,
        layout: &Layout,
        transaction: &IdbTransaction,
        staging: Staging,
    ) -> core::result::Result<(), (Option<usize>, Error)> {
        for (collection, batch) in &staging.cleared {
            clear(&layout.place(collection), transaction).map_err(|error| (Some(*batch), error))?;
        }
        for (row, batch) in staging.changed() {
            let doc = &row.doc;
            let request = replace(&layout.place(&doc.collection), transaction, &doc.key, row.record.as_ref());
            let request = request.map_err(|error| {
                (Some(batch), error.with("collection", &doc.collection).with("key", doc.key.to_text()))
            })?;
            self.writes.push((request, batch, None));
        }
        for append in staging.appended {
            let request = add(&layout.place(&append.collection), transaction, append.body, append.now);
            self.writes.push((request.map_err(|error| (Some(append.batch), error))?, append.batch, Some(append.op)));
        }
        Ok(())
    }

    /// Finds whose request failed. The transaction aborts by itself after this: it may be committing already, and then
    /// cannot be told to.
    fn blame(&mut self, event: &Event) {
        let Some(request) = event.target().and_then(|target| target.dyn_into::<IdbRequest>().ok()) else { return };
        let thrown = request.error().ok().flatten().map_or(JsValue::NULL, JsValue::from);
        if thrown.dyn_ref::<web_sys::DomException>().is_some_and(|thrown| thrown.name() == "AbortError") {
            return; // it failed because another one did
        }
        if self.failure.is_none() {
            let batch = self.writes.iter().find(|(write, _, _)| *write == request).map(|(_, batch, _)| *batch);
            self.failure = Some((batch, from_js(&thrown).during("commit")));
        }
    }

    fn receipts(&mut self, durability: crate::model::Acknowledged) -> Vec<Result<CommitReceipt>> {
        let mut outcomes = core::mem::take(&mut self.outcomes);
        for (request, batch, op) in &self.writes {
            let (Some(op), Some(Ok(receipts))) = (op, outcomes.get_mut(*batch)) else { continue };
            let number = request.result().ok().and_then(|key| Key::from_js(&key).ok());
            if let (Some(receipt), Some(number)) = (receipts.get_mut(*op), number) {
                receipt.key = number;
            }
        }
        outcomes.into_iter().map(|outcome| outcome.map(|ops| CommitReceipt { ops, durability })).collect()
    }
}

fn clear(place: &Place<'_>, transaction: &IdbTransaction) -> Result<()> {
    let store = transaction.object_store(place.store()).map_err(|thrown| from_js(&thrown))?;
    match to_range(&KeyRange::all(), place)? {
        None => store.clear(),
        Some(range) => store.delete(&range),
    }
    .map(drop)
    .map_err(|thrown| from_js(&thrown))
}

fn replace(place: &Place<'_>, transaction: &IdbTransaction, key: &Key, record: Option<&Record>) -> Result<IdbRequest> {
    let store = transaction.object_store(place.store()).map_err(|thrown| from_js(&thrown))?;
    match record {
        None => store.delete(&place.stored_key(key).to_js()),
        Some(record) if place.inline() => store.put(&to_row(record, place)),
        Some(record) => store.put_with_key(&to_row(record, place), &place.stored_key(key).to_js()),
    }
    .map_err(|thrown| from_js(&thrown))
}

fn add(place: &Place<'_>, transaction: &IdbTransaction, body: Body, now: f64) -> Result<IdbRequest> {
    let meta = Meta { version: 1, created: now, modified: now, ..Meta::default() };
    let record = Record { key: Key::Array(Vec::new()), body, meta };
    transaction
        .object_store(place.store())
        .and_then(|store| store.add(&to_row(&record, place)))
        .map_err(|thrown| from_js(&thrown))
}
