//! What a reader has seen, to be found again inside a commit.

use super::{Key, KeyRange, Record};
use crate::error::{Error, ErrorKind, Result};

/// Which order rows come in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// That of the records' own keys.
    #[default]
    Primary,
    /// That of an index, by its name; rows of equal index keys by their own.
    Index(String),
    /// That of the ends of their lives, milliseconds since the epoch; records without one are left out.
    Expiring,
}

/// A condition on a whole range: just these rows lie in it, as they were seen.
///
/// # Behavior
///
/// - It is checked inside the commit, against what is stored before any operation of the batch takes effect, wherever
///   in the batch it stands.
/// - Every stored row counts, those whose time is over too; rows come in the order of the source.
/// - A batch of conditions alone writes nothing and still checks them.
///
/// # Errors
///
/// `CONFLICT` where a row was changed, added or taken away, and nothing of the batch happens; `INVALID_QUERY` for an
/// index that the collection does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct Verify {
    /// The collection.
    pub collection: String,
    /// In which order.
    pub source: Source,
    /// From where to where, in keys of that order.
    pub range: KeyRange,
    /// Every row of the range, in order.
    pub rows: Vec<Seen>,
}

/// The state of a record, by the marks of its last write.
///
/// The version alone would not do: a record that was deleted, and written anew where no tombstone is kept, counts from
/// 1 again.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The record's own key.
    pub key: Key,
    /// Its version.
    pub version: u64,
    /// When it was last written.
    pub modified: f64,
}

impl Seen {
    /// The state that a record is in.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        Self { key: record.key.clone(), version: record.meta.version, modified: record.meta.modified }
    }
}

impl Verify {
    /// Compares what was seen with what is there.
    pub(crate) fn check(&self, found: &[Seen]) -> Result<()> {
        let (seen, found) = match (self.rows.as_slice(), found) {
            (seen, found) if seen == found => return Ok(()),
            (seen, found) => (seen.iter(), found.iter()),
        };
        let same = seen.clone().zip(found.clone()).take_while(|(seen, found)| seen == found).count();
        let changed = seen.skip(same).chain(found.skip(same)).next();
        let error = Error::new(ErrorKind::Conflict, "what was read has changed meanwhile; read it again and retry")
            .with("collection", &self.collection);
        Err(match changed {
            Some(row) => error.with("key", row.key.to_text()),
            None => error,
        })
    }
}
