//! What lies in the collection of keys.

use super::method::Method;
use super::wrapped::WrappedKey;
use super::wrapped_data::{self, WrappedDataKey};
use super::wrapping::tampered;
use crate::error::Result;

/// A record of the collection of keys: bytes under a name that says what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The record's key.
    pub name: String,
    /// A wrapped key.
    pub bytes: Vec<u8>,
}

/// What a record of keys is.
pub(super) enum Parsed {
    Unlocker(WrappedKey),
    Data(WrappedDataKey),
}

impl KeyRecord {
    /// Reads it; the bytes say what they are, and the name has to agree.
    ///
    /// # Errors
    ///
    /// Those of the bytes; `DECRYPTION_FAILED` where they lie under another name.
    pub(super) fn parse(&self) -> Result<Parsed> {
        let (parsed, name) = if self.bytes.starts_with(&wrapped_data::MAGIC) {
            let data = WrappedDataKey::parse(&self.bytes)?;
            let name = data.name();
            (Parsed::Data(data), name)
        } else {
            let unlocker = WrappedKey::parse(&self.bytes)?;
            let name = WrappedKey::name_of(unlocker.id());
            (Parsed::Unlocker(unlocker), name)
        };
        if name == self.name { Ok(parsed) } else { Err(tampered().with("record", &self.name)) }
    }
}

/// How each unlocker whose record can be read comes to its secret.
#[must_use]
pub fn methods(records: &[KeyRecord]) -> Vec<Method> {
    let unlocker = |record: &KeyRecord| match record.parse() {
        Ok(Parsed::Unlocker(unlocker)) => Some(unlocker.method().clone()),
        Ok(Parsed::Data(_)) | Err(_) => None,
    };
    records.iter().filter_map(unlocker).collect()
}

impl From<&WrappedKey> for KeyRecord {
    fn from(key: &WrappedKey) -> Self {
        Self { name: WrappedKey::name_of(key.id()), bytes: key.to_bytes() }
    }
}

impl From<&WrappedDataKey> for KeyRecord {
    fn from(key: &WrappedDataKey) -> Self {
        Self { name: key.name(), bytes: key.to_bytes() }
    }
}
