//! What the simulation asks of an endpoint beside the protocol.

use std::rc::Rc;

use tidekeep::sync::Sleep;
use tidekeep::sync::protocol::{Change, Limits};
use tidekeep::transport::Transport;
use tidekeep::transport::loopback::{Endpoint, Fault, Loopback, Route};

/// An endpoint that can be looked into, and be made to misbehave.
pub trait Cloud {
    /// A way to it, on which `faults` decides what happens to each request.
    fn way(self: Rc<Self>, sleep: Sleep, faults: Rc<dyn Fn(Route) -> Fault>) -> Rc<dyn Transport>;
    /// Every document, deleted ones included.
    fn documents(&self) -> Vec<Change>;
    /// A document as it is there, deleted ones included.
    fn document(&self, collection: &str, id: &str) -> Option<Change> {
        self.documents().into_iter().find(|change| change.c == collection && change.id == id)
    }
    /// The name of its history.
    fn epoch(&self) -> String;
    /// How often each mutation took effect.
    fn effects(&self) -> Vec<((String, u64), u64)>;
    /// What a client did that it must never do, or the endpoint itself.
    fn violations(&self) -> Vec<String>;
    /// Lets in this token alone, from now on.
    fn expect_token(&self, token: &str);
    /// Refuses a document for good, until the next call.
    fn refuse(&self, document: Option<(String, String)>);
    /// Accepts no more than this, and tells so many changes at a time.
    fn narrow(&self, limits: Limits, page: usize);
    /// Forgets deletions; does nothing while a request may still arrive late.
    fn collect(&self);
    /// Begins a new history with what `keep` keeps.
    fn restore(&self, keep: &dyn Fn(&Change) -> bool);
}

impl Cloud for Endpoint {
    fn way(self: Rc<Self>, sleep: Sleep, faults: Rc<dyn Fn(Route) -> Fault>) -> Rc<dyn Transport> {
        Rc::new(Loopback::new(self, sleep, faults))
    }

    fn documents(&self) -> Vec<Change> {
        Endpoint::documents(self)
    }

    fn epoch(&self) -> String {
        Endpoint::epoch(self)
    }

    fn effects(&self) -> Vec<((String, u64), u64)> {
        Endpoint::effects(self)
    }

    fn violations(&self) -> Vec<String> {
        let mut violations = Endpoint::violations(self);
        if self.went_back() {
            violations.push("an earlier stamp overwrote a later one".to_owned());
        }
        violations
    }

    fn expect_token(&self, token: &str) {
        *self.token.borrow_mut() = Some(token.to_owned());
    }

    fn refuse(&self, document: Option<(String, String)>) {
        *self.refused.borrow_mut() = document.into_iter().collect();
    }

    fn narrow(&self, limits: Limits, page: usize) {
        self.limits.set(limits);
        self.page.set(page);
    }

    fn collect(&self) {
        if !self.awaits() {
            self.collect_tombstones();
        }
    }

    fn restore(&self, keep: &dyn Fn(&Change) -> bool) {
        self.begin_anew(keep);
    }
}
