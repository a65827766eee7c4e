//! Bytes, read from the front; numbers and texts, written behind.

use crate::error::{Error, ErrorKind, Result};

/// The rest of some bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        self.take(1)?.first().copied().ok_or_else(damaged)
    }

    /// A number of at most 32 bits. Source: LEB128, as in the WebAssembly specification, 5.2.2.
    pub(super) fn number(&mut self) -> Result<u32> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return u32::try_from(number).map_err(|_| damaged());
            }
        }
        Err(damaged())
    }

    pub(super) fn text(&mut self) -> Result<&'a str> {
        let length = self.number()? as usize;
        core::str::from_utf8(self.take(length)?).map_err(|_| damaged())
    }

    /// How many things follow, each of a byte or more.
    pub(super) fn count(&mut self) -> Result<usize> {
        let count = self.number()? as usize;
        if count <= self.0.len() { Ok(count) } else { Err(damaged()) }
    }
}

pub(crate) fn damaged() -> Error {
    Error::new(ErrorKind::Corrupted, "a block of the search index is damaged; reindex the collection")
}

pub(super) fn write_number(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_number(out, super::texts::whole(text.len()));
    out.extend_from_slice(text.as_bytes());
}
