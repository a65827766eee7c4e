//! Blind indexes: over tags in the place of values, so that what is equal can be found where the values are sealed.

use super::{Collection, Index, is_path, system};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Fields, Key, KeyPath, Record};

impl Collection {
    /// The blind indexes that were declared.
    pub fn blind(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.blind && index.name != system::BLIND)
    }

    /// The blind index over a field, if there is one.
    pub(crate) fn blind_over(&self, path: &str) -> Option<&Index> {
        self.blind().find(|index| index.path() == path)
    }

    /// What each blind index is, as text: the path, behind `*` where each element of an array has a tag.
    pub(crate) fn blind_texts(&self) -> Vec<String> {
        let text = |index: &Index| format!("{}{}", if index.multi_entry { "*" } else { "" }, index.path());
        self.blind().map(text).collect()
    }
}

impl Index {
    /// The field of a blind index; it has one.
    pub(crate) fn path(&self) -> &str {
        self.key_path.paths().first().map_or("", String::as_str)
    }

    /// The property of a record's tags that has those of this index.
    pub(crate) fn slot(&self) -> String {
        self.path().replace('.', "$")
    }

    /// The keys under which a record stands in this index where it lies: for a blind index, its tags.
    #[must_use]
    pub fn entries_of(&self, record: &Record) -> Vec<Key> {
        if !self.blind {
            return self.keys_of(record);
        }
        let found = |_: &str| record.meta.blind.as_ref()?.at(&self.slot());
        if self.name == system::BLIND && record.meta.blind.is_none() {
            return vec![Key::from(0)];
        }
        self.keys_by(found)
    }
}

/// The index over what says which tags a record has. One that has none stands under 0: its tags are still to be made.
pub(super) fn states() -> Index {
    Index {
        name: system::BLIND.to_owned(),
        key_path: KeyPath::Single(system::STATE.to_owned()),
        unique: false,
        multi_entry: false,
        blind: true,
    }
}

/// Checks the blind indexes of a collection.
pub(super) fn check(name: &str, collection: &Collection) -> Result<()> {
    let mut slots: Vec<String> = Vec::new();
    for index in collection.blind() {
        let message = if !collection.encrypted {
            "a blind index is for a sealed collection; declare “encrypted: true”, or the index without “blind”"
        } else if matches!(index.key_path, KeyPath::Compound(_)) {
            "a blind index is over one field; declare one for each, and ask for both with “and”"
        } else if index.unique {
            "a blind index cannot be unique: what comes from other devices has no tags until the keys are open, and could \
             not be refused any more; leave “unique” out"
        } else if !is_path(index.path()) {
            "a blind index is over a field of the record; tags and metadata are in the clear, and need none"
        } else if slots.contains(&index.slot()) {
            "two blind indexes are over the same field; declare one"
        } else {
            slots.push(index.slot());
            continue;
        };
        return Err(Error::new(ErrorKind::InvalidConfig, message).with("collection", name).with("index", &index.name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Schema;

    fn declared(encrypted: bool, texts: &[&str]) -> Result<Collection> {
        let blind = |text: &&str| Index { blind: true, ..Index::parse(text).unwrap() };
        let collection = Collection { encrypted, indexes: texts.iter().map(blind).collect(), ..Collection::default() };
        let mut schema = Schema::default();
        schema.declare("people", collection)?;
        // What was declared can be declared again.
        let again = schema.get("people").unwrap().clone();
        schema.declare("people", again)?;
        Ok(schema.get("people").unwrap().clone())
    }

    #[test]
    fn a_blind_index_brings_the_one_over_states_with_it() {
        let collection = declared(true, &["email", "*address.labels"]).unwrap();
        let names: Vec<&str> = collection.indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!(names, ["email", "address.labels", system::BLIND]);
        assert_eq!(collection.blind_texts(), ["email", "*address.labels"]);
        assert_eq!(collection.blind_over("address.labels").unwrap().slot(), "address$labels");
        assert!(collection.blind_over("name").is_none());
    }

    #[test]
    fn a_blind_index_that_cannot_keep_its_promise_is_refused() {
        for (encrypted, texts) in [
            (false, &["email"][..]),
            (true, &["[email+name]"]),
            (true, &["&email"]),
            (true, &["*$tags"]),
            (true, &["$meta.email"]),
            (true, &["a.b", "a$b"]),
            (true, &["email", "*email"]),
        ] {
            let error = declared(encrypted, texts).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{texts:?}");
        }
    }
}
