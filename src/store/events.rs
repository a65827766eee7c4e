//! What happens in a store, and who is told.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::{Rc, Weak};

use super::DataStore;
use crate::error::Error;
use crate::model::{Key, WriteOp};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A record was written or deleted.
    Change(Change),
    /// Something failed that no caller waits for.
    Error(Error),
}

/// A record was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The collection.
    pub collection: String,
    /// The record; the empty array where the whole collection was cleared.
    pub key: Key,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Who did it.
    pub source: ChangeSource,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was written.
    Put,
    /// It was deleted.
    Delete,
    /// Its collection was emptied.
    Clear,
}

/// Who changed a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSource {
    /// This store.
    Local,
    /// Another device, by way of the endpoint.
    Remote,
}

impl Change {
    /// What an operation of the application changes.
    pub(super) fn of(op: &WriteOp) -> Option<Self> {
        let (collection, key, kind) = match op {
            WriteOp::Put(put) => (&put.collection, put.key.clone(), ChangeKind::Put),
            WriteOp::Delete(delete) => (&delete.collection, delete.key.clone(), ChangeKind::Delete),
            WriteOp::Clear { collection } => (collection, Key::Array(Vec::new()), ChangeKind::Clear),
            WriteOp::Append { .. } | WriteOp::Replicate(_) | WriteOp::Verify(_) => return None,
        };
        let change = Self { collection: collection.clone(), key, kind, source: ChangeSource::Local };
        (!DataStore::is_own(collection)).then_some(change)
    }
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
