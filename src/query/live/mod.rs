//! A result that follows changes: what they add to it, change in it and remove from it, and the rest untouched.

mod difference;
mod row;

use std::rc::Rc;

pub use difference::Difference;
use row::Place;
pub use row::Row;

use super::{Filter, Sort, matches};
use crate::model::{Key, Record};

/// How many rows behind the window are kept at the least and at the most, so that one that goes has a successor.
const SPARE: core::ops::RangeInclusive<usize> = 4..=64;

/// Which rows of a collection a result has, and in which order.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// What they match, as the collection [reads it](Filter::normalised); all rows, without.
    pub filter: Option<Filter>,
    /// Their order. Behind the last field, and without any, it is that of their keys.
    pub sort: Vec<Sort>,
    /// How many to pass over.
    pub offset: usize,
    /// How many at the most.
    pub limit: Option<usize>,
}

/// A record that may have changed, and what is there now.
#[derive(Debug)]
pub struct Touched {
    /// Its key.
    pub key: Key,
    /// Whether it was gone in between: then even the same version may be another record.
    pub reborn: bool,
    /// What is there now, live or not.
    pub record: Option<Record>,
}

/// The rows of a window, and what is made of each: `T`.
///
/// # Behavior
///
/// - After [`replace`](Live::replace) and each [`patch`](Live::patch) that does not ask to read again, the rows are those
///   of a fresh query.
/// - A row that did not change is the same `Rc` as before.
/// - Where nothing changed, the difference is empty.
#[derive(Debug)]
pub struct Live<T> {
    window: Window,
    /// All rows that match up to the horizon, in order.
    known: Vec<Rc<Row<T>>>,
    /// The last place up to which rows are known; none where all are.
    horizon: Option<Rc<Row<T>>>,
    shown: Vec<Rc<Row<T>>>,
}

impl<T> Live<T> {
    /// A result that nothing was read for yet.
    #[must_use]
    pub const fn new(window: Window) -> Self {
        Self { window, known: Vec::new(), horizon: None, shown: Vec::new() }
    }

    /// The rows of the window, in order.
    #[must_use]
    pub fn rows(&self) -> &[Rc<Row<T>>] {
        &self.shown
    }

    /// How many of the first rows [`replace`](Live::replace) wants; all, where there is no limit.
    #[must_use]
    pub fn wanted(&self) -> Option<usize> {
        let limit = self.window.limit?;
        Some(self.needed()?.saturating_add((limit / 2).clamp(*SPARE.start(), *SPARE.end())))
    }

    fn needed(&self) -> Option<usize> {
        Some(self.window.offset.saturating_add(self.window.limit?))
    }

    /// When the first of the known rows ends, milliseconds since the epoch.
    #[must_use]
    pub fn first_end(&self) -> Option<f64> {
        self.known.iter().filter_map(|row| row.expires()).reduce(f64::min)
    }

    /// Takes the first rows as they were read: in order, live, matching, and no fewer than are [wanted](Live::wanted)
    /// unless these are all. `reborn` tells whether a key was gone since the rows were last read.
    pub fn replace(
        &mut self,
        records: Vec<Record>,
        reborn: impl Fn(&Key) -> bool,
        mut make: impl FnMut(Record) -> T,
    ) -> Difference {
        let whole = self.wanted().is_none_or(|wanted| records.len() < wanted);
        let mut before = core::mem::take(&mut self.known).into_iter().peekable();
        for record in records {
            let place = Place::of(&record, &self.window.sort);
            while before.next_if(|row| row.compare(&place, &self.window.sort).is_lt()).is_some() {}
            let same = before.next_if(|row| row.is(&record, &place, &self.window.sort) && !reborn(&record.key));
            self.known.push(same.unwrap_or_else(|| Rc::new(place.into_row(record, &mut make))));
        }
        self.horizon = if whole { None } else { self.known.last().cloned() };
        self.show()
    }

    /// Takes what is there now under some keys, each given once and in order; and lets go of the rows whose life is over
    /// at `now`.
    ///
    /// None where the rows have to be read again: too many have left the window to know what follows them.
    pub fn patch(&mut self, touched: Vec<Touched>, now: f64, mut make: impl FnMut(Record) -> T) -> Option<Difference> {
        let mut before = Vec::new();
        let known = core::mem::take(&mut self.known);
        for row in known {
            if touched.binary_search_by(|touched| touched.key.cmp(row.key())).is_ok() {
                before.push(row);
            } else if row.expires().is_none_or(|end| end > now) {
                self.known.push(row);
            }
        }
        for touched in touched {
            let Some(record) = touched.record.filter(|record| self.has(record, now)) else { continue };
            let place = Place::of(&record, &self.window.sort);
            let beyond = |horizon: &Rc<Row<T>>| horizon.compare(&place, &self.window.sort).is_lt();
            if self.horizon.as_ref().is_some_and(beyond) {
                continue;
            }
            let at = self.known.partition_point(|row| row.compare(&place, &self.window.sort).is_lt());
            let is_same = |row: &&Rc<Row<T>>| row.is(&record, &place, &self.window.sort);
            let same = before.iter().find(is_same).filter(|_| !touched.reborn).cloned();
            self.known.insert(at, same.unwrap_or_else(|| Rc::new(place.into_row(record, &mut make))));
        }
        if self.horizon.is_some() && self.needed().is_some_and(|needed| self.known.len() < needed) {
            return None;
        }
        if let Some(most) = self.wanted().map(|wanted| wanted.saturating_mul(2))
            && self.known.len() > most
        {
            self.known.truncate(most);
            self.horizon = self.known.last().cloned();
        }
        Some(self.show())
    }

    fn has(&self, record: &Record, now: f64) -> bool {
        !record.meta.expired(now) && self.window.filter.as_ref().is_none_or(|filter| matches(filter, record))
    }

    /// Shows the window over what is known.
    fn show(&mut self) -> Difference {
        let limit = self.window.limit.unwrap_or(usize::MAX);
        let shown: Vec<_> = self.known.iter().skip(self.window.offset).take(limit).cloned().collect();
        let difference = Difference::between(&self.shown, &shown);
        if !difference.is_empty() {
            self.shown = shown;
        }
        difference
    }
}

#[cfg(test)]
mod tests;
