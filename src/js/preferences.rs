//! What is to be sealed, as the user says: from JavaScript, and to it.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::convert::{names, object, property, strings};
use super::credentials::Credentials;
use super::options::Options;
use super::promise;
use super::rotation::tell_tabs;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Preferences;

#[wasm_bindgen]
impl Credentials {
    /// What is to be sealed, as it was said last.
    pub fn preferences(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.preferences", || Ok(async move { Ok(told(&shared.store.credentials().preferences())) }))
    }

    /// Says what is to be sealed from now on, in every tab.
    #[wasm_bindgen(js_name = setPreferences)]
    pub fn set_preferences(&self, preferences: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("credentials.setPreferences", || {
            let preferences = read(preferences)?;
            Ok(async move {
                shared.store.credentials().set_preferences(preferences).await?;
                tell_tabs(&shared);
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

fn read(given: &JsValue) -> Result<Preferences> {
    let options = Options::read(given, &["default", "stores", "sensitive"])?;
    let stores = options.value("stores")?;
    let mut preferences = Preferences {
        all: options.flag("default")?.unwrap_or(false),
        sensitive: options.texts("sensitive")?,
        ..Preferences::default()
    };
    if stores.is_undefined() {
        return Ok(preferences);
    }
    let wrong = || Error::new(ErrorKind::InvalidConfig, "“stores” is an object of names, each true or false");
    if !stores.is_object() {
        return Err(wrong());
    }
    for name in names(&stores)? {
        match property(&stores, &name)?.as_bool() {
            Some(true) => preferences.sealed.push(name),
            Some(false) => preferences.clear.push(name),
            None => return Err(wrong().with("store", name)),
        }
    }
    Ok(preferences)
}

fn told(preferences: &Preferences) -> JsValue {
    let Preferences { all, sealed, clear, sensitive } = preferences;
    let stores = js_sys::Object::new();
    for (name, seals) in sealed.iter().map(|name| (name, true)).chain(clear.iter().map(|name| (name, false))) {
        let _ = js_sys::Reflect::set(&stores, &name.into(), &seals.into());
    }
    let patterns = sensitive.as_ref().map_or(JsValue::UNDEFINED, |list| strings(list.iter().map(String::as_str)));
    object([("default", (*all).into()), ("stores", stores.into()), ("sensitive", patterns)])
}
