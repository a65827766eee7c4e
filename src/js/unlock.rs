//! Unlocking once it is needed: by itself, or by asking for the passphrase.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Function, JsString, Promise, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use zeroize::Zeroizing;

use super::unlockers::Means;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{said, spawn};
use crate::store::{self, Begin, DataStore, Event};

/// What unlocks the store when something sealed is wanted, as far as the application says.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// What unlocks by itself.
    means: Option<Means>,
    /// The way to ask for the passphrase.
    passphrase: Option<Function>,
    /// Callers that come while one is asking wait for that one's answer.
    turn: futures_util::lock::Mutex<()>,
    /// How the last asking ended, if badly: whoever waited for it gets that answer, and is not asked again.
    refused: RefCell<Option<Error>>,
    /// Whether what lay in the clear in encrypted collections was sealed, and tags were made, or are being made.
    closing: Cell<bool>,
}

impl Asking {
    pub(super) fn new(means: Option<Means>, passphrase: Option<Function>) -> Self {
        Self { means, passphrase, ..Self::default() }
    }

    /// Whether there is a way to unlock without being given one.
    pub(super) fn can_ask(&self) -> bool {
        self.means.is_some() || self.passphrase.is_some()
    }

    /// What unlocks by itself.
    pub(super) fn means(&self) -> Option<Means> {
        self.means.clone()
    }

    /// Begins to seal what was written in the clear before its collection was encrypted, and to make the tags that blind
    /// indexes lack, once in a session.
    pub(super) fn unlocked(self: &Rc<Self>, store: &DataStore) {
        if self.closing.replace(true) {
            return;
        }
        let (asking, store) = (Rc::clone(self), store.clone());
        spawn(async move {
            let closed = async {
                store.seal_what_lies_clear().await?;
                store.tag_all().await
            };
            let Err(error) = closed.await else { return };
            // It goes on with what is left at the next unlocking.
            asking.closing.set(false);
            if !matches!(error.kind(), ErrorKind::Locked | ErrorKind::Closed) {
                store.events().emit(&Event::Error(error));
            }
        });
    }

    /// Whether there is one that goes by itself: once the keys were locked, what needs nobody's answer waits for a call.
    pub(super) fn by_itself(&self, store: &DataStore) -> bool {
        self.passphrase.is_some() || (self.means.is_some() && !store.credentials().were_locked())
    }

    /// Opens the keys where they are locked, and there is a way.
    pub(super) async fn for_sealed(self: &Rc<Self>, store: &DataStore) -> Result<()> {
        if !store.credentials().locked() || !self.by_itself(store) {
            return Ok(());
        }
        self.unlock(store, !store.credentials().were_locked()).await
    }

    /// Opens the keys; with the means that go by themselves where `means` allows it.
    pub(super) async fn unlock(self: &Rc<Self>, store: &DataStore, means: bool) -> Result<()> {
        let waited = self.turn.try_lock().is_none();
        let _turn = self.turn.lock().await;
        if !store.credentials().locked() {
            return Ok(());
        }
        let refused = self.refused.borrow().clone().filter(|_| waited);
        if let Some(error) = refused {
            return Err(error);
        }
        let outcome = self.try_all(store, means).await;
        if outcome.is_ok() {
            self.unlocked(store);
        }
        self.refused.replace(outcome.as_ref().err().cloned());
        outcome
    }

    async fn try_all(&self, store: &DataStore, means: bool) -> Result<()> {
        let credentials = store.credentials();
        let mut missing = None;
        if let Some(means) = self.means.clone().filter(|_| means) {
            let given = means.of(store).await?;
            let Err(error) = credentials.unlock(&given, Begin::WhereNew).await else { return Ok(()) };
            if self.passphrase.is_none()
                || !matches!(error.kind(), ErrorKind::KeyMissing | ErrorKind::AuthenticationFailed)
            {
                return Err(error);
            }
            missing = Some(given);
        }
        let Some(ask) = &self.passphrase else { return Ok(()) };
        asked(store, ask).await?;
        if let Some(given) = missing {
            // What the application unlocks with does so from now on. Where it cannot be added, the passphrase is asked for.
            drop(credentials.add_unlocker(&given, "").await);
        }
        Ok(())
    }
}

async fn asked(store: &DataStore, ask: &Function) -> Result<()> {
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
