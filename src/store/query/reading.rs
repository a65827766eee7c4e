//! A plan under way: batches of rows, by position.

use super::super::Collection;
use crate::backend::{Direction, Position, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Index, Key, KeyRange, Record, Scalar};
use crate::query::{Mark, Plan, matches};

/// The least that a batch of a scan with conditions reads.
const LEAST: usize = 64;
/// The most that a batch reads, unless every row of it is wanted.
const MOST: usize = 1024;

/// Which records count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Those whose time is not over.
    Live,
    /// All that are there.
    Stored,
}

/// A plan under way.
pub(super) struct Reading<'a> {
    collection: &'a Collection,
    plan: &'a Plan,
    index: Option<&'a Index>,
    now: f64,
    wanted: Wanted,
    /// The number of the range to read on in.
    range: usize,
    /// The last row that was read and has a place in the order.
    after: Option<Position>,
    /// How many rows behind it were read and have none.
    passed: usize,
    batch: usize,
    read: usize,
}

impl<'a> Reading<'a> {
    /// A reading from the beginning.
    pub(super) fn new(collection: &'a Collection, plan: &'a Plan, now: f64) -> Self {
        let indexes = collection.declared().map_or(&[] as &[Index], |declared| &declared.indexes);
        let index = match &plan.source {
            Source::Index(name) => indexes.iter().find(|index| index.name == *name),
            Source::Primary | Source::Expiring => None,
        };
        Self {
            collection,
            plan,
            index,
            now,
            wanted: Wanted::Live,
            range: 0,
            after: None,
            passed: 0,
            batch: LEAST,
            read: 0,
        }
    }

    /// The same, of these records.
    pub(super) fn of(self, wanted: Wanted) -> Self {
        Self { wanted, ..self }
    }

    /// How many records were read.
    pub(super) const fn read(&self) -> usize {
        self.read
    }

    /// Begins behind a place that [`mark`](Self::mark) told.
    pub(super) fn begin_behind(&mut self, mark: Option<Mark>) -> Result<()> {
        let Some(Mark { mut fields, key }) = mark else { return Ok(()) };
        let (Some(Scalar::Key(at)), true) = (fields.pop(), fields.is_empty()) else {
            return Err(Error::new(ErrorKind::InvalidQuery, "the cursor is damaged; begin with the first page"));
        };
        self.after = Some(Position { at, key });
        Ok(())
    }

    /// The place of a hit.
    pub(super) fn mark(&self, record: &Record) -> Option<Mark> {
        Some(Mark { fields: vec![Scalar::Key(self.first_key(record)?)], key: record.key.clone() })
    }

    /// The hits of the next rows; none where there are no more rows. Every row is read at once where every row is a
    /// hit, and no more than so many of them are wanted.
    pub(super) async fn next(&mut self, wanted: Option<usize>) -> Result<Option<Vec<Record>>> {
        if self.plan.residual.is_none() && !self.plan.distinct {
            return self.rows(wanted).await;
        }
        // With conditions, a page needs more rows than it has; how many, the batches find out.
        let least = wanted.map_or(MOST, |wanted| wanted.saturating_mul(2)).min(MOST);
        self.batch = self.batch.max(least);
        self.next_batch().await
    }

    /// The hits of the next rows; none where there are no more rows.
    pub(super) async fn next_batch(&mut self) -> Result<Option<Vec<Record>>> {
        let batch = self.batch;
        self.batch = batch.saturating_mul(2).min(MOST);
        self.rows(Some(batch)).await
    }

    async fn rows(&mut self, limit: Option<usize>) -> Result<Option<Vec<Record>>> {
        while let Some(range) = self.plan.ranges.get(self.range) {
            let scan = Scan {
                source: self.plan.source.clone(),
                range: range.clone(),
                direction: self.plan.direction,
                after: self.after.clone(),
                offset: self.passed,
                limit,
                ..Scan::all(self.collection.name())
            };
            if scan.remaining().is_empty() {
                self.range += 1;
                continue;
            }
            let rows = self.collection.stack().scan(&scan).await?;
            let over = limit.is_none_or(|limit| rows.len() < limit);
            let records = rows.into_iter().filter_map(|row| row.record);
            let hits = records.filter_map(|record| self.hit(record, range)).collect();
            if over {
                self.range += 1;
                self.passed = 0;
            }
            return Ok(Some(hits));
        }
        Ok(None)
    }

    /// Looks at the row of a range; gives it back if it is a hit.
    fn hit(&mut self, record: Record, range: &KeyRange) -> Option<Record> {
        self.read += 1;
        // The keys of a record are looked at in order, and rows leave none out: the next one behind is this row's.
        let keys = self.keys(&record);
        let behind = keys.iter().find(|at| range.contains(at) && self.is_behind(at, &record.key)).cloned();
        // An engine may have an order of its own: to WebKit 0 and -0 are two keys. Then the row has no place in ours.
        let inside = behind.is_some() || (!self.plan.distinct && keys.iter().any(|at| range.contains(at)));
        // Or it has a key where we see none, as in text with lone surrogates. By our rules there is no such row.
        let wanted = inside
            && (self.wanted == Wanted::Stored || !record.meta.expired(self.now))
            && self.plan.residual.as_ref().is_none_or(|residual| matches(residual, &record))
            && (!self.plan.distinct || self.first_key(&record) == behind);
        match behind {
            Some(at) => {
                self.after = Some(Position { at, key: record.key.clone() });
                self.passed = 0;
            }
            None => self.passed += 1,
        }
        wanted.then_some(record)
    }

    /// The keys of a record in the order that is scanned, in the direction of the scan.
    fn keys(&self, record: &Record) -> Vec<Key> {
        let mut keys = match (self.index, &self.plan.source) {
            (Some(index), _) => index.keys_of(record),
            (None, Source::Expiring) => record.meta.expires.map(Key::Number).into_iter().collect(),
            (None, Source::Primary | Source::Index(_)) => vec![record.key.clone()],
        };
        if self.plan.direction == Direction::Backward {
            keys.reverse();
        }
        keys
    }

    /// The key of a record's first row.
    fn first_key(&self, record: &Record) -> Option<Key> {
        self.keys(record).into_iter().find(|key| self.plan.ranges.iter().any(|range| range.contains(key)))
    }

    fn is_behind(&self, at: &Key, key: &Key) -> bool {
        let Some(after) = &self.after else { return true };
        let here = at.cmp(&after.at).then_with(|| key.cmp(&after.key));
        match self.plan.direction {
            Direction::Forward => here.is_gt(),
            Direction::Backward => here.is_lt(),
        }
    }
}
