//! Key paths: which fields of a record make a key.

use super::key::distinct;
use super::{Fields, Key, Scalar};

/// One dotted path, or several that make an array key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPath {
    /// One field.
    Single(String),
    /// Several fields: an array key, and none where one of them is missing.
    Compound(Vec<String>),
}

impl KeyPath {
    /// The key that a payload has under this path, if its fields can be a key.
    pub fn extract<P: Fields>(&self, payload: &P) -> Option<Key> {
        let one = |path: &String| match payload.at(path)?.scalar() {
            Scalar::Key(key) => Some(key),
            Scalar::Missing | Scalar::Null | Scalar::Boolean(_) | Scalar::Other => None,
        };
        match self {
            Self::Single(path) => one(path),
            Self::Compound(paths) => paths.iter().map(one).collect::<Option<Vec<_>>>().map(Key::Array),
        }
    }

    /// The keys of a multi-entry index: one for each element that can be a key, without repeats.
    pub fn extract_each<P: Fields>(&self, payload: &P) -> Vec<Key> {
        let Self::Single(path) = self else { return self.extract(payload).into_iter().collect() };
        let Some(value) = payload.at(path) else { return Vec::new() };
        let Some(elements) = value.elements() else { return self.extract(payload).into_iter().collect() };
        let keys: Vec<Key> = elements
            .iter()
            .filter_map(|element| match element.scalar() {
                Scalar::Key(key) => Some(key),
                Scalar::Missing | Scalar::Null | Scalar::Boolean(_) | Scalar::Other => None,
            })
            .collect();
        distinct(keys)
    }

    /// The paths, in order.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        match self {
            Self::Single(path) => core::slice::from_ref(path),
            Self::Compound(paths) => paths,
        }
    }
}
