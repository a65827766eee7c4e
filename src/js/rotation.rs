//! Rotation: one tab at a time, and gone on with once keys are open.

use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;

use super::credentials::{Credentials, unlocker};
use super::events::call;
use super::options::Options;
use super::signal::abortable;
use super::store::Shared;
use super::unlockers::{Given, MEANS, Means};
use crate::crypto::Unlocker;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::environment::{FreeLock, OriginLock};
use crate::platform::spawn;
use crate::store::{Begin, Event, Gate, LockReason, Rotated};

#[wasm_bindgen]
impl Credentials {
    /// Seals everything again under a new data key, or goes on with a rotation that was not ended; or makes a new store key
    /// first. Resolves with the unlockers that were removed.
    pub fn rotate(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("credentials.rotate", options, || {
            let known = [MEANS.as_slice(), &["onProgress", "signal", "storeKey"]].concat();
            let options = Options::read(options, &known)?;
            let (on_progress, gate) = (options.function("onProgress")?, options.gate()?);
            let (given, store_key) = (Means::read(&options)?, options.flag("storeKey")? == Some(true));
            if given.is_some() && !store_key {
                return Err(Error::new(
                    ErrorKind::InvalidConfig,
                    "an unlocker is for a new store key; rotate({ storeKey: true, … }), or leave it out",
                ));
            }
            Ok(async move {
                shared.keys_ready().await?;
                let _turn = turn(&shared).await;
                let tell = |rotated: Rotated| told(&shared, on_progress.as_ref(), rotated);
                let credentials = shared.store.credentials();
                let removed = if store_key {
                    let at_hand = at_hand(&shared).await?;
                    let at_hand: Vec<&dyn Unlocker> = at_hand.iter().map(|given| given as &dyn Unlocker).collect();
                    let wanted = match given {
                        Some(given) => Some(given.of(&shared.store).await?),
                        None => None,
                    };
                    let wanted = wanted.as_ref().map(|given| given as &dyn Unlocker);
                    credentials.rotate_store_key(wanted, &at_hand, &tell, &gate).await?
                } else {
                    credentials.rotate(&tell, &gate).await?;
                    Vec::new()
                };
                Ok(removed.iter().map(unlocker).collect::<Array>().into())
            })
        })
    }
}

/// What unlocks without anybody being asked: the key of this device, and what the options gave.
async fn at_hand(shared: &Shared) -> Result<Vec<Given>> {
    let mut found = Vec::new();
    for means in [Some(Means::Device), shared.asking.means()].into_iter().flatten() {
        found.push(means.of(&shared.store).await?);
    }
    Ok(found)
}

fn told(shared: &Shared, on_progress: Option<&Function>, Rotated { done, total }: Rotated) {
    if done == 0 {
        tell_tabs(shared);
    }
    if let Some(listener) = on_progress {
        call(listener, &[super::convert::number(done), super::convert::number(total)]);
    }
}

/// Has the other tabs read the records of keys, so that they seal under the new one.
pub(super) fn tell_tabs(shared: &Shared) {
    if let Some(surroundings) = &*shared.surroundings.borrow() {
        surroundings.keys();
    }
}

fn lock(shared: &Shared) -> Option<String> {
    // Memory is each tab's own.
    let facts = shared.store.facts();
    facts.persistent.then(|| format!("tidekeep:{}:rotate", facts.name))
}

/// Resolves when no other tab rotates. Where there are no locks, at once: two at a time do what one does.
async fn turn(shared: &Shared) -> Option<OriginLock> {
    let (sender, held) = oneshot::channel();
    let sender = core::cell::RefCell::new(Some(sender));
    let lock = OriginLock::ask(&lock(shared)?, move || {
        if let Some(sender) = sender.borrow_mut().take() {
            // Nobody waits any more: then nobody rotates here.
            let _ = sender.send(());
        }
    });
    let _ = held.await;
    Some(lock)
}

/// Goes on with a rotation that was not ended, whenever keys are opened, unless another tab does.
pub(super) fn begin(shared: &Rc<Shared>) {
    let rotating = Rc::downgrade(shared);
    let opened = shared.store.events().subscribe(move |event| {
        if let Event::Locked(locked) = event
            && !locked.locked
            && let Some(shared) = rotating.upgrade()
        {
            spawn(async move { go_on(&shared).await });
        }
    });
    shared.listeners.keep_listening(opened);
}

async fn go_on(shared: &Shared) {
    let _turn = match lock(shared) {
        None => None,
        Some(name) => match FreeLock::take(&name).await {
            None => return,
            taken => taken,
        },
    };
    match shared.store.credentials().go_on_rotating(&Gate::default()).await {
        Err(error) if !matches!(error.kind(), ErrorKind::Locked | ErrorKind::Closed) => {
            shared.store.events().emit(&Event::Error(error));
        }
        _ => {}
    }
}

/// Reads what is to be sealed, and opens what keys came since, in the background: where that fails, what misses one reads
/// again. Where a new store key came, what unlocks without asking does so; otherwise the keys are locked, for they may
/// seal no more.
pub(super) fn learn(shared: &Rc<Shared>) {
    let shared = Rc::clone(shared);
    spawn(async move {
        let credentials = shared.store.credentials();
        drop(shared.store.read_preferences().await);
        drop(credentials.learn_keys().await);
        if !credentials.followed() {
            if !credentials.locked() && credentials.unlockers().await.is_ok_and(|unlockers| unlockers.is_empty()) {
                shared.store.events().emit(&Event::Error(shut_out()));
            }
            return;
        }
        for given in at_hand(&shared).await.unwrap_or_default() {
            if credentials.unlock(&given, Begin::WhereNew).await.is_ok() && !credentials.followed() {
                return;
            }
        }
        if credentials.followed() {
            credentials.lock(LockReason::Tab);
        }
    });
}

/// Each of two devices removed what the other kept.
fn shut_out() -> Error {
    Error::new(
        ErrorKind::KeyMissing,
        "nothing unlocks the store any more, since the last unlockers were removed on several devices at once; add one \
         before the keys are locked: addUnlocker",
    )
}
