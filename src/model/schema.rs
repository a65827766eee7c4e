//! What an application declares, and what the system keeps for itself.

mod blind;

use std::collections::BinaryHeap;

use litemap::LiteMap;

use super::key::distinct;
use super::{Body, Fields, Key, KeyPath, Record, fits, key_pattern};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::Payload;

/// The system's own collections. Their names hold a colon, so no application's name can meet them.
pub mod system {
    /// A log: one row for each commit that is to be sent, naming what it touched.
    pub const OUTBOX: &str = "tidekeep:outbox";
    /// Deleted records, until every device knows. Key: `[collection, key]`.
    pub const TOMBSTONES: &str = "tidekeep:tombstones";
    /// Records that the endpoint refused for good. Key: `[collection, key]`.
    pub const DEAD: &str = "tidekeep:dead";
    /// Documents that changed on both sides: what is still to be decided, under `[collection, key]`, and what lost, under
    /// `[when, collection, key]`.
    pub const CONFLICTS: &str = "tidekeep:conflicts";
    /// The state of replication: client, cursor, the batch in flight. Key: a name.
    pub const SYNC: &str = "tidekeep:sync";
    /// Wrapped keys, as `docs/formats.md` says. Key: what the bytes are, and their ids.
    pub const KEYS: &str = "tidekeep:keys";
    /// What is of this device alone, and never replicates: the keys that it keeps, as `["key", unlocker]`, and whether
    /// anything was ever sealed here, as `"sealed"`.
    pub const DEVICE: &str = "tidekeep:device";
    /// Namespaces that were created by name, and their metadata. Key: the name.
    pub const NAMESPACES: &str = "tidekeep:namespaces";
    /// What keeping within bounds remembers: when entries were used, and the room in reserve. Key: an array.
    pub const SPACE: &str = "tidekeep:space";
    /// The rows of all namespaces that no schema declares. Key: `[namespace, key]`.
    pub const ENTRIES: &str = "tidekeep:entries";
    /// Sealed secrets, one for each service. It is reached through `credentials` only.
    pub const CREDENTIALS: &str = "credentials";
    /// What the log of a collection's search index is called, followed by the collection's name.
    pub const SEARCH: &str = "tidekeep:search/";
    /// The property of a record's row that is the system's.
    pub const RESERVED: &str = "_tidekeep";
    /// In the key path of an index: the list of a record's tags.
    pub const TAGS: &str = "$tags";
    /// What the key path of an index into a record's metadata begins with.
    pub const METADATA: &str = "$meta.";
    /// The name of the index over [`STATE`], in collections that have blind indexes.
    pub const BLIND: &str = "tidekeep:blind";
    /// In a record's tags of blind indexes: what says which tags these are. Key paths of fields cannot begin so.
    pub const STATE: &str = "$state";
    /// The namespace of calls that name none.
    pub const DEFAULT_NAMESPACE: &str = "default";

    /// Whether a collection is one of the system's own, secrets included.
    pub(crate) fn is_own(collection: &str) -> bool {
        collection.contains(':') || collection == CREDENTIALS
    }
}

/// What one collection is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collection {
    /// The field or fields of the record that are its key; without, the key is given at each write.
    pub key_path: Option<KeyPath>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Whether its records are sealed at rest.
    pub encrypted: bool,
    /// How long a record lives, milliseconds.
    pub ttl: Option<f64>,
    /// How many records it is to hold; past it, those that were used least recently go.
    pub max_entries: Option<u64>,
    /// Whether it replicates; what the sync options say, if this does not.
    pub sync: Option<bool>,
    /// Whether a checksum is kept beside each value, and compared when it is read.
    pub checksum: bool,
    /// The fields of its full-text index; none, where it has no such index.
    pub search: Vec<SearchField>,
}

/// A field of a full-text index.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchField {
    /// The field, or a path into one.
    pub path: String,
    /// How much a word in it counts, against other fields.
    pub weight: f64,
}

/// An index of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name: the field, or the short form of a compound index.
    pub name: String,
    /// What it indexes.
    pub key_path: KeyPath,
    /// Whether two records may not share a key.
    pub unique: bool,
    /// Whether each element of an array is a key of its own.
    pub multi_entry: bool,
    /// Whether it is over tags in the place of values, of a sealed collection: only what is equal is found by it.
    pub blind: bool,
}

/// Every declared collection, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    collections: LiteMap<String, Collection>,
    sensitive: Vec<String>,
}

impl Schema {
    /// The collection that `name` declares, if it does.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Collection> {
        self.collections.get(name)
    }

    /// The collections, by name.
    pub fn collections(&self) -> impl Iterator<Item = (&str, &Collection)> {
        self.collections.iter().map(|(name, collection)| (name.as_str(), collection))
    }

    /// Whether records of `name` are sealed.
    #[must_use]
    pub fn encrypted(&self, name: &str) -> bool {
        name == system::CREDENTIALS || self.get(name).is_some_and(|collection| collection.encrypted)
    }

    /// Whether an entry under this key is sealed unless its write says otherwise.
    #[must_use]
    pub fn sensitive(&self, key: &Key) -> bool {
        self.sensitive.iter().any(|pattern| fits(pattern, key))
    }

    /// Has entries sealed whose keys fit one of these patterns, in collections and namespaces of any name: a key, the
    /// beginning of one before `*`, or the end of one after it.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` for what is no pattern, or fits every key.
    pub fn seal_keys(&mut self, patterns: Vec<String>) -> Result<()> {
        patterns.iter().try_for_each(|pattern| key_pattern::check(pattern))?;
        self.sensitive = patterns;
        Ok(())
    }

    /// The collections that have a full-text index, with the fields of each.
    pub fn searched(&self) -> impl Iterator<Item = (&str, &[SearchField])> {
        let searched = self.collections().map(|(name, collection)| (name, &*collection.search));
        searched.filter(|(_, fields)| !fields.is_empty())
    }

    /// Adds a collection.
    ///
    /// # Errors
    ///
    /// `INVALID_NAMESPACE` for a name that cannot be one; `INVALID_CONFIG` for a reserved or repeated one, for an
    /// index over a sealed collection, native or of words, and for paths that are no paths.
    pub fn declare(&mut self, name: &str, mut collection: Collection) -> Result<()> {
        check_name(name)?;
        collection.indexes.retain(|index| index.name != system::BLIND);
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidConfig, message).with("collection", name));
        if name == system::DEFAULT_NAMESPACE {
            return refuse("“default” is the namespace of calls that name none; declare another name");
        }
        if collection.encrypted && !collection.indexes.iter().all(Index::is_beside) {
            return refuse(
                "of a sealed collection nothing but tags and metadata can be indexed; declare the index on a clear one, \
                 or, to look up what is equal, as “blind”",
            );
        }
        check_search(name, &collection)?;
        blind::check(name, &collection)?;
        if collection.encrypted && collection.checksum {
            return refuse("a sealed collection needs no checksum: each record has its tag; leave “checksum” out");
        }
        let not_all = |key_path: &KeyPath, valid: fn(&str) -> bool| {
            key_path.paths().is_empty() || key_path.paths().iter().any(|path| !valid(path))
        };
        if collection.key_path.as_ref().is_some_and(|key_path| not_all(key_path, is_path))
            || collection.indexes.iter().any(|index| not_all(&index.key_path, is_indexed_path))
        {
            return refuse("a keyPath must be one or more property names, joined with dots");
        }
        if collection.indexes.iter().any(|index| index.over_tags() && !index.multi_entry) {
            return refuse("tags are indexed one by one; write “*$tags”");
        }
        let repeated =
            |(at, index): (usize, &Index)| collection.indexes.iter().skip(at + 1).any(|i| i.name == index.name);
        if collection.indexes.iter().enumerate().any(repeated) {
            return refuse("two indexes have the same name");
        }
        if collection.ttl.is_some_and(|ttl| !ttl.is_finite() || ttl <= 0.0) {
            return refuse("ttl must be a positive number of milliseconds");
        }
        if collection.max_entries == Some(0) {
            return refuse("maxEntries must be a whole number above 0");
        }
        if collection.indexes.iter().any(|index| index.multi_entry && matches!(index.key_path, KeyPath::Compound(_))) {
            return refuse("a compound index cannot have an entry for each element");
        }
        if collection.blind().next().is_some() {
            collection.indexes.push(blind::states());
        }
        self.collections.insert(name.to_owned(), collection);
        Ok(())
    }
}

/// Checks the fields of a full-text index.
fn check_search(name: &str, collection: &Collection) -> Result<()> {
    let fields = &collection.search;
    let repeated =
        |(at, field): (usize, &SearchField)| fields.iter().skip(at + 1).any(|other| other.path == field.path);
    let message = if collection.encrypted && !fields.is_empty() {
        "a sealed collection cannot be searched: its words would lie in the clear; declare a clear one"
    } else if fields.iter().any(|field| !is_path(&field.path)) {
        "a field to search is a property name, or several, joined with dots"
    } else if fields.iter().any(|field| !field.weight.is_finite() || field.weight <= 0.0) {
        "the weight of a field to search is a positive number"
    } else if fields.iter().enumerate().any(repeated) {
        "a field to search is named twice"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidConfig, message).with("collection", name))
}

/// Checks the name of a collection or namespace.
///
/// # Errors
///
/// `INVALID_NAMESPACE` where it is empty, holds `/`, `:` or `*`, or is reserved.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidNamespace, message).with("namespace", name));
    if name.trim().is_empty() {
        return refuse("a namespace needs a name that is not blank");
    }
    if name.contains(['/', ':', '*']) {
        return refuse("a namespace's name must not hold “/”, “:” or “*”");
    }
    if name == system::CREDENTIALS {
        return refuse("“credentials” is reserved; use the store's `credentials`");
    }
    Ok(())
}

/// The log of a collection's search index.
pub(crate) fn search_log(collection: &str) -> String {
    format!("{}{collection}", system::SEARCH)
}

/// Names, each once, in order.
pub(crate) fn sorted_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut sorted: Vec<String> = BinaryHeap::from_iter(names).into_sorted_vec();
    sorted.dedup();
    sorted
}

fn is_path(path: &str) -> bool {
    path.split('.').all(|name| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    })
}

/// Whether an index can be over this: a path of the record, its tags, or a path of its metadata.
fn is_indexed_path(path: &str) -> bool {
    path == system::TAGS || is_path(path.strip_prefix(system::METADATA).unwrap_or(path))
}

/// What a record has under a path of an index.
fn indexed(record: &Record, path: &str) -> Option<Payload> {
    match (path.strip_prefix(system::METADATA), &record.body) {
        (Some(path), _) => record.meta.metadata.as_ref()?.at(path),
        (None, Body::Clear(payload)) if !record.meta.secret => payload.at(path),
        (None, Body::Clear(_) | Body::Sealed(_)) => None,
    }
}

impl Index {
    /// The keys under which a record stands in this index, each once, in order. Of a blind one: those that its tags are
    /// made of.
    #[must_use]
    pub fn keys_of(&self, record: &Record) -> Vec<Key> {
        match &self.key_path {
            KeyPath::Single(path) if path == system::TAGS => {
                distinct(record.meta.tags.iter().map(|tag| Key::from(tag.as_str())).collect())
            }
            _ => self.keys_by(|path| indexed(record, path)),
        }
    }

    /// The keys that are made of what `at` finds under the paths, each once, in order.
    pub(crate) fn keys_by(&self, at: impl Fn(&str) -> Option<Payload>) -> Vec<Key> {
        match &self.key_path {
            KeyPath::Single(path) if self.multi_entry => {
                let Some(value) = at(path) else { return Vec::new() };
                let elements = value.elements().unwrap_or_else(|| vec![value]);
                distinct(elements.iter().filter_map(|element| element.scalar().into_key()).collect())
            }
            key_path => key_path.extract_by(at).into_iter().collect(),
        }
    }

    /// Whether all that it looks at lies beside the value: tags and metadata.
    fn is_beside(&self) -> bool {
        self.blind
            || self.key_path.paths().iter().all(|path| path == system::TAGS || path.starts_with(system::METADATA))
    }

    fn over_tags(&self) -> bool {
        self.key_path.paths().iter().any(|path| path == system::TAGS)
    }

    /// Reads the short form: `name`, `*tags` (an entry for each element), `&email` (unique), `[author+created]`; a
    /// field may be `$tags` or `$meta.name` too.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` where the text is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        let (mut rest, mut unique, mut multi_entry) = (text, false, false);
        loop {
            if let Some(tail) = rest.strip_prefix('&') {
                (rest, unique) = (tail, true);
            } else if let Some(tail) = rest.strip_prefix('*') {
                (rest, multi_entry) = (tail, true);
            } else {
                break;
            }
        }
        let key_path = match rest.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            Some(inner) => KeyPath::Compound(inner.split('+').map(|path| path.trim().to_owned()).collect()),
            None => KeyPath::Single(rest.to_owned()),
        };
        if key_path.paths().iter().any(|path| !is_indexed_path(path)) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "an index is a field, “*field”, “&field” or “[field+field]”",
            )
            .with("index", text));
        }
        Ok(Self { name: rest.to_owned(), key_path, unique, multi_entry, blind: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_read() {
        let tags = Index::parse("*tags").unwrap();
        assert!(tags.multi_entry && !tags.unique && tags.name == "tags");
        assert!(Index::parse("&email").unwrap().unique);
        let compound = Index::parse("[author+created]").unwrap();
        assert_eq!(compound.key_path, KeyPath::Compound(vec!["author".into(), "created".into()]));
        assert_eq!(compound.name, "[author+created]");
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in ["", "*", "[", "[]", "[a+]", "a b", "a..b", ".a", "1a"] {
            assert_eq!(Index::parse(text).unwrap_err().kind(), ErrorKind::InvalidConfig, "{text}");
        }
    }

    #[test]
    fn names_that_are_reserved_or_malformed_are_refused() {
        for name in ["", "  ", "a/b", "a:b", "a*", "credentials"] {
            assert_eq!(check_name(name).unwrap_err().kind(), ErrorKind::InvalidNamespace, "{name:?}");
        }
        check_name("blueprints").unwrap();
    }
}
