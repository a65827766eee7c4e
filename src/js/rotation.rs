//! Rotation: one tab at a time, and gone on with once keys are open.

use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

use super::credentials::Credentials;
use super::events::call;
use super::options::Options;
use super::signal::abortable;
use super::store::Shared;
use crate::error::ErrorKind;
use crate::platform::environment::{FreeLock, OriginLock};
use crate::platform::spawn;
use crate::store::{Event, Gate, Rotated};

#[wasm_bindgen]
impl Credentials {
    /// Seals everything again under a new data key, or goes on with a rotation that was not ended.
    pub fn rotate(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("credentials.rotate", options, || {
            let options = Options::read(options, &["onProgress", "signal"])?;
            let (on_progress, gate) = (options.function("onProgress")?, options.gate()?);
            Ok(async move {
                shared.keys_ready().await?;
                let _turn = turn(&shared).await;
                rotate(&shared, on_progress.as_ref(), &gate).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

async fn rotate(shared: &Shared, on_progress: Option<&Function>, gate: &Gate) -> crate::error::Result<()> {
    let tell = |Rotated { done, total }: Rotated| {
        if done == 0 {
            tell_tabs(shared);
        }
        if let Some(listener) = on_progress {
            call(listener, &[super::convert::number(done), super::convert::number(total)]);
        }
    };
    shared.store.credentials().rotate(&tell, gate).await
}

/// Has the other tabs read the records of keys, so that they seal under the new one.
fn tell_tabs(shared: &Shared) {
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

/// Opens what keys came since, in the background: where that fails, what misses one reads again.
pub(super) fn learn(shared: &Rc<Shared>) {
    let shared = Rc::clone(shared);
    spawn(async move { drop(shared.store.credentials().learn_keys().await) });
}
