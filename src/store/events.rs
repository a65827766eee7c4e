//! What happens in a store, and who is told.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::{Rc, Weak};

use super::Changes;
use crate::backend::incident::Loss;
use crate::error::Error;
use crate::policy::Fill;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Records were written or deleted: the changes of one commit.
    Changed(Changes),
    /// Changes may have been made that nobody told of.
    Missed,
    /// The keys were locked, or opened, or more of them were.
    Keys,
    /// The keys were open and are locked, or the other way round.
    Locked(Locked),
    /// The store is being closed.
    Closing,
    /// Usage has passed four fifths of what there may be.
    Quota(Fill),
    /// A document changed on both sides, and waits to be decided.
    Conflict(crate::sync::ConflictEntry),
    /// A document was set aside: what was to be sent will not be, or what came could not be read.
    Rejected(crate::sync::OutboxEntry),
    /// Something failed that no caller waits for.
    Error(Error),
    /// The connection to the database was lost so many times, and is back.
    Healed {
        /// How often it was lost, or could not be had.
        attempts: u32,
    },
    /// The database was lost, with what was in it.
    Lost(Lost),
}

/// That the keys were locked or opened, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked {
    /// Whether they are locked now.
    pub locked: bool,
    /// What did it.
    pub reason: LockReason,
}

/// What locked the keys, or opened them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockReason {
    /// The application.
    Call,
    /// They were not used for too long.
    Idle,
    /// The page was out of sight for too long, or is being put aside by the browser, where it would hear of nothing.
    Hidden,
    /// Another tab.
    Tab,
}

/// How a database was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// What is in its place.
    pub reason: Loss,
    /// How many changes were known that the endpoint had not answered for.
    pub unsynced: u64,
}

type Listener = Rc<dyn Fn(&Event)>;

/// The listeners of a store.
///
/// # Behavior
///
/// - Listeners are called in the order they came; one that goes or comes while others are called changes nothing for
///   the event that is under way.
#[derive(Clone, Default)]
pub struct Events(Rc<Registry>);

#[derive(Default)]
struct Registry {
    next: Cell<u64>,
    listeners: RefCell<Vec<(u64, Listener)>>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Events({} listeners)", self.0.listeners.borrow().len())
    }
}

/// A listener that stays until this is cancelled or dropped.
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    registry: Weak<Registry>,
    number: u64,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", self.number)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(registry) = self.registry.upgrade() {
            registry.listeners.borrow_mut().retain(|(number, _)| *number != self.number);
        }
    }
}

impl Events {
    /// Calls `listener` at every event from now on.
    pub fn subscribe(&self, listener: impl Fn(&Event) + 'static) -> Subscription {
        let number = self.0.next.get();
        self.0.next.set(number + 1);
        self.0.listeners.borrow_mut().push((number, Rc::new(listener)));
        Subscription { registry: Rc::downgrade(&self.0), number }
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn heard(&self) -> bool {
        !self.0.listeners.borrow().is_empty()
    }

    /// Lets every listener go.
    pub fn clear(&self) {
        let listeners = self.0.listeners.take();
        drop(listeners);
    }

    /// Tells every listener.
    pub fn emit(&self, event: &Event) {
        // A copy, so that no borrow is held while strangers' code runs.
        let listeners: Vec<Listener> =
            self.0.listeners.borrow().iter().map(|(_, listener)| Rc::clone(listener)).collect();
        for listener in listeners {
            listener(event);
        }
    }
}
