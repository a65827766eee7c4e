//! What the driver needs of the world, handed in.

use core::cell::RefCell;
use core::fmt;
use std::rc::Rc;

use super::{Applied, ConflictEntry, OutboxEntry, SyncStatus};
use crate::backend::LocalFuture;
use crate::error::{Error, Result};

/// Waits for so many milliseconds.
pub type Sleep = Rc<dyn Fn(f64) -> LocalFuture<'static, ()>>;
/// Lets a task run beside others.
pub type Spawn = Rc<dyn Fn(LocalFuture<'static, ()>)>;
/// Gives the bearer token; asked at every sending.
pub type TokenProvider = Rc<dyn Fn() -> LocalFuture<'static, Result<String>>>;

/// Time, randomness and tasks.
#[derive(Clone)]
pub struct Ports {
    /// Milliseconds since the epoch.
    pub now: Rc<dyn Fn() -> f64>,
    /// A random number in `0..1`.
    pub random: Rc<dyn Fn() -> f64>,
    /// Waits.
    pub sleep: Sleep,
    /// Runs the driver's tasks.
    pub spawn: Spawn,
    /// Gives the bearer token, if the endpoint wants one.
    pub token: Option<TokenProvider>,
    /// Tells whether this tab may send by itself.
    pub leadership: Rc<dyn Leadership>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("leadership", &self.leadership).finish_non_exhaustive()
    }
}

/// Which tab sends by itself.
///
/// Two tabs that both believe that they lead are safe, and merely do the work twice.
pub trait Leadership: fmt::Debug {
    /// Resolves once this tab leads.
    fn acquire(&self) -> LocalFuture<'_, ()>;
    /// Resolves once it does so no longer.
    fn lost(&self) -> LocalFuture<'_, ()>;
    /// Lets another tab lead.
    fn release(&self);
}

/// Leads always: where there is but one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Always;

impl Leadership for Always {
    fn acquire(&self) -> LocalFuture<'_, ()> {
        Box::pin(core::future::ready(()))
    }

    fn lost(&self) -> LocalFuture<'_, ()> {
        Box::pin(core::future::pending())
    }

    fn release(&self) {}
}

/// Hears what sync does. Called outside of every borrow: it may call back.
pub trait Listener: fmt::Debug {
    /// The status has changed.
    fn status(&self, _status: &SyncStatus) {}
    /// Changes of the endpoint were stored, in one commit.
    fn applied(&self, _changes: &[Applied]) {}
    /// A conflict waits to be decided by hand, or for the keys.
    fn conflict(&self, _conflict: &ConflictEntry) {}
    /// A document was set aside.
    fn rejected(&self, _entry: &OutboxEntry) {}
    /// Something failed that no caller is told of.
    fn failed(&self, _error: &Error) {}
}

/// Those who hear.
#[derive(Debug, Default)]
pub(crate) struct Listeners(RefCell<Vec<Rc<dyn Listener>>>);

impl Listeners {
    pub(super) fn add(&self, listener: Rc<dyn Listener>) {
        self.0.borrow_mut().push(listener);
    }

    /// Tells each of them, with no borrow held: it may call back.
    pub(super) fn each(&self, hear: impl Fn(&dyn Listener)) {
        let listeners = self.0.borrow().clone();
        for listener in listeners {
            hear(&*listener);
        }
    }

    pub(super) fn clear(&self) {
        self.0.take();
    }
}
