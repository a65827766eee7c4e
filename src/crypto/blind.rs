//! Tags of blind indexes: by what equality is looked up where the values are sealed.

use core::fmt;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::aad::joined;
use super::keyring::Keyring;
use super::store_key::StoreKey;
use super::wrapping::{Secret, hmac_of};
use crate::error::Result;

/// Keeps the bytes that an index's key is made of apart from whatever else is made from a store key.
const INDEX: &str = "tidekeep/blind-index/1";
/// The same, of what says which tags a record has.
const STATE: &str = "tidekeep/blind-state/1";
/// How many bytes of a HMAC are kept. What is found is compared once it is open, so a chance meeting does no harm.
const LEN: usize = 16;

/// Makes the tags of one collection, under the store key that wraps what is new.
///
/// # Behavior
///
/// - A tag follows from the store key, the database, the collection, the index and the value: so a new data key leaves
///   it as it is, and equal values under different indexes have different tags.
/// - Without the store key nothing can be told of a value by its tag but whether another record has the same one.
pub struct Blinding<'a> {
    store: Rc<StoreKey>,
    database: &'a str,
    collection: &'a str,
}

impl Keyring {
    /// What makes the tags of a collection.
    ///
    /// # Errors
    ///
    /// `LOCKED` without an open store key; `KEY_MISSING` where each was followed by another.
    pub fn blinding<'a>(&'a self, collection: &'a str) -> Result<Blinding<'a>> {
        let store = self.state.borrow().primary()?;
        Ok(Blinding { store, database: &self.database, collection })
    }
}

impl Blinding<'_> {
    /// The tag of each value, under an index; a value is the text of a key.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` for names of 4 GiB and more.
    pub fn tags(&self, index: &str, values: &[String]) -> Result<Vec<String>> {
        let key = self.made_of(INDEX, &[index])?;
        Ok(values.iter().map(|value| shortened(&hmac_of(&key, value.as_bytes()))).collect())
    }

    /// What says which tags a record has: it differs where the store key or the indexes do.
    ///
    /// # Errors
    ///
    /// `INVALID_VALUE` for names of 4 GiB and more.
    pub fn state(&self, indexes: &[String]) -> Result<String> {
        let indexes: Vec<&str> = indexes.iter().map(String::as_str).collect();
        self.made_of(STATE, &indexes).map(|state| shortened(&state))
    }

    fn made_of(&self, domain: &str, names: &[&str]) -> Result<Secret> {
        let place = [&[domain, self.database, self.collection], names].concat();
        let place: Vec<&[u8]> = place.into_iter().map(str::as_bytes).collect();
        Ok(hmac_of(self.store.bytes(), &joined(&place)?))
    }
}

impl fmt::Debug for Blinding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blinding").field("collection", &self.collection).finish_non_exhaustive()
    }
}

fn shortened(hmac: &Secret) -> String {
    STANDARD.encode(hmac.iter().take(LEN).copied().collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyring whose store key is 32 bytes of 7.
    fn keyring(database: &str) -> Keyring {
        let keyring = Keyring::new(database);
        let store = StoreKey::new(&[7; 32]);
        keyring.state.borrow_mut().stores.insert(store.id(), Rc::new(store));
        keyring
    }

    fn tag(database: &str, collection: &str, index: &str, value: &str) -> String {
        keyring(database).blinding(collection).unwrap().tags(index, &[value.to_owned()]).unwrap().remove(0)
    }

    #[test]
    fn equal_values_have_equal_tags_and_all_else_makes_them_differ() {
        let one = tag("d", "people", "email", "ada@example.org");
        assert_eq!(one, tag("d", "people", "email", "ada@example.org"));
        for other in [
            tag("e", "people", "email", "ada@example.org"),
            tag("d", "peoplee", "mail", "ada@example.org"),
            tag("d", "people", "phone", "ada@example.org"),
            tag("d", "people", "email", "ada@example.or"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_tag_and_a_state_are_those_that_web_crypto_computed() {
        let golden = include_str!("../../tests/vectors/blind-v1.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let (database, collection) = (text(&golden["database"]), text(&golden["collection"]));
        let keyring = keyring(&database);
        let blinding = keyring.blinding(&collection).unwrap();
        for vector in golden["tags"].as_array().unwrap() {
            let tags = blinding.tags(&text(&vector["index"]), &[text(&vector["value"])]).unwrap();
            assert_eq!(tags, [text(&vector["tag"])]);
        }
        for vector in golden["states"].as_array().unwrap() {
            let indexes: Vec<String> = vector["indexes"].as_array().unwrap().iter().map(text).collect();
            assert_eq!(blinding.state(&indexes).unwrap(), text(&vector["state"]));
        }
    }

    #[test]
    fn without_a_store_key_there_is_no_tag() {
        let error = Keyring::new("d").blinding("people").unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Locked);
    }
}
