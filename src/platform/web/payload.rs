//! A payload in the browser: the JavaScript value itself.

use js_sys::{Array, Date, Uint8Array};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use super::super::Plaintext;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Fields, Key, Scalar};

#[wasm_bindgen(module = "/src/platform/web/value.js")]
extern "C" {
    #[wasm_bindgen(js_name = field, catch)]
    fn own_field(value: &JsValue, name: &str) -> core::result::Result<JsValue, JsValue>;
    fn weight(value: &JsValue) -> f64;
    fn merged(base: &JsValue, changes: &JsValue) -> JsValue;
    #[wasm_bindgen(catch)]
    fn detached(value: &JsValue) -> core::result::Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn kind(value: &JsValue) -> core::result::Result<char, JsValue>;
    #[wasm_bindgen(catch)]
    fn bytes(value: &JsValue) -> core::result::Result<Uint8Array, JsValue>;
    #[wasm_bindgen(catch)]
    fn time(value: &JsValue) -> core::result::Result<f64, JsValue>;
    #[wasm_bindgen(catch)]
    fn elements(value: &JsValue, dense: bool) -> core::result::Result<Array, JsValue>;
    #[wasm_bindgen(catch, js_name = items)]
    fn items_of(value: &JsValue) -> core::result::Result<Array, JsValue>;
    #[wasm_bindgen(catch, js_name = names)]
    fn names_of(value: &JsValue) -> core::result::Result<Array, JsValue>;
    /// What a thrown value says of itself, whatever it is; running as little of it as possible.
    pub(crate) fn said(thrown: &JsValue) -> String;
    #[wasm_bindgen(catch)]
    fn encode(value: &JsValue) -> core::result::Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn decode(text: &str) -> core::result::Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn pack(value: &JsValue, large: usize) -> core::result::Result<JsValue, JsValue>;
    #[wasm_bindgen(catch)]
    fn unpack(bytes: &Uint8Array) -> core::result::Result<JsValue, JsValue>;
}

/// Many bytes in the clear, which stay outside of Rust's memory.
#[derive(Debug)]
pub struct Large(Uint8Array);

impl Large {
    /// The bytes, as JavaScript has them.
    #[must_use]
    pub const fn as_js(&self) -> &Uint8Array {
        &self.0
    }

    /// A copy of them.
    #[must_use]
    pub fn to_vec(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_vec())
    }
}

impl From<Uint8Array> for Large {
    fn from(bytes: Uint8Array) -> Self {
        Self(bytes)
    }
}

/// An application's value, opaque to everything that only stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload(JsValue);

impl Payload {
    /// The value that is not there.
    #[must_use]
    pub fn undefined() -> Self {
        Self(JsValue::UNDEFINED)
    }

    /// Reads the value encoding.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where the text is not in it.
    pub fn from_wire(text: &str) -> Result<Self> {
        decode(text).map(Self).map_err(|thrown| not_encoded(&thrown))
    }

    /// Writes the value encoding: JSON, with what JSON lacks as tagged objects.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` for what has no encoded form.
    pub fn to_wire(&self) -> Result<String> {
        encode(&self.0).map_err(|thrown| no_encoding(&thrown))
    }

    /// Writes the encoding of what is sealed; from `large` bytes on, to be sealed by Web Crypto.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` for what has no encoded form.
    pub fn to_plaintext(&self, large: usize) -> Result<Plaintext> {
        let packed = pack(&self.0, large).map_err(|thrown| no_encoding(&thrown))?;
        if let Some(text) = packed.as_string() {
            return Ok(Plaintext::Small(Zeroizing::new(text.into_bytes())));
        }
        let bytes: Uint8Array = packed.unchecked_into();
        Ok(if (bytes.length() as usize) < large {
            Plaintext::Small(Zeroizing::new(bytes.to_vec()))
        } else {
            Plaintext::Large(Large(bytes))
        })
    }

    /// Reads the encoding of what is sealed.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where the bytes are not in it.
    pub fn from_plaintext(bytes: &[u8]) -> Result<Self> {
        match core::str::from_utf8(bytes) {
            Ok(text) if !text.starts_with('\u{1}') => Self::from_wire(text),
            _ => unpack(&Uint8Array::from(bytes)).map(Self).map_err(|thrown| not_encoded(&thrown)),
        }
    }

    /// Reads the encoding of what was opened by Web Crypto.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where the bytes are not in it.
    pub fn from_large(bytes: &Large) -> Result<Self> {
        unpack(&bytes.0).map(Self).map_err(|thrown| not_encoded(&thrown))
    }

    /// The value of some bytes.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self(Uint8Array::from(bytes).buffer().into())
    }

    /// The bytes, where the value is some.
    #[must_use]
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        if self.kind() == 'b' { bytes(&self.0).ok().map(|bytes| bytes.to_vec()) } else { None }
    }

    /// What it takes in memory, about; more than anything may take where that is not found out soon. Bytes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at the most")]
    pub fn weight(&self) -> usize {
        weight(&self.0) as usize
    }

    /// The text that the value is, or that the number is which it is; lone surrogates become U+FFFD.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        self.0.as_string().or_else(|| self.0.as_f64().map(super::number_text))
    }

    /// A copy that shares nothing.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` for what cannot be cloned.
    pub fn detached(&self) -> Result<Self> {
        detached(&self.0).map(Self).map_err(|thrown| {
            Error::new(
                ErrorKind::InvalidValue,
                "the value cannot be stored; functions, symbols and handles have no copy",
            )
            .caused_by(said(&thrown))
        })
    }

    /// This object with the properties of `changes` set over it.
    #[must_use]
    pub fn merged_with(&self, changes: &Self) -> Self {
        Self(merged(&self.0, &changes.0))
    }

    /// The JavaScript value.
    #[must_use]
    pub const fn as_js(&self) -> &JsValue {
        &self.0
    }

    /// The JavaScript value.
    #[must_use]
    pub fn into_js(self) -> JsValue {
        self.0
    }

    /// What kind of thing this is, by the letters of `value.js`; `-` where looking threw.
    fn kind(&self) -> char {
        kind(&self.0).unwrap_or('-')
    }
}

fn not_encoded(thrown: &JsValue) -> Error {
    Error::new(ErrorKind::SerializationError, "not an encoded value").caused_by(said(thrown))
}

fn no_encoding(thrown: &JsValue) -> Error {
    Error::new(ErrorKind::SerializationError, "the value cannot be sealed or sent").caused_by(said(thrown))
}

impl From<JsValue> for Payload {
    fn from(value: JsValue) -> Self {
        Self(value)
    }
}

impl Key {
    /// Reads a JavaScript value as a key.
    ///
    /// # Errors
    ///
    /// `INVALID_KEY` for what IndexedDB does not take as a key, and for text with lone surrogates.
    pub fn from_js(value: &JsValue) -> Result<Self> {
        key(value, 0).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidKey,
                "a key is a string, a number, a Date, bytes, or an array of such; not NaN, null, a boolean or an object",
            )
            .with("type", value.js_typeof().as_string().unwrap_or_default())
        })
    }

    /// The key as IndexedDB takes it.
    #[must_use]
    pub fn to_js(&self) -> JsValue {
        match self {
            Self::Number(number) => JsValue::from_f64(*number),
            Self::Date(ms) => Date::new(&JsValue::from_f64(*ms)).into(),
            Self::String(text) => JsValue::from_str(text),
            Self::Binary(bytes) => buffer(bytes),
            Self::Array(items) => items.iter().map(Self::to_js).collect::<Array>().into(),
        }
    }
}

/// The bytes as a buffer of their own.
fn buffer(bytes: &[u8]) -> JsValue {
    let buffer = Uint8Array::from(bytes).buffer();
    if bytes.is_empty() {
        // Before Node 21 a buffer does not say whether it is detached, and fake-indexeddb takes an empty one for it.
        // Elsewhere the property is there and cannot be set, which does no harm.
        let _ = js_sys::Reflect::set(&buffer, &"detached".into(), &JsValue::FALSE);
    }
    buffer.into()
}

/// Deeper arrays than this are no keys; it also ends cycles.
const MAX_KEY_DEPTH: usize = 32;

fn key(value: &JsValue, depth: usize) -> Option<Key> {
    match kind(value).ok()? {
        'n' => value.as_f64().map(Key::Number),
        'd' => time(value).ok().map(Key::Date),
        's' => value.as_string().map(Key::String),
        'b' => bytes(value).ok().map(|bytes| Key::Binary(bytes.to_vec())),
        'a' if depth < MAX_KEY_DEPTH => elements(value, true)
            .ok()?
            .iter()
            .map(|item| key(&item, depth + 1))
            .collect::<Option<Vec<_>>>()
            .map(Key::Array),
        _ => None,
    }
}

impl Fields for Payload {
    fn field(&self, name: &str) -> Option<Self> {
        own_field(&self.0, name).ok().filter(|value| !value.is_undefined()).map(Self)
    }

    fn scalar(&self) -> Scalar {
        match self.kind() {
            'u' => Scalar::Missing,
            '0' => Scalar::Null,
            't' => Scalar::Boolean(true),
            'f' => Scalar::Boolean(false),
            '-' => Scalar::Other,
            _ => key(&self.0, 0).map_or(Scalar::Other, Scalar::Key),
        }
    }

    fn elements(&self) -> Option<Vec<Self>> {
        if self.kind() != 'a' {
            return None;
        }
        elements(&self.0, false).ok().map(|elements| elements.iter().map(Self).collect())
    }
}

/// Whether a value of the caller is an array; a proxy that was revoked is none.
pub(crate) fn is_array(value: &JsValue) -> bool {
    matches!(kind(value), Ok('a'))
}

/// The items of an iterable of the caller, each read once.
///
/// # Errors
///
/// What iterating threw.
pub(crate) fn items(value: &JsValue) -> core::result::Result<Vec<JsValue>, JsValue> {
    items_of(value).map(|items| items.to_vec())
}

/// The names of the own properties of an object of the caller.
///
/// # Errors
///
/// What looking threw.
pub(crate) fn names(value: &JsValue) -> core::result::Result<Vec<String>, JsValue> {
    names_of(value).map(|names| names.iter().filter_map(|name| name.as_string()).collect())
}
