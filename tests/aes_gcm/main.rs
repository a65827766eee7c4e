//! AES-256-GCM against published vectors and against Web Crypto, natively and in browsers.
#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

#[cfg(not(target_family = "wasm"))]
mod source;
mod vectors;
#[cfg(target_family = "wasm")]
mod web_crypto;

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
