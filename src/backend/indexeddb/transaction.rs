//! A group of batches in one IndexedDB transaction.
//!
//! First every record that an operation touches is read; then, within the turn of the last answer, everything is
//! decided and written. Nothing else is awaited while the transaction lives.

use core::cell::RefCell;
use core::pin::pin;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbRequest, IdbTransaction};

use super::api::{Settlement, acknowledged, begin};
use super::connection::{Opened, silent};
use super::convert::from_row;
use super::error::from_js;
use super::is_dead;
use super::layout::Layout;
use super::mark::{self, Mark};
use super::pulse::beating;
use super::scope::{stores, touched};
use super::staging::Staging;
use super::verifying::Verifying;
use super::write::{add, clear, replace};
use crate::error::{Error, Result};
use crate::model::{CommitReceipt, Doc, Durability, Key, OpReceipt, WriteBatch};
use crate::platform::sleep;

type Callback = Closure<dyn FnMut(Event)>;

/// Of how many requests one is listened to, for a sign of life.
const HEARD: usize = 64;
/// How long a transaction may take to abort once a request of it has failed, milliseconds. In WebKit, where a Blob
/// cannot be stored (a private window), it now and then never does, and holds up whatever comes after it.
const ABORTING_MS: f64 = 2_000.0;

/// What came of one try to commit a group.
pub(super) enum Attempt {
    /// Each batch has its outcome.
    Settled(Vec<Result<CommitReceipt>>),
    /// It failed. The batch to blame, if one is; and what there is to find out, where it may be stored all the same.
    /// Whether the transaction hangs.
    Failed { batch: Option<usize>, error: Error, unsure: Option<Unsure>, hangs: bool },
}

/// A transaction whose end nobody saw.
pub(super) struct Unsure {
    /// The mark that it left if it landed.
    number: u32,
    /// What it came to if it did.
    outcomes: Vec<Result<Vec<OpReceipt>>>,
}

/// A transaction that is under way.
pub(super) struct Running {
    transaction: IdbTransaction,
    settlement: Settlement,
    work: Rc<RefCell<Work>>,
    /// Hears when a request has failed.
    refused: oneshot::Receiver<()>,
    _callbacks: (Callback, Callback),
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
    /// Tells when a request has failed.
    refuse: Option<oneshot::Sender<()>>,
    mark: Mark,
    /// An earlier transaction of the same batches, and the request for the mark that it left if it landed.
    before: Option<(Unsure, IdbRequest)>,
    /// Whether everything is written, so that it may land.
    emitted: bool,
    /// Hears of requests, as a sign of life.
    alive: Callback,
    /// The requests that are listened to.
    heard: Vec<IdbRequest>,
}

/// Begins the transaction of a group. It goes on by itself.
///
/// Where an earlier one of the same batches may have landed, that is found out first.
pub(super) fn run(
    opened: &Opened,
    batches: Vec<WriteBatch>,
    mark: Mark,
    unsure: &mut Option<Unsure>,
) -> Result<Running> {
    let Opened { database, layout } = opened;
    let touched = touched(&batches);
    let stores = stores(layout, &touched, &batches);
    let strict = batches.iter().any(|batch| batch.durability == Durability::Strict);
    let durability = if strict { Durability::Strict } else { Durability::Relaxed };
    let transaction = begin(database, &stores, Some(durability))?;
    let settlement = Settlement::watch(&transaction);
    let beat = beating();
    let alive = beat.clone();
    let outcomes = Vec::with_capacity(batches.len());
    let before = if unsure.is_some() { Some(mark.look(&transaction)?) } else { None };
    let (refuse, refused) = oneshot::channel();
    let work = Rc::new(RefCell::new(Work {
        batches,
        reads: Vec::new(),
        verifying: Vec::new(),
        outcomes,
        writes: Vec::new(),
        failure: None,
        refuse: Some(refuse),
        mark,
        before: None,
        emitted: false,
        alive: Callback::new(move |_: Event| alive()),
        heard: Vec::new(),
    }));

    let blamed = Rc::clone(&work);
    let on_error = Callback::new(move |event: Event| blamed.borrow_mut().blame(&event));
    transaction.set_onerror(Some(on_error.as_ref().unchecked_ref()));

    let last = work.borrow_mut().read(layout, &transaction, touched)?;
    let (deciding, writing, layout) = (Rc::clone(&work), transaction.clone(), Rc::clone(layout));
    let on_read = Callback::new(move |_: Event| {
        beat();
        deciding.borrow_mut().write(&layout, &writing);
    });
    match last.or_else(|| before.clone()) {
        None => work.borrow_mut().write(&opened.layout, &transaction),
        Some(request) => work.borrow_mut().hear(&request, &on_read),
    }
    work.borrow_mut().before = unsure.take().zip(before);
    Ok(Running { transaction, settlement, work, refused, _callbacks: (on_error, on_read) })
}

impl Running {
    /// Resolves once the transaction has completed or aborted, or ought to have long since.
    pub(super) async fn finished(&mut self) -> Attempt {
        let refused = &mut self.refused;
        let hanging = async {
            match refused.await {
                Ok(()) => sleep(ABORTING_MS).await,
                Err(_) => core::future::pending().await,
            }
        };
        let ending = match select(pin!(self.settlement.ended()), pin!(hanging)).await {
            Either::Left((ending, _)) => Some(ending),
            Either::Right(_) => None,
        };
        let mut work = self.work.borrow_mut();
        let failure = work.failure.take();
        match (ending, failure) {
            (None, Some((batch, error))) => Attempt::Failed { batch, error, unsure: None, hangs: true },
            (None, None) => work.failed(None, silent()),
            (Some(Ok(())), None) => Attempt::Settled(work.receipts(acknowledged(&self.transaction))),
            (_, Some((batch, error))) => work.failed(batch, error),
            (Some(Err(cause)), None) => work.failed(None, from_js(&cause).during("commit")),
        }
    }

    /// Gives up waiting for the end, because of `error`.
    pub(super) fn given_up(&self, error: Error) -> Attempt {
        // What can still be aborted is not stored.
        let stopped = self.transaction.abort().is_ok();
        let mut work = self.work.borrow_mut();
        work.emitted &= !stopped;
        work.failed(None, error)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.transaction.set_onerror(None);
        for request in &self.work.borrow().heard {
            request.set_onsuccess(None);
        }
    }
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
        self.hear_some();
        let condition = || self.verifying.iter().rev().find_map(Verifying::last);
        Ok(self.reads.last().map(|(_, request)| request).or_else(condition).cloned())
    }

    fn hear(&mut self, request: &IdbRequest, callback: &Callback) {
        request.set_onsuccess(Some(callback.as_ref().unchecked_ref()));
        self.heard.push(request.clone());
    }

    /// Lets requests be heard of now and then.
    fn hear_some(&mut self) {
        let requests = self.reads.iter().map(|(_, request)| request);
        let requests = requests.chain(self.writes.iter().map(|(request, _, _)| request));
        let some: Vec<IdbRequest> = requests.skip(HEARD - 1).step_by(HEARD).cloned().collect();
        for request in &some {
            request.set_onsuccess(Some(self.alive.as_ref().unchecked_ref()));
        }
        self.heard.extend(some);
    }

    /// What an attempt came to that failed.
    fn failed(&mut self, batch: Option<usize>, error: Error) -> Attempt {
        let unsure = if !is_dead(&error) {
            None
        } else if self.emitted {
            Some(Unsure { number: self.mark.number, outcomes: core::mem::take(&mut self.outcomes) })
        } else {
            self.before.take().map(|(unsure, _)| unsure)
        };
        Attempt::Failed { batch, error, unsure, hangs: false }
    }

    /// Takes the outcome of an earlier transaction of the same batches, if that one landed.
    fn landed(&mut self) -> bool {
        let Some((unsure, request)) = self.before.take() else { return false };
        let found = request.result().ok().and_then(|found| mark::number_of(&found));
        if found != Some(f64::from(unsure.number)) {
            return false;
        }
        self.mark.number = unsure.number;
        self.outcomes = unsure.outcomes;
        true
    }

    /// Decides every operation and writes what comes of it, in this turn.
    fn write(&mut self, layout: &Layout, transaction: &IdbTransaction) {
        if self.landed() {
            // Written once more, so that what has landed is as durable as it was to be.
            self.emitted = self.mark.leave(transaction).is_ok();
            return;
        }
        let written = self.staged(layout).and_then(|staging| self.emit(layout, transaction, staging));
        self.emitted = written.is_ok();
        self.hear_some();
        // It is never told to commit: Firefox and WebKit commit a transaction that was told so even if a request of it
        // then fails, for a unique index, a full disk or a Blob, and half a batch would be stored.
        if let Err((batch, error)) = written {
            self.failure = Some((batch, error));
            // A transaction that has ended already needs no abort.
            drop(transaction.abort());
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
        // An index that nobody here keeps would be wrong from now on: without its log, it will be built anew.
        let changed = staging.changed().map(|(row, _)| &row.doc.collection);
        let changed = changed.chain(staging.cleared.iter().map(|(collection, _)| collection));
        let mut void: Vec<&str> = changed.filter_map(|collection| layout.unkept_log(collection)).collect();
        void.dedup();
        for log in void {
            clear(&layout.place(log), transaction).map_err(|error| (None, error))?;
        }
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
        self.mark.leave(transaction).map_err(|error| (None, error))
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
            if let Some(refuse) = self.refuse.take() {
                // Nobody waits any more: then nobody needs to know.
                let _ = refuse.send(());
            }
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
