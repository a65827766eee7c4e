//! Bytes that are passed on.

use core::fmt;
use std::rc::Rc;

/// Bytes that are passed on: an envelope, mostly. They are never changed.
#[derive(Clone)]
pub struct Bytes(Rc<[u8]>);

impl Bytes {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A copy of them.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Whether they begin with these.
    #[must_use]
    pub fn starts_with(&self, start: &[u8]) -> bool {
        self.0.starts_with(start)
    }

    /// A copy of the first `N`, where there are as many.
    #[must_use]
    pub fn first<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.first_chunk().copied()
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.len())
    }
}
