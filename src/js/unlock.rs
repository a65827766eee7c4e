//! Asking for the passphrase, once it is needed.

use core::cell::RefCell;

use js_sys::{Function, JsString, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::platform::said;
use crate::store::{self, Begin, DataStore};

/// The application's way to ask for the passphrase, if it gave one.
#[derive(Debug, Default)]
pub(super) struct Asking {
    passphrase: Option<Function>,
    /// Callers that come while one is asking wait for that one's answer.
    turn: futures_util::lock::Mutex<()>,
    /// How the last asking ended, if badly: whoever waited for it gets that answer, and is not asked again.
    refused: RefCell<Option<Error>>,
}

impl Asking {
    pub(super) fn new(passphrase: Option<Function>) -> Self {
        Self { passphrase, ..Self::default() }
    }

    /// Whether there is a way to ask.
    pub(super) fn can_ask(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Opens the keys if something sealed is wanted, they are locked, and there is a way to ask.
    pub(super) async fn for_sealed(&self, store: &DataStore, encrypted: bool) -> Result<()> {
        let Some(ask) = self.passphrase.as_ref().filter(|_| encrypted && store.credentials().locked()) else {
            return Ok(());
        };
        let waited = self.turn.try_lock().is_none();
        let _turn = self.turn.lock().await;
        if !store.credentials().locked() {
            return Ok(());
        }
        let refused = self.refused.borrow().clone().filter(|_| waited);
        if let Some(error) = refused {
            return Err(error);
        }
        let outcome = unlock(store, ask).await;
        self.refused.replace(outcome.as_ref().err().cloned());
        outcome
    }
}

async fn unlock(store: &DataStore, ask: &Function) -> Result<()> {
    let failed = |thrown: JsValue| {
        Error::new(ErrorKind::Locked, "the passphrase was not given; unlock the credentials").caused_by(said(&thrown))
    };
    let answer = ask.call0(&JsValue::NULL).map_err(failed)?;
    let answer = JsFuture::from(Promise::resolve(&answer)).await.map_err(failed)?;
    store.credentials().unlock(&store::passphrase(&passphrase(&answer)?), Begin::WhereNew).await
}

/// The bytes of a passphrase. Text is normalised, so that it is the same however it was typed.
pub(super) fn passphrase(value: &JsValue) -> Result<Zeroizing<Vec<u8>>> {
    if let Some(text) = value.dyn_ref::<JsString>() {
        let text = Zeroizing::new(String::from(text.normalize("NFC")));
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    value
        .dyn_ref::<Uint8Array>()
        .map(|bytes| Zeroizing::new(bytes.to_vec()))
        .ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "a passphrase is a string or a Uint8Array"))
}
