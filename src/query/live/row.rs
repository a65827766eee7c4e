//! A row of a live result: its place, its state, and what was made of it.

use core::cell::Cell;
use core::cmp::Ordering;

use super::super::evaluate::Found;
use super::super::{Sort, compare};
use crate::model::{Key, Meta, Record, Scalar};

/// A row of a [`Live`](super::Live) result.
#[derive(Debug)]
pub struct Row<T> {
    place: Place,
    /// What tells one state of a record from another.
    state: (u64, f64, f64),
    expires: Option<f64>,
    /// For comparing two results.
    pub(super) mark: Cell<bool>,
    /// What was made of the record.
    pub made: T,
}

/// Where a record stands in an order.
#[derive(Debug)]
pub(super) struct Place {
    key: Key,
    fields: Vec<Scalar>,
}

fn state(meta: &Meta) -> (u64, f64, f64) {
    (meta.version, meta.created, meta.modified)
}

impl Place {
    /// Where a record stands.
    pub(super) fn of(record: &Record, sorts: &[Sort]) -> Self {
        let fields = sorts.iter().map(|sort| Found::of(&sort.field, record).scalar()).collect();
        Self { key: record.key.clone(), fields }
    }

    pub(super) fn into_row<T>(self, record: Record, make: impl FnOnce(Record) -> T) -> Row<T> {
        Row {
            place: self,
            state: state(&record.meta),
            expires: record.meta.expires,
            mark: Cell::new(false),
            made: make(record),
        }
    }
}

impl<T> Row<T> {
    /// Its key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.place.key
    }

    /// When it ends, milliseconds since the epoch.
    #[must_use]
    pub const fn expires(&self) -> Option<f64> {
        self.expires
    }

    /// Whether it was made of this very state of this record.
    ///
    /// A record that is deleted and made anew within a millisecond may have the state of the one before, and be read
    /// before its deletion is told. Its place then tells them apart, or the order of all others would come to harm.
    pub(super) fn is(&self, record: &Record, place: &Place, sorts: &[Sort]) -> bool {
        self.state == state(&record.meta) && self.compare(place, sorts).is_eq()
    }

    /// Whether it comes before a place.
    pub(super) fn compare(&self, other: &Place, sorts: &[Sort]) -> Ordering {
        let fields = self.place.fields.iter().zip(&other.fields).zip(sorts);
        let by_fields = fields.map(|((a, b), sort)| compare(a, b, sort.order)).find(|order| order.is_ne());
        by_fields.unwrap_or_else(|| {
            sorts.last().map(|last| last.order).unwrap_or_default().turn(self.place.key.cmp(&other.key))
        })
    }
}
