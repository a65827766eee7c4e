//! A plan under way: batches of rows, by position.

use super::super::Collection;
use crate::backend::{Direction, Position, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Key, KeyRange, Record, Scalar};
use crate::query::{Branch, Mark, Plan, Sort, matches};

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
    now: f64,
    wanted: Wanted,
    /// The number of the branch to read on in.
    branch: usize,
    /// The number of the branch to end before.
    end: usize,
    /// The number of its range to read on in.
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
        Self {
            collection,
            plan,
            now,
            wanted: Wanted::Live,
            branch: 0,
            end: plan.branches.len(),
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
        let Some(Mark { fields, key }) = mark else { return Ok(()) };
        let place = match fields.as_slice() {
            [Scalar::Key(at)] if self.plan.branches.len() == 1 => Some((0, at)),
            [Scalar::Key(number), Scalar::Key(at)] => {
                (0..self.plan.branches.len()).find(|branch| numbered(*branch) == *number).map(|branch| (branch, at))
            }
            _ => None,
        };
        let Some((branch, at)) = place else {
            return Err(Error::new(ErrorKind::InvalidQuery, "the cursor is damaged; begin with the first page"));
        };
        self.branch = branch;
        self.after = Some(Position { at: at.clone(), key });
        Ok(())
    }

    /// Ends with the first branch, for now.
    pub(super) fn within_first_branch(&mut self) -> &mut Self {
        self.end = 1;
        self
    }

    /// Goes on with the branches after the first, if it is not there already.
    pub(super) fn beyond_first_branch(&mut self) {
        self.end = self.plan.branches.len();
        if self.branch == 0 {
            self.enter(1);
        }
    }

    /// Begins behind a place that [`mark_or_sorted`](Self::mark_or_sorted) told: in the first branch, or else in the
    /// sort of the others, where it gives the place in that.
    pub(super) fn begin_behind_or_sorted(&mut self, mark: Option<Mark>) -> Result<Option<Mark>> {
        match mark {
            Some(Mark { fields, key }) if fields.first() == Some(&Scalar::Missing) => {
                self.enter(1);
                Ok(Some(Mark { fields: fields.into_iter().skip(1).collect(), key }))
            }
            mark => self.begin_behind(mark).map(|()| None),
        }
    }

    /// The place of a hit in the first branch, or else in the sort of the others: behind a mark that no branch has.
    pub(super) fn mark_or_sorted(&self, record: &Record, sorts: &[Sort]) -> Mark {
        let first = self.plan.branches.first().and_then(|branch| self.first_key(branch, record));
        if let Some(at) = first {
            return Mark { fields: vec![Scalar::Key(numbered(0)), Scalar::Key(at)], key: record.key.clone() };
        }
        let Mark { fields, key } = Mark::of(record, sorts);
        Mark { fields: [vec![Scalar::Missing], fields].concat(), key }
    }

    /// The place of a hit.
    pub(super) fn mark(&self, record: &Record) -> Option<Mark> {
        let branches = &self.plan.branches;
        let first = |(number, branch)| Some((number, self.first_key(branch, record)?));
        let (number, at) = branches.iter().enumerate().find_map(first)?;
        let number = (branches.len() > 1).then(|| numbered(number));
        let fields = number.into_iter().chain([at]).map(Scalar::Key).collect();
        Some(Mark { fields, key: record.key.clone() })
    }

    /// The hits of the next rows; none where there are no more rows. Every row is read at once where every row is a
    /// hit, and no more than so many of them are wanted.
    pub(super) async fn next(&mut self, wanted: Option<usize>) -> Result<Option<Vec<Record>>> {
        if self.plan.branches.get(self.branch).is_some_and(|branch| branch.exact) {
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

    /// Goes on with a branch; each has places of its own.
    fn enter(&mut self, branch: usize) {
        (self.branch, self.range, self.after, self.passed) = (branch, 0, None, 0);
    }

    async fn rows(&mut self, limit: Option<usize>) -> Result<Option<Vec<Record>>> {
        while let Some(branch) = self.plan.branches.get(self.branch).filter(|_| self.branch < self.end) {
            let Some(range) = branch.ranges.get(self.range) else {
                self.enter(self.branch + 1);
                continue;
            };
            let scan = Scan {
                source: branch.source.clone(),
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
            let hits = records.filter_map(|record| self.hit(record, branch, range)).collect();
            if over {
                self.range += 1;
                self.passed = 0;
            }
            return Ok(Some(hits));
        }
        Ok(None)
    }

    /// Looks at the row of a branch's range; gives it back if it is a hit.
    fn hit(&mut self, record: Record, branch: &Branch, range: &KeyRange) -> Option<Record> {
        self.read += 1;
        // The keys of a record are looked at in order, and rows leave none out: the next one behind is this row's.
        let keys = self.keys(&branch.source, &record);
        let behind = keys.iter().find(|at| range.contains(at) && self.is_behind(at, &record.key)).cloned();
        // An engine may have an order of its own: to WebKit 0 and -0 are two keys. Then the row has no place in ours.
        let inside = behind.is_some() || (!branch.distinct && keys.iter().any(|at| range.contains(at)));
        // Or it has a key where we see none, as in text with lone surrogates. By our rules there is no such row.
        let wanted = inside
            && (self.wanted == Wanted::Stored || !record.meta.expired(self.now))
            && (branch.exact || self.plan.residual.as_ref().is_none_or(|residual| matches(residual, &record)))
            && (!branch.distinct || self.first_key(branch, &record) == behind)
            && !self.came_before(&record);
        match behind {
            Some(at) => {
                self.after = Some(Position { at, key: record.key.clone() });
                self.passed = 0;
            }
            None => self.passed += 1,
        }
        wanted.then_some(record)
    }

    /// Whether a row of a branch before this one was the record's.
    fn came_before(&self, record: &Record) -> bool {
        self.plan.branches.iter().take(self.branch).any(|branch| self.first_key(branch, record).is_some())
    }

    /// The keys of a record in the order of a source, in the direction of the scan.
    fn keys(&self, source: &Source, record: &Record) -> Vec<Key> {
        let mut keys = match source {
            Source::Index(name) => {
                let declared = self.collection.declared();
                let index = declared.and_then(|declared| declared.indexes.iter().find(|index| index.name == *name));
                index.map(|index| index.keys_of(record)).unwrap_or_default()
            }
            Source::Expiring => record.meta.expires.map(Key::Number).into_iter().collect(),
            Source::Primary => vec![record.key.clone()],
        };
        if self.plan.direction == Direction::Backward {
            keys.reverse();
        }
        keys
    }

    /// The key of a record's first row in a branch.
    fn first_key(&self, branch: &Branch, record: &Record) -> Option<Key> {
        self.keys(&branch.source, record).into_iter().find(|key| branch.ranges.iter().any(|range| range.contains(key)))
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

/// A branch in a cursor.
fn numbered(branch: usize) -> Key {
    Key::from(u32::try_from(branch).unwrap_or(u32::MAX))
}
