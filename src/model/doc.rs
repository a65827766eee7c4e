//! Documents: records by their places, and numbers for them.

use std::collections::BTreeMap;

use super::{Key, system, tombstone_key};

/// A document: a place in a collection, whether a record is there or not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Doc {
    pub(crate) collection: String,
    pub(crate) key: Key,
}

impl Doc {
    pub(crate) fn new(collection: impl Into<String>, key: Key) -> Self {
        Self { collection: collection.into(), key }
    }

    /// The document that its tombstone is.
    pub(crate) fn tombstone(&self) -> Self {
        Self::new(system::TOMBSTONES, tombstone_key(&self.collection, &self.key))
    }

    /// Its name in the public interface.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.collection, self.key.to_text())
    }
}

/// Numbers documents, each once, from 0 in the order in which they come.
///
/// What is known of documents lies in lists under their numbers. So there is one ordered map of documents, and the
/// compiler writes it out once: each further type of map would cost an application some kilobytes to download.
#[derive(Debug, Default)]
pub(crate) struct Register(BTreeMap<Doc, usize>);

impl Register {
    /// The number of a document; the next one, where it has none yet.
    pub(crate) fn enter(&mut self, doc: &Doc) -> usize {
        if let Some(number) = self.0.get(doc) {
            return *number;
        }
        let number = self.0.len();
        self.0.insert(doc.clone(), number);
        number
    }

    /// Enters a document; answers whether it is new.
    pub(crate) fn add(&mut self, doc: &Doc) -> bool {
        let next = self.0.len();
        self.enter(doc) == next
    }

    /// The number of a document, if it was entered.
    pub(crate) fn number(&self, doc: &Doc) -> Option<usize> {
        self.0.get(doc).copied()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a document was entered.
    pub(crate) fn contains(&self, doc: &Doc) -> bool {
        self.number(doc).is_some()
    }
}

impl FromIterator<Doc> for Register {
    fn from_iter<I: IntoIterator<Item = Doc>>(docs: I) -> Self {
        let mut register = Self::default();
        for doc in docs {
            register.enter(&doc);
        }
        register
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_the_number_that_it_was_given_first() {
        let docs = ["b", "a", "b", "c"].map(|name| Doc::new(name, Key::from(1)));
        let mut register = Register::default();
        assert_eq!(docs.each_ref().map(|doc| register.enter(doc)), [0, 1, 0, 2]);
        assert_eq!(register.number(&docs[3]), Some(2));
        assert!(!register.add(&docs[0]) && register.add(&Doc::new("a", Key::from(2))));
    }
}
