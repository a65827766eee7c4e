//! Blind indexes: values in tags on their way down, and what is looked up in tags too.

use crate::backend::{Position, Scan, Source};
use crate::crypto::{Blinding, Keyring};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Object;
use crate::model::{Collection, Fields, Index, Key, KeyRange, Schema, Verify, WriteOp, system};
use crate::platform::Payload;

/// The tags of a value in the blind indexes of its collection, and what says which these are.
///
/// # Errors
///
/// `LOCKED` without an open store key.
pub(crate) fn tagged(keyring: &Keyring, name: &str, collection: &Collection, value: &Payload) -> Result<Payload> {
    let blinding = keyring.blinding(name)?;
    let mut tags = Object::new().text(system::STATE, &state_of(&blinding, collection)?);
    for index in collection.blind() {
        let keys: Vec<String> = index.keys_by(|path| value.at(path)).iter().map(Key::to_text).collect();
        let made = blinding.tags(index.path(), &keys)?;
        tags = match made.as_slice() {
            [] => tags,
            [tag] if !index.multi_entry => tags.text(&index.slot(), tag),
            _ => tags.texts(&index.slot(), &made),
        };
    }
    Payload::from_wire(&tags.finish())
}

/// What says, in a record's tags, that they are those of its collection's indexes under the store key that is open.
///
/// # Errors
///
/// `LOCKED` without an open store key.
pub(crate) fn state(keyring: &Keyring, name: &str, collection: &Collection) -> Result<Key> {
    state_of(&keyring.blinding(name)?, collection).map(Key::String)
}

fn state_of(blinding: &Blinding<'_>, collection: &Collection) -> Result<String> {
    blinding.state(&collection.blind_texts())
}

/// What looks values up, and what it looks up below the seal.
pub(super) struct Lookup<'a> {
    keyring: &'a Keyring,
    collection: &'a str,
    index: &'a Index,
}

impl<'a> Lookup<'a> {
    /// The lookup in a source, where that is a blind index.
    pub(super) fn of(keyring: &'a Keyring, schema: &'a Schema, collection: &'a str, source: &Source) -> Option<Self> {
        let Source::Index(name) = source else { return None };
        let index = schema.get(collection)?.blind().find(|index| index.name == *name)?;
        Some(Self { keyring, collection, index })
    }

    /// The same scan, by tags.
    pub(super) fn scan(&self, scan: &Scan) -> Result<Scan> {
        let range = self.range(&scan.range)?;
        let (value, tag) = (scan.range.single(), range.single());
        let after = match (&scan.after, tag) {
            // A place at another value is before all of this one's rows, or behind them.
            (Some(after), Some(tag)) if Some(&after.at) == value => {
                Some(Position { at: tag.clone(), key: after.key.clone() })
            }
            _ => None,
        };
        let limit = if scan.remaining().is_empty() { Some(0) } else { scan.limit };
        Ok(Scan { range, after, limit, ..scan.clone() })
    }

    /// The condition that every record of the collection has tags: what came from elsewhere and has none yet may be what
    /// is looked up.
    pub(super) fn none_untagged(&self) -> WriteOp {
        WriteOp::Verify(Verify {
            collection: self.collection.to_owned(),
            source: Source::Index(system::BLIND.to_owned()),
            range: KeyRange::only(Key::from(0)),
            rows: Vec::new(),
        })
    }

    /// The tag of the one value in a range.
    pub(super) fn range(&self, range: &KeyRange) -> Result<KeyRange> {
        let Some(value) = range.single() else {
            return Err(Error::new(
                ErrorKind::InvalidQuery,
                "a blind index finds what is equal, and knows no order; ask with “eq” or “in”",
            )
            .with("collection", self.collection)
            .with("index", &self.index.name));
        };
        let tags = self.keyring.blinding(self.collection)?.tags(self.index.path(), &[value.to_text()])?;
        Ok(KeyRange::only(Key::String(tags.concat())))
    }
}
