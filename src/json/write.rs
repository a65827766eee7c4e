//! Writing: values are text from the beginning.

use core::fmt::Write as _;

use crate::platform;

/// What can be written as JSON.
pub(crate) trait ToJson {
    /// Its text.
    fn to_json(&self) -> String;
}

/// An object that is being written, member by member.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    /// One without members.
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn json(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    /// Adds a text.
    pub(crate) fn text(self, name: &str, text: &str) -> Self {
        self.json(name, &quoted(text))
    }

    /// Adds a whole number.
    pub(crate) fn whole(self, name: &str, number: u64) -> Self {
        self.json(name, &number.to_string())
    }

    /// Adds a number.
    pub(crate) fn number(self, name: &str, number: f64) -> Self {
        self.json(name, &platform::number_text(number))
    }

    /// Adds true or false.
    pub(crate) fn flag(self, name: &str, flag: bool) -> Self {
        self.json(name, if flag { "true" } else { "false" })
    }

    /// Adds texts.
    pub(crate) fn texts(self, name: &str, texts: &[String]) -> Self {
        self.json(name, &array(texts.iter().map(|text| quoted(text))))
    }

    /// Adds a member if there is a value for it.
    pub(crate) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }

    /// Its text.
    pub(crate) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// The array of some values that are JSON already.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    let mut text = "[".to_owned();
    for item in items {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&item);
    }
    text.push(']');
    text
}

/// The string of a text.
pub(crate) fn quoted(text: &str) -> String {
    let mut string = String::with_capacity(text.len() + 2);
    quote(&mut string, text);
    string
}

fn quote(string: &mut String, text: &str) {
    string.push('"');
    for c in text.chars() {
        match c {
            '"' => string.push_str("\\\""),
            '\\' => string.push_str("\\\\"),
            '\n' => string.push_str("\\n"),
            // Writing to a string cannot fail.
            '\0'..' ' => drop(write!(string, "\\u{:04x}", u32::from(c))),
            _ => string.push(c),
        }
    }
    string.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_read_back(text: String) {
            prop_assert_eq!(serde_json::from_str::<String>(&quoted(&text)).unwrap(), text);
        }
    }

    #[test]
    fn an_object_has_its_members_in_order() {
        let written = Object::new()
            .whole("n", u64::MAX)
            .number("f", 1.5)
            .text("\"t\"", "\u{1}\n\\")
            .flag("b", true)
            .texts("l", &["a".to_owned(), String::new()])
            .maybe(None, |object, text| object.text("absent", text))
            .json("j", &array([]))
            .finish();
        assert_eq!(written, r#"{"n":18446744073709551615,"f":1.5,"\"t\"":"\u0001\n\\","b":true,"l":["a",""],"j":[]}"#);
        assert_eq!(Object::new().finish(), "{}");
    }
}
