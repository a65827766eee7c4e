//! Numbers as JavaScript writes them: by JavaScript, since Rust's own way brings twenty kilobytes of tables.

use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = String)]
    fn text(number: f64) -> String;
}

/// The text of a number.
///
/// Source: ECMAScript, “`Number::toString`”.
#[must_use]
pub fn number_text(number: f64) -> String {
    text(number)
}

/// The number that a text is, if it is one.
#[must_use]
pub fn number_of(text: &str) -> Option<f64> {
    if text.trim().is_empty() {
        return None;
    }
    Some(JsValue::from_str(text).unchecked_into_f64()).filter(|number| !number.is_nan())
}
