//! Key paths: which fields of a record make a key.

use super::{Fields, Key};

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
        self.extract_by(|path| payload.at(path))
    }

    /// The key that is made of what `at` finds under the paths.
    pub(crate) fn extract_by<P: Fields>(&self, at: impl Fn(&str) -> Option<P>) -> Option<Key> {
        let one = |path: &String| at(path)?.scalar().into_key();
        match self {
            Self::Single(path) => one(path),
            Self::Compound(paths) => paths.iter().map(one).collect::<Option<Vec<_>>>().map(Key::Array),
        }
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
