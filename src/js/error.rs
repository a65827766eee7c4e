//! Errors, as JavaScript throws them.

use js_sys::Array;
use wasm_bindgen::prelude::*;

use crate::error::{Error, ErrorStatus};

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
