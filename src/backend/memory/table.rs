//! One collection: rows in key order, and its indexes.

use core::ops::Bound;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::convert::copied;
use crate::backend::{Direction, Read, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Index, Key, KeyRange, Record, Schema, Seen, system};

/// Records in the order of their keys, or of an index: then under `[index key, key]`.
type Rows = BTreeMap<Key, Rc<Record>>;

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Rows,
    indexes: Vec<(Index, Rows)>,
    expiring: Rows,
    appended: u32,
}

/// Whether a collection is the system's own.
pub(super) fn is_system(name: &str) -> bool {
    name.contains(':') || name == system::CREDENTIALS
}

/// Refuses an index that the collection does not have.
pub(super) fn check_source(schema: &Schema, collection: &str, source: &Source) -> Result<()> {
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
    pub(super) fn new(indexes: &[Index]) -> Self {
        Self { indexes: indexes.iter().map(|index| (index.clone(), Rows::new())).collect(), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Rc<Record>> {
        self.rows.get(key)
    }

    pub(super) fn keys(&self) -> Vec<Key> {
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
    pub(super) fn replace(&mut self, key: &Key, record: Option<Rc<Record>>) -> Result<Option<Rc<Record>>> {
        if let Some(record) = &record {
            self.check_unique(key, record)?;
        }
        let old = self.rows.remove(key);
        for (index, rows) in &mut self.indexes {
            exchange(rows, |record| index_keys(index, record), old.as_deref(), record.as_ref());
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
            for index_key in index_keys(index, record) {
                if within(rows, entries(&KeyRange::only(index_key))).iter().any(|owner| owner.key != *key) {
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
        self.records_in(source, range).into_iter().map(|record| Seen::of(record)).collect()
    }

    pub(super) fn count(&self, source: &Source, range: &KeyRange) -> u64 {
        self.records_in(source, range).len() as u64
    }

    pub(super) fn scan(&self, scan: &Scan) -> Result<Vec<Row>> {
        let mut records = self.records_in(&scan.source, &scan.range);
        if scan.direction == Direction::Backward {
            records.reverse();
        }
        let wanted = records.into_iter().skip(scan.offset).take(scan.limit.unwrap_or(usize::MAX));
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

    fn records_in(&self, source: &Source, range: &KeyRange) -> Vec<&Rc<Record>> {
        if range.is_empty() {
            return Vec::new();
        }
        match source {
            Source::Primary => within(&self.rows, range.clone()),
            Source::Expiring => within(&self.expiring, entries(range)),
            Source::Index(name) => match self.indexes.iter().find(|(index, _)| index.name == *name) {
                Some((_, rows)) => within(rows, entries(range)),
                None => Vec::new(),
            },
        }
    }
}

fn within(rows: &Rows, range: KeyRange) -> Vec<&Rc<Record>> {
    rows.range((range.lower, range.upper)).map(|(_, record)| record).collect()
}

/// The range of entries `[index key, key]` whose index keys lie in `range`.
fn entries(range: &KeyRange) -> KeyRange {
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
    let entry = |key: Key, record: &Record| Key::Array(vec![key, record.key.clone()]);
    if let Some(old) = old {
        for key in keys(old) {
            rows.remove(&entry(key, old));
        }
    }
    if let Some(new) = new {
        for key in keys(new) {
            rows.insert(entry(key, new), Rc::clone(new));
        }
    }
}

fn index_keys(index: &Index, record: &Record) -> Vec<Key> {
    match &record.body {
        Body::Clear(payload) if index.multi_entry => index.key_path.extract_each(payload),
        Body::Clear(payload) => index.key_path.extract(payload).into_iter().collect(),
        Body::Sealed(_) => Vec::new(),
    }
}
