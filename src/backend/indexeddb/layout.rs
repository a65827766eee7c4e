//! Which object store a collection's rows lie in, and under which keys.

use core::ops::Bound;

use crate::model::{Index, Key, KeyPath, Schema, system};

/// The version of this layout: the millions of the database's version number.
pub(super) const LAYOUT: u32 = 1;
/// What a layout's versions count up from.
pub(super) const LAYOUT_STEP: u32 = 1_000_000;

/// The index over the ends of lives. Records without one cost it nothing.
pub(super) const EXPIRING: &str = "tidekeep:expires";

/// An object store, as declared or as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoreShape {
    pub(super) name: String,
    pub(super) key_path: Option<KeyPath>,
    pub(super) auto_increment: bool,
    pub(super) indexes: Vec<Index>,
}

/// Where the rows of a collection are.
#[derive(Debug)]
pub(super) enum Place<'a> {
    /// In an object store of their own.
    Own { store: &'a str, key_path: Option<&'a KeyPath> },
    /// In the store that all undeclared namespaces share, under `[namespace, key]`.
    Shared { namespace: &'a str },
}

/// The object store of every system collection.
const SYSTEM_STORES: [&str; 7] =
    [system::OUTBOX, system::TOMBSTONES, system::DEAD, system::SYNC, system::KEYS, system::NAMESPACES, system::ENTRIES];

/// Finds places, and says which object stores there must be.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    schema: std::rc::Rc<Schema>,
    /// The key path of the credentials' store.
    service: KeyPath,
}

impl Layout {
    pub(super) fn new(schema: std::rc::Rc<Schema>) -> Self {
        Self { schema, service: KeyPath::Single("service".to_owned()) }
    }

    pub(super) fn place<'a>(&'a self, collection: &'a str) -> Place<'a> {
        if let Some(declared) = self.schema.get(collection) {
            return Place::Own { store: collection, key_path: declared.key_path.as_ref() };
        }
        if collection == system::CREDENTIALS {
            return Place::Own { store: collection, key_path: Some(&self.service) };
        }
        if SYSTEM_STORES.contains(&collection) {
            return Place::Own { store: collection, key_path: None };
        }
        Place::Shared { namespace: collection }
    }

    pub(super) fn has_index(&self, collection: &str, name: &str) -> bool {
        self.schema.get(collection).is_some_and(|declared| declared.indexes.iter().any(|index| index.name == name))
    }

    /// Whether a store may refuse a record once it was handed over: because of a unique index.
    pub(super) fn may_refuse(&self, collection: &str) -> bool {
        self.schema.get(collection).is_some_and(|declared| declared.indexes.iter().any(|index| index.unique))
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
        wanted.push(shape(system::CREDENTIALS, Some(self.service.clone()), &[]));
        for (name, collection) in self.schema.collections() {
            wanted.push(shape(name, collection.key_path.clone(), &collection.indexes));
        }
        wanted
    }
}

fn shape(name: &str, key_path: Option<KeyPath>, declared: &[Index]) -> StoreShape {
    let mut indexes = vec![expiring(KeyPath::Single("_tidekeep.expires".to_owned()))];
    indexes.extend_from_slice(declared);
    StoreShape { name: name.to_owned(), key_path, auto_increment: false, indexes }
}

fn expiring(key_path: KeyPath) -> Index {
    Index { name: EXPIRING.to_owned(), key_path, unique: false, multi_entry: false }
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

    /// Whether rows carry their key inside.
    pub(super) const fn inline(&self) -> bool {
        matches!(self, Self::Own { key_path: Some(_), .. })
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
