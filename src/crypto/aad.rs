//! What a sealed value is bound to.

use crate::error::{Error, ErrorKind, Result};

/// Keeps these bytes apart from whatever else is ever authenticated under the same key.
const DOMAIN: &str = "tidekeep/sealed/1";

/// The one place a sealed value belongs to: its additional authenticated data.
///
/// # Behavior
///
/// - A value that was sealed for one place opens at no other.
/// - Each part is preceded by its length, so no two places share their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdditionalData<'a> {
    /// The database's name.
    pub database: &'a str,
    /// The collection's name.
    pub collection: &'a str,
    /// The record's key, as text.
    pub key: &'a str,
    /// What part of the record it is.
    pub field: &'a str,
}

impl AdditionalData<'_> {
    /// The bytes: the domain, then each part, as UTF-8 behind its length (unsigned, 32 bits, little endian).
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` where a part is longer than its length can say.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        joined([DOMAIN, self.database, self.collection, self.key, self.field].map(str::as_bytes).as_slice())
    }
}

/// The parts, each behind its length (unsigned, 32 bits, little endian), so that no two lists share their bytes.
pub(super) fn joined(parts: &[&[u8]]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 4 + part.len()).sum());
    for part in parts {
        let length = u32::try_from(part.len()).map_err(|_| {
            Error::new(ErrorKind::InvalidValue, "a name or key of 4 GiB or more cannot be sealed; use a shorter one")
        })?;
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place([database, collection, key, field]: &[String; 4]) -> AdditionalData<'_> {
        AdditionalData { database, collection, key, field }
    }

    #[test]
    fn each_part_stands_behind_its_length() {
        let bytes = AdditionalData { database: "d", collection: "", key: "é", field: "v" }.to_bytes().unwrap();
        assert_eq!(bytes, b"\x11\0\0\0tidekeep/sealed/1\x01\0\0\0d\0\0\0\0\x02\0\0\0\xC3\xA9\x01\0\0\0v");
    }

    #[test]
    fn letters_cannot_move_from_one_part_to_the_next() {
        let one = AdditionalData { database: "ab", collection: "c", key: "d", field: "e" }.to_bytes().unwrap();
        let other = AdditionalData { database: "a", collection: "bc", key: "d", field: "e" }.to_bytes().unwrap();
        assert_ne!(one, other);
    }

    proptest! {
        #[test]
        fn different_places_have_different_bytes(a: [String; 4], b: [String; 4]) {
            prop_assert_eq!(a == b, place(&a).to_bytes().unwrap() == place(&b).to_bytes().unwrap());
        }
    }
}
