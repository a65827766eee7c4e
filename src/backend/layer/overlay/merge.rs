//! Two runs of rows in one order.

use core::cmp::Ordering;

use crate::backend::{Direction, Position, Row, Scan, Source};
use crate::model::{Index, Key, Record, Schema};

/// The order in which the rows of a scan come.
#[derive(Debug)]
pub(super) struct Order<'a> {
    scan: &'a Scan,
    index: Option<&'a Index>,
}

impl<'a> Order<'a> {
    pub(super) fn of(scan: &'a Scan, schema: &'a Schema) -> Self {
        let index = match &scan.source {
            Source::Index(name) => schema
                .get(&scan.collection)
                .and_then(|declared| declared.indexes.iter().find(|index| index.name == *name)),
            Source::Primary | Source::Expiring => None,
        };
        Self { scan, index }
    }

    /// Merges the runs. Where the lower one is only the beginning of what there is, the result ends with it.
    pub(super) fn merge(&self, lower: Vec<Row>, upper: Vec<Row>, lower_goes_on: bool) -> Vec<Row> {
        let (mut lower, mut upper) = (self.placed(lower).peekable(), self.placed(upper).peekable());
        let mut merged = Vec::new();
        loop {
            let lower_first = match (lower.peek(), upper.peek()) {
                (Some((here, _)), Some((there, _))) => self.compare(here, there) != Ordering::Greater,
                (Some(_), None) => true,
                (None, _) if lower_goes_on => return merged,
                (None, _) => false,
            };
            let next = if lower_first { lower.next() } else { upper.next() };
            let Some((_, row)) = next else { return merged };
            merged.push(row);
        }
    }

    /// The rows of a run with their places.
    ///
    /// A record that lies in an index more than once does not say which of its places a row is; but the run is sorted
    /// and complete, so it is the first of them behind the row before.
    pub(super) fn placed(&self, rows: Vec<Row>) -> impl Iterator<Item = (Position, Row)> {
        let mut last = self.scan.after.clone();
        rows.into_iter().map(move |row| {
            let places = row.record.as_ref().map(|record| self.places(record)).unwrap_or_default();
            let places = places.into_iter().map(|at| Position { at, key: row.key.clone() });
            let behind = places.filter(|place| {
                self.scan.range.contains(&place.at) && last.as_ref().is_none_or(|last| self.is_behind(last, place))
            });
            let place = behind
                .min_by(|a, b| self.compare(a, b))
                .unwrap_or_else(|| Position { at: row.key.clone(), key: row.key.clone() });
            last = Some(place.clone());
            (place, row)
        })
    }

    /// Whether a place comes behind another.
    pub(super) fn is_behind(&self, before: &Position, place: &Position) -> bool {
        self.compare(before, place) == Ordering::Less
    }

    /// The keys of a record in this order; none in the order of the records' own.
    fn places(&self, record: &Record) -> Vec<Key> {
        match (&self.scan.source, self.index) {
            (Source::Index(_), Some(index)) => index.keys_of(record),
            (Source::Expiring, _) => record.meta.expires.map(Key::Number).into_iter().collect(),
            (Source::Primary | Source::Index(_), _) => Vec::new(),
        }
    }

    fn compare(&self, a: &Position, b: &Position) -> Ordering {
        let order = a.at.cmp(&b.at).then_with(|| a.key.cmp(&b.key));
        match self.scan.direction {
            Direction::Forward => order,
            Direction::Backward => order.reverse(),
        }
    }
}
