//! Keys that lock by themselves: when to look, and telling other tabs.

use std::rc::{Rc, Weak};

use wasm_bindgen::JsValue;

use super::options::Options;
use super::store::Shared;
use crate::error::Result;
use crate::platform::{slumber, spawn};
use crate::policy::AutoLock;
use crate::store::{Event, LockReason};

/// Timers of browsers overflow at 24.8 days.
const LONGEST: f64 = 86_400_000.0;

/// Reads the option: a number, which is idle time, or an object.
pub(super) fn read(given: &JsValue) -> Result<Option<AutoLock>> {
    if given.is_undefined() || given.is_null() {
        return Ok(None);
    }
    if let Some(idle) = given.as_f64() {
        return AutoLock::new(Some(idle), None).map(Some);
    }
    let options = Options::read(given, &["idle", "hidden"])?;
    AutoLock::new(options.number("idle")?, options.number("hidden")?).map(Some)
}

/// Looks after the keys of a store from now on: whenever they are opened, until they are locked.
pub(super) fn begin(shared: &Rc<Shared>, after: Option<AutoLock>) {
    let Some(after) = after else { return };
    shared.store.auto_lock(after);
    let looking = Rc::downgrade(shared);
    let opened = shared.store.events().subscribe(move |event| {
        if let Event::Locked(locked) = event
            && !locked.locked
            && let Some(shared) = looking.upgrade()
        {
            look_from_now(&shared);
        }
    });
    shared.listeners.keep_listening(opened);
}

/// Looks from now on, in the place of whoever did before.
fn look_from_now(shared: &Rc<Shared>) {
    let turn = shared.looks.get() + 1;
    shared.looks.set(turn);
    spawn(look(Rc::downgrade(shared), turn));
}

/// Looks whenever there may be something to see, until the keys are locked, or it is another's turn.
async fn look(shared: Weak<Shared>, turn: u32) {
    loop {
        let next = match shared.upgrade().filter(|shared| shared.looks.get() == turn) {
            None => return,
            Some(shared) => {
                tell(&shared);
                shared.store.lock_if_due()
            }
        };
        let Some(next) = next else { return };
        slumber(next.clamp(1.0, LONGEST)).await;
    }
}

/// The keys are used: they lock if it is too late for that, and other tabs are told.
pub(super) fn used(shared: &Shared) {
    shared.store.use_keys();
    tell(shared);
}

fn tell(shared: &Shared) {
    if let Some(surroundings) = &*shared.surroundings.borrow()
        && let Some(at) = shared.store.use_to_tell()
    {
        surroundings.used(at);
    }
}

/// The page came into sight, went out of it, or is put aside. There it would not hear that the others lock.
pub(super) fn seen(shared: &Weak<Shared>, how: &str) {
    let Some(shared) = shared.upgrade() else { return };
    if how == "away" {
        return shared.store.credentials().lock(LockReason::Hidden);
    }
    shared.store.seen(how == "visible");
    if shared.store.lock_if_due().is_some() {
        look_from_now(&shared);
    }
}
