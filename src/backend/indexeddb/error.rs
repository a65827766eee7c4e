//! Errors for what browsers throw.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

use crate::backend::exception::{advice, kind_of};
use crate::error::Error;
use crate::platform::said;

/// The error for whatever a browser threw or handed over, null included.
pub(super) fn from_js(thrown: &JsValue) -> Error {
    let (name, message) = match (thrown.dyn_ref::<DomException>(), thrown.dyn_ref::<js_sys::Error>()) {
        (Some(exception), _) => (exception.name(), exception.message()),
        (None, Some(error)) => (String::from(error.name()), String::from(error.message())),
        (None, None) => ("UnknownError".to_owned(), String::new()),
    };
    let kind = kind_of(&name, &message);
    Error::new(kind, advice(kind)).caused_by(said(thrown))
}

/// The error behind one of rexie's.
pub(super) fn from_rexie(error: &rexie::Error) -> Error {
    // rexie says only "idb error"; the exception is in the error inside, as text.
    let said = match error {
        rexie::Error::IdbError(inner) => inner.to_string(),
        other => other.to_string(),
    };
    let name =
        ["VersionError", "QuotaExceededError", "ConstraintError", "AbortError", "InvalidStateError", "UnknownError"]
            .into_iter()
            .find(|name| said.contains(name))
            .unwrap_or("UnknownError");
    let kind = kind_of(name, &said);
    Error::new(kind, advice(kind)).caused_by(said)
}
