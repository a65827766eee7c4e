//! Writing rows.

use web_sys::{IdbRequest, IdbTransaction};

use super::convert::{to_range, to_row};
use super::error::from_js;
use super::layout::Place;
use crate::error::Result;
use crate::model::{Body, Key, KeyRange, Meta, Record};

/// Removes every row of a collection.
pub(super) fn clear(place: &Place<'_>, transaction: &IdbTransaction) -> Result<()> {
    let store = transaction.object_store(place.store()).map_err(|thrown| from_js(&thrown))?;
    match to_range(&KeyRange::all(), place)? {
        None => store.clear(),
        Some(range) => store.delete(&range),
    }
    .map(drop)
    .map_err(|thrown| from_js(&thrown))
}

/// Puts a record in the place of what is under its key; none removes that.
pub(super) fn replace(
    place: &Place<'_>,
    transaction: &IdbTransaction,
    key: &Key,
    record: Option<&Record>,
) -> Result<IdbRequest> {
    let store = transaction.object_store(place.store()).map_err(|thrown| from_js(&thrown))?;
    if let Some(record) = record {
        place.check(record)?;
    }
    match record {
        None => store.delete(&place.stored_key(key).to_js()),
        Some(record) if place.inline() => store.put(&to_row(record, place)),
        Some(record) => store.put_with_key(&to_row(record, place), &place.stored_key(key).to_js()),
    }
    .map_err(|thrown| from_js(&thrown))
}

/// Appends a row, under the next number of its store.
pub(super) fn add(place: &Place<'_>, transaction: &IdbTransaction, body: Body, now: f64) -> Result<IdbRequest> {
    let meta = Meta { version: 1, created: now, modified: now, ..Meta::default() };
    let record = Record { key: Key::Array(Vec::new()), body, meta };
    transaction
        .object_store(place.store())
        .and_then(|store| store.add(&to_row(&record, place)))
        .map_err(|thrown| from_js(&thrown))
}
