//! One collection: rows in key order, and its indexes.

use core::ops::Bound;
use std::collections::{BTreeMap, BTreeSet};

use super::convert::copied;
use crate::backend::{Direction, Read, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Index, Key, KeyRange, Record, Schema, system};

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<Key, Record>,
    indexes: BTreeMap<String, (Index, BTreeSet<(Key, Key)>)>,
    expiring: BTreeSet<(Key, Key)>,
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
        Self {
            indexes: indexes.iter().map(|index| (index.name.clone(), (index.clone(), BTreeSet::new()))).collect(),
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Record> {
        self.rows.get(key)
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.rows.keys().cloned().collect()
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
    pub(super) fn replace(&mut self, key: &Key, record: Option<Record>) -> Result<Option<Record>> {
        if let Some(record) = &record {
            self.check_unique(key, record)?;
        }
        let old = self.rows.remove(key);
        for (index, entries) in self.indexes.values_mut() {
            if let Some(old) = &old {
                for index_key in index_keys(index, old) {
                    entries.remove(&(index_key, key.clone()));
                }
            }
            if let Some(record) = &record {
                entries.extend(index_keys(index, record).into_iter().map(|index_key| (index_key, key.clone())));
            }
        }
        if let Some(end) = old.as_ref().and_then(|old| old.meta.expires) {
            self.expiring.remove(&(Key::Number(end), key.clone()));
        }
        if let Some(record) = record {
            self.expiring.extend(record.meta.expires.map(|end| (Key::Number(end), key.clone())));
            self.rows.insert(key.clone(), record);
        }
        Ok(old)
    }

    fn check_unique(&self, key: &Key, record: &Record) -> Result<()> {
        for (index, entries) in self.indexes.values().filter(|(index, _)| index.unique) {
            for index_key in index_keys(index, record) {
                let from = (index_key.clone(), Key::Number(f64::NEG_INFINITY));
                let taken = entries.range(from..).take_while(|(k, _)| *k == index_key).any(|(_, owner)| owner != key);
                if taken {
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

    pub(super) fn count(&self, source: &Source, range: &KeyRange) -> u64 {
        self.keys_in(source, range).len() as u64
    }

    pub(super) fn scan(&self, scan: &Scan) -> Result<Vec<Row>> {
        let mut keys = self.keys_in(&scan.source, &scan.range);
        if scan.direction == Direction::Backward {
            keys.reverse();
        }
        let wanted = keys.into_iter().skip(scan.offset).take(scan.limit.unwrap_or(usize::MAX));
        wanted
            .map(|key| {
                let record = match scan.read {
                    Read::Keys => None,
                    Read::Records | Read::Meta => self.rows.get(key).map(copied).transpose()?,
                };
                Ok(Row { key: key.clone(), record })
            })
            .collect()
    }

    fn keys_in(&self, source: &Source, range: &KeyRange) -> Vec<&Key> {
        if range.is_empty() {
            return Vec::new();
        }
        let entries = match source {
            Source::Primary => {
                return self.rows.range((range.lower.clone(), range.upper.clone())).map(|(key, _)| key).collect();
            }
            Source::Expiring => &self.expiring,
            Source::Index(name) => match self.indexes.get(name) {
                Some((_, entries)) => entries,
                None => return Vec::new(),
            },
        };
        let least = |key: &Key| (key.clone(), Key::Number(f64::NEG_INFINITY));
        let from = match &range.lower {
            Bound::Included(key) | Bound::Excluded(key) => Bound::Included(least(key)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let below = KeyRange { lower: Bound::Unbounded, upper: range.upper.clone() };
        entries
            .range((from, Bound::Unbounded))
            .take_while(|(entry, _)| below.contains(entry))
            .filter(|(entry, _)| range.contains(entry))
            .map(|(_, key)| key)
            .collect()
    }
}

fn index_keys(index: &Index, record: &Record) -> Vec<Key> {
    match &record.body {
        Body::Clear(payload) if index.multi_entry => index.key_path.extract_each(payload),
        Body::Clear(payload) => index.key_path.extract(payload).into_iter().collect(),
        Body::Sealed(_) => Vec::new(),
    }
}
