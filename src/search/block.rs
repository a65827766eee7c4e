//! A block of the log: what some commits made of some records, packed. `docs/formats.md` has the table.

use super::reader::{Reader, damaged};
use crate::error::{Error, ErrorKind, Result};

/// What every block begins with.
pub(super) const MAGIC: [u8; 4] = *b"TKSI";
/// The version of the format.
pub(super) const VERSION: u8 = 1;
/// The way of cutting texts into words: that of [`words`](super::tokens::words).
pub(super) const SUITE: u8 = 1;

/// The bits of the flags.
pub(super) const CLEARED: u8 = 1;
pub(super) const BUILDING: u8 = 2;
pub(super) const BUILT: u8 = 4;
pub(super) const POSITION: u8 = 8;

/// What is said of the building of the index, as far as a block or a log says anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Progress {
    /// Nothing: it is as complete as it was.
    #[default]
    Unsaid,
    /// It is being built, and holds the records up to and with this key, as text; none yet, without.
    Building(Option<String>),
    /// It is complete.
    Built,
}

/// A block, opened.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    /// Whether everything that came before is void.
    pub(crate) cleared: bool,
    pub(crate) progress: Progress,
    /// The fields that it knows, sorted.
    pub(crate) fields: Vec<&'a str>,
    /// The keys, as text, of records that are gone.
    pub(crate) deleted: Vec<&'a str>,
    /// The keys, as text, of the records that it describes.
    pub(crate) keys: Vec<&'a str>,
    /// How many words each field of each record has.
    pub(crate) lengths: Vec<u32>,
    terms: Reader<'a>,
}

/// Where a word occurs: in which field of which record, as `record * fields + field`; and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Posting {
    pub(crate) at: u32,
    pub(crate) count: u32,
}

impl<'a> Block<'a> {
    /// Reads what comes before the words.
    ///
    /// # Errors
    ///
    /// `VERSION_ERROR` for a block of a newer version, `CORRUPTED` for what is none.
    pub(crate) fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        if reader.take(4)? != MAGIC {
            return Err(damaged());
        }
        match (reader.byte()?, reader.byte()?) {
            (0, _) | (_, 0) => return Err(damaged()),
            (VERSION, SUITE) => {}
            (version, suite) => {
                return Err(Error::new(
                    ErrorKind::VersionError,
                    "the search index was written by a newer version of this library; reload the application to get it",
                )
                .with("version", version)
                .with("suite", suite));
            }
        }
        let flags = reader.byte()?;
        let progress = match flags & (BUILDING | BUILT) {
            0 => Progress::Unsaid,
            BUILDING if flags & POSITION == 0 => Progress::Building(None),
            BUILDING => Progress::Building(Some(reader.text()?.to_owned())),
            BUILT => Progress::Built,
            _ => return Err(damaged()),
        };
        let fields = texts(&mut reader)?;
        let deleted = texts(&mut reader)?;
        let count = reader.count()?;
        let mut keys = Vec::with_capacity(count);
        let mut lengths = Vec::with_capacity(count);
        for _ in 0..count {
            keys.push(reader.text()?);
            for _ in &fields {
                lengths.push(reader.number()?);
            }
        }
        Ok(Self { cleared: flags & CLEARED != 0, progress, fields, deleted, keys, lengths, terms: reader })
    }

    /// Its words.
    pub(crate) fn terms(&self) -> Terms<'a> {
        let end = self.lengths.len();
        Terms { reader: self.terms, end, text: Vec::new(), postings: Vec::new() }
    }
}

fn texts<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>> {
    let count = reader.count()?;
    (0..count).map(|_| reader.text()).collect()
}

/// The words of a block, in order, one at a time.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    reader: Reader<'a>,
    end: usize,
    text: Vec<u8>,
    postings: Vec<Posting>,
}

impl Terms<'_> {
    /// The next word, and where it occurs.
    ///
    /// # Errors
    ///
    /// `CORRUPTED`.
    pub(crate) fn next(&mut self) -> Result<Option<(&str, &[Posting])>> {
        let length = self.reader.number()? as usize;
        if length == 0 {
            return if self.reader.0.is_empty() { Ok(None) } else { Err(damaged()) };
        }
        let shared = self.reader.number()? as usize;
        if shared > self.text.len() {
            return Err(damaged());
        }
        self.text.truncate(shared);
        self.text.extend_from_slice(self.reader.take(length)?);
        self.postings.clear();
        let mut next = 0;
        for _ in 0..self.reader.count()? {
            let number = self.reader.number()?;
            let count = if number & 1 == 0 { 1 } else { self.reader.number()? };
            let at = (number >> 1).checked_add(next).filter(|at| (*at as usize) < self.end).ok_or_else(damaged)?;
            self.postings.push(Posting { at, count });
            next = at + 1;
        }
        let text = core::str::from_utf8(&self.text).map_err(|_| damaged())?;
        Ok(Some((text, &self.postings)))
    }
}
