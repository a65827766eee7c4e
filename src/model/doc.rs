//! Documents: records by their places, and numbers for them.

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
/// What is known of documents lies in lists under their numbers. So there is one map of documents, and the compiler writes
/// it out once: each further type of map would cost an application some kilobytes to download. It is hashed, since an
/// ordered map compares each document with a dozen others.
#[derive(Debug, Default)]
pub(crate) struct Register {
    docs: Vec<Doc>,
    /// Numbers by the hashes of their documents, at the next free place; twice as many places as documents, or more.
    places: Vec<u32>,
}

/// No number.
const FREE: u32 = u32::MAX;

impl Register {
    /// The number of a document; the next one, where it has none yet.
    pub(crate) fn enter(&mut self, doc: &Doc) -> usize {
        if let Some(number) = self.number(doc) {
            return number;
        }
        let number = self.docs.len();
        self.docs.push(doc.clone());
        if self.docs.len() * 2 > self.places.len() {
            self.places = vec![FREE; (self.docs.len() * 4).next_power_of_two()];
            for number in 0..self.docs.len() {
                self.take_place(number);
            }
        } else {
            self.take_place(number);
        }
        number
    }

    /// Enters a document; answers whether it is new.
    pub(crate) fn add(&mut self, doc: &Doc) -> bool {
        let next = self.docs.len();
        self.enter(doc) == next
    }

    /// The number of a document, if it was entered.
    pub(crate) fn number(&self, doc: &Doc) -> Option<usize> {
        let place = self.place_of(doc, |number| self.docs.get(number) == Some(doc))?;
        self.places.get(place).map(|number| *number as usize).filter(|number| *number < self.docs.len())
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.docs.len()
    }

    /// Whether a document was entered.
    pub(crate) fn contains(&self, doc: &Doc) -> bool {
        self.number(doc).is_some()
    }

    /// The first place of a document that is free, or whose number is the one looked for.
    fn place_of(&self, doc: &Doc, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        let mut place = hash(&doc.collection, &doc.key) as usize & mask;
        while self.places.get(place).is_some_and(|number| *number != FREE && !is_it(*number as usize)) {
            place = (place + 1) & mask;
        }
        Some(place)
    }

    fn take_place(&mut self, number: usize) {
        let place = self.docs.get(number).and_then(|doc| self.place_of(doc, |_| false));
        if let (Some(place), Ok(number)) = (place.and_then(|place| self.places.get_mut(place)), u32::try_from(number)) {
            *place = number;
        }
    }
}

/// Spreads collections and keys; equal keys have equal hashes.
pub(crate) fn hash(collection: &str, key: &Key) -> u32 {
    let mut hash = Hash(0x811c_9dc5);
    hash.bytes(collection.as_bytes());
    hash.key(key);
    hash.0 ^ hash.0 >> 15
}

/// FNV-1a.
struct Hash(u32);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    fn key(&mut self, key: &Key) {
        match key {
            // Adding zero makes the one zero of the other.
            Key::Number(number) | Key::Date(number) => self.bytes(&(number + 0.0).to_bits().to_le_bytes()),
            Key::String(text) => self.bytes(text.as_bytes()),
            Key::Binary(bytes) => self.bytes(bytes),
            Key::Array(keys) => {
                self.bytes(&[1]);
                for key in keys {
                    self.key(key);
                }
            }
        }
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

    #[test]
    fn thousands_of_documents_keep_their_numbers() {
        let doc = |number: u32| Doc::new(if number.is_multiple_of(3) { "a" } else { "b" }, Key::from(number));
        let mut register = Register::default();
        for number in 0..5_000 {
            assert_eq!(register.number(&doc(number)), None);
            assert_eq!(register.enter(&doc(number)), number as usize);
        }
        assert!((0..5_000).all(|number| register.number(&doc(number)) == Some(number as usize)));
    }

    #[test]
    fn equal_keys_have_equal_hashes_and_others_mostly_do_not() {
        assert_eq!(hash("a", &Key::Number(0.0)), hash("a", &Key::Number(-0.0)));
        let mut hashes: Vec<u32> = (0..1_000u32).map(|key| hash("a", &Key::from(key)) & 1_023).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert!(hashes.len() > 550, "{} of 1024 chains for 1000 keys", hashes.len());
    }
}
