//! Keys, in the types and the order of IndexedDB, and their text form.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::error::{Error, ErrorKind, Result};
use crate::json::{Json, Object, array, quoted};
use crate::platform::number_text;

/// A key of a record or of an index.
///
/// # Behavior
///
/// - Keys sort as IndexedDB sorts them: numbers, then dates, strings (by UTF-16 code unit), bytes, arrays.
///   Source: Indexed Database API 3.0, “compare two keys”.
/// - Numbers are finite or infinite, never NaN; `-0` equals `0`.
#[derive(Debug, Clone)]
pub enum Key {
    /// A number that is not NaN.
    Number(f64),
    /// A point in time, milliseconds since the epoch.
    Date(f64),
    /// Text.
    String(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// A list of keys.
    Array(Vec<Self>),
}

/// The deepest nesting of an array key that is accepted.
const MAX_DEPTH: usize = 32;

/// The last point in time that a date can be, and with a minus the first: milliseconds since the epoch.
/// Source: ECMAScript, “time values and time range”.
pub(super) const LAST_DATE: f64 = 8.64e15;

impl Key {
    /// The least key above this one.
    ///
    /// # Behavior
    ///
    /// - Nothing lies between a key and its successor; dates are whole milliseconds, as in JavaScript.
    /// - Above the last number comes the first date, and above the last date the empty string.
    #[must_use]
    pub fn successor(&self) -> Self {
        match self {
            Self::Number(number) if *number < f64::INFINITY => Self::Number(number.next_up()),
            Self::Number(_) => Self::Date(-LAST_DATE),
            Self::Date(ms) if *ms < LAST_DATE => Self::Date(ms + 1.0),
            Self::Date(_) => Self::String(String::new()),
            Self::String(text) => Self::String(format!("{text}\0")),
            Self::Binary(bytes) => Self::Binary(bytes.iter().copied().chain([0]).collect()),
            Self::Array(items) => Self::Array(items.iter().cloned().chain([Self::Number(f64::NEG_INFINITY)]).collect()),
        }
    }

    /// Whether both are of one type; only then does the order between them mean anything to people.
    #[must_use]
    pub const fn same_type(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }

    /// Whether IndexedDB takes it: no number in it is NaN, and every date is a whole millisecond that a date can be.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Number(number) => !number.is_nan(),
            Self::Date(ms) => ms.abs() <= LAST_DATE && ms.trunc().total_cmp(ms).is_eq(),
            Self::String(_) | Self::Binary(_) => true,
            Self::Array(items) => items.iter().all(Self::is_valid),
        }
    }

    /// The text form: a string as itself, everything else as `~` and JSON.
    ///
    /// # Behavior
    ///
    /// - Different keys have different texts, and [`Key::from_text`] gives the key back.
    /// - A string that begins with `~` is written as `~` and its JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::String(text) if !text.starts_with('~') => text.clone(),
            _ => format!("~{}", self.to_json()),
        }
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// `INVALID_KEY` where the text is not one that [`Key::to_text`] writes.
    pub fn from_text(text: &str) -> Result<Self> {
        let Some(json) = text.strip_prefix('~') else {
            return Ok(Self::String(text.to_owned()));
        };
        let invalid = || Error::new(ErrorKind::InvalidKey, "the text is not the text of a key").with("text", text);
        Json::parse(json).ok().and_then(|json| Self::from_json(json, 0)).ok_or_else(invalid)
    }

    fn to_json(&self) -> String {
        match self {
            Self::Number(number) if number.is_finite() => number_text(*number),
            Self::Number(number) => Object::new().text("number", &number_text(*number)).finish(),
            Self::Date(ms) => Object::new().number("date", *ms).finish(),
            Self::String(text) => quoted(text),
            Self::Binary(bytes) => Object::new().text("bytes", &hex(bytes)).finish(),
            Self::Array(items) => array(items.iter().map(Self::to_json)),
        }
    }

    fn from_json(json: Json<'_>, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        if let Some(number) = json.number() {
            return number.is_finite().then_some(Self::Number(number));
        }
        if let Some(text) = json.string() {
            return Some(Self::String(text));
        }
        if let Some(items) = json.items() {
            return items
                .into_iter()
                .map(|item| Self::from_json(item, depth + 1))
                .collect::<Option<_>>()
                .map(Self::Array);
        }
        match json.members().ok()?.only()? {
            ("date", ms) => ms.number().map(Self::Date),
            ("bytes", text) => unhex(&text.string()?).map(Self::Binary),
            ("number", text) => match text.string()?.as_str() {
                "Infinity" => Some(Self::Number(f64::INFINITY)),
                "-Infinity" => Some(Self::Number(f64::NEG_INFINITY)),
                _ => None,
            },
            _ => None,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Date(_) => 1,
            Self::String(_) => 2,
            Self::Binary(_) => 3,
            Self::Array(_) => 4,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) | (Self::Date(a), Self::Date(b)) => {
                a.partial_cmp(b).unwrap_or(Ordering::Equal)
            }
            (Self::String(a), Self::String(b)) => a.encode_utf16().cmp(b.encode_utf16()),
            (Self::Binary(a), Self::Binary(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<u32> for Key {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

/// Keys, each once, in order.
pub(crate) fn distinct(keys: Vec<Key>) -> Vec<Key> {
    let mut sorted = BinaryHeap::from(keys).into_sorted_vec();
    sorted.dedup();
    sorted
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? << 4 | pair.last()?)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys() -> impl Strategy<Value = Key> {
        let leaf = prop_oneof![
            any::<f64>().prop_filter("NaN is no key", |n| !n.is_nan()).prop_map(Key::Number),
            (-8.64e15..8.64e15f64).prop_map(|ms| Key::Date(ms.trunc())),
            any::<String>().prop_map(Key::String),
            any::<Vec<u8>>().prop_map(Key::Binary),
        ];
        leaf.prop_recursive(4, 16, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Key::Array))
    }

    proptest! {
        #[test]
        fn a_key_survives_its_text_form(key in keys()) {
            prop_assert_eq!(Key::from_text(&key.to_text()).unwrap(), key);
        }

        #[test]
        fn the_order_is_total(a in keys(), b in keys(), c in keys()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }

        #[test]
        fn nothing_lies_between_a_key_and_its_successor(key in keys(), other in keys()) {
            let next = key.successor();
            prop_assert!(next.is_valid());
            prop_assert!(key < next);
            prop_assert_eq!(other > key, other >= next);
        }
    }

    #[test]
    fn types_sort_as_in_indexeddb() {
        let sorted = [
            Key::Number(f64::NEG_INFINITY),
            Key::Number(7.0),
            Key::Date(0.0),
            Key::from(""),
            Key::from("a"),
            Key::from("\u{1F600}"), // a surrogate pair sorts below U+FFFD by code unit
            Key::from("\u{FFFD}"),
            Key::Binary(vec![]),
            Key::Array(vec![]),
            Key::Array(vec![Key::Number(1.0)]),
        ];
        assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_subnormal_number_is_not_zero() {
        let tiny = Key::Number(-1.695_574_549_161_000_4e-308);
        assert_eq!(Key::from_text(&tiny.to_text()).unwrap(), tiny);
        assert_eq!(Key::Number(-0.0).to_text(), Key::Number(0.0).to_text());
    }

    #[test]
    fn the_ends_of_a_type_are_followed_by_the_next_type() {
        assert_eq!(Key::Number(f64::INFINITY).successor(), Key::Date(-LAST_DATE));
        assert_eq!(Key::Date(LAST_DATE).successor(), Key::from(""));
        assert_eq!(Key::Number(-0.0).successor(), Key::Number(f64::from_bits(1)));
        assert_eq!(Key::from("a").successor(), Key::from("a\0"));
        assert_eq!(Key::Array(vec![]).successor(), Key::Array(vec![Key::Number(f64::NEG_INFINITY)]));
    }

    #[test]
    fn dates_that_cannot_be_are_not_valid() {
        for ms in [f64::NAN, f64::INFINITY, LAST_DATE + 1.0, 0.5] {
            assert!(!Key::Array(vec![Key::Date(ms)]).is_valid(), "{ms}");
        }
        assert!(Key::Date(-LAST_DATE).is_valid() && Key::Number(f64::INFINITY).is_valid());
    }

    #[test]
    fn texts_that_no_key_has_are_refused() {
        for text in ["~", "~{}", "~null", "~true", "~{\"date\":\"x\"}", "~{\"bytes\":\"a\"}", "~[null]"] {
            assert_eq!(Key::from_text(text).unwrap_err().kind(), ErrorKind::InvalidKey, "{text}");
        }
        let deep = format!("~{}{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(Key::from_text(&deep).unwrap_err().kind(), ErrorKind::InvalidKey);
    }
}
