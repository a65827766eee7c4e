//! Options: read once, strictly, before anything happens.

use js_sys::{Date, Function};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

use super::convert::{names, owned_object, property};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Durability, system};
use crate::platform::said;
use crate::store::{EntryOptions, ListOptions};

/// Reads an options object. Absent is the default; a property that is not among `known` is refused, since it would
/// silently do nothing.
pub(super) fn parse<T: DeserializeOwned + Default>(value: &JsValue, known: &[&str]) -> Result<T> {
    if value.is_undefined() || value.is_null() {
        return Ok(T::default());
    }
    if !value.is_object() {
        return Err(Error::new(ErrorKind::InvalidConfig, "options are an object"));
    }
    if let Some(unknown) = names(value).into_iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::new(ErrorKind::InvalidConfig, "there is no such option")
            .with("option", unknown)
            .with("known", known.join(", ")));
    }
    serde_wasm_bindgen::from_value(value.clone()).map_err(|error| {
        Error::new(ErrorKind::InvalidConfig, "an option has a value of the wrong type").caused_by(said(&error.into()))
    })
}

/// A number that counts: whole, and not negative.
pub(super) fn whole(name: &'static str, number: Option<f64>) -> Result<Option<usize>> {
    match number {
        None => Ok(None),
        Some(number) if number >= 0.0 && number.fract() == 0.0 && number <= 9_007_199_254_740_991.0 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked; saturates at the most"
            )]
            let count = number as usize;
            Ok(Some(count))
        }
        Some(number) => {
            Err(Error::new(ErrorKind::InvalidConfig, "the option must be a whole number that is not negative")
                .with("option", name)
                .with("value", number))
        }
    }
}

/// A `Date`, as milliseconds.
pub(super) fn instant(name: &'static str, value: &JsValue) -> Result<Option<f64>> {
    if value.is_undefined() {
        return Ok(None);
    }
    let refuse = || Error::new(ErrorKind::InvalidConfig, "the option must be a valid Date").with("option", name);
    let ms = value.dyn_ref::<Date>().ok_or_else(refuse)?.get_time();
    if ms.is_nan() { Err(refuse()) } else { Ok(Some(ms)) }
}

pub(super) fn durability(text: Option<&str>) -> Result<Option<Durability>> {
    match text {
        None => Ok(None),
        Some("strict") => Ok(Some(Durability::Strict)),
        Some("relaxed") => Ok(Some(Durability::Relaxed)),
        Some(other) => {
            Err(Error::new(ErrorKind::InvalidConfig, "durability is “strict” or “relaxed”").with("value", other))
        }
    }
}

/// The options of a call that takes a namespace and little else.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReadOptions {
    pub(super) namespace: Option<String>,
    pub(super) include_metadata: Option<bool>,
    pub(super) required: Option<bool>,
    pub(super) merge: Option<bool>,
    pub(super) recursive: Option<bool>,
    pub(super) include_credentials: Option<bool>,
}

/// The namespace of a call.
pub(super) fn namespace(namespace: Option<&str>) -> &str {
    namespace.unwrap_or(system::DEFAULT_NAMESPACE)
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawList {
    prefix: Option<String>,
    pattern: Option<String>,
    limit: Option<f64>,
    offset: Option<f64>,
    namespace: Option<String>,
}

/// Reads the options of a list, and its namespace.
pub(super) fn list(value: &JsValue) -> Result<(Option<String>, ListOptions)> {
    let raw: RawList = parse(value, &["namespace", "prefix", "pattern", "limit", "offset"])?;
    let options = ListOptions {
        prefix: raw.prefix,
        pattern: raw.pattern,
        limit: whole("limit", raw.limit)?,
        offset: whole("offset", raw.offset)?.unwrap_or(0),
    };
    Ok((raw.namespace, options))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawWrite {
    namespace: Option<String>,
    tags: Option<Vec<String>>,
    ttl: Option<f64>,
    overwrite: Option<bool>,
    if_version: Option<f64>,
    durability: Option<String>,
    atomic: Option<bool>,
}

/// Reads the options of a list of a collection.
pub(super) fn list_of_collection(value: &JsValue) -> Result<ListOptions> {
    let (namespace, options) = list(value)?;
    match namespace {
        None => Ok(options),
        Some(_) => {
            Err(Error::new(ErrorKind::InvalidConfig, "a collection is a namespace already").with("option", "namespace"))
        }
    }
}

/// Reads what one entry of many asks for, from among its other properties.
pub(super) fn entry_of(value: &JsValue, known: &[&str]) -> Result<EntryOptions> {
    let given = js_sys::Object::new();
    for name in known {
        let option = property(value, name)?;
        if !option.is_undefined() {
            // Setting a property of a fresh object cannot fail.
            let _ = js_sys::Reflect::set(&given, &JsValue::from_str(name), &option);
        }
    }
    Ok(WriteOptions::parse(&given, known)?.entry)
}

/// The options of a write.
#[derive(Debug, Default)]
pub(super) struct WriteOptions {
    pub(super) namespace: Option<String>,
    pub(super) entry: EntryOptions,
    pub(super) atomic: bool,
    pub(super) on_progress: Option<Function>,
}

/// What an entry may ask for.
pub(super) const ENTRY: &[&str] = &["metadata", "tags", "expiration", "ttl", "overwrite", "ifVersion"];
/// What a call that writes one entry may ask for besides.
pub(super) const SET: &[&str] =
    &["metadata", "tags", "expiration", "ttl", "overwrite", "ifVersion", "namespace", "durability"];
/// What a call that writes many may ask for.
pub(super) const SET_MANY: &[&str] = &[
    "metadata",
    "tags",
    "expiration",
    "ttl",
    "overwrite",
    "ifVersion",
    "namespace",
    "durability",
    "atomic",
    "onProgress",
];

impl WriteOptions {
    /// Reads the options of a write; `known` says which there are.
    pub(super) fn parse(value: &JsValue, known: &[&str]) -> Result<Self> {
        if value.is_undefined() {
            return Ok(Self { atomic: true, ..Self::default() });
        }
        let raw: RawWrite = parse(value, known)?;
        let optional =
            |name: &'static str| if known.contains(&name) { property(value, name) } else { Ok(JsValue::UNDEFINED) };
        let metadata = optional("metadata")?;
        let on_progress = optional("onProgress")?;
        Ok(Self {
            namespace: raw.namespace,
            entry: EntryOptions {
                metadata: if metadata.is_undefined() { None } else { Some(owned_object(&metadata, "metadata")?) },
                tags: raw.tags,
                expiration: instant("expiration", &optional("expiration")?)?,
                ttl: raw.ttl,
                keep_existing: raw.overwrite == Some(false),
                if_version: whole("ifVersion", raw.if_version)?.map(|version| version as u64),
                durability: durability(raw.durability.as_deref())?,
            },
            atomic: raw.atomic.unwrap_or(true),
            on_progress: if on_progress.is_undefined() { None } else { Some(function("onProgress", on_progress)?) },
        })
    }
}

/// A function of the caller.
pub(super) fn function(name: &'static str, value: JsValue) -> Result<Function> {
    value
        .dyn_into()
        .map_err(|_| Error::new(ErrorKind::InvalidConfig, "the option must be a function").with("option", name))
}
