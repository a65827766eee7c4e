//! Which object store a collection's rows lie in, and under which keys.

use core::ops::Bound;

use super::mark::COMMITS;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Fields, Index, Key, KeyPath, Record, Schema, search_log, system};
use crate::policy::{BLIND_TAGS, StoreShape};

/// The version of this layout: the millions of the database's version number.
pub(super) const LAYOUT: u32 = 1;
/// What a layout's versions count up from.
pub(super) const LAYOUT_STEP: u32 = 1_000_000;

/// The index over the ends of lives. Records without one cost it nothing.
pub(super) const EXPIRING: &str = "tidekeep:expires";

/// Where the rows of a collection are.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// In an object store of their own, which this application declares or another version of it did.
    Own { store: &'a str, key_path: Option<&'a KeyPath>, declared: bool, blind: bool },
    /// In the store that all undeclared namespaces share, under `[namespace, key]`.
    Shared { namespace: &'a str },
}

/// The object store of every system collection.
const SYSTEM_STORES: [&str; 10] = [
    system::OUTBOX,
    system::TOMBSTONES,
    system::DEAD,
    system::CONFLICTS,
    system::SYNC,
    system::KEYS,
    system::DEVICE,
    system::NAMESPACES,
    system::ENTRIES,
    system::SPACE,
];

/// Finds places, and says which object stores there must be.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    schema: std::rc::Rc<Schema>,
    /// The key path of the credentials' store.
    service: KeyPath,
    /// The object stores of the open database.
    found: Vec<StoreShape>,
}

impl Layout {
    pub(super) fn new(schema: std::rc::Rc<Schema>) -> Self {
        Self { schema, service: KeyPath::Single("service".to_owned()), found: Vec::new() }
    }

    /// The layout of a database in which these stores were found.
    pub(super) fn of(&self, found: Vec<StoreShape>) -> Self {
        Self { found, ..self.clone() }
    }

    pub(super) fn place<'a>(&'a self, collection: &'a str) -> Place<'a> {
        if let Some(declared) = self.schema.get(collection) {
            let blind = declared.blind().next().is_some();
            return Place::Own { store: collection, key_path: declared.key_path.as_ref(), declared: true, blind };
        }
        if collection == system::CREDENTIALS {
            return Place::Own { store: collection, key_path: Some(&self.service), declared: true, blind: false };
        }
        if SYSTEM_STORES.contains(&collection) || collection.starts_with(system::SEARCH) {
            return Place::Own { store: collection, key_path: None, declared: true, blind: false };
        }
        match self.undeclared().find(|store| store.name == collection) {
            Some(store) => {
                let key_path = store.key_path.as_ref();
                Place::Own { store: collection, key_path, declared: false, blind: false }
            }
            None => Place::Shared { namespace: collection },
        }
    }

    /// The stores of collections that another version of the application declared.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = &StoreShape> {
        self.found.iter().filter(|store| {
            let ours = store.indexes.iter().any(|index| index.name == EXPIRING);
            let system = store.name.contains(':') || store.name == system::CREDENTIALS;
            ours && !system && self.schema.get(&store.name).is_none()
        })
    }

    /// The log of a collection's search index, where another version of the application keeps one and this does not.
    pub(super) fn unkept_log(&self, collection: &str) -> Option<&str> {
        if self.schema.get(collection).is_some_and(|declared| !declared.search.is_empty()) {
            return None;
        }
        let mut names = self.found.iter().map(|store| store.name.as_str());
        names.find(|name| name.strip_prefix(system::SEARCH) == Some(collection))
    }

    /// Checks that a collection is stored under the declared key path.
    ///
    /// # Errors
    ///
    /// `VERSION_ERROR` where another version of the application has changed it since.
    pub(super) fn check(&self, collection: &str) -> Result<()> {
        let Some(declared) = self.schema.get(collection) else { return Ok(()) };
        let found = self.found.iter().find(|store| store.name == collection);
        if found.is_none_or(|found| found.key_path == declared.key_path) {
            return Ok(());
        }
        Err(changed("keyPath").with("collection", collection))
    }

    /// Checks that an index is there as it is declared.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` where it is not declared; `VERSION_ERROR` where another version of the application has changed it
    /// since.
    pub(super) fn check_index(&self, collection: &str, name: &str) -> Result<()> {
        let named = |indexes: &[Index]| indexes.iter().find(|index| index.name == name).cloned();
        let declared = self.schema.get(collection).and_then(|declared| named(&declared.indexes));
        let Some(declared) = declared.as_ref().map(stored) else {
            return Err(Error::new(ErrorKind::InvalidQuery, "the collection has no such index; declare it")
                .with("collection", collection)
                .with("index", name));
        };
        let found = self.found.iter().find(|store| store.name == collection).and_then(|store| named(&store.indexes));
        // Whether it refuses records makes no difference to reading.
        let serves = |found: Index| found.key_path == declared.key_path && found.multi_entry == declared.multi_entry;
        if found.is_some_and(serves) {
            return Ok(());
        }
        Err(changed("index").with("collection", collection).with("index", name))
    }

    /// Every object store that there must be.
    pub(super) fn wanted(&self) -> Vec<StoreShape> {
        let own = |name: &str| StoreShape {
            name: name.to_owned(),
            key_path: None,
            auto_increment: name == system::OUTBOX,
            indexes: if name == system::ENTRIES {
                let paths = ["_tidekeep.namespace", "_tidekeep.expires"].map(str::to_owned);
                vec![expiring(KeyPath::Compound(paths.to_vec()))]
            } else {
                Vec::new()
            },
        };
        let mut wanted: Vec<StoreShape> = SYSTEM_STORES.into_iter().map(own).collect();
        wanted.push(own(COMMITS));
        wanted.push(shape(system::CREDENTIALS, Some(self.service.clone()), &[]));
        for (name, _) in self.schema.searched() {
            let (name, key_path, indexes) = (search_log(name), None, Vec::new());
            wanted.push(StoreShape { name, key_path, auto_increment: true, indexes });
        }
        for (name, collection) in self.schema.collections() {
            wanted.push(shape(name, collection.key_path.clone(), &collection.indexes));
        }
        wanted
    }
}

fn shape(name: &str, key_path: Option<KeyPath>, declared: &[Index]) -> StoreShape {
    let mut indexes = vec![expiring(KeyPath::Single("_tidekeep.expires".to_owned()))];
    indexes.extend(declared.iter().map(stored));
    StoreShape { name: name.to_owned(), key_path, auto_increment: false, indexes }
}

fn changed(what: &str) -> Error {
    let message =
        format!("another version of the application has changed the {what} of the collection; reload the page");
    Error::new(ErrorKind::VersionError, message)
}

/// The index as it is over rows, which keep tags and metadata with what is the system's.
fn stored(index: &Index) -> Index {
    if index.blind {
        let key_path = KeyPath::Single(format!("{BLIND_TAGS}{}", index.slot()));
        return Index { key_path, blind: false, ..index.clone() };
    }
    let at = |path: &String| match path.strip_prefix(system::METADATA) {
        Some(path) => format!("{}.metadata.{path}", system::RESERVED),
        None if path == system::TAGS => format!("{}.tags", system::RESERVED),
        None => path.clone(),
    };
    let key_path = match &index.key_path {
        KeyPath::Single(path) => KeyPath::Single(at(path)),
        KeyPath::Compound(paths) => KeyPath::Compound(paths.iter().map(at).collect()),
    };
    Index { key_path, ..index.clone() }
}

fn expiring(key_path: KeyPath) -> Index {
    Index { name: EXPIRING.to_owned(), key_path, unique: false, multi_entry: false, blind: false }
}

impl<'a> Place<'a> {
    pub(super) const fn store(&self) -> &'a str {
        match self {
            Self::Own { store, .. } => store,
            Self::Shared { .. } => system::ENTRIES,
        }
    }

    /// The namespace, where rows share a store.
    pub(super) const fn namespace(&self) -> Option<&'a str> {
        match self {
            Self::Own { .. } => None,
            Self::Shared { namespace } => Some(namespace),
        }
    }

    /// Whether rows have tags in blind indexes.
    pub(super) const fn blind(&self) -> bool {
        matches!(self, Self::Own { blind: true, .. })
    }

    /// Whether rows carry their key inside.
    pub(super) const fn inline(&self) -> bool {
        matches!(self, Self::Own { key_path: Some(_), .. })
    }

    /// Checks that a record may lie in a collection that another version of the application declared.
    ///
    /// # Errors
    ///
    /// `INVALID_KEY` where rows carry their keys there, and the record does not.
    pub(super) fn check(&self, record: &Record) -> Result<()> {
        let (Self::Own { key_path: Some(key_path), declared: false, .. }, Body::Clear(payload)) = (self, &record.body)
        else {
            return Ok(());
        };
        if payload.field(system::RESERVED).is_none() && key_path.extract(payload).as_ref() == Some(&record.key) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidKey,
            "another version of the application declares a keyPath for this namespace, and the value does not carry its \
             key there; declare the collection as that version does",
        )
        .with("keyPath", key_path.paths().join(" + ")))
    }

    pub(super) fn key_paths(&self) -> &'a [String] {
        match self {
            Self::Own { key_path: Some(key_path), .. } => key_path.paths(),
            Self::Own { key_path: None, .. } | Self::Shared { .. } => &[],
        }
    }

    /// The key in the object store.
    pub(super) fn stored_key(&self, key: &Key) -> Key {
        match self {
            Self::Own { .. } => key.clone(),
            Self::Shared { namespace } => Key::Array(vec![Key::from(*namespace), key.clone()]),
        }
    }

    /// The collection's key of a key in the object store.
    pub(super) fn own_key(&self, stored: Key) -> Key {
        match (self, stored) {
            (Self::Shared { .. }, Key::Array(parts)) => parts.into_iter().nth(1).unwrap_or(Key::Array(Vec::new())),
            (_, stored) => stored,
        }
    }

    pub(super) fn lower_bound(&self, bound: &Bound<Key>) -> Bound<Key> {
        match (self, bound) {
            (Self::Shared { namespace }, Bound::Unbounded) => Bound::Included(Key::Array(vec![Key::from(*namespace)])),
            _ => bound.as_ref().map(|key| self.stored_key(key)),
        }
    }

    pub(super) fn upper_bound(&self, bound: &Bound<Key>) -> Bound<Key> {
        match (self, bound) {
            (Self::Shared { namespace }, Bound::Unbounded) => Bound::Excluded(after_namespace(namespace)),
            _ => bound.as_ref().map(|key| self.stored_key(key)),
        }
    }
}

/// The least key above every key of a namespace.
pub(super) fn after_namespace(namespace: &str) -> Key {
    Key::Array(vec![Key::String(format!("{namespace}\0"))])
}
