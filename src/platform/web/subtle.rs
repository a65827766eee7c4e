//! AES-256-GCM by Web Crypto: in other threads, and by the processor's own instructions.

use core::fmt;

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::bytes::Bytes;
use super::payload::{Large, said};
use crate::error::{Error, ErrorKind, Result};

#[wasm_bindgen(module = "/src/platform/web/value.js")]
extern "C" {
    #[wasm_bindgen(js_name = importKey)]
    fn import_key(bytes: &[u8]) -> Promise;
    #[wasm_bindgen(js_name = sealAll)]
    fn seal_all(key: &JsValue, heads: &[u8], additional: &[u8], ends: &[u32], plaintexts: &Array, size: u32)
    -> Promise;
    #[wasm_bindgen(js_name = openAll)]
    fn open_all(key: &JsValue, additional: &[u8], ends: &[u32], envelopes: &Array, size: u32) -> Promise;
}

/// What is to be sealed or opened at once, under one key.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    heads: Vec<u8>,
    size: u32,
    additional: Vec<u8>,
    ends: Vec<u32>,
    bytes: Array,
}

impl Gathered {
    /// One more to be sealed, behind a head that ends with its nonce. All heads are of one length.
    pub(crate) fn seal(&mut self, head: &[u8], additional: &[u8], plaintext: &Large) {
        self.heads.extend_from_slice(head);
        self.add(head.len(), additional, plaintext.as_js());
    }

    /// One more to be opened, whose head is so long.
    pub(crate) fn open(&mut self, head: usize, additional: &[u8], envelope: &Bytes) {
        self.add(head, additional, envelope.as_js());
    }

    fn add(&mut self, head: usize, additional: &[u8], bytes: &Uint8Array) {
        self.size = u32::try_from(head).unwrap_or_default();
        self.additional.extend_from_slice(additional);
        self.ends.push(u32::try_from(self.additional.len()).unwrap_or(u32::MAX));
        self.bytes.push(bytes);
    }
}

/// A key that Web Crypto has, and does not give back.
#[derive(Clone)]
pub(crate) struct SubtleKey(JsValue);

impl SubtleKey {
    /// Hands a key over; none where there is no Web Crypto.
    pub(crate) async fn import(key: &[u8; 32]) -> Option<Self> {
        let imported = JsFuture::from(import_key(key)).await.ok()?;
        imported.is_object().then_some(Self(imported))
    }

    /// The envelopes: of each its head, then ciphertext and tag.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` where Web Crypto cannot: a value is too long.
    pub(crate) async fn seal_all(&self, batch: Gathered) -> Result<Vec<Bytes>> {
        let Gathered { heads, size, additional, ends, bytes } = batch;
        let sealing = seal_all(&self.0, &heads, &additional, &ends, &bytes, size);
        let sealed = JsFuture::from(sealing).await.map_err(|thrown| {
            Error::new(ErrorKind::InvalidValue, "the value is too long to be sealed").caused_by(said(&thrown))
        })?;
        let sealed: Array = sealed.unchecked_into();
        Ok(sealed.iter().map(|sealed| Bytes::from(sealed.unchecked_into::<Uint8Array>())).collect())
    }

    /// The plaintexts; none of what is not authentic.
    pub(crate) async fn open_all(&self, batch: Gathered) -> Vec<Option<Large>> {
        let Gathered { size, additional, ends, bytes, .. } = batch;
        let opened = JsFuture::from(open_all(&self.0, &additional, &ends, &bytes, size)).await;
        let opened: Array = opened.map(JsCast::unchecked_into).unwrap_or_default();
        let large = |opened: JsValue| opened.dyn_into::<Uint8Array>().ok().map(Large::from);
        (0..bytes.length()).map(|at| large(opened.get(at))).collect()
    }
}

impl fmt::Debug for SubtleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubtleKey(redacted)")
    }
}
