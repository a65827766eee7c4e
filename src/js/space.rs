//! How full a store is, and what keeps it within bounds.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::convert::{maybe, object};
use super::promise;
use super::store::DataStore;
use crate::backend::Backend as _;
use crate::error::Result;
use crate::platform::environment::{FreeLock, Hiding, protect, space};
use crate::platform::{slumber, spawn};
use crate::policy::Fill;
use crate::store::{self, Ports, Space, TabTurn};

/// Housekeeping under way.
#[derive(Debug)]
pub(super) struct Keeping {
    _hiding: Hiding,
}

/// Begins to keep a store within bounds.
pub(super) fn keep(space: &Rc<Space>) -> Keeping {
    let lock = format!("tidekeep:{}:space", space.facts().name);
    let persistent = space.facts().persistent;
    let ports = Ports {
        sleep: Box::new(|ms| Box::pin(slumber(ms))),
        turn: Box::new(move || {
            let lock = lock.clone();
            Box::pin(async move {
                if !persistent {
                    // Memory is each tab's own.
                    return Some(Box::new(()) as TabTurn);
                }
                FreeLock::take(&lock).await.map(|lock| Box::new(lock) as TabTurn)
            })
        }),
        fill: Box::new(|| Box::pin(bytes())),
    };
    spawn(space.keep(ports));
    let hidden = Rc::downgrade(space);
    let hiding = Hiding::watch(move || {
        if let Some(space) = hidden.upgrade() {
            space.hidden();
        }
    });
    Keeping { _hiding: hiding }
}

/// How full the browser's storage is, where it says so.
async fn bytes() -> Option<Fill> {
    let found = space().await;
    Some(Fill { usage: found.usage?, quota: found.quota.filter(|quota| *quota > 0.0)? })
}

/// What usage and quota count.
fn unit(counted: bool) -> JsValue {
    JsValue::from_str(if counted { "entries" } else { "bytes" })
}

/// The event `quota`.
pub(super) fn quota(fill: Fill, counted: bool) -> JsValue {
    object([
        ("usage", JsValue::from_f64(fill.usage)),
        ("quota", JsValue::from_f64(fill.quota)),
        ("unit", unit(counted)),
    ])
}

async fn estimated(store: &store::DataStore) -> Result<JsValue> {
    let fill = store.space().fill().await?;
    let persisted = if store.facts().persistent { space().await.persisted } else { Some(false) };
    Ok(object([
        ("usage", maybe(fill.map(|fill| fill.usage), JsValue::from_f64)),
        ("quota", maybe(fill.map(|fill| fill.quota), JsValue::from_f64)),
        ("unit", unit(store.facts().capacity.is_some())),
        ("persisted", maybe(persisted, JsValue::from_bool)),
    ]))
}

#[wasm_bindgen]
impl DataStore {
    /// How full the store is.
    pub fn estimate(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("estimate", || Ok(async move { estimated(&shared.store).await }))
    }

    /// Asks the browser to protect the origin's storage from eviction; answers whether it does.
    pub fn persist(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("persist", || {
            Ok(async move { Ok(JsValue::from_bool(shared.store.facts().persistent && protect().await)) })
        })
    }
}
