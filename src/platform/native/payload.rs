//! A payload outside the browser: the value encoding of `docs/formats.md`, parsed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::super::Plaintext;
use super::packed::{pack, unpack};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Fields, Key, Scalar};

/// Many bytes in the clear.
#[derive(Debug)]
pub struct Large(Zeroizing<Vec<u8>>);

impl Large {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// A copy of them.
    #[must_use]
    pub fn to_vec(&self) -> Zeroizing<Vec<u8>> {
        self.0.clone()
    }
}

impl From<Vec<u8>> for Large {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

/// An application's value, opaque to everything that only stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload(Value);

impl Payload {
    /// The value that is not there.
    #[must_use]
    pub fn undefined() -> Self {
        Self(json!({ "$": "undefined" }))
    }

    /// Reads the value encoding.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where the text is not in it.
    pub fn from_wire(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|error| Error::new(ErrorKind::SerializationError, "not an encoded value").caused_by(error))
    }

    /// Writes the value encoding: JSON, with what JSON lacks as tagged objects.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` for what has no encoded form.
    pub fn to_wire(&self) -> Result<String> {
        serde_json::to_string(&self.0).map_err(|error| {
            Error::new(ErrorKind::SerializationError, "the value has no encoded form").caused_by(error)
        })
    }

    /// Writes the encoding of what is sealed; from `large` bytes on, to be sealed by Web Crypto.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` for what has no encoded form.
    pub fn to_plaintext(&self, large: usize) -> Result<Plaintext> {
        let bytes = pack(&self.0);
        Ok(if bytes.len() < large { Plaintext::Small(Zeroizing::new(bytes)) } else { Plaintext::Large(bytes.into()) })
    }

    /// Reads the encoding of what is sealed.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where the bytes are not in it.
    pub fn from_plaintext(bytes: &[u8]) -> Result<Self> {
        let refused = || Error::new(ErrorKind::SerializationError, "not an encoded value");
        unpack(bytes).map(Self).ok_or_else(refused)
    }

    /// Reads the encoding of what was opened by Web Crypto.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where the bytes are not in it.
    pub fn from_large(bytes: &Large) -> Result<Self> {
        Self::from_plaintext(bytes.as_slice())
    }

    /// The value of some bytes.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Self {
        Self(json!({ "$": "bytes", "v": BASE64.encode(bytes) }))
    }

    /// The bytes, where the value is some.
    #[must_use]
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        match self.tag() {
            Some(("bytes", Some(Value::String(text)))) => BASE64.decode(text).ok(),
            _ => None,
        }
    }

    /// What it takes in memory, about. Bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.0.to_string().len()
    }

    /// The text that the value is, or that the number is which it is.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let number = || self.0.as_f64().map(super::number_text);
        self.0.as_str().map(ToOwned::to_owned).or_else(number)
    }

    /// A copy that shares nothing.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` for what cannot be cloned.
    pub fn detached(&self) -> Result<Self> {
        Ok(self.clone())
    }

    /// This object with the properties of `changes` set over it.
    #[must_use]
    pub fn merged_with(&self, changes: &Self) -> Self {
        let mut merged = self.0.as_object().cloned().unwrap_or_default();
        if let Some(changes) = changes.0.as_object() {
            merged.extend(changes.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Self(Value::Object(merged))
    }

    fn tag(&self) -> Option<(&str, Option<&Value>)> {
        let map: &Map<String, Value> = self.0.as_object()?;
        Some((map.get("$")?.as_str()?, map.get("v")))
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl Fields for Payload {
    fn field(&self, name: &str) -> Option<Self> {
        match self.tag() {
            Some(("object", Some(Value::Object(map)))) => map.get(name).cloned().map(Self),
            Some(_) => None,
            None => self.0.as_object()?.get(name).cloned().map(Self),
        }
    }

    fn scalar(&self) -> Scalar {
        match (&self.0, self.tag()) {
            (Value::Null, _) => Scalar::Null,
            (Value::Bool(flag), _) => Scalar::Boolean(*flag),
            (Value::Number(number), _) => number.as_f64().map_or(Scalar::Other, |n| Scalar::Key(Key::Number(n))),
            (Value::String(text), _) => Scalar::Key(Key::String(text.clone())),
            (Value::Array(items), _) => items
                .iter()
                .map(|item| match Self(item.clone()).scalar() {
                    Scalar::Key(key) => Some(key),
                    Scalar::Missing | Scalar::Null | Scalar::Boolean(_) | Scalar::Other => None,
                })
                .collect::<Option<Vec<_>>>()
                .map_or(Scalar::Other, |keys| Scalar::Key(Key::Array(keys))),
            (Value::Object(_), Some(("undefined", _))) => Scalar::Missing,
            (Value::Object(_), Some(("date", Some(Value::Number(ms))))) => {
                ms.as_f64().map_or(Scalar::Other, |ms| Scalar::Key(Key::Date(ms)))
            }
            (Value::Object(_), Some(("bytes", _))) => {
                self.as_bytes().map_or(Scalar::Other, |bytes| Scalar::Key(Key::Binary(bytes)))
            }
            (Value::Object(_), Some(("number", Some(Value::String(text))))) => match text.as_str() {
                "Infinity" => Scalar::Key(Key::Number(f64::INFINITY)),
                "-Infinity" => Scalar::Key(Key::Number(f64::NEG_INFINITY)),
                "-0" => Scalar::Key(Key::Number(0.0)),
                _ => Scalar::Other,
            },
            (Value::Object(_), _) => Scalar::Other,
        }
    }

    fn elements(&self) -> Option<Vec<Self>> {
        Some(self.0.as_array()?.iter().cloned().map(Self).collect())
    }
}
