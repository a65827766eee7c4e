//! The boundary: what JavaScript calls. Each export parses, calls, converts.
//!
//! Arguments are read and values copied before a method returns its promise, so what a caller changes afterwards
//! changes nothing stored. Every method takes `&self` and works on a clone, so `close()` is legal at any time.

mod autolock;
mod collection;
mod convert;
mod credentials;
mod entries;
mod error;
mod events;
mod open;
mod options;
mod passkey;
mod preferences;
mod query;
mod rotation;
mod schema;
mod search;
mod signal;
mod space;
mod store;
mod sync;
mod tabs;
mod transaction;
mod unlock;
mod unlockers;
mod verify;
mod vigil;
mod watch;

use core::future::Future;

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

use crate::backend::LocalFuture;
use crate::error::Result;

/// The promise of a call: `start` reads the arguments now, and what it gives is awaited.
fn promise<F>(operation: &'static str, start: impl FnOnce() -> Result<F>) -> Promise
where
    F: Future<Output = Result<JsValue>> + 'static,
{
    // Boxed here, so that what drives a promise is compiled once and not for every call.
    settled(operation, start().map(|work| Box::pin(work) as LocalFuture<'static, Result<JsValue>>))
}

fn settled(operation: &'static str, started: Result<LocalFuture<'static, Result<JsValue>>>) -> Promise {
    future_to_promise(async move {
        let outcome = match started {
            Ok(work) => work.await,
            Err(error) => Err(error),
        };
        outcome.map_err(|error| error::to_js(&error.during(operation)))
    })
}
