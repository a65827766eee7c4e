//! `Credentials`: sealed secrets.

use std::rc::Rc;

use js_sys::{Array, Date, Promise};
use wasm_bindgen::prelude::*;

use super::convert::{item, maybe, object, owned, text, write_result};
use super::options::{Options, WriteOptions};
use super::promise;
use super::store::Shared;
use super::unlock::passphrase;
use super::unlockers::{MEANS, Means};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Begin, LockReason, UnlockerInfo};

/// The secrets of a store.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Credentials(pub(super) Rc<Shared>);

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
            let known = [MEANS.as_slice(), &["signal", "anew"]].concat();
            let options = Options::read(options, &known)?;
            let given = Means::read(&options)?;
            let begin = if options.flag("anew")? == Some(true) { Begin::Anew } else { Begin::WhereNew };
            Ok(async move {
                shared.catch_up().await;
                match given {
                    Some(given) => {
                        let given = given.of(&shared.store).await?;
                        shared.store.credentials().unlock(&given, begin).await?;
                    }
                    None if shared.asking.can_ask() => shared.asking.unlock(&shared.store, true).await?,
                    None => return Err(no_passphrase()),
                }
                shared.asking.unlocked(&shared.store);
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// What unlocks the store. Opens nothing.
    pub fn unlockers(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.unlockers", || {
            Ok(async move {
                let found = shared.store.credentials().unlockers().await?;
                Ok(found.iter().map(unlocker).collect::<Array>().into())
            })
        })
    }

    /// Adds an unlocker; resolves with its id.
    #[wasm_bindgen(js_name = addUnlocker)]
    pub fn add_unlocker(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.addUnlocker", || {
            let known = [MEANS.as_slice(), &["signal", "label"]].concat();
            let options = Options::read(options, &known)?;
            let label = options.text("label")?.unwrap_or_default();
            let Some(means) = Means::read(&options)? else {
                return Err(Error::new(ErrorKind::InvalidConfig, "say what is to unlock the store")
                    .with("known", MEANS.join(", ")));
            };
            Ok(async move {
                shared.keys_ready().await?;
                let means = means.of(&shared.store).await?;
                let id = shared.store.credentials().add_unlocker(&means, &label).await?;
                Ok(JsValue::from_str(&id))
            })
        })
    }

    /// Removes an unlocker.
    #[wasm_bindgen(js_name = removeUnlocker)]
    pub fn remove_unlocker(&self, id: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.removeUnlocker", || {
            let id = text(id, ErrorKind::NotFound, "an unlocker is named by the text that `unlockers()` gives")?;
            Ok(async move {
                shared.keys_ready().await?;
                shared.store.credentials().remove_unlocker(&id).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Puts another passphrase in the place of the one that opened the store.
    #[wasm_bindgen(js_name = changePassphrase)]
    pub fn change_passphrase(&self, next: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.changePassphrase", || {
            let next = Means::Passphrase(passphrase(next)?);
            Ok(async move {
                shared.keys_ready().await?;
                let next = next.of(&shared.store).await?;
                shared.store.credentials().change_passphrase(&next).await?;
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
    pub fn set(&self, service: &JsValue, secret: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.set", || {
            let service = service_name(service)?;
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
    pub fn get(&self, service: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.get", || {
            let service = service_name(service)?;
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
    pub fn has(&self, service: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.has", || {
            let service = service_name(service)?;
            Ok(async move { Ok(JsValue::from_bool(shared.store.credentials().has(&service).await?)) })
        })
    }

    /// Deletes a secret; resolves whether it was there.
    pub fn delete(&self, service: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.delete", || {
            let service = service_name(service)?;
            Ok(async move { Ok(JsValue::from_bool(shared.store.credentials().delete(&service).await?)) })
        })
    }
}

/// An unlocker as it is listed.
pub(super) fn unlocker(unlocker: &UnlockerInfo) -> JsValue {
    object([
        ("id", JsValue::from_str(&unlocker.id)),
        ("kind", JsValue::from_str(unlocker.kind)),
        ("label", maybe(unlocker.label.as_deref(), JsValue::from_str)),
        ("created", Date::new(&JsValue::from_f64(unlocker.created)).into()),
        ("here", JsValue::from_bool(unlocker.here)),
    ])
}

fn no_passphrase() -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        "give the passphrase: unlock({ passphrase }), or a way to ask for it: createStorage({ encryption: { passphrase } })",
    )
    .during("unlock")
}

fn service_name(given: &JsValue) -> Result<String> {
    text(given, ErrorKind::InvalidKey, "a service is named by a text")
}
