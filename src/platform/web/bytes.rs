//! Bytes that Rust seldom looks at: they stay outside of its memory, which only grows.

use core::fmt;

use js_sys::Uint8Array;

/// Bytes that are passed on: an envelope, mostly. They are never changed.
#[derive(Clone)]
pub struct Bytes(Uint8Array);

impl Bytes {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.length() as usize
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of them.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Whether they begin with these.
    #[must_use]
    pub fn starts_with(&self, start: &[u8]) -> bool {
        let end = u32::try_from(start.len()).unwrap_or(u32::MAX);
        self.len() >= start.len() && self.0.subarray(0, end).to_vec() == start
    }

    /// A copy of the first `N`, where there are as many.
    #[must_use]
    pub fn first<const N: usize>(&self) -> Option<[u8; N]> {
        let end = u32::try_from(N).ok().filter(|end| *end <= self.0.length())?;
        let mut first = [0; N];
        self.0.subarray(0, end).copy_to(&mut first);
        Some(first)
    }

    /// The bytes, as JavaScript has them.
    #[must_use]
    pub const fn as_js(&self) -> &Uint8Array {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Uint8Array::from(bytes.as_slice()))
    }
}

impl From<Uint8Array> for Bytes {
    fn from(bytes: Uint8Array) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.len())
    }
}
