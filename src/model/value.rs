//! How pure code looks into a payload without converting it.

use super::Key;

/// What a field is, as far as comparing and indexing need to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// The field is not there, or is undefined.
    Missing,
    /// Null.
    Null,
    /// True or false. IndexedDB does not index booleans.
    Boolean(bool),
    /// Whatever can be a key: numbers, dates, strings, bytes and arrays of such.
    Key(Key),
    /// Anything else: objects, NaN, arrays that hold such.
    Other,
}

impl Scalar {
    /// The key that this is, if it is one.
    #[must_use]
    pub fn into_key(self) -> Option<Key> {
        match self {
            Self::Key(key) => Some(key),
            Self::Missing | Self::Null | Self::Boolean(_) | Self::Other => None,
        }
    }
}

/// A look into a payload that stays what it is.
///
/// # Behavior
///
/// - [`field`](Fields::field) sees own properties only, never a prototype's, and runs no getter twice.
/// - Nothing here converts the payload as a whole.
pub trait Fields: Sized {
    /// The own property `name` of an object.
    fn field(&self, name: &str) -> Option<Self>;
    /// What this value is.
    fn scalar(&self) -> Scalar;
    /// The elements, where this is an array.
    fn elements(&self) -> Option<Vec<Self>>;

    /// The value at a dotted path.
    fn at(&self, path: &str) -> Option<Self> {
        let mut names = path.split('.');
        let mut value = self.field(names.next()?)?;
        for name in names {
            value = value.field(name)?;
        }
        Some(value)
    }
}
