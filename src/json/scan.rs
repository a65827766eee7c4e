//! Going through a text of JSON.

use super::read::Json;

/// Goes through a text.
///
/// Each step answers with none where the text is not JSON there, and stays at the place.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning of a text.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte that it is at.
    pub(super) const fn place(&self) -> usize {
        self.at
    }

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
    pub(super) fn whole_value(&mut self) -> Option<Json<'a>> {
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

    /// The members of the object that begins here.
    pub(super) fn members(&mut self) -> Option<Vec<(String, Json<'a>)>> {
        let mut members = Vec::new();
        self.each(b'{', b'}', |scanner| {
            let name = unescaped(scanner.name()?)?;
            members.push((name, scanner.value()?));
            Some(())
        })?;
        Some(members)
    }

    /// The items of the array that begins here.
    pub(super) fn items(&mut self) -> Option<Vec<Json<'a>>> {
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
pub(super) fn unescaped(inside: &str) -> Option<String> {
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
