//! Reading: the whole text is checked, then members are read where they are asked for.

use core::fmt;

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
pub(crate) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// Takes a text that is one value, and space around it.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut scanner = Scanner { text, at: 0 };
        scanner.whole_value().ok_or(Malformed::Syntax { at: scanner.at })
    }

    /// The text.
    pub(crate) const fn text(self) -> &'a str {
        self.0
    }

    /// The members of an object.
    pub(crate) fn members(self) -> Result<Members<'a>, Malformed> {
        Scanner { text: self.0, at: 0 }.members().map(Members).ok_or(Malformed::NoObject)
    }

    /// The items of an array.
    pub(crate) fn items(self) -> Option<Vec<Self>> {
        Scanner { text: self.0, at: 0 }.items()
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

    /// The one member of an object that has no other.
    pub(crate) fn only(&self) -> Option<(&str, Json<'a>)> {
        match self.0.as_slice() {
            [(name, value)] => Some((name, *value)),
            _ => None,
        }
    }
}

/// Goes through a text.
///
/// Each step answers with none where the text is not JSON there, and stays at the place.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over a byte, if it is there.
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn skip_while(&mut self, skipped: fn(&u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| skipped(byte)).count();
        self.at += count;
        count
    }

    fn space(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    /// The value that the whole text is.
    fn whole_value(&mut self) -> Option<Json<'a>> {
        let value = self.value()?;
        self.space();
        (self.at == self.text.len()).then_some(value)
    }

    /// The value that begins here, however deep.
    fn value(&mut self) -> Option<Json<'a>> {
        self.space();
        let start = self.at;
        let mut closers = Vec::new();
        loop {
            self.space();
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    self.space();
                    let closer = if open == b'{' { b'}' } else { b']' };
                    if !self.eat(closer) {
                        closers.push(closer);
                        if closer == b'}' {
                            self.name()?;
                        }
                        continue;
                    }
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.literal()?,
            }
            loop {
                let Some(closer) = closers.last().copied() else { return self.text.get(start..self.at).map(Json) };
                self.space();
                if self.eat(b',') {
                    if closer == b'}' {
                        self.name()?;
                    }
                    break;
                }
                if !self.eat(closer) {
                    return None;
                }
                closers.pop();
            }
        }
    }

    /// A member's name and its colon; gives the name as it is written, without the quotes.
    fn name(&mut self) -> Option<&'a str> {
        self.space();
        let start = self.at + 1;
        self.string()?;
        let name = self.text.get(start..self.at - 1);
        self.space();
        if self.eat(b':') { name } else { None }
    }

    fn string(&mut self) -> Option<()> {
        if !self.eat(b'"') {
            return None;
        }
        loop {
            self.skip_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20));
            if self.eat(b'"') {
                return Some(());
            }
            if !self.eat(b'\\') {
                return None;
            }
            match self.peek()? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
                b'u' => {
                    let digits = self.text.get(self.at + 1..self.at + 5)?;
                    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                        return None;
                    }
                    self.at += 5;
                }
                _ => return None,
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let digits = |scanner: &mut Self| (scanner.skip_while(u8::is_ascii_digit) > 0).then_some(());
        self.eat(b'-');
        if !self.eat(b'0') {
            digits(self)?;
        }
        if self.eat(b'.') {
            digits(self)?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            digits(self)?;
        }
        Some(())
    }

    fn literal(&mut self) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let literal = ["null", "true", "false"].into_iter().find(|literal| rest.starts_with(literal))?;
        self.at += literal.len();
        Some(())
    }

    fn members(&mut self) -> Option<Vec<(String, Json<'a>)>> {
        let mut members = Vec::new();
        self.each(b'{', b'}', |scanner| {
            let name = unescaped(scanner.name()?)?;
            members.push((name, scanner.value()?));
            Some(())
        })?;
        Some(members)
    }

    fn items(&mut self) -> Option<Vec<Json<'a>>> {
        let mut items = Vec::new();
        self.each(b'[', b']', |scanner| {
            items.push(scanner.value()?);
            Some(())
        })?;
        Some(items)
    }

    fn each(&mut self, open: u8, close: u8, mut part: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if !self.eat(open) {
            return None;
        }
        self.space();
        while !self.eat(close) {
            part(self)?;
            self.space();
            self.eat(b',');
        }
        Some(())
    }
}

/// The text that the inside of a string stands for; none where it has half of a surrogate pair.
fn unescaped(inside: &str) -> Option<String> {
    let mut parts = inside.split('\\');
    let mut text = parts.next()?.to_owned();
    let mut high = None;
    while let Some(part) = parts.next() {
        let (escape, rest) = part.split_at_checked(1).unwrap_or_default();
        if high.is_some() && escape != "u" {
            return None;
        }
        let (c, rest) = match escape {
            // A backslash that is escaped: what follows is the next part, as it is.
            "" => ('\\', parts.next()?),
            "b" => ('\u{8}', rest),
            "f" => ('\u{c}', rest),
            "n" => ('\n', rest),
            "r" => ('\r', rest),
            "t" => ('\t', rest),
            "u" => {
                let (digits, rest) = rest.split_at_checked(4)?;
                let unit = u16::from_str_radix(digits, 16).ok()?;
                let before = high.take();
                match char::decode_utf16(before.into_iter().chain([unit])).next()? {
                    Ok(c) => (c, rest),
                    Err(_) if before.is_none() && rest.is_empty() && (0xd800..0xdc00).contains(&unit) => {
                        high = Some(unit);
                        continue;
                    }
                    Err(_) => return None,
                }
            }
            other => (other.chars().next()?, rest),
        };
        text.push(c);
        text.push_str(rest);
    }
    if high.is_some() { None } else { Some(text) }
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
