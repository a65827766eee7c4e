//! Errors, as JavaScript throws them.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::convert::property;
use crate::error::{Error, ErrorKind, ErrorStatus};
use crate::platform::said;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    #[wasm_bindgen(js_name = storageError)]
    fn storage_error(
        code: &str,
        message: &str,
        retryable: bool,
        operation: &str,
        context: Array,
        cause: Option<&str>,
    ) -> JsValue;
}

/// A `StorageError`.
pub(super) fn to_js(error: &Error) -> JsValue {
    let parts = error.context().iter().flat_map(|(name, value)| [JsValue::from_str(name), JsValue::from_str(value)]);
    storage_error(
        error.kind().code(),
        &error.to_string(),
        error.status() == ErrorStatus::Temporary,
        error.operation(),
        parts.collect(),
        error.source_text(),
    )
}

/// The kind that a thrown `StorageError` names.
pub(super) fn kind_of(thrown: &JsValue) -> Option<ErrorKind> {
    let code = property(thrown, "code").ok()?.as_string()?;
    ErrorKind::ALL.iter().copied().find(|kind| kind.code() == code)
}

/// A `StorageError` that one of the package's scripts threw.
pub(super) fn from_js(thrown: &JsValue) -> Error {
    let text = |of: &JsValue, name| property(of, name).ok().and_then(|value| value.as_string());
    let Some((kind, message)) = kind_of(thrown).zip(text(thrown, "message")) else {
        return Error::new(ErrorKind::Unsupported, "the browser did something unexpected").caused_by(said(thrown));
    };
    let mut error = Error::new(kind, message);
    if let Some(option) = property(thrown, "context").ok().and_then(|context| text(&context, "option")) {
        error = error.with("option", option);
    }
    match property(thrown, "cause") {
        Ok(cause) if !cause.is_undefined() => error.caused_by(said(&cause)),
        _ => error,
    }
}
