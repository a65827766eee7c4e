//! Values in, values out.

use js_sys::{Array, Date, Map, Object, Reflect};
use wasm_bindgen::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::model::{Acknowledged, Key, Meta};
use crate::platform::{self, Payload};
use crate::store::{Entry, Folder, Item, WriteResult};

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    fn written(given: Array, keys: Array, versions: &[f64], modified: &[f64], durability: &str) -> JsValue;
}

/// An object of some properties; undefined ones are left out.
pub(super) fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = Object::new();
    for (name, value) in properties {
        if !value.is_undefined() {
            // Setting a property of a fresh object cannot fail.
            let _ = Reflect::set(&object, &JsValue::from_str(name), &value);
        }
    }
    object.into()
}

/// The value of the caller, as a copy that is ours.
pub(super) fn owned(value: &JsValue) -> Result<Payload> {
    Payload::from(value.clone()).detached()
}

/// An object of the caller, as a copy that is ours.
pub(super) fn owned_object(value: &JsValue, name: &'static str) -> Result<Payload> {
    if !value.is_object() || platform::is_array(value) {
        return Err(Error::new(ErrorKind::InvalidConfig, "the option must be an object").with("option", name));
    }
    owned(value)
}

/// The keys that some values of the caller are.
pub(super) fn keys(given: &[JsValue]) -> Result<Vec<Key>> {
    given.iter().map(Key::from_js).collect()
}

/// The items of an iterable of the caller.
pub(super) fn items(value: &JsValue) -> Result<Vec<JsValue>> {
    if !value.is_object() {
        return Err(Error::new(ErrorKind::InvalidValue, "an array or another iterable is wanted here"));
    }
    platform::items(value).map_err(|thrown| {
        Error::new(ErrorKind::InvalidValue, "the value is no array nor another iterable, or iterating over it failed")
            .caused_by(platform::said(&thrown))
    })
}

pub(super) fn date(ms: f64) -> JsValue {
    Date::new(&JsValue::from_f64(ms)).into()
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
pub(super) fn number(count: u64) -> JsValue {
    JsValue::from_f64(count as f64)
}

/// A text that a call takes; an error of this kind where it is something else.
pub(super) fn text(given: &JsValue, kind: ErrorKind, message: &'static str) -> Result<String> {
    given.as_string().ok_or_else(|| Error::new(kind, message))
}

pub(super) fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> JsValue {
    let texts: Vec<&str> = texts.into_iter().collect();
    // Texts have no form that JavaScript lacks.
    serde_wasm_bindgen::to_value(&texts).unwrap_or_default()
}

pub(super) fn maybe<T>(value: Option<T>, convert: impl FnOnce(T) -> JsValue) -> JsValue {
    value.map_or(JsValue::UNDEFINED, convert)
}

/// A `Map` from the caller's own keys.
pub(super) fn map(entries: impl IntoIterator<Item = (JsValue, JsValue)>) -> JsValue {
    let map = Map::new();
    for (key, value) in entries {
        map.set(&key, &value);
    }
    map.into()
}

/// A `WriteResult`.
pub(super) fn write_result(result: &WriteResult) -> JsValue {
    object([
        ("key", result.key.to_js()),
        ("version", number(result.version)),
        ("modified", date(result.modified)),
        ("durability", JsValue::from_str(durability(result.durability))),
    ])
}

/// A `WriteOutcome`.
pub(super) fn outcome(outcome: &Result<WriteResult>) -> JsValue {
    match outcome {
        Ok(result) => {
            let value = write_result(result);
            let _ = Reflect::set(&value, &"success".into(), &JsValue::TRUE);
            value
        }
        Err(error) => object([("success", JsValue::FALSE), ("error", super::error::to_js(error))]),
    }
}

/// A `Map` of `WriteOutcome`s of one commit, under the caller's own keys.
#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
pub(super) fn outcomes_of(given: Vec<JsValue>, results: &[WriteResult]) -> JsValue {
    let versions: Vec<f64> = results.iter().map(|result| result.version as f64).collect();
    let modified: Vec<f64> = results.iter().map(|result| result.modified).collect();
    let durability = results.first().map_or("", |result| durability(result.durability));
    // What is no object is the same value again.
    let own =
        |(given, result): (&JsValue, &WriteResult)| if given.is_object() { result.key.to_js() } else { given.clone() };
    let keys = given.iter().zip(results).map(own).collect();
    written(given.into_iter().collect(), keys, &versions, &modified, durability)
}

pub(super) const fn durability(durability: Acknowledged) -> &'static str {
    match durability {
        Acknowledged::Strict => "strict",
        Acknowledged::Relaxed => "relaxed",
        Acknowledged::Memory => "memory",
    }
}

/// An `Item`.
pub(super) fn item(item: &Item) -> JsValue {
    object([
        ("key", item.key.to_js()),
        ("version", number(item.version)),
        ("created", date(item.created)),
        ("modified", date(item.modified)),
        ("tags", strings(item.tags.iter().map(String::as_str))),
        ("metadata", metadata(item.metadata.as_ref())),
        ("expires", maybe(item.expires, date)),
        ("encrypted", JsValue::from_bool(item.encrypted)),
    ])
}

/// A list of `Item`s; what has folders in it, with these.
pub(super) fn folder(folder: &Folder) -> JsValue {
    let items: Array = folder.items.iter().map(item).collect();
    if let Some(folders) = &folder.folders {
        let _ = Reflect::set(&items, &"folders".into(), &strings(folders.iter().map(String::as_str)));
    }
    items.into()
}

/// A value with what the system keeps of it.
pub(super) fn entry(entry: Entry) -> JsValue {
    let Meta { version, created, modified, expires, tags, metadata: kept, .. } = entry.meta;
    object([
        ("value", entry.value.into_js()),
        ("version", number(version)),
        ("created", date(created)),
        ("modified", date(modified)),
        ("tags", strings(tags.iter().map(String::as_str))),
        ("metadata", metadata(kept.as_ref())),
        ("expires", maybe(expires, date)),
    ])
}

/// A `QueryResult`.
pub(super) fn query_result(entry: Entry) -> JsValue {
    object([
        ("key", entry.key.to_js()),
        ("value", entry.value.into_js()),
        ("metadata", metadata(entry.meta.metadata.as_ref())),
    ])
}

pub(super) fn metadata(metadata: Option<&Payload>) -> JsValue {
    maybe(metadata, |metadata| metadata.as_js().clone())
}

/// A property of an object of the caller; getters that throw are told.
pub(super) fn property(value: &JsValue, name: &str) -> Result<JsValue> {
    Reflect::get(value, &JsValue::from_str(name)).map_err(|thrown| {
        Error::new(ErrorKind::InvalidValue, "reading a property failed")
            .with("property", name)
            .caused_by(platform::said(&thrown))
    })
}

/// The names of an object's own properties.
pub(super) fn names(value: &JsValue) -> Result<Vec<String>> {
    platform::names(value).map_err(|thrown| {
        Error::new(ErrorKind::InvalidValue, "listing the properties of an object failed")
            .caused_by(platform::said(&thrown))
    })
}
