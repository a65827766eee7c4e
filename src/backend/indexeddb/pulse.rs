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

use crate::platform::{slumber, spawn};

/// The length of a slice, milliseconds.
const SLICE_MS: f64 = 5_000.0;
/// How many slices without a sign of life are too many.
const SILENT: u32 = 6;

/// Counts the signs of life of one operation.
pub(super) type Life = Rc<Cell<u32>>;

thread_local! {
    /// The operation whose future is being polled: requests that are made now are its own.
    static CURRENT: RefCell<Option<Life>> = const { RefCell::new(None) };
}

/// What to call at every event of a request that is made now.
pub(super) fn beating() -> impl Fn() + Clone + 'static {
    let life = CURRENT.with(|current| current.borrow().clone());
    move || {
        if let Some(life) = &life {
            life.set(life.get().wrapping_add(1));
        }
    }
}

/// A task whose requests are signs of life of an operation.
pub(super) async fn living<T>(life: &Life, task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    poll_fn(|context| during(life, || task.as_mut().poll(context))).await
}

/// A turn whose requests are signs of life of an operation.
pub(super) fn during<T>(life: &Life, turn: impl FnOnce() -> T) -> T {
    let before = CURRENT.with(|current| current.replace(Some(Rc::clone(life))));
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
    /// What the task gives; none once the browser has been silent for half a minute.
    pub(super) async fn within<T>(self: &Rc<Self>, life: &Life, task: impl Future<Output = T>) -> Option<T> {
        let (give_up, registration) = AbortHandle::new_pair();
        self.waiting.borrow_mut().push(Waiting { life: Rc::clone(life), give_up, seen: life.get(), silent: 0 });
        if !self.watching.replace(true) {
            let pulse = Rc::clone(self);
            spawn(async move { pulse.watch().await });
        }
        let outcome = Abortable::new(task, registration).await;
        self.waiting.borrow_mut().retain(|waiting| !Rc::ptr_eq(&waiting.life, life));
        outcome.ok()
    }

    /// Looks once in a slice while anyone waits.
    async fn watch(&self) {
        while !self.waiting.borrow().is_empty() {
            slumber(SLICE_MS).await;
            let mut earlier = false;
            for waiting in self.waiting.borrow_mut().iter_mut() {
                let beats = waiting.life.get();
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
