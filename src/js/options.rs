//! Options: read once, strictly, before anything happens.

use std::rc::Rc;

use js_sys::{Function, JsString};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::AbortSignal;

use super::convert::{items, names, owned_object, property};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Durability, Key, system};
use crate::platform::{Payload, number_text};
use crate::store::{EntryOptions, Gate, ListOptions};

/// An options object of the caller.
///
/// # Behavior
///
/// - Absent, undefined and null are an object without properties; null is the absence of a property too.
/// - A property of the wrong type is `INVALID_CONFIG`, and names itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options<'a> {
    given: Option<&'a JsValue>,
    known: &'a [&'a str],
}

impl<'a> Options<'a> {
    /// Takes an options object. A property that is not among `known` is refused, since it would silently do nothing.
    pub(super) fn read(value: &'a JsValue, known: &'a [&'a str]) -> Result<Self> {
        if value.is_undefined() || value.is_null() {
            return Ok(Self { given: None, known });
        }
        if !value.is_object() {
            return Err(Error::new(ErrorKind::InvalidConfig, "options are an object"));
        }
        if let Some(unknown) = names(value)?.into_iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Error::new(ErrorKind::InvalidConfig, "there is no such option")
                .with("option", unknown)
                .with("known", known.join(", ")));
        }
        Ok(Self { given: Some(value), known })
    }

    /// Takes the options `known` from among an object's other properties.
    pub(super) fn among(value: &'a JsValue, known: &'a [&'a str]) -> Self {
        Self { given: Some(value), known }
    }

    /// What is given, or undefined.
    pub(super) fn value(&self, name: &'static str) -> Result<JsValue> {
        match self.given {
            Some(given) if self.known.contains(&name) => property(given, name),
            Some(_) | None => Ok(JsValue::UNDEFINED),
        }
    }

    fn typed<T>(
        &self,
        name: &'static str,
        wanted: &'static str,
        read: impl FnOnce(&JsValue) -> Option<T>,
    ) -> Result<Option<T>> {
        let value = self.value(name)?;
        if value.is_undefined() || value.is_null() {
            return Ok(None);
        }
        read(&value).map(Some).ok_or_else(|| wrong(name, wanted))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>> {
        // A text with lone surrogates would be read as another.
        let well_formed = |text: &JsString| text.is_valid_utf16();
        self.typed(name, "a well-formed text", |value| {
            value.dyn_ref().filter(|text| well_formed(text)).map(String::from)
        })
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>> {
        let texts = |value: &JsValue| items(value).ok()?.iter().map(JsValue::as_string).collect();
        self.typed(name, "an array of texts", texts)
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>> {
        self.typed(name, "true or false", JsValue::as_bool)
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<f64>> {
        self.typed(name, "a number", JsValue::as_f64)
    }

    /// A number that counts: whole, and not negative.
    pub(super) fn whole(&self, name: &'static str) -> Result<Option<usize>> {
        match self.number(name)? {
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
                    .with("value", number_text(number)))
            }
        }
    }

    /// A `Date`, as milliseconds.
    pub(super) fn instant(&self, name: &'static str) -> Result<Option<f64>> {
        let value = self.value(name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        match Key::from_js(&value) {
            Ok(Key::Date(ms)) => Ok(Some(ms)),
            _ => Err(Error::new(ErrorKind::InvalidConfig, "the option must be a valid Date").with("option", name)),
        }
    }

    /// An object, as a copy that is ours.
    pub(super) fn object(&self, name: &'static str) -> Result<Option<Payload>> {
        let value = self.value(name)?;
        if value.is_undefined() { Ok(None) } else { owned_object(&value, name).map(Some) }
    }

    /// A function of the caller.
    pub(super) fn function(&self, name: &'static str) -> Result<Option<Function>> {
        let value = self.value(name)?;
        if value.is_undefined() {
            return Ok(None);
        }
        value
            .dyn_into()
            .map(Some)
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "the option must be a function").with("option", name))
    }

    pub(super) fn durability(&self) -> Result<Option<Durability>> {
        match self.text("durability")?.as_deref() {
            None => Ok(None),
            Some("strict") => Ok(Some(Durability::Strict)),
            Some("relaxed") => Ok(Some(Durability::Relaxed)),
            Some(other) => {
                Err(Error::new(ErrorKind::InvalidConfig, "durability is “strict” or “relaxed”").with("value", other))
            }
        }
    }

    /// Whether the call was called off since, if it has a `signal`.
    pub(super) fn aborted(&self) -> Result<Option<Rc<dyn Fn() -> bool>>> {
        let signal = self.value("signal")?;
        if signal.is_undefined() || signal.is_null() {
            return Ok(None);
        }
        let signal: AbortSignal = signal.unchecked_into();
        Ok(Some(Rc::new(move || signal.aborted())))
    }

    /// What lets the writes of a call pass: its `signal`.
    pub(super) fn gate(&self) -> Result<Gate> {
        Ok(self.aborted()?.map_or_else(Gate::default, |aborted| Gate::new(move || aborted())))
    }

    /// Which entries a key-value call is about.
    pub(super) fn target(&self) -> Result<Target> {
        let namespace = self.text("namespace")?.unwrap_or_else(|| system::DEFAULT_NAMESPACE.to_owned());
        Ok(Target { namespace, transaction: self.text("transactionId")? })
    }
}

/// Which entries a key-value call is about: `NamespaceOption`.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) namespace: String,
    /// The transaction that the call takes part in.
    pub(super) transaction: Option<String>,
}

fn wrong(name: &'static str, wanted: &'static str) -> Error {
    Error::new(ErrorKind::InvalidConfig, "an option has a value of the wrong type")
        .with("option", name)
        .with("wanted", wanted)
}

/// Reads the options of a list, and what is to be listed.
pub(super) fn list(value: &JsValue) -> Result<(Target, ListOptions)> {
    let options = Options::read(
        value,
        &["namespace", "transactionId", "signal", "prefix", "pattern", "delimiter", "limit", "offset"],
    )?;
    Ok((options.target()?, list_options(&options)?))
}

/// Reads the options of a list of a collection.
pub(super) fn list_of_collection(value: &JsValue) -> Result<ListOptions> {
    list_options(&Options::read(value, &["signal", "prefix", "pattern", "delimiter", "limit", "offset"])?)
}

/// Reads the options of a list of keys, and what is to be listed.
pub(super) fn keys(value: &JsValue) -> Result<(Target, ListOptions)> {
    let options =
        Options::read(value, &["namespace", "transactionId", "signal", "prefix", "pattern", "limit", "offset"])?;
    Ok((options.target()?, list_options(&options)?))
}

/// Reads the options of a list of a collection's keys.
pub(super) fn keys_of_collection(value: &JsValue) -> Result<ListOptions> {
    list_options(&Options::read(value, &["signal", "prefix", "pattern", "limit", "offset"])?)
}

fn list_options(options: &Options<'_>) -> Result<ListOptions> {
    let (pattern, delimiter) = (options.text("pattern")?, options.text("delimiter")?);
    if delimiter.as_ref().is_some_and(|delimiter| delimiter.is_empty() || pattern.is_some()) {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            "a delimiter is a text that is not empty, and excludes a pattern; give a prefix in its place",
        ));
    }
    Ok(ListOptions {
        prefix: options.text("prefix")?,
        pattern,
        delimiter,
        limit: options.whole("limit")?,
        offset: options.whole("offset")?.unwrap_or(0),
    })
}

/// The options of a write.
#[derive(Debug)]
pub(super) struct WriteOptions {
    pub(super) target: Target,
    pub(super) gate: Gate,
    pub(super) entry: EntryOptions,
    pub(super) atomic: bool,
    pub(super) on_progress: Option<Function>,
}

/// What an entry may ask for.
pub(super) const ENTRY: &[&str] = &["metadata", "tags", "expiration", "ttl", "overwrite", "ifVersion", "encrypt"];
/// What a call that writes one entry may ask for besides.
pub(super) const SET: &[&str] = &[
    "metadata",
    "tags",
    "expiration",
    "ttl",
    "overwrite",
    "ifVersion",
    "encrypt",
    "namespace",
    "transactionId",
    "signal",
    "durability",
];
/// What a call that writes many records of one collection may ask for.
pub(super) const PUT_MANY: &[&str] = &[
    "metadata",
    "tags",
    "expiration",
    "ttl",
    "overwrite",
    "ifVersion",
    "encrypt",
    "signal",
    "durability",
    "atomic",
    "onProgress",
];
/// What a call that writes many may ask for.
pub(super) const SET_MANY: &[&str] = &[
    "metadata",
    "tags",
    "expiration",
    "ttl",
    "overwrite",
    "ifVersion",
    "encrypt",
    "namespace",
    "transactionId",
    "signal",
    "durability",
    "atomic",
    "onProgress",
];

impl WriteOptions {
    /// Reads the options of a write; `known` says which there are.
    pub(super) fn parse(value: &JsValue, known: &[&str]) -> Result<Self> {
        let options = Options::read(value, known)?;
        Ok(Self {
            target: options.target()?,
            gate: options.gate()?,
            entry: entry_options(&options)?,
            atomic: options.flag("atomic")?.unwrap_or(true),
            on_progress: options.function("onProgress")?,
        })
    }
}

/// Reads what an entry asks for.
pub(super) fn entry_options(options: &Options<'_>) -> Result<EntryOptions> {
    Ok(EntryOptions {
        metadata: options.object("metadata")?,
        tags: options.texts("tags")?,
        expiration: options.instant("expiration")?,
        ttl: options.number("ttl")?,
        keep_existing: options.flag("overwrite")? == Some(false),
        if_version: options.whole("ifVersion")?.map(|version| version as u64),
        encrypt: options.flag("encrypt")?,
        durability: options.durability()?,
    })
}
