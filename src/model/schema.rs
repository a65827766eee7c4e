//! What an application declares, and what the system keeps for itself.

use std::collections::BinaryHeap;

use litemap::LiteMap;

use super::KeyPath;
use crate::error::{Error, ErrorKind, Result};

/// The system's own collections. Their names hold a colon, so no application's name can meet them.
pub mod system {
    /// A log: one row for each commit that is to be sent, naming what it touched.
    pub const OUTBOX: &str = "tidekeep:outbox";
    /// Deleted records, until every device knows. Key: `[collection, key]`.
    pub const TOMBSTONES: &str = "tidekeep:tombstones";
    /// Records that the endpoint refused for good. Key: `[collection, key]`.
    pub const DEAD: &str = "tidekeep:dead";
    /// The state of replication: client, cursor, the batch in flight. Key: a name.
    pub const SYNC: &str = "tidekeep:sync";
    /// Wrapped data keys. Key: the key's id, in hexadecimal.
    pub const KEYS: &str = "tidekeep:keys";
    /// Namespaces that were created by name, and their metadata. Key: the name.
    pub const NAMESPACES: &str = "tidekeep:namespaces";
    /// What keeping within bounds remembers: when entries were used, and the room in reserve. Key: an array.
    pub const SPACE: &str = "tidekeep:space";
    /// The rows of all namespaces that no schema declares. Key: `[namespace, key]`.
    pub const ENTRIES: &str = "tidekeep:entries";
    /// Sealed secrets, one for each service. It is reached through `credentials` only.
    pub const CREDENTIALS: &str = "credentials";
    /// The property of a record's row that is the system's.
    pub const RESERVED: &str = "_tidekeep";
    /// The namespace of calls that name none.
    pub const DEFAULT_NAMESPACE: &str = "default";
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
}

/// Every declared collection, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    collections: LiteMap<String, Collection>,
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

    /// Adds a collection.
    ///
    /// # Errors
    ///
    /// `INVALID_NAMESPACE` for a name that cannot be one; `INVALID_CONFIG` for a reserved or repeated one, for an
    /// index over a sealed collection, and for paths that are no paths.
    pub fn declare(&mut self, name: &str, collection: Collection) -> Result<()> {
        check_name(name)?;
        let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidConfig, message).with("collection", name));
        if name == system::DEFAULT_NAMESPACE {
            return refuse("“default” is the namespace of calls that name none; declare another name");
        }
        if collection.encrypted && !collection.indexes.is_empty() {
            return refuse("a sealed collection cannot be indexed; declare the indexes on a clear one");
        }
        for path in collection.key_path.iter().chain(collection.indexes.iter().map(|index| &index.key_path)) {
            if path.paths().is_empty() || path.paths().iter().any(|path| !is_path(path)) {
                return refuse("a keyPath must be one or more property names, joined with dots");
            }
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
        self.collections.insert(name.to_owned(), collection);
        Ok(())
    }
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

impl Index {
    /// Reads the short form: `name`, `*tags` (an entry for each element), `&email` (unique), `[author+created]`.
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
        if key_path.paths().iter().any(|path| !is_path(path)) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "an index is a field, “*field”, “&field” or “[field+field]”",
            )
            .with("index", text));
        }
        Ok(Self { name: rest.to_owned(), key_path, unique, multi_entry })
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
