//! Key derivation by Web Crypto, off the main thread.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, Pbkdf2Params, SubtleCrypto};
use zeroize::Zeroizing;

use super::said;
use crate::error::{Error, ErrorKind, Result};

/// PBKDF2 with HMAC-SHA256.
///
/// # Errors
///
/// `INSECURE_CONTEXT` where there is no `crypto.subtle`; `INVALID_CONFIG` for fewer than a thousand iterations;
/// `UNSUPPORTED` where Web Crypto refuses.
pub async fn pbkdf2_sha256(passphrase: &[u8], salt: &[u8], iterations: u32) -> Result<Zeroizing<[u8; 32]>> {
    if iterations < 1000 {
        return Err(Error::new(ErrorKind::InvalidConfig, "PBKDF2 needs a thousand iterations or more")
            .with("iterations", iterations));
    }
    let subtle = subtle()?;
    let secret = Uint8Array::from(passphrase);
    let imported = import(&subtle, &secret).await;
    secret.fill(0, 0, secret.length());
    let key = imported.map_err(|error| refused(&error))?;
    let derived = derive(&subtle, &key, salt, iterations).await.map_err(|error| refused(&error))?;
    let mut bytes = Zeroizing::new([0; 32]);
    if derived.length() != 32 {
        return Err(Error::new(ErrorKind::Unsupported, "Web Crypto derived a key of another length"));
    }
    derived.copy_to(bytes.as_mut_slice());
    derived.fill(0, 0, derived.length());
    Ok(bytes)
}

async fn import(subtle: &SubtleCrypto, secret: &Uint8Array) -> core::result::Result<CryptoKey, JsValue> {
    let usages = Array::of1(&"deriveBits".into());
    let key = JsFuture::from(subtle.import_key_with_str("raw", secret, "PBKDF2", false, &usages)?).await?;
    Ok(key.unchecked_into())
}

async fn derive(
    subtle: &SubtleCrypto,
    key: &CryptoKey,
    salt: &[u8],
    iterations: u32,
) -> core::result::Result<Uint8Array, JsValue> {
    let algorithm = Pbkdf2Params::new_with_str("PBKDF2", "SHA-256", iterations, &Uint8Array::from(salt));
    let bits = JsFuture::from(subtle.derive_bits_with_object(&algorithm, key, 256)?).await?;
    Ok(Uint8Array::new(&bits))
}

/// `globalThis.crypto.subtle`, in a page, a worker or Node. Pages outside a secure context have none.
fn subtle() -> Result<SubtleCrypto> {
    let property = |object: &JsValue, name: &str| Reflect::get(object, &name.into()).ok().filter(JsValue::is_object);
    property(&js_sys::global(), "crypto")
        .and_then(|crypto| property(&crypto, "subtle"))
        .map(JsCast::unchecked_into)
        .ok_or_else(|| {
            Error::new(
                ErrorKind::InsecureContext,
                "there is no Web Crypto here, as on every page outside a secure context; serve the page over https or \
                 from localhost",
            )
        })
}

fn refused(error: &JsValue) -> Error {
    Error::new(ErrorKind::Unsupported, "Web Crypto refused to derive a key from the passphrase").caused_by(said(error))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    async fn pbkdf2_is_that_of_the_standard() {
        // Computed with Python's hashlib.pbkdf2_hmac.
        let expected = [
            0x65, 0xCB, 0x49, 0x7A, 0x73, 0x68, 0x73, 0x2C, 0x61, 0x32, 0xF6, 0xF5, 0xFC, 0xD2, 0xE4, 0xCE, 0x89, 0x4E,
            0x46, 0x5D, 0x96, 0x44, 0x8D, 0xD5, 0xD4, 0x90, 0xE0, 0xC7, 0x54, 0xC5, 0x6E, 0x56,
        ];
        let derived = pbkdf2_sha256(b"passphrase", b"sixteen bytes...", 1000).await.unwrap();
        assert_eq!(*derived, expected);
    }

    #[wasm_bindgen_test]
    async fn a_derivation_without_work_is_refused() {
        let refused = pbkdf2_sha256(b"passphrase", b"salt", 0).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig);
    }

    #[wasm_bindgen_test]
    async fn without_web_crypto_the_context_is_insecure() {
        // Stands before the `crypto` of the prototype, as long as it is there.
        let own = js_sys::Object::new();
        Reflect::set(&own, &"value".into(), &js_sys::Object::new()).unwrap();
        Reflect::set(&own, &"configurable".into(), &true.into()).unwrap();
        let global = js_sys::global();
        let before = js_sys::Object::get_own_property_descriptor(&global, &"crypto".into());
        js_sys::Object::define_property(&global, &"crypto".into(), &own);
        let derived = pbkdf2_sha256(b"passphrase", b"sixteen bytes...", 1000).await;
        Reflect::delete_property(&global, &"crypto".into()).unwrap();
        if before.is_object() {
            js_sys::Object::define_property(&global, &"crypto".into(), &before.into());
        }
        assert_eq!(derived.unwrap_err().kind(), ErrorKind::InsecureContext);
    }
}
