//! Passkeys, which the package's script makes and asks for.

use core::cell::RefCell;
use core::fmt;

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::error::from_js;
use crate::crypto::{Answer, KeyId, Method, Random, SALT_LEN, Secret, Unlocker, new_salt};
use crate::error::{Error, ErrorKind, Result};

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    #[wasm_bindgen(js_name = createPasskey)]
    fn create_passkey(given: &JsValue, salt: Uint8Array, known: Array, signal: &JsValue) -> Promise;
    #[wasm_bindgen(js_name = askPasskey)]
    fn ask_passkey(given: &JsValue, passkeys: Array, signal: &JsValue) -> Promise;
}

/// The passkeys of a store, as one unlocker.
///
/// # Behavior
///
/// - The user is asked once, for any of them; whoever asks again gets that answer, a refusal too.
pub(super) struct Passkeys {
    options: JsValue,
    signal: JsValue,
    /// Those that there are: credential id and salt.
    known: Vec<(Vec<u8>, [u8; SALT_LEN])>,
    shown: RefCell<Option<Result<Shown>>>,
}

/// The passkey that was shown, and its secret.
#[derive(Clone)]
struct Shown {
    credential: Vec<u8>,
    secret: Secret,
}

impl Passkeys {
    /// Those among `methods`; `options` and `signal` are the caller's.
    pub(super) fn new(methods: &[Method], options: JsValue, signal: JsValue) -> Self {
        let passkey = |method: &Method| match method {
            Method::Passkey { credential, salt } => Some((credential.clone(), *salt)),
            _ => None,
        };
        Self { options, signal, known: methods.iter().filter_map(passkey).collect(), shown: RefCell::default() }
    }

    async fn once(&self) -> Result<Shown> {
        let before = self.shown.borrow().clone();
        if let Some(shown) = before {
            return shown;
        }
        let shown = self.ask().await;
        self.shown.replace(Some(shown.clone()));
        shown
    }

    async fn ask(&self) -> Result<Shown> {
        let pair = |(id, salt): &(Vec<u8>, [u8; SALT_LEN])| Array::of2(&bytes(id), &bytes(salt));
        shown(ask_passkey(&self.options, self.known.iter().map(pair).collect(), &self.signal)).await
    }
}

impl Unlocker for Passkeys {
    fn method<'a>(&'a self, _id: KeyId, random: &'a mut Random<'a>) -> Answer<'a, Method> {
        Box::pin(async move {
            let salt = new_salt(random)?;
            let known = self.known.iter().map(|(id, _)| bytes(id)).collect();
            let made = shown(create_passkey(&self.options, Uint8Array::from(salt.as_slice()), known, &self.signal));
            let made = made.await?;
            let credential = made.credential.clone();
            self.shown.replace(Some(Ok(made)));
            Ok(Method::Passkey { credential, salt })
        })
    }

    fn secret<'a>(&'a self, _id: KeyId, method: &'a Method) -> Answer<'a, Option<Secret>> {
        Box::pin(async move {
            let Method::Passkey { credential, .. } = method else { return Ok(None) };
            let shown = self.once().await?;
            Ok((shown.credential == *credential).then_some(shown.secret))
        })
    }
}

impl fmt::Debug for Passkeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passkeys(redacted)")
    }
}

/// What the script answers: the credential's id, and its secret, which is overwritten there.
async fn shown(promise: Promise) -> Result<Shown> {
    let answer: Array = JsFuture::from(promise).await.map_err(|thrown| from_js(&thrown))?.unchecked_into();
    let (credential, given) = (Uint8Array::new(&answer.get(0)), Uint8Array::new(&answer.get(1)));
    let mut secret = Secret::default();
    if given.length() as usize != secret.len() {
        return Err(Error::new(ErrorKind::Unsupported, "the passkey gave no secret of 32 bytes"));
    }
    given.copy_to(secret.as_mut_slice());
    answer.get(1).unchecked_ref::<Uint8Array>().fill(0, 0, given.length());
    Ok(Shown { credential: credential.to_vec(), secret })
}

fn bytes(of: &[u8]) -> JsValue {
    Uint8Array::from(of).into()
}
