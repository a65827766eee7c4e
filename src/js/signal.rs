//! Calls that their caller can call off.

use core::future::Future;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::convert::property;
use super::{error, promise};
use crate::error::Result;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    fn refusal(signal: &JsValue, operation: &str) -> JsValue;
    fn until(signal: &JsValue, promise: &Promise, operation: &str) -> Promise;
}

/// The promise of a call whose options may have a `signal`. One that is aborted already lets nothing begin; one that is
/// aborted later rejects the promise at once. What the call does by then goes on, up to the gate of its writes.
pub(super) fn abortable<F>(operation: &'static str, options: &JsValue, start: impl FnOnce() -> Result<F>) -> Promise
where
    F: Future<Output = Result<JsValue>> + 'static,
{
    match signal(operation, options) {
        Ok(None) => promise(operation, start),
        Ok(Some(signal)) => until(&signal, &promise(operation, start), operation),
        Err(refused) => Promise::reject(&refused),
    }
}

/// The signal of a call that may begin.
fn signal(operation: &'static str, options: &JsValue) -> core::result::Result<Option<JsValue>, JsValue> {
    if !options.is_object() {
        return Ok(None);
    }
    let signal = property(options, "signal").map_err(|error| error::to_js(&error.during(operation)))?;
    let refused = refusal(&signal, operation);
    if refused.is_undefined() {
        Ok((!signal.is_null() && !signal.is_undefined()).then_some(signal))
    } else {
        Err(refused)
    }
}
