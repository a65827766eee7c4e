//! Writing rows.

use wasm_bindgen::JsValue;
use web_sys::{IdbObjectStore, IdbRequest, IdbTransaction};

use super::convert::{to_range, to_row};
use super::error::from_js;
use super::layout::Place;
use crate::error::Result;
use crate::model::{Body, Key, KeyRange, Meta, Record};

/// The object store of a place.
pub(super) fn object_store(transaction: &IdbTransaction, place: &Place<'_>) -> Result<IdbObjectStore> {
    transaction.object_store(place.store()).map_err(|thrown| from_js(&thrown))
}

/// Removes every row of a collection.
pub(super) fn clear(place: &Place<'_>, transaction: &IdbTransaction) -> Result<()> {
    let store = object_store(transaction, place)?;
    match to_range(&KeyRange::all(), place)? {
        None => store.clear(),
        Some(range) => store.delete(&range),
    }
    .map(drop)
    .map_err(|thrown| from_js(&thrown))
}

/// Deletes the rows of a range.
pub(super) fn delete(place: &Place<'_>, transaction: &IdbTransaction, range: &KeyRange) -> Result<IdbRequest> {
    let range = to_range(range, place)?.map_or(JsValue::UNDEFINED, JsValue::from);
    let store = object_store(transaction, place)?;
    store.delete(&range).map_err(|thrown| from_js(&thrown))
}

/// Puts a record in the place of what is under its key; none removes that.
pub(super) fn replace(
    place: &Place<'_>,
    store: &IdbObjectStore,
    key: &Key,
    record: Option<&Record>,
) -> Result<IdbRequest> {
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
