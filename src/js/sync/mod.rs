//! `Sync`: replication, and its wiring to the page.

mod answers;
mod conflicts;
mod leader;
mod options;
mod token;
mod wiring;

use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use super::convert::text;
use super::options::Options;
use super::promise;
use super::signal::abortable;
use super::store::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Direction, Extent};
use answers::report;
pub(super) use answers::{outbox_entry, status};
pub(super) use conflicts::entry as conflict_entry;
pub(super) use options::{Replication, read};
use options::{interval, switches};
pub(super) use wiring::{Replicating, Running, listen};

/// Replication with the endpoint.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Sync(Rc<Shared>);

impl Sync {
    pub(super) fn of(shared: &Rc<Shared>) -> Self {
        Self(Rc::clone(shared))
    }

    /// Calls sync, or tells that there is none.
    fn with<F>(&self, operation: &'static str, call: impl FnOnce(crate::sync::Sync) -> Result<F>) -> Promise
    where
        F: Future<Output = Result<JsValue>> + 'static,
    {
        promise(operation, || call(self.running()?))
    }

    fn running(&self) -> Result<crate::sync::Sync> {
        self.0.sync.as_ref().map(|running| running.sync.clone()).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the store has no endpoint; open it with createStorage({ sync: { endpoint } })",
            )
        })
    }
}

#[wasm_bindgen]
impl Sync {
    /// Switches rounds that go by themselves on or off, and remembers it.
    pub fn enable(&self, on: bool) -> Promise {
        let shared = Rc::clone(&self.0);
        self.with("sync.enable", |sync| {
            Ok(async move {
                sync.enable(on).await?;
                shared.said();
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Does one round; resolves when it is done. One that is called off goes on only for others.
    pub fn run(&self, options: &JsValue) -> Promise {
        abortable("sync.run", options, || {
            let sync = self.running()?;
            let options = Options::read(options, &["direction", "collections", "signal"])?;
            let direction = match options.text("direction")?.as_deref() {
                None | Some("both") => Direction::Both,
                Some("push") => Direction::Push,
                Some("pull") => Direction::Pull,
                Some(other) => {
                    return Err(Error::new(ErrorKind::InvalidConfig, "a direction is “both”, “push” or “pull”")
                        .with("direction", other));
                }
            };
            let extent =
                Extent { direction, collections: options.texts("collections")?, called_off: options.aborted()? };
            Ok(async move { Ok(report(&sync.run(extent).await?)) })
        })
    }

    /// Switches collections on or off, and remembers it.
    #[wasm_bindgen(js_name = setPreferences)]
    pub fn set_preferences(&self, preferences: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        self.with("sync.setPreferences", |sync| {
            let preferences = switches(preferences)?;
            Ok(async move {
                sync.set_preferences(&preferences).await?;
                shared.said();
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Says how many seconds there are between pulls without any other reason, and remembers it.
    #[wasm_bindgen(js_name = setInterval)]
    pub fn set_interval(&self, seconds: f64) -> Promise {
        let shared = Rc::clone(&self.0);
        self.with("sync.setInterval", |sync| {
            let interval = interval(seconds)?;
            Ok(async move {
                sync.set_interval(interval).await?;
                shared.said();
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// How sync stands.
    pub fn status(&self) -> Promise {
        self.with("sync.status", |sync| Ok(async move { Ok(status(&sync.status().await?)) }))
    }

    /// What waits to be sent, and what was set aside, each with its last error.
    pub fn pending(&self) -> Promise {
        self.with("sync.pending", |sync| {
            Ok(async move { Ok(sync.pending().await?.iter().map(outbox_entry).collect::<Array>().into()) })
        })
    }

    /// Tries what was set aside again.
    pub fn retry(&self, id: &JsValue) -> Promise {
        self.with("sync.retry", |sync| {
            let id = entry_id(id)?;
            Ok(async move {
                sync.retry(&id).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Conflicts that wait for a decision; with `settled`, those that were decided lately, and what lost.
    pub fn conflicts(&self, options: &JsValue) -> Promise {
        self.with("sync.conflicts", |sync| {
            let which = conflicts::which(options)?;
            Ok(async move { Ok(sync.conflicts(which).await?.iter().map(conflicts::entry).collect::<Array>().into()) })
        })
    }

    /// Decides a conflict.
    pub fn resolve(&self, id: &JsValue, choice: &JsValue) -> Promise {
        self.with("sync.resolve", |sync| {
            let (id, choice) = (entry_id(id)?, conflicts::choice(choice)?);
            Ok(async move {
                sync.resolve(&id, choice).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Gives up a pending change.
    pub fn discard(&self, id: &JsValue) -> Promise {
        self.with("sync.discard", |sync| {
            let id = entry_id(id)?;
            Ok(async move {
                sync.discard(&id).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

fn entry_id(given: &JsValue) -> Result<String> {
    text(given, ErrorKind::NotFound, "a pending change is named by the text that `pending()` gives")
}
