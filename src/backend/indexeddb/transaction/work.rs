//! What the callbacks of a transaction do, stage by stage: look, read, decide, write.

use futures_channel::oneshot;
use js_sys::Function;
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbRequest, IdbTransaction};

use super::{Attempt, Callback, Unsure};
use crate::backend::indexeddb::emission::{Emission, Failure, Written};
use crate::backend::indexeddb::error::from_js;
use crate::backend::indexeddb::is_dead;
use crate::backend::indexeddb::layout::Layout;
use crate::backend::indexeddb::lookup::Lookup;
use crate::backend::indexeddb::mark::{self, Mark};
use crate::backend::indexeddb::staging::Staging;
use crate::backend::indexeddb::verifying::Verifying;
use crate::backend::indexeddb::write::{object_store, replace};
use crate::error::{Error, Result};
use crate::model::{
    Acknowledged, CommitReceipt, Doc, Key, KeyedOp, OpReceipt, Precondition, Register, RowChange, WriteBatch, WriteOp,
    apply,
};

/// Of how many requests one is listened to, for a sign of life.
const HEARD: usize = 64;

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
pub(super) struct Work {
    batches: Vec<WriteBatch>,
    stage: Stage,
    /// The conditions of the first batch: the only one that may have some.
    verifying: Vec<Verifying>,
    outcomes: Vec<Result<Vec<OpReceipt>>>,
    /// The requests that write.
    writes: Vec<Written>,
    pub(super) failure: Option<(Option<usize>, Error)>,
    /// Tells when a request has failed.
    refuse: Option<oneshot::Sender<()>>,
    mark: Mark,
    /// An earlier transaction of the same batches, and the request for the mark that it left if it landed.
    pub(super) before: Option<(Unsure, IdbRequest)>,
    /// Whether an earlier transaction of the same batches may have landed.
    looks_back: bool,
    /// Whether something was written before it was known what is there.
    guessed: bool,
    /// Whether everything is written, so that it may land.
    pub(super) emitted: bool,
    /// Hears of requests, as a sign of life.
    alive: Callback,
    /// Goes on.
    pub(super) on_answer: Option<Function>,
    /// The requests that are listened to.
    pub(super) heard: Vec<IdbRequest>,
}

impl Work {
    /// Work that has not begun. `looks_back`: an earlier transaction of the same batches may have landed. `refuse` hears
    /// of a request that failed, `alive` of some that did not.
    pub(super) fn new(
        batches: Vec<WriteBatch>,
        mark: Mark,
        looks_back: bool,
        refuse: oneshot::Sender<()>,
        alive: Callback,
    ) -> Self {
        Self {
            outcomes: Vec::with_capacity(batches.len()),
            batches,
            stage: Stage::Done,
            verifying: Vec::new(),
            writes: Vec::new(),
            failure: None,
            refuse: Some(refuse),
            mark,
            before: None,
            looks_back,
            guessed: false,
            emitted: false,
            alive,
            on_answer: None,
            heard: Vec::new(),
        }
    }

    /// Asks for every condition's range and about every touched row; gives the last request. Requests are answered in
    /// order.
    pub(super) fn read(
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
    pub(super) fn hear(&mut self, request: &IdbRequest) {
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
    pub(super) fn failed(&mut self, batch: Option<usize>, error: Error) -> Attempt {
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
    pub(super) fn step(&mut self, layout: &Layout, transaction: &IdbTransaction) {
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
    pub(super) fn blame(&mut self, event: &Event) {
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

    pub(super) fn receipts(&mut self, durability: Acknowledged) -> Vec<Result<CommitReceipt>> {
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
