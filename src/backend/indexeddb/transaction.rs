//! A group of batches in one IndexedDB transaction.
//!
//! First every record that an operation touches is read; then, within the turn of the last answer, everything is decided.
//! It is written slice by slice, each before the one before it is answered. Nothing else is awaited while the transaction
//! lives.

use core::cell::RefCell;
use core::pin::pin;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbRequest, IdbTransaction};

use super::api::{Settlement, acknowledged, begin};
use super::connection::{Opened, silent};
use super::emission::{Emission, Failure, Written};
use super::error::from_js;
use super::is_dead;
use super::layout::Layout;
use super::lookup::Lookup;
use super::mark::{self, Mark};
use super::pulse::beating;
use super::scope::{stores, touched};
use super::staging::Staging;
use super::verifying::Verifying;
use super::write::{object_store, replace};
use crate::error::{Error, Result};
use crate::model::{
    CommitReceipt, Doc, Durability, Key, KeyedOp, OpReceipt, Precondition, Register, RowChange, WriteBatch, WriteOp,
    apply,
};
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

/// How far a transaction is. Each stage ends with the answer to its last request.
#[derive(Default)]
enum Stage {
    /// It is asked which rows are there, and for some of them.
    Looking(Lookup),
    /// The others are asked for.
    Reading(Lookup),
    /// Everything is decided, and being written.
    Writing(Emission),
    /// Nothing is left to do.
    #[default]
    Done,
}

/// What the callbacks of a transaction work on.
struct Work {
    batches: Vec<WriteBatch>,
    stage: Stage,
    /// The conditions of the first batch: the only one that may have some.
    verifying: Vec<Verifying>,
    outcomes: Vec<Result<Vec<OpReceipt>>>,
    /// The requests that write.
    writes: Vec<Written>,
    failure: Option<(Option<usize>, Error)>,
    /// Tells when a request has failed.
    refuse: Option<oneshot::Sender<()>>,
    mark: Mark,
    /// An earlier transaction of the same batches, and the request for the mark that it left if it landed.
    before: Option<(Unsure, IdbRequest)>,
    /// Whether an earlier transaction of the same batches may have landed.
    looks_back: bool,
    /// Whether something was written before it was known what is there.
    guessed: bool,
    /// Whether everything is written, so that it may land.
    emitted: bool,
    /// Hears of requests, as a sign of life.
    alive: Callback,
    /// Goes on.
    on_answer: Option<Function>,
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
    let (touched, register) = touched(&batches);
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
        stage: Stage::Done,
        verifying: Vec::new(),
        outcomes,
        writes: Vec::new(),
        failure: None,
        refuse: Some(refuse),
        mark,
        before: None,
        looks_back: unsure.is_some(),
        guessed: false,
        emitted: false,
        alive: Callback::new(move |_: Event| alive()),
        on_answer: None,
        heard: Vec::new(),
    }));

    let blamed = Rc::clone(&work);
    let on_error = Callback::new(move |event: Event| blamed.borrow_mut().blame(&event));
    transaction.set_onerror(Some(on_error.as_ref().unchecked_ref()));

    let last = work.borrow_mut().read(layout, &transaction, touched, register)?;
    let (stepping, going, known) = (Rc::clone(&work), transaction.clone(), Rc::clone(layout));
    let on_answer = Callback::new(move |_: Event| {
        beat();
        stepping.borrow_mut().step(&known, &going);
    });
    {
        let mut work = work.borrow_mut();
        work.on_answer = Some(on_answer.as_ref().unchecked_ref::<Function>().clone());
        work.before = unsure.take().zip(before.clone());
        match last.or(before) {
            None => work.step(layout, &transaction),
            Some(request) => work.hear(&request),
        }
    }
    Ok(Running { transaction, settlement, work, refused, _callbacks: (on_error, on_answer) })
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
    /// Asks for every condition's range and about every touched row; gives the last request. Requests are answered in
    /// order.
    fn read(
        &mut self,
        layout: &Layout,
        transaction: &IdbTransaction,
        touched: Vec<Doc>,
        register: Register,
    ) -> Result<Option<IdbRequest>> {
        for wanted in self.batches.iter().flat_map(WriteBatch::conditions) {
            self.verifying.push(Verifying::begin(wanted.clone(), layout, transaction)?);
        }
        let mut lookup = Lookup::begin(touched, register, layout, transaction)?;
        let last = lookup.awaited();
        self.guess(layout, transaction);
        self.hear_some(lookup.requests().cloned().collect());
        self.stage = Stage::Looking(lookup);
        Ok(last.or_else(|| self.verifying.iter().rev().find_map(Verifying::last).cloned()))
    }

    /// Writes the one put of a group as it is where nothing is there yet, before that is known: most often it is so, and
    /// a put is done after one turn of the browser's storage instead of two. Else it is written over.
    fn guess(&mut self, layout: &Layout, transaction: &IdbTransaction) {
        let [WriteBatch { ops, now, .. }] = self.batches.as_slice() else { return };
        let [WriteOp::Put(put)] = ops.as_slice() else { return };
        let plain = matches!(put.precondition, Precondition::None | Precondition::Absent) && put.replicate.is_none();
        if !plain || self.looks_back || layout.unkept_log(&put.collection).is_some() {
            return;
        }
        let applied = apply(KeyedOp::Put(put.clone()), None, None, *now).map(|applied| applied.record);
        let Ok(RowChange::Write(record)) = applied else { return };
        let place = layout.place(&put.collection);
        let store = self.mark.leave(transaction).and_then(|()| object_store(transaction, &place));
        // What fails here fails once more, and is told, where it is written as it ought to be.
        if let Ok(request) = store.and_then(|store| replace(&place, &store, &put.key, Some(&record))) {
            self.guessed = true;
            self.writes.push((request, 0, None));
        }
    }

    /// Goes on when a request is answered.
    fn hear(&mut self, request: &IdbRequest) {
        request.set_onsuccess(self.on_answer.as_ref());
        self.heard.push(request.clone());
    }

    /// Lets some of these requests be heard of.
    fn hear_some(&mut self, requests: Vec<IdbRequest>) {
        for request in requests.into_iter().skip(HEARD - 1).step_by(HEARD) {
            request.set_onsuccess(Some(self.alive.as_ref().unchecked_ref()));
            self.heard.push(request);
        }
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

    /// Goes as far as the next answer.
    fn step(&mut self, layout: &Layout, transaction: &IdbTransaction) {
        if self.failure.is_some() {
            return;
        }
        match self.go_on(layout, transaction) {
            Ok(Some(request)) => self.hear(&request),
            Ok(None) => {}
            // It is never told to commit: Firefox and WebKit commit a transaction that was told so even if a request of
            // it then fails, for a unique index, a full disk or a Blob, and half a batch would be stored.
            Err(failure) => {
                self.failure = Some(failure);
                // A transaction that has ended already needs no abort.
                drop(transaction.abort());
            }
        }
    }

    /// Does what can be done now; answers the request whose answer is needed next.
    fn go_on(
        &mut self,
        layout: &Layout,
        transaction: &IdbTransaction,
    ) -> core::result::Result<Option<IdbRequest>, Failure> {
        let whole = |error| (None, error);
        loop {
            match core::mem::take(&mut self.stage) {
                Stage::Looking(mut lookup) => {
                    if self.landed() {
                        // Written once more, so that what has landed is as durable as it was to be.
                        self.emitted = self.mark.leave(transaction).is_ok();
                        return Ok(None);
                    }
                    lookup.go_on(layout, transaction).map_err(whole)?;
                    let awaited = lookup.awaited();
                    self.stage = Stage::Reading(lookup);
                    if awaited.is_some() {
                        return Ok(awaited);
                    }
                }
                Stage::Reading(lookup) => {
                    let (mut staging, spans) = lookup.finish(layout).map_err(whole)?;
                    let guessed_right = self.guessed && staging.is_empty();
                    self.decide(layout, &mut staging);
                    if let (true, Some(Err(error))) = (self.guessed, self.outcomes.first()) {
                        return Err((Some(0), error.clone()));
                    }
                    if guessed_right {
                        self.emitted = true;
                        return Ok(None);
                    }
                    let emission = Emission::begin(staging, &spans, layout, transaction, &mut self.writes)?;
                    self.stage = Stage::Writing(emission);
                }
                Stage::Writing(mut emission) => {
                    let before = self.writes.len();
                    let more = emission.slice(layout, transaction, &mut self.writes)?;
                    let slice: Vec<IdbRequest> =
                        self.writes.iter().skip(before).map(|(request, _, _)| request.clone()).collect();
                    let first = slice.first().cloned();
                    self.hear_some(slice);
                    if more {
                        self.stage = Stage::Writing(emission);
                        // The rest of the slice keeps the browser busy while the next one is written.
                        return Ok(first);
                    }
                    self.mark.leave(transaction).map_err(whole)?;
                    self.emitted = true;
                }
                Stage::Done => return Ok(None),
            }
        }
    }

    /// Decides every operation.
    fn decide(&mut self, layout: &Layout, staging: &mut Staging) {
        let mut verified = self.verifying.drain(..).try_for_each(|wanted| wanted.check(layout));
        for (at, batch) in self.batches.iter_mut().enumerate() {
            let ops = core::mem::take(&mut batch.ops);
            let applied = core::mem::replace(&mut verified, Ok(())).map_err(|error| error.during("commit"));
            self.outcomes.push(applied.and_then(|()| staging.apply(at, ops, batch.now)));
        }
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
