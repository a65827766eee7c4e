//! Events: what happens, told to listeners whose own failures change nothing.

use core::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use js_sys::{Array, Function};
use litemap::LiteMap;
use wasm_bindgen::prelude::*;

use super::convert::{number, object};
use super::store::Shared;
use super::vigil::Vigil;
use super::{error, space, sync};
use crate::backend::incident::Loss;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{environment, spawn};
use crate::store::{Change, ChangeKind, ChangeSource, Degraded, Event, LockReason, Locked, Lost, Subscription};

/// The kinds of events there are.
const KINDS: [&str; 10] =
    ["change", "degraded", "quota", "sync", "conflict", "rejected", "error", "healed", "lost", "lock"];

/// The listeners of a store, kept until they are taken off.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    next: Cell<u64>,
    kept: RefCell<LiteMap<u64, Kept>>,
}

/// What keeps one listener listening.
#[derive(Debug)]
enum Kept {
    Store(#[expect(dead_code, reason = "dropping it ends the subscription")] Subscription),
    Sync(Function),
    Once,
}

impl Listeners {
    fn keep(&self, kept: Kept) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        self.kept.borrow_mut().insert(number, kept);
        number
    }

    /// Keeps what the store itself listens with, until it is gone.
    pub(super) fn keep_listening(&self, subscription: Subscription) {
        self.keep(Kept::Store(subscription));
    }

    fn has(&self, number: u64) -> bool {
        self.kept.borrow().contains_key(&number)
    }

    /// Those who listen to sync, as a copy: they may come and go while they are called.
    pub(super) fn of_sync(&self) -> Vec<Function> {
        let kept = self.kept.borrow();
        kept.values()
            .filter_map(|kept| if let Kept::Sync(listener) = kept { Some(listener.clone()) } else { None })
            .collect()
    }
}

/// Calls a listener; what it throws is reported and stops nothing.
pub(super) fn call(listener: &Function, arguments: &[JsValue]) {
    let arguments: Array = arguments.iter().collect();
    if let Err(thrown) = listener.apply(&JsValue::UNDEFINED, &arguments) {
        environment::report_thrown(&thrown);
    }
}

/// Adds a listener; gives the function that takes it off.
pub(super) fn subscribe(shared: &Rc<Shared>, kind: &str, listener: Function) -> Result<Function> {
    let number = match kind {
        "change" | "conflict" | "rejected" | "error" | "healed" | "lost" | "lock" => {
            let earlier = shared.vigil.as_ref().and_then(Vigil::lost).filter(|_| kind == "lost");
            let (kind, later) = (kind.to_owned(), listener.clone());
            let number = shared.listeners.keep(Kept::Store(shared.store.events().subscribe(move |event| {
                told(&kind, event, |told| call(&listener, &[told]));
            })));
            if let Some(earlier) = earlier {
                tell_later(shared, number, later, lost(&earlier));
            }
            number
        }
        "quota" => {
            let counted = shared.store.facts().capacity.is_some();
            shared.listeners.keep(Kept::Store(shared.store.events().subscribe(move |event| {
                if let Event::Quota(fill) = event {
                    call(&listener, &[space::quota(*fill, counted)]);
                }
            })))
        }
        "sync" => shared.listeners.keep(Kept::Sync(listener)),
        "degraded" => {
            let number = shared.listeners.keep(Kept::Once);
            if let Some(event) = shared.store.degraded().map(degraded) {
                tell_later(shared, number, listener, event);
            }
            number
        }
        _ => {
            return Err(Error::new(ErrorKind::InvalidConfig, "there is no such event")
                .with("event", kind)
                .with("known", KINDS.join(", ")));
        }
    };
    let shared: Weak<Shared> = Rc::downgrade(shared);
    Ok(unsubscribing(move || {
        if let Some(shared) = shared.upgrade() {
            // Taken out before it is dropped: dropping runs code of ours that looks at the listeners.
            let kept = shared.listeners.kept.borrow_mut().remove(&number);
            drop(kept);
        }
    }))
}

/// The function that ends a subscription; calling it again does nothing more.
pub(super) fn unsubscribing(end: impl FnMut() + 'static) -> Function {
    Closure::<dyn FnMut()>::new(end).into_js_value().unchecked_into()
}

/// Tells a listener of what happened before it came, if it is still there then.
fn tell_later(shared: &Rc<Shared>, number: u64, listener: Function, event: JsValue) {
    let shared = Rc::clone(shared);
    spawn(async move {
        if shared.listeners.has(number) {
            call(&listener, &[event]);
        }
    });
}

/// What a listener to one kind of events is told of an event: once for each.
fn told(kind: &str, event: &Event, tell: impl Fn(JsValue)) {
    match (kind, event) {
        ("change", Event::Changed(changes)) => changes.list.iter().for_each(|one| tell(change(one, changes.source))),
        ("conflict", Event::Conflict(entry)) => tell(sync::conflict_entry(entry)),
        ("rejected", Event::Rejected(entry)) => tell(sync::outbox_entry(entry)),
        ("error", Event::Error(failure)) => tell(error::to_js(failure)),
        ("healed", Event::Healed { attempts }) => tell(object([("attempts", JsValue::from(*attempts))])),
        ("lost", Event::Lost(loss)) => tell(lost(loss)),
        ("lock", Event::Locked(change)) => tell(locked(*change)),
        _ => {}
    }
}

fn change(change: &Change, source: ChangeSource) -> JsValue {
    let kind = match change.kind {
        ChangeKind::Put => "put",
        ChangeKind::Delete => "delete",
        ChangeKind::Clear => "clear",
        ChangeKind::Many => "many",
    };
    let source = match source {
        ChangeSource::Local => "local",
        ChangeSource::Tab => "tab",
        ChangeSource::Remote => "remote",
    };
    object([
        ("collection", JsValue::from_str(&change.collection)),
        ("key", change.key.to_js()),
        ("type", JsValue::from_str(kind)),
        ("source", JsValue::from_str(source)),
    ])
}

fn lost(lost: &Lost) -> JsValue {
    let reason = match lost.reason {
        Loss::Emptied => "emptied",
        Loss::Replaced => "replaced",
    };
    object([("reason", JsValue::from_str(reason)), ("unsynced", number(lost.unsynced))])
}

fn locked(change: Locked) -> JsValue {
    let reason = match change.reason {
        LockReason::Call => "call",
        LockReason::Idle => "idle",
        LockReason::Hidden => "hidden",
        LockReason::Tab => "tab",
    };
    object([("locked", JsValue::from_bool(change.locked)), ("reason", JsValue::from_str(reason))])
}

fn degraded(degraded: &Degraded) -> JsValue {
    object([
        ("from", JsValue::from_str(&degraded.from)),
        ("to", JsValue::from_str(&degraded.to)),
        ("cause", error::to_js(&degraded.cause)),
    ])
}

/// Tells those who listen to sync.
pub(super) fn tell_sync(shared: &Shared, status: &crate::sync::SyncStatus) {
    let listeners = shared.listeners.of_sync();
    if !listeners.is_empty() {
        let told = sync::status(status);
        for listener in listeners {
            call(&listener, core::slice::from_ref(&told));
        }
    }
}
