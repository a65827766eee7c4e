//! Schemas of collections, from JavaScript.

use std::rc::Rc;

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::{Payload, said};
use crate::store::Check;

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn compile(schema: &JsValue) -> core::result::Result<Function, JsValue>;
}

/// The check that a schema makes: of the subset of JSON Schema that `schema.js` knows, or any Standard Schema.
///
/// # Errors
///
/// `INVALID_CONFIG` for a schema that cannot be used.
pub(super) fn check(schema: &JsValue) -> Result<Check> {
    let asked = compile(schema)
        .map_err(|thrown| Error::new(ErrorKind::InvalidConfig, "the schema cannot be used").caused_by(said(&thrown)))?;
    Ok(Rc::new(move |value: &Payload| ask(&asked, value)))
}

fn ask(check: &Function, value: &Payload) -> Result<()> {
    let found = check.call1(&JsValue::UNDEFINED, value.as_js()).map_err(|thrown| {
        Error::new(ErrorKind::InvalidConfig, "the schema did not answer, so nothing is written")
            .caused_by(said(&thrown))
    })?;
    let Some(found) = found.dyn_ref::<Array>() else { return Ok(()) };
    let text = |at| found.get(at).as_string().unwrap_or_default();
    Err(Error::new(ErrorKind::ValidationFailed, "the value does not fit the schema of its collection")
        .with("path", text(0))
        .with("wanted", text(1)))
}
