//! One collection: rows in key order, and its indexes.

use core::ops::Bound;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::convert::copied;
use crate::backend::{Direction, Read, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Index, Key, KeyRange, Record, Schema, Seen, system};

/// Records in the order of their keys, or of an index: then under `[index key, key]`.
type Rows = BTreeMap<Key, Rc<Record>>;

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Rows,
    indexes: Vec<(Index, Rows)>,
    expiring: Rows,
    appended: u32,
}

/// Whether a collection is the system's own.
pub(crate) fn is_system(name: &str) -> bool {
    name.contains(':') || name == system::CREDENTIALS
}

/// Refuses an index that the collection does not have.
pub(crate) fn check_source(schema: &Schema, collection: &str, source: &Source) -> Result<()> {
    let Source::Index(name) = source else { return Ok(()) };
    let known = schema.get(collection).is_some_and(|declared| declared.indexes.iter().any(|index| index.name == *name));
    if known {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidQuery, "the collection has no such index; declare it")
        .with("collection", collection)
        .with("index", name))
}

impl Table {
    pub(crate) fn new(indexes: &[Index]) -> Self {
        Self { indexes: indexes.iter().map(|index| (index.clone(), Rows::new())).collect(), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Rc<Record>> {
        self.rows.get(key)
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.rows.values().map(|record| record.key.clone()).collect()
    }

    /// The next number of a log.
    pub(super) fn next_number(&mut self) -> Key {
        self.appended += 1;
        Key::from(self.appended)
    }

    /// Puts a record in, or takes one out; gives back what stood there.
    ///
    /// # Errors
    ///
    /// `ALREADY_EXISTS` where a unique index has the key for another record; nothing is changed then.
    pub(crate) fn replace(&mut self, key: &Key, record: Option<Rc<Record>>) -> Result<Option<Rc<Record>>> {
        if let Some(record) = &record {
            self.check_unique(key, record)?;
        }
        let old = self.rows.remove(key);
        for (index, rows) in &mut self.indexes {
            exchange(rows, |record| index.entries_of(record), old.as_deref(), record.as_ref());
        }
        let ends = |record: &Record| record.meta.expires.map(Key::Number).into_iter().collect();
        exchange(&mut self.expiring, ends, old.as_deref(), record.as_ref());
        if let Some(record) = record {
            self.rows.insert(key.clone(), record);
        }
        Ok(old)
    }

    fn check_unique(&self, key: &Key, record: &Record) -> Result<()> {
        for (index, rows) in self.indexes.iter().filter(|(index, _)| index.unique) {
            for index_key in index.entries_of(record) {
                if within(rows, entries_under(&KeyRange::only(index_key))).any(|owner| owner.key != *key) {
                    return Err(Error::new(
                        ErrorKind::AlreadyExists,
                        "another record has this value in a unique index",
                    )
                    .with("index", &index.name)
                    .with("key", key.to_text()));
                }
            }
        }
        Ok(())
    }

    /// The state of every row of a range.
    pub(super) fn seen(&self, source: &Source, range: &KeyRange) -> Vec<Seen> {
        let rows = self.sorted_by(source).into_iter();
        rows.flat_map(|rows| within(rows, entries(source, range))).map(|record| Seen::of(record)).collect()
    }

    pub(super) fn count(&self, source: &Source, range: &KeyRange) -> u64 {
        self.sorted_by(source).map_or(0, |rows| within(rows, entries(source, range)).count() as u64)
    }

    pub(crate) fn scan(&self, scan: &Scan) -> Result<Vec<Row>> {
        let Some(rows) = self.sorted_by(&scan.source) else { return Ok(Vec::new()) };
        let mut range = entries(&scan.source, &scan.remaining());
        if let (Some(after), Source::Index(_) | Source::Expiring) = (&scan.after, &scan.source) {
            let entry = entry(after.at.clone(), &after.key);
            range = range.intersect(scan.direction.onwards(Bound::Excluded(&entry)));
        }
        let mut records = within(rows, range);
        let next = || match scan.direction {
            Direction::Forward => records.next(),
            Direction::Backward => records.next_back(),
        };
        let wanted = core::iter::from_fn(next).skip(scan.offset).take(scan.limit.unwrap_or(usize::MAX));
        wanted
            .map(|record| {
                let key = record.key.clone();
                let record = match scan.read {
                    Read::Keys => None,
                    Read::Records | Read::Meta => Some(copied(record)?),
                };
                Ok(Row { key, record })
            })
            .collect()
    }

    fn sorted_by(&self, source: &Source) -> Option<&Rows> {
        match source {
            Source::Primary => Some(&self.rows),
            Source::Expiring => Some(&self.expiring),
            Source::Index(name) => self.indexes.iter().find(|(index, _)| index.name == *name).map(|(_, rows)| rows),
        }
    }
}

/// The records under the keys of a range. A range that cannot hold a key would end the map in a panic.
fn within(rows: &Rows, range: KeyRange) -> impl DoubleEndedIterator<Item = &Rc<Record>> {
    let range = (!range.is_empty()).then_some((range.lower, range.upper));
    range.into_iter().flat_map(|range| rows.range(range)).map(|(_, record)| record)
}

/// The key of a record among the rows of an index.
fn entry(at: Key, key: &Key) -> Key {
    Key::Array(vec![at, key.clone()])
}

/// The range as the rows of a source have it: for an index, that of the entries whose index keys lie in `range`.
fn entries(source: &Source, range: &KeyRange) -> KeyRange {
    match source {
        Source::Primary => range.clone(),
        Source::Index(_) | Source::Expiring => entries_under(range),
    }
}

/// The range of entries `[index key, key]` whose index keys lie in `range`.
fn entries_under(range: &KeyRange) -> KeyRange {
    // An array begins above every shorter array that it continues.
    let at = |key: Key| Key::Array(vec![key]);
    KeyRange {
        lower: match &range.lower {
            Bound::Included(key) => Bound::Included(at(key.clone())),
            Bound::Excluded(key) => Bound::Included(at(key.successor())),
            Bound::Unbounded => Bound::Unbounded,
        },
        upper: match &range.upper {
            Bound::Included(key) => Bound::Excluded(at(key.successor())),
            Bound::Excluded(key) => Bound::Excluded(at(key.clone())),
            Bound::Unbounded => Bound::Unbounded,
        },
    }
}

/// Takes the old record's entries out and puts the new one's in.
fn exchange(rows: &mut Rows, keys: impl Fn(&Record) -> Vec<Key>, old: Option<&Record>, new: Option<&Rc<Record>>) {
    if let Some(old) = old {
        for key in keys(old) {
            rows.remove(&entry(key, &old.key));
        }
    }
    if let Some(new) = new {
        for key in keys(new) {
            rows.insert(entry(key, &new.key), Rc::clone(new));
        }
    }
}
