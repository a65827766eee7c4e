//! Keys that lock by themselves: what the store notes of their use, and when it locks them.

use core::cell::RefCell;
use std::rc::Rc;

use super::{DataStore, LockReason};
use crate::platform::{now, steady};
use crate::policy::{AutoLock, Overdue, Reading, Watchman};

/// Watches over the keys, where the application asked for it.
#[derive(Debug, Default)]
pub(super) struct Guard(RefCell<Option<Watchman>>);

impl Guard {
    /// Asks the watchman, if there is one.
    fn ask<T>(&self, question: impl FnOnce(&mut Watchman, Reading) -> Option<T>) -> Option<T> {
        let now = Reading { wall: now(), steady: steady() };
        question(self.0.borrow_mut().as_mut()?, now)
    }
}

impl DataStore {
    /// Has the keys lock by themselves from now on.
    ///
    /// # Behavior
    ///
    /// - Somebody has to [look](DataStore::lock_if_due) when it is time. Whoever comes late finds them locked all the
    ///   same: each use looks first.
    pub fn auto_lock(&self, after: AutoLock) {
        self.0.guard.0.replace(Some(Watchman::new(after)));
        let looking = Rc::downgrade(&self.0);
        self.0.vault.look_first(move || {
            if let Some(inner) = looking.upgrade() {
                let _ = Self(inner).lock_if_due();
            }
        });
        if !self.credentials().locked() {
            self.keys_opened();
        }
    }

    /// Has this device seal no more than so many values under one data key before it goes on under another: fewer than the
    /// bound that it keeps by itself.
    pub fn limit_seals(&self, most: u64) {
        self.0.vault.limit(most);
    }

    /// Locks the keys if it is time; gives in how many milliseconds to look again. None while they are locked, and where
    /// they do not lock by themselves.
    #[must_use]
    pub fn lock_if_due(&self) -> Option<f64> {
        self.lock_because(self.0.guard.ask(|watchman, now| watchman.overdue(now)));
        self.0.guard.ask(|watchman, now| watchman.next(now))
    }

    /// The application uses the keys: locks them if it is too late for that.
    pub fn use_keys(&self) {
        self.lock_because(self.0.guard.ask(|watchman, now| watchman.overdue(now)));
        self.0.guard.ask(|watchman, now| {
            watchman.used(now);
            None::<()>
        });
    }

    /// The page came into sight, or went out of it.
    pub fn seen(&self, visible: bool) {
        self.lock_because(self.0.guard.ask(|watchman, now| watchman.seen(visible, now)));
    }

    /// The keys were used in another tab, at this time of day.
    pub fn heard_of_use(&self, at: f64) {
        self.lock_because(self.0.guard.ask(|watchman, now| watchman.heard(at, now)));
    }

    /// The time of day of a use that other tabs are to be told of now.
    #[must_use]
    pub fn use_to_tell(&self) -> Option<f64> {
        self.0.guard.ask(Watchman::tell)
    }

    pub(super) fn keys_opened(&self) {
        self.0.guard.ask(|watchman, now| {
            watchman.opened(now);
            None::<()>
        });
    }

    pub(super) fn keys_locked(&self) {
        self.0.guard.ask(|watchman, _| {
            watchman.locked();
            None::<()>
        });
    }

    fn lock_because(&self, overdue: Option<Overdue>) {
        let reason = match overdue {
            None => return,
            Some(Overdue::Idle) => LockReason::Idle,
            Some(Overdue::Hidden) => LockReason::Hidden,
        };
        self.credentials().lock(reason);
    }
}
