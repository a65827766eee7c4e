//! The crate's cipher and bare Web Crypto, each opening what the other sealed.

#![expect(clippy::panic, reason = "what fails in a test fails the test")]

use core::fmt::Debug;

use js_sys::{Function, Promise, Uint8Array};
use tidekeep::crypto::{DataKey, KEY_LEN, NONCE_LEN, Nonce};
use tidekeep::platform::random;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::vectors::{cavp, wycheproof};

/// How many values go each way; `TIDEKEEP_ROUND_TRIPS`, when this is compiled, says another number.
const ROUND_TRIPS: &str = match option_env!("TIDEKEEP_ROUND_TRIPS") {
    Some(number) => number,
    None => "1000",
};

/// `crypto.subtle.encrypt` or `decrypt`, and nothing of ours.
struct Subtle(Function);

impl Subtle {
    fn new(operation: &str) -> Self {
        Self(Function::new_with_args(
            "key, iv, additionalData, data",
            &format!(
                r#"return crypto.subtle.importKey("raw", key, "AES-GCM", false, ["{operation}"])
                    .then((key) => crypto.subtle.{operation}({{ name: "AES-GCM", iv, additionalData }}, key, data))"#
            ),
        ))
    }

    async fn run(&self, key: &[u8], nonce: &[u8], additional: &[u8], data: &[u8]) -> Result<Vec<u8>, JsValue> {
        let [key, nonce, additional, data] = [key, nonce, additional, data].map(|bytes| Uint8Array::from(bytes).into());
        let promise: Promise = self.0.call4(&JsValue::NULL, &key, &nonce, &additional, &data)?.unchecked_into();
        Ok(Uint8Array::new(&JsFuture::from(promise).await?).to_vec())
    }
}

fn must<T, E: Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

/// Bytes of a random number, and of random content. Every order of magnitude up to the most is as likely.
fn bytes(most_bits: u32) -> Vec<u8> {
    let mut seed = [0; 5];
    must(random(&mut seed));
    let [magnitude, size @ ..] = seed;
    let below = 1_u64 << (u32::from(magnitude) % (most_bits + 1));
    let length = usize::try_from(u64::from(u32::from_le_bytes(size)) % (below + 1)).unwrap_or_default();
    let mut bytes = vec![0; length];
    for chunk in bytes.chunks_mut(65_536) {
        must(random(chunk));
    }
    bytes
}

fn array<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    must(random(&mut bytes));
    bytes
}

#[wasm_bindgen_test]
async fn web_crypto_keeps_every_published_vector() {
    let (encrypt, decrypt) = (Subtle::new("encrypt"), Subtle::new("decrypt"));
    let mut cases = 0;
    for case in wycheproof().chain(cavp()) {
        let opened = decrypt.run(&case.key, &case.nonce, &case.additional, &case.sealed).await;
        match &case.plaintext {
            None => assert!(opened.is_err(), "{}", case.about),
            Some(plaintext) => {
                assert_eq!(&must(opened), plaintext, "{}", case.about);
                let sealed = must(encrypt.run(&case.key, &case.nonce, &case.additional, plaintext).await);
                assert_eq!(sealed, case.sealed, "{}", case.about);
            }
        }
        cases += 1;
    }
    assert_eq!(cases, 66 + 750);
    console_log!("figure: AES-GCM through SubtleCrypto: {cases} of 816 published cases");
}

#[wasm_bindgen_test]
async fn web_crypto_and_the_module_open_what_the_other_sealed() {
    let (encrypt, decrypt) = (Subtle::new("encrypt"), Subtle::new("decrypt"));
    let number: usize = ROUND_TRIPS.parse().unwrap();
    let (mut total, mut longest) = (0, 0);
    for trip in 0..number {
        let (key, nonce) = (array::<KEY_LEN>(), array::<NONCE_LEN>());
        // From one end of what is to be tried to the other. The long ones come last: WebKitGTK 2.50 may change to better
        // code in the midst of a long loop, and then gets the rest of it wrong, if the machine is busy.
        let plaintext = match trip {
            0 => Vec::new(),
            _ if trip == number - 1 => vec![0xA5; 1 << 20],
            _ => bytes(u32::try_from(21 * trip / number).unwrap_or_default()),
        };
        let additional = bytes(12);
        let cipher = must(DataKey::from_slice(&key)).cipher();
        let ours = must(cipher.seal(&must(Nonce::from_slice(&nonce)), &additional, &plaintext));
        let theirs = must(encrypt.run(&key, &nonce, &additional, &plaintext).await);
        let about = format!("{} bytes with {} additional", plaintext.len(), additional.len());
        if ours != theirs {
            let at = ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
            let again = must(cipher.seal(&must(Nonce::from_slice(&nonce)), &additional, &plaintext));
            let theirs_again = must(encrypt.run(&key, &nonce, &additional, &plaintext).await);
            panic!(
                "not the same bytes, {} and {}, from {at:?} on: {about}; sealed again, ours are the same: {}, as theirs: {}; theirs are the same: {}",
                ours.len(),
                theirs.len(),
                again == ours,
                again == theirs,
                theirs_again == theirs
            );
        }
        assert!(must(decrypt.run(&key, &nonce, &additional, &ours).await) == plaintext, "{about}");
        let opened = must(cipher.open(&must(Nonce::from_slice(&nonce)), &additional, &theirs));
        assert!(*opened == plaintext, "{about}");
        total += plaintext.len();
        longest = longest.max(plaintext.len());
    }
    console_log!(
        "figure: sealed by wasm and by SubtleCrypto, each opened by the other: {} round trips, {total} B, 0 to {longest} B, 0 mismatches",
        2 * number
    );
}
