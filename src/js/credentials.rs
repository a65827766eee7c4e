//! `Credentials`: sealed secrets.

use std::rc::Rc;

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use super::convert::{item, owned, write_result};
use super::options::{Options, WriteOptions};
use super::passkey::Passkeys;
use super::promise;
use super::store::Shared;
use super::unlock::passphrase;
use crate::error::{Error, ErrorKind};
use crate::store::{self, Begin, LockReason};

/// The secrets of a store.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Credentials(Rc<Shared>);

impl Credentials {
    pub(super) fn of(shared: &Rc<Shared>) -> Self {
        Self(Rc::clone(shared))
    }
}

#[wasm_bindgen]
impl Credentials {
    /// Whether no key is open.
    #[wasm_bindgen(getter)]
    pub fn locked(&self) -> bool {
        self.0.store.credentials().locked()
    }

    /// Opens the keys, or makes the first one.
    pub fn unlock(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.unlock", || {
            let options = Options::read(options, &["passphrase", "passkey", "signal"])?;
            let (given, passkey, signal) =
                (options.value("passphrase")?, options.value("passkey")?, options.value("signal")?);
            if !given.is_undefined() && !passkey.is_undefined() {
                return Err(Error::new(ErrorKind::InvalidConfig, "give one unlocker: a passphrase or a passkey"));
            }
            let given = if given.is_undefined() { None } else { Some(passphrase(&given)?) };
            Ok(async move {
                shared.catch_up().await;
                let credentials = shared.store.credentials();
                match given {
                    None if !passkey.is_undefined() => {
                        let passkeys = Passkeys::new(&credentials.methods().await?, passkey, signal);
                        credentials.unlock(&passkeys, Begin::WhereNew).await?;
                    }
                    Some(given) => {
                        credentials.unlock(&store::passphrase(&given), Begin::WhereNew).await?;
                    }
                    None if shared.asking.can_ask() => shared.asking.for_sealed(&shared.store, true).await?,
                    None => return Err(no_passphrase()),
                }
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Forgets every key, in every tab and worker.
    pub fn lock(&self) {
        if let Some(surroundings) = &*self.0.surroundings.borrow() {
            surroundings.lock();
        }
        self.0.store.credentials().lock(LockReason::Call);
    }

    /// Seals a secret.
    pub fn set(&self, service: String, secret: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.set", || {
            let options = WriteOptions::parse(options, &["metadata", "expiration"])?;
            let secret = owned(secret)?;
            if secret.as_js().is_undefined() || secret.as_js().is_null() {
                return Err(Error::new(
                    ErrorKind::InvalidValue,
                    "a secret is text, bytes or an object; to remove it, use delete",
                ));
            }
            Ok(async move {
                shared.keys_ready().await?;
                Ok(write_result(&shared.store.credentials().set(&service, secret, &options.entry).await?))
            })
        })
    }

    /// Opens a secret; undefined where there is none.
    pub fn get(&self, service: String) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.get", || {
            Ok(async move {
                shared.keys_ready().await?;
                let secret = shared.store.credentials().get(&service).await?;
                Ok(secret.map_or(JsValue::UNDEFINED, crate::platform::Payload::into_js))
            })
        })
    }

    /// Names and times. Opens nothing.
    pub fn list(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.list", || {
            Ok(async move { Ok(shared.store.credentials().list().await?.iter().map(item).collect::<Array>().into()) })
        })
    }

    /// Whether there is a secret. Opens nothing.
    pub fn has(&self, service: String) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.has", || {
            Ok(async move { Ok(JsValue::from_bool(shared.store.credentials().has(&service).await?)) })
        })
    }

    /// Deletes a secret; resolves whether it was there.
    pub fn delete(&self, service: String) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.delete", || {
            Ok(async move { Ok(JsValue::from_bool(shared.store.credentials().delete(&service).await?)) })
        })
    }
}

fn no_passphrase() -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "give the passphrase: unlock({ passphrase }), or a way to ask for it: createStorage({ encryption: { passphrase } })",
    )
    .during("unlock")
}
