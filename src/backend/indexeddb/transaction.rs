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
use web_sys::{Event, IdbTransaction};

mod work;

use self::work::Work;
use super::api::{Settlement, acknowledged, begin};
use super::connection::{Opened, silent};
use super::error::from_js;
use super::mark::Mark;
use super::pulse::beating;
use super::scope::{stores, touched};
use crate::error::{Error, Result};
use crate::model::{CommitReceipt, Durability, OpReceipt, WriteBatch};
use crate::platform::sleep;

type Callback = Closure<dyn FnMut(Event)>;

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
    let before = if unsure.is_some() { Some(mark.look(&transaction)?) } else { None };
    let (refuse, refused) = oneshot::channel();
    let alive = Callback::new(move |_: Event| alive());
    let work = Rc::new(RefCell::new(Work::new(batches, mark, unsure.is_some(), refuse, alive)));

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
