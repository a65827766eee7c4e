//! Folding of texts, for search: by JavaScript, whose tables every browser has already.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/platform/web/value.js")]
extern "C" {
    fn fold(text: &str) -> String;
}

/// A text without what does not count in a search: see `search/tokens.rs`.
///
/// Source: Unicode Standard Annex #15, forms KD and KC; the default case conversions of the Unicode Standard, 3.13.
#[must_use]
pub fn folded(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { fold(text) }
}
