//! Reading: the whole text is checked, then members are read where they are asked for.

use core::fmt;

use super::scan::{Scanner, unescaped};
use crate::platform;

/// What can be read from JSON.
pub(crate) trait FromJson: Sized {
    /// Reads it off the members of an object.
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed>;
}

/// Reads a text that is to be an object.
///
/// # Errors
///
/// What is wrong with it, without a word of it: it may be anyone's data.
pub(crate) fn read<T: FromJson>(text: &str) -> Result<T, Malformed> {
    T::from_members(&Json::parse(text)?.members()?)
}

/// Why a text cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// It is not JSON.
    Syntax {
        /// The byte at which that shows.
        at: usize,
    },
    /// It is JSON, but no object.
    NoObject,
    /// A member is missing, is there twice, or is of another type.
    Member(&'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at } => write!(f, "not JSON at byte {at}"),
            Self::NoObject => f.write_str("not an object"),
            Self::Member(name) => write!(f, "“{name}” is missing, repeated or of another type"),
        }
    }
}

/// A value that is still text: one whole value of JSON, with nothing around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Json<'a>(pub(super) &'a str);

impl<'a> Json<'a> {
    /// Takes a text that is one value, and space around it.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut scanner = Scanner::new(text);
        scanner.whole_value().ok_or(Malformed::Syntax { at: scanner.place() })
    }

    /// The text.
    pub(crate) const fn text(self) -> &'a str {
        self.0
    }

    /// The members of an object.
    pub(crate) fn members(self) -> Result<Members<'a>, Malformed> {
        Scanner::new(self.0).members().map(Members).ok_or(Malformed::NoObject)
    }

    /// The items of an array.
    pub(crate) fn items(self) -> Option<Vec<Self>> {
        Scanner::new(self.0).items()
    }

    /// The text of a string.
    pub(crate) fn string(self) -> Option<String> {
        unescaped(self.0.strip_prefix('"')?.strip_suffix('"')?)
    }

    /// A number.
    pub(crate) fn number(self) -> Option<f64> {
        if self.0.starts_with(|c: char| c == '-' || c.is_ascii_digit()) { platform::number_of(self.0) } else { None }
    }

    /// A whole number that is not negative.
    pub(crate) fn whole(self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// True or false.
    pub(crate) fn flag(self) -> Option<bool> {
        self.0.parse().ok()
    }

    /// The texts of an array of strings.
    pub(crate) fn strings(self) -> Option<Vec<String>> {
        self.items()?.into_iter().map(Self::string).collect()
    }
}

/// The members of an object.
#[derive(Debug)]
pub(crate) struct Members<'a>(Vec<(String, Json<'a>)>);

impl<'a> Members<'a> {
    /// The member of this name; none where there is none, or null.
    ///
    /// # Errors
    ///
    /// [`Malformed::Member`] where it is there twice, or `read` does not take it.
    pub(crate) fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Json<'a>) -> Option<T>,
    ) -> Result<Option<T>, Malformed> {
        match self.find(name)? {
            None | Some(Json("null")) => Ok(None),
            Some(value) => read(value).map(Some).ok_or(Malformed::Member(name)),
        }
    }

    /// The member of this name.
    ///
    /// # Errors
    ///
    /// [`Malformed::Member`] where there is not just one, or `read` does not take it.
    pub(crate) fn required<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Json<'a>) -> Option<T>,
    ) -> Result<T, Malformed> {
        self.find(name)?.and_then(read).ok_or(Malformed::Member(name))
    }

    /// The member of this name, null included.
    pub(crate) fn find(&self, name: &'static str) -> Result<Option<Json<'a>>, Malformed> {
        let mut found = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| *value);
        let first = found.next();
        if found.next().is_some() { Err(Malformed::Member(name)) } else { Ok(first) }
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Json<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The one member of an object that has no other.
    pub(crate) fn only(&self) -> Option<(&str, Json<'a>)> {
        match self.0.as_slice() {
            [(name, value)] => Some((name, *value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// JSON, and what is nearly JSON.
    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            "[\\[\\]{},:\" ]",
            Just("\"a\":".to_owned()),
            Just("\"\\ud83d\\ude00\\n\\\\\\u00e9\"".to_owned()),
            Just("\"\\ud83d\"".to_owned()),
            "(null|true|false|-?[0-9]{1,3}|0\\.5e-?[0-9]{1,2}|01|1\\.|-|\"[^\"\\\\]{0,3}\"|\"\\\\.{0,5}\")",
        ];
        prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let object = prop::collection::vec((any::<String>(), inner.clone()), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::from),
                object.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// The value, by this reader alone.
    fn value(json: Json<'_>) -> Value {
        if let Ok(members) = json.members() {
            return Value::Object(members.0.into_iter().map(|(name, json)| (name, value(json))).collect());
        }
        if let Some(items) = json.items() {
            return Value::Array(items.into_iter().map(value).collect());
        }
        let whole = json.whole().map(Value::from);
        let number = || json.number().map(Value::from);
        let rest = || json.flag().map(Value::from).or_else(|| json.string().map(Value::from));
        whole.or_else(number).or_else(rest).unwrap_or(Value::Null)
    }

    proptest! {
        #[test]
        fn what_is_json_and_what_is_not_is_as_serde_says(text in texts()) {
            let known = serde_json::from_str::<&serde_json::value::RawValue>(&text);
            prop_assert_eq!(Json::parse(&text).ok().map(Json::text), known.ok().map(serde_json::value::RawValue::get));
        }

        #[test]
        fn values_are_read_as_they_were_written(given in values(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&given) } else { serde_json::to_string(&given) }.unwrap();
            let read = value(Json::parse(&text).unwrap());
            prop_assert_eq!(serde_json::from_str::<Value>(&read.to_string()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn strings_are_read_as_serde_reads_them(inside in "([a-z\"]|\\\\[\"\\\\/bfnrtux]|\\\\u(d83d|de00|00e9|0000|d8)){0,5}") {
            let text = format!("\"{inside}\"");
            let read = Json::parse(&text).ok().and_then(Json::string);
            prop_assert_eq!(read, serde_json::from_str::<String>(&text).ok());
        }
    }

    #[test]
    fn two_first_halves_of_a_pair_are_no_text() {
        assert_eq!(Json::parse(r#""\ud83d\ud83d\ude00""#).unwrap().string(), None);
    }

    #[test]
    fn nesting_has_no_end() {
        let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Json::parse(&text).unwrap().items().unwrap().len(), 1);
    }

    #[test]
    fn a_member_is_there_once_and_of_its_type() {
        let members = Json::parse(r#"{"a":1,"b":null,"c":"x","a":2}"#).unwrap().members().unwrap();
        assert_eq!(members.required("a", Json::whole), Err(Malformed::Member("a")));
        assert_eq!(members.optional("b", Json::whole), Ok(None));
        assert_eq!(members.required("b", Json::whole), Err(Malformed::Member("b")));
        assert_eq!(members.optional("c", Json::whole), Err(Malformed::Member("c")));
        assert_eq!(members.required("c", Json::string).as_deref(), Ok("x"));
        assert_eq!(members.optional("d", Json::whole), Ok(None));
    }
}
