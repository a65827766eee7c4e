//! Signs of life of the browser's storage, for whoever waits for it.
//!
//! What is slow is not dead: a large commit on a slow phone may take minutes. So the time is not measured from the
//! beginning, but from the last event of an operation's requests, or of those of an earlier operation that it may be
//! waiting for; and in slices, so that a page that was frozen for an hour gives the browser time before it despairs.

use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::pin::pin;
use std::rc::Rc;

use futures_util::future::{AbortHandle, Abortable};
use web_sys::IdbTransaction;

use super::connection::{called_off, silent};
use crate::error::Result;
use crate::platform::{slumber, spawn};

/// The length of a slice, milliseconds.
const SLICE_MS: f64 = 5_000.0;
/// How many slices without a sign of life are too many.
const SILENT: u32 = 6;

/// One operation: its signs of life, and its transactions.
#[derive(Debug, Clone, Default)]
pub(super) struct Life(Rc<Known>);

#[derive(Debug, Default)]
struct Known {
    beats: Cell<u32>,
    transactions: RefCell<Vec<IdbTransaction>>,
    called_off: Cell<bool>,
}

impl Life {
    fn call_off(&self) {
        self.0.called_off.set(true);
        for transaction in self.0.transactions.take() {
            // What has ended already needs no abort.
            drop(transaction.abort());
        }
    }
}

thread_local! {
    /// The operation whose future is being polled: requests that are made now are its own.
    static CURRENT: RefCell<Option<Life>> = const { RefCell::new(None) };
}

/// What to call at every event of a request that is made now.
pub(super) fn beating() -> impl Fn() + Clone + 'static {
    let life = CURRENT.with(|current| current.borrow().clone());
    move || {
        if let Some(life) = &life {
            life.0.beats.set(life.0.beats.get().wrapping_add(1));
        }
    }
}

/// Notes a transaction as one of the operation under way.
pub(super) fn own(transaction: &IdbTransaction) {
    CURRENT.with(|current| {
        if let Some(life) = &*current.borrow() {
            life.0.transactions.borrow_mut().push(transaction.clone());
        }
    });
}

/// A task whose requests are signs of life of an operation.
pub(super) async fn living<T>(life: &Life, task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    poll_fn(|context| during(life, || task.as_mut().poll(context))).await
}

/// A turn whose requests are signs of life of an operation.
pub(super) fn during<T>(life: &Life, turn: impl FnOnce() -> T) -> T {
    let before = CURRENT.with(|current| current.replace(Some(life.clone())));
    let made = turn();
    CURRENT.with(|current| current.replace(before));
    made
}

/// Watches over the operations of a connection.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// The operations under way, in the order in which they began.
    waiting: RefCell<Vec<Waiting>>,
    watching: Cell<bool>,
}

#[derive(Debug)]
struct Waiting {
    life: Life,
    give_up: AbortHandle,
    seen: u32,
    silent: u32,
}

impl Pulse {
    /// What the task gives.
    ///
    /// # Errors
    ///
    /// `TIMEOUT` once the browser has been silent for half a minute; `CONNECTION_LOST` where it was called off.
    pub(super) async fn within<T>(self: &Rc<Self>, life: &Life, task: impl Future<Output = T>) -> Result<T> {
        let (give_up, registration) = AbortHandle::new_pair();
        self.waiting.borrow_mut().push(Waiting { life: life.clone(), give_up, seen: life.0.beats.get(), silent: 0 });
        if !self.watching.replace(true) {
            let pulse = Rc::clone(self);
            spawn(async move { pulse.watch().await });
        }
        let outcome = Abortable::new(task, registration).await;
        self.waiting.borrow_mut().retain(|waiting| !Rc::ptr_eq(&waiting.life.0, &life.0));
        life.0.transactions.take();
        outcome.map_err(|_| if life.0.called_off.get() { called_off() } else { silent() })
    }

    /// Ends every operation under way, with its transactions: one that stays open keeps its connection from closing,
    /// and a connection that cannot close keeps what hangs in it.
    pub(super) fn call_off(&self) {
        let waiting: Vec<_> =
            self.waiting.borrow().iter().map(|waiting| (waiting.life.clone(), waiting.give_up.clone())).collect();
        for (life, give_up) in waiting {
            life.call_off();
            give_up.abort();
        }
    }

    /// Looks once in a slice while anyone waits.
    async fn watch(&self) {
        while !self.waiting.borrow().is_empty() {
            slumber(SLICE_MS).await;
            let mut earlier = false;
            for waiting in self.waiting.borrow_mut().iter_mut() {
                let beats = waiting.life.0.beats.get();
                earlier |= beats != waiting.seen;
                waiting.silent = if earlier { 0 } else { waiting.silent + 1 };
                waiting.seen = beats;
                if waiting.silent >= SILENT {
                    waiting.give_up.abort();
                }
            }
        }
        self.watching.set(false);
    }
}
