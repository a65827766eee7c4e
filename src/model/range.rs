//! Ranges of keys.

use core::ops::Bound;

use super::Key;
use super::key::LAST_DATE;

/// A range of keys, open or closed at each end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// The lower end.
    pub lower: Bound<Key>,
    /// The upper end.
    pub upper: Bound<Key>,
}

impl KeyRange {
    /// Every key.
    #[must_use]
    pub const fn all() -> Self {
        Self { lower: Bound::Unbounded, upper: Bound::Unbounded }
    }

    /// Just one key.
    #[must_use]
    pub fn only(key: Key) -> Self {
        Self { lower: Bound::Included(key.clone()), upper: Bound::Included(key) }
    }

    /// The strings that begin with `prefix`; the empty prefix is every string.
    #[must_use]
    pub fn prefix(prefix: &str) -> Self {
        // The least key above all strings is the empty byte string; above all strings with the
        // prefix it is the prefix with its last code unit raised.
        let upper = successor(prefix).map_or(Key::Binary(Vec::new()), Key::String);
        Self { lower: Bound::Included(Key::from(prefix)), upper: Bound::Excluded(upper) }
    }

    /// The keys of the same type as `key`, with ends that IndexedDB takes.
    #[must_use]
    pub fn of_type(key: &Key) -> Self {
        let (lower, upper) = match key {
            Key::Number(_) => (Key::Number(f64::NEG_INFINITY), Bound::Included(Key::Number(f64::INFINITY))),
            Key::Date(_) => (Key::Date(-LAST_DATE), Bound::Included(Key::Date(LAST_DATE))),
            Key::String(_) => (Key::String(String::new()), Bound::Excluded(Key::Binary(Vec::new()))),
            Key::Binary(_) => (Key::Binary(Vec::new()), Bound::Excluded(Key::Array(Vec::new()))),
            Key::Array(_) => (Key::Array(Vec::new()), Bound::Unbounded),
        };
        Self { lower: Bound::Included(lower), upper }
    }

    /// The one key of a range made by [`only`](KeyRange::only).
    #[must_use]
    pub fn single(&self) -> Option<&Key> {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower), Bound::Included(upper)) if lower == upper => Some(lower),
            _ => None,
        }
    }

    /// Whether `key` lies inside.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        let above = match &self.lower {
            Bound::Included(lower) => key >= lower,
            Bound::Excluded(lower) => key > lower,
            Bound::Unbounded => true,
        };
        let below = match &self.upper {
            Bound::Included(upper) => key <= upper,
            Bound::Excluded(upper) => key < upper,
            Bound::Unbounded => true,
        };
        above && below
    }

    /// Whether no key can lie inside. IndexedDB refuses to make such a range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.lower, &self.upper) {
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (Bound::Included(lower) | Bound::Excluded(lower), Bound::Included(upper) | Bound::Excluded(upper)) => {
                lower >= upper
            }
            _ => false,
        }
    }

    /// The keys that lie in both.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self { lower: tighter(self.lower, other.lower, true), upper: tighter(self.upper, other.upper, false) }
    }
}

fn tighter(a: Bound<Key>, b: Bound<Key>, lower: bool) -> Bound<Key> {
    let (key_a, key_b) = match (&a, &b) {
        (Bound::Unbounded, _) => return b,
        (_, Bound::Unbounded) => return a,
        (Bound::Included(x) | Bound::Excluded(x), Bound::Included(y) | Bound::Excluded(y)) => (x, y),
    };
    let a_wins = match key_a.cmp(key_b) {
        core::cmp::Ordering::Equal => matches!(a, Bound::Excluded(_)),
        core::cmp::Ordering::Greater => lower,
        core::cmp::Ordering::Less => !lower,
    };
    if a_wins { a } else { b }
}

/// The least string, by code unit, above every string with this prefix.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        if let Some(next) = next_char(last) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The next character in the order of UTF-16 code units.
fn next_char(c: char) -> Option<char> {
    match c {
        '\u{D7FF}' => Some('\u{10000}'), // surrogate pairs sort between U+D7FF and U+E000
        '\u{10FFFF}' => Some('\u{E000}'),
        '\u{FFFF}' => None,
        _ => char::from_u32(u32::from(c) + 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_prefix_range_holds_just_the_strings_with_the_prefix(prefix in ".{0,3}", text in ".{0,5}", glue in any::<bool>()) {
            let text = if glue { format!("{prefix}{text}") } else { text };
            prop_assert_eq!(KeyRange::prefix(&prefix).contains(&Key::from(text.as_str())), text.starts_with(&prefix));
        }

        #[test]
        fn an_intersection_holds_what_both_hold(bounds in prop::array::uniform4(0u32..6), open in prop::array::uniform4(any::<bool>()), probe in 0u32..6) {
            let bound = |i: usize| if open[i] { Bound::Excluded(Key::from(bounds[i])) } else { Bound::Included(Key::from(bounds[i])) };
            let a = KeyRange { lower: bound(0), upper: bound(1) };
            let b = KeyRange { lower: bound(2), upper: bound(3) };
            let key = Key::from(probe);
            let both = a.contains(&key) && b.contains(&key);
            prop_assert_eq!(a.intersect(b).contains(&key), both);
        }
    }

    #[test]
    fn the_range_of_a_type_holds_that_type_and_no_other() {
        let keys = [
            Key::Number(f64::NEG_INFINITY),
            Key::Number(f64::INFINITY),
            Key::Date(-LAST_DATE),
            Key::Date(LAST_DATE),
            Key::from(""),
            Key::from("\u{FFFF}"),
            Key::Binary(vec![]),
            Key::Binary(vec![255]),
            Key::Array(vec![]),
            Key::Array(vec![Key::Array(vec![])]),
        ];
        for a in &keys {
            for b in &keys {
                assert_eq!(KeyRange::of_type(a).contains(b), a.same_type(b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn other_types_are_outside_a_prefix() {
        let all_strings = KeyRange::prefix("");
        assert!(all_strings.contains(&Key::from("x")));
        assert!(!all_strings.contains(&Key::from(1)));
        assert!(!all_strings.contains(&Key::Binary(vec![0])));
        assert!(KeyRange::prefix("\u{FFFF}").contains(&Key::from("\u{FFFF}\u{FFFF}")));
    }
}
