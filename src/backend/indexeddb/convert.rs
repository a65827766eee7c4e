//! Records to rows and back, ranges to `IDBKeyRange`.

use core::ops::Bound;

use js_sys::{Array, Float64Array, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::IdbKeyRange;

use super::error::from_js;
use super::layout::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, Key, KeyRange, Meta, Record, Replica, Seen};
use crate::platform::Payload;

#[wasm_bindgen(module = "/src/backend/indexeddb/rows.js")]
extern "C" {
    fn keep(
        version: f64,
        created: f64,
        modified: f64,
        expires: Option<f64>,
        tags: Option<Array>,
        metadata: &JsValue,
        rev: Option<f64>,
        hlc: Option<String>,
        dirty: bool,
        checksum: Option<Uint8Array>,
        blind: &JsValue,
        base: Option<Base>,
    ) -> Kept;
    pub(super) fn untagged(row: &JsValue) -> JsValue;
    #[wasm_bindgen(js_name = toBeTagged)]
    fn to_be_tagged() -> JsValue;
    #[wasm_bindgen(js_name = baseOf)]
    fn base_of(kind: &str, content: &JsValue) -> Base;
    #[wasm_bindgen(js_name = clearRow)]
    fn clear_row(value: &JsValue, namespace: Option<&str>, kept: Kept) -> JsValue;
    #[wasm_bindgen(js_name = sealedRow)]
    fn sealed_row(envelope: &Uint8Array, paths: Array, key: &JsValue, kept: Kept) -> JsValue;
    #[wasm_bindgen(js_name = openPlain)]
    fn open_plain(rows: &Array) -> Float64Array;
    /// The keys that rows carry under these paths.
    #[wasm_bindgen(js_name = keysIn)]
    fn keys_in(rows: &Array, paths: Array) -> Array;
    fn kept(row: &JsValue) -> Kept;
    fn value(row: &JsValue) -> JsValue;

    /// What the system keeps of a row.
    type Kept;
    #[wasm_bindgen(method, getter, structural)]
    fn version(this: &Kept) -> f64;
    #[wasm_bindgen(method, getter, structural)]
    fn created(this: &Kept) -> f64;
    #[wasm_bindgen(method, getter, structural)]
    fn modified(this: &Kept) -> f64;
    #[wasm_bindgen(method, getter, structural)]
    fn expires(this: &Kept) -> Option<f64>;
    #[wasm_bindgen(method, getter, structural)]
    fn tags(this: &Kept) -> Option<Array>;
    #[wasm_bindgen(method, getter, structural)]
    fn metadata(this: &Kept) -> JsValue;
    #[wasm_bindgen(method, getter, structural)]
    fn rev(this: &Kept) -> Option<f64>;
    #[wasm_bindgen(method, getter, structural)]
    fn hlc(this: &Kept) -> Option<String>;
    #[wasm_bindgen(method, getter, structural)]
    fn dirty(this: &Kept) -> bool;
    #[wasm_bindgen(method, getter, structural)]
    fn sealed(this: &Kept) -> Option<Uint8Array>;
    #[wasm_bindgen(method, getter, structural)]
    fn checksum(this: &Kept) -> Option<Uint8Array>;
    #[wasm_bindgen(method, getter, structural)]
    fn blind(this: &Kept) -> JsValue;
    #[wasm_bindgen(method, getter, structural)]
    fn base(this: &Kept) -> Option<Base>;

    /// What the endpoint has, as it is kept.
    type Base;
    #[wasm_bindgen(method, getter, structural)]
    fn value(this: &Base) -> JsValue;
    #[wasm_bindgen(method, getter, structural)]
    fn sealed(this: &Base) -> Option<Uint8Array>;
}

/// Doubles hold every version and revision below 2^53 exactly.
#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
fn number(counter: u64) -> f64 {
    counter as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are whole and positive")]
fn counter(number: f64) -> u64 {
    number as u64
}

/// The row of a record.
pub(super) fn to_row(record: &Record, place: &Place<'_>) -> JsValue {
    let meta = &record.meta;
    let tags = (!meta.tags.is_empty()).then(|| meta.tags.iter().map(|tag| JsValue::from_str(tag)).collect::<Array>());
    let base = meta.base.as_deref().map(|base| match base {
        Body::Clear(value) => base_of("value", value.as_js()),
        Body::Sealed(envelope) => base_of("sealed", envelope.as_js()),
    });
    let kept = keep(
        number(meta.version),
        meta.created,
        meta.modified,
        meta.expires,
        tags,
        meta.metadata.as_ref().map_or(&JsValue::UNDEFINED, Payload::as_js),
        meta.replica.and_then(|replica| replica.rev).map(number),
        meta.replica.map(|replica| replica.hlc.to_string()),
        meta.replica.is_some_and(|replica| replica.dirty),
        meta.checksum.as_ref().map(|checksum| Uint8Array::from(checksum.as_slice())),
        &match &meta.blind {
            _ if !place.blind() => JsValue::UNDEFINED,
            Some(tags) => tags.as_js().clone(),
            None => to_be_tagged(),
        },
        base,
    );
    match &record.body {
        Body::Clear(payload) => clear_row(payload.as_js(), place.namespace(), kept),
        Body::Sealed(envelope) => {
            let paths = place.key_paths().iter().map(|path| JsValue::from_str(path)).collect();
            sealed_row(envelope.as_js(), paths, &record.key.to_js(), kept)
        }
    }
}

/// The record of a row.
pub(super) fn from_row(key: Key, row: &JsValue) -> Result<Record> {
    let kept = kept(row);
    let replica = match kept.hlc() {
        None => None,
        Some(hlc) => {
            let hlc = hlc.parse().map_err(|error: Error| {
                Error::new(ErrorKind::Corrupted, "a row's clock stamp cannot be read")
                    .with("key", key.to_text())
                    .caused_by(error)
            })?;
            Some(Replica { rev: kept.rev().map(counter), hlc, dirty: kept.dirty() })
        }
    };
    let base = kept.base().map(|base| match base.sealed() {
        Some(envelope) => Box::new(Body::Sealed(envelope.into())),
        None => Box::new(Body::Clear(Payload::from(base.value()))),
    });
    let there = |value: JsValue| Some(value).filter(|value| !value.is_undefined()).map(Payload::from);
    let metadata = there(kept.metadata());
    let tags = kept.tags().map(|tags| tags.iter().filter_map(|tag| tag.as_string()).collect()).unwrap_or_default();
    let meta = Meta {
        version: counter(kept.version()),
        created: kept.created(),
        modified: kept.modified(),
        expires: kept.expires(),
        tags,
        metadata,
        replica,
        base,
        // One of another length fits nothing, as it should.
        checksum: kept.checksum().map(|kept| Box::new(kept.to_vec().try_into().unwrap_or_default())),
        blind: there(kept.blind()),
        secret: false,
    };
    let body = match kept.sealed() {
        Some(envelope) => Body::Sealed(envelope.into()),
        None => Body::Clear(Payload::from(value(row))),
    };
    Ok(Record { key, body, meta })
}

/// The records of some rows, in two crossings for each instead of a dozen; the list is theirs from then on.
pub(super) fn from_rows(keys: Vec<Key>, rows: &Array) -> Result<Vec<Record>> {
    let numbers = open_plain(rows).to_vec();
    let record = |((key, row), numbers): ((Key, JsValue), &[f64])| match numbers {
        [version, created, modified] if *version >= 0.0 => {
            let meta = Meta { version: counter(*version), created: *created, modified: *modified, ..Meta::default() };
            Ok(Record { key, body: Body::Clear(Payload::from(row)), meta })
        }
        _ => from_row(key, &row),
    };
    keys.into_iter().zip(rows.iter()).zip(numbers.chunks(3)).map(record).collect()
}

/// The keys of rows that carry them.
pub(super) fn carried_keys(rows: &Array, place: &Place<'_>) -> Array {
    keys_in(rows, place.key_paths().iter().map(|path| JsValue::from_str(path)).collect())
}

/// The state that a row is in.
pub(super) fn seen_in(key: Key, row: &JsValue) -> Seen {
    let kept = kept(row);
    Seen { key, version: counter(kept.version()), modified: kept.modified() }
}

/// The range as IndexedDB takes it; none for all keys.
pub(super) fn to_range(range: &KeyRange, place: &Place<'_>) -> Result<Option<IdbKeyRange>> {
    let lower = place.lower_bound(&range.lower);
    let upper = place.upper_bound(&range.upper);
    let made = match (&lower, &upper) {
        (Bound::Unbounded, Bound::Unbounded) => return Ok(None),
        (Bound::Included(key) | Bound::Excluded(key), Bound::Unbounded) => {
            IdbKeyRange::lower_bound_with_open(&key.to_js(), matches!(lower, Bound::Excluded(_)))
        }
        (Bound::Unbounded, Bound::Included(key) | Bound::Excluded(key)) => {
            IdbKeyRange::upper_bound_with_open(&key.to_js(), matches!(upper, Bound::Excluded(_)))
        }
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
            IdbKeyRange::bound_with_lower_open_and_upper_open(
                &from.to_js(),
                &to.to_js(),
                matches!(lower, Bound::Excluded(_)),
                matches!(upper, Bound::Excluded(_)),
            )
        }
    };
    made.map(Some).map_err(|thrown| from_js(&thrown))
}
