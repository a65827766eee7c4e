//! Reads: each opens its transaction and makes all its requests in one turn.

use core::ops::Bound;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{
    IdbCursor, IdbCursorDirection, IdbCursorWithValue, IdbDatabase, IdbFactory, IdbIndex, IdbKeyRange, IdbObjectStore,
    IdbRequest, IdbTransaction,
};

use super::api::{answer, asked, begin, factory, walk};
use super::convert::{carried_keys, from_row, from_rows, to_range};
use super::error::from_js;
use super::layout::{EXPIRING, Layout, Place, after_namespace};
use crate::backend::{Direction, Position, Read, Row, Scan, Source};
use crate::error::Result;
use crate::model::{Key, KeyRange, Record, sorted_names, system};

pub(super) async fn get(
    database: &IdbDatabase,
    layout: &Layout,
    collection: &str,
    keys: &[Key],
) -> Result<Vec<Option<Record>>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    layout.check(collection)?;
    let place = layout.place(collection);
    let transaction = begin(database, &[place.store()], None)?;
    let store = transaction.object_store(place.store()).map_err(|thrown| from_js(&thrown))?;
    let requests = keys
        .iter()
        .map(|key| store.get(&place.stored_key(key).to_js()))
        .collect::<core::result::Result<Vec<_>, _>>()
        .map_err(|thrown| from_js(&thrown))?;
    // Requests are answered in order: with the last, all are.
    if let Some(last) = requests.last() {
        answer(Ok(last.clone())).await?;
    }
    let (rows, mut there, mut found) = (Array::new(), Vec::new(), Vec::with_capacity(keys.len()));
    for (key, request) in keys.iter().zip(&requests) {
        let row = request.result().map_err(|thrown| from_js(&thrown))?;
        found.push(!row.is_undefined());
        if !row.is_undefined() {
            rows.push(&row);
            there.push(key.clone());
        }
    }
    let mut records = from_rows(there, &rows)?.into_iter();
    Ok(found.into_iter().map(|found| if found { records.next() } else { None }).collect())
}

pub(super) async fn count(
    database: &IdbDatabase,
    layout: &Layout,
    collection: &str,
    source: &Source,
    range: &KeyRange,
) -> Result<u64> {
    check_source(layout, collection, source)?;
    if range.is_empty() {
        return Ok(0);
    }
    let range = range_of(range, source, &layout.place(collection))?;
    let from = Rows::of(database, layout, collection, source)?;
    let counted = answer(match (&from, &range) {
        (Rows::Store(store), None) => store.count(),
        (Rows::Store(store), Some(range)) => store.count_with_key(range),
        (Rows::Index(index), None) => index.count(),
        (Rows::Index(index), Some(range)) => index.count_with_key(range),
    })
    .await?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count is whole and positive")]
    let counted = counted.as_f64().unwrap_or(0.0) as u64;
    Ok(counted)
}

pub(super) async fn scan(database: &IdbDatabase, layout: &Layout, scan: &Scan) -> Result<Vec<Row>> {
    check_source(layout, &scan.collection, &scan.source)?;
    let range = scan.remaining();
    if range.is_empty() || scan.limit == Some(0) {
        return Ok(Vec::new());
    }
    let place = layout.place(&scan.collection);
    let from = Rows::of(database, layout, &scan.collection, &scan.source)?;
    let whole = scan.offset == 0 && (scan.direction == Direction::Forward || scan.limit.is_none());
    match &scan.after {
        Some(after) if scan.source != Source::Primary => {
            if !whole {
                return by_cursor(&from, &place, scan, &range, Some(after)).await;
            }
            // Only a cursor can begin amid the rows of one index key.
            let beside = range.clone().intersect(KeyRange::only(after.at.clone()));
            let mut rows = if beside.is_empty() {
                Vec::new()
            } else {
                by_cursor(&from, &place, scan, &beside, Some(after)).await?
            };
            let limit = scan.limit.map(|limit| limit.saturating_sub(rows.len()));
            let beyond = range.intersect(scan.direction.onwards(Bound::Excluded(&after.at)));
            if limit != Some(0) && !beyond.is_empty() {
                rows.extend(at_once(&from, &place, scan, &beyond, limit).await?);
            }
            Ok(rows)
        }
        _ if whole => at_once(&from, &place, scan, &range, scan.limit).await,
        _ => by_cursor(&from, &place, scan, &range, None).await,
    }
}

/// Whole runs come faster by `getAll` than by a cursor: twice, in Chromium.
async fn at_once(
    from: &Rows,
    place: &Place<'_>,
    scan: &Scan,
    range: &KeyRange,
    limit: Option<usize>,
) -> Result<Vec<Row>> {
    let range = range_of(range, &scan.source, place)?.map_or(JsValue::UNDEFINED, JsValue::from);
    let limit = limit.map_or(0, |limit| u32::try_from(limit).unwrap_or(u32::MAX));
    let (keys, records) = if place.inline() && scan.read != Read::Keys {
        // They carry their keys, which need not be read apart.
        let records = Array::from(&answer(from.records(&range, limit)).await?);
        (carried_keys(&records, place), Some(records))
    } else {
        let keys = asked(from.keys(&range, limit))?;
        let records = if scan.read == Read::Keys { None } else { Some(asked(from.records(&range, limit))?) };
        let keys = Array::from(&keys.finished().await?);
        (
            keys,
            match records {
                None => None,
                Some(records) => Some(Array::from(&records.finished().await?)),
            },
        )
    };
    let keys: Vec<Key> = keys.iter().map(|key| Ok(place.own_key(Key::from_js(&key)?))).collect::<Result<_>>()?;
    let mut rows: Vec<Row> = match records {
        None => keys.into_iter().map(|key| Row { key, record: None }).collect(),
        Some(records) => {
            let row = |record: Record| Row { key: record.key.clone(), record: Some(record) };
            from_rows(keys, &records)?.into_iter().map(row).collect()
        }
    };
    if scan.direction == Direction::Backward {
        rows.reverse();
    }
    Ok(rows)
}

/// Steps through rows where some are passed over, or where a part is read backwards.
async fn by_cursor(
    from: &Rows,
    place: &Place<'_>,
    scan: &Scan,
    range: &KeyRange,
    after: Option<&Position>,
) -> Result<Vec<Row>> {
    let range = range_of(range, &scan.source, place)?.map_or(JsValue::UNDEFINED, JsValue::from);
    let direction = match scan.direction {
        Direction::Forward => IdbCursorDirection::Next,
        Direction::Backward => IdbCursorDirection::Prev,
    };
    let request = match (from, scan.read) {
        (Rows::Store(store), Read::Records | Read::Meta) => {
            store.open_cursor_with_range_and_direction(&range, direction)
        }
        (Rows::Store(store), Read::Keys) => store.open_key_cursor_with_range_and_direction(&range, direction),
        (Rows::Index(index), Read::Records | Read::Meta) => {
            index.open_cursor_with_range_and_direction(&range, direction)
        }
        (Rows::Index(index), Read::Keys) => index.open_key_cursor_with_range_and_direction(&range, direction),
    };
    let mut jump = after.map(|after| Jump::behind(after, scan.direction, place)).transpose()?;
    let (mut skip, limit, read) = (u32::try_from(scan.offset).unwrap_or(u32::MAX), scan.limit, scan.read);
    let found = walk(request, move |cursor, found| {
        if let Some(to) = &jump {
            if to.moves(cursor)? {
                return Ok(true);
            }
            jump = None;
        }
        if skip > 0 {
            cursor.advance(core::mem::take(&mut skip))?;
            return Ok(true);
        }
        let value = match read {
            Read::Keys => JsValue::UNDEFINED,
            Read::Records | Read::Meta => cursor.unchecked_ref::<IdbCursorWithValue>().value()?,
        };
        let count = found.push(&Array::of2(&cursor.primary_key()?, &value));
        if limit.is_some_and(|limit| count as usize >= limit) {
            return Ok(false);
        }
        cursor.continue_()?;
        Ok(true)
    })
    .await?;
    let row = |found: JsValue| {
        let found: &Array = found.unchecked_ref();
        let key = place.own_key(Key::from_js(&found.get(0))?);
        let record = match scan.read {
            Read::Keys => None,
            Read::Records | Read::Meta => Some(from_row(key.clone(), &found.get(1))?),
        };
        Ok(Row { key, record })
    };
    found.iter().map(row).collect()
}

/// How a cursor over an index comes behind a position.
struct Jump {
    at: JsValue,
    key: JsValue,
    direction: Direction,
    factory: IdbFactory,
}

impl Jump {
    fn behind(after: &Position, direction: Direction, place: &Place<'_>) -> Result<Self> {
        let (at, key) = (place.stored_key(&after.at).to_js(), place.stored_key(&after.key).to_js());
        Ok(Self { at, key, direction, factory: factory()? })
    }

    /// Moves a cursor that is not yet behind the position.
    fn moves(&self, cursor: &IdbCursor) -> core::result::Result<bool, JsValue> {
        let here = match self.factory.cmp(&cursor.key()?, &self.at) {
            Ok(0) => self.factory.cmp(&cursor.primary_key()?, &self.key)?,
            Ok(here) => here,
            // WebKit's indexes hold arrays that are no keys; among the rows of one they are not, so this one is behind.
            Err(_) => return Ok(false),
        };
        let ahead = match self.direction {
            Direction::Forward => here,
            Direction::Backward => -here,
        };
        match ahead {
            1.. => return Ok(false),
            0 => cursor.continue_()?,
            _ => cursor.continue_primary_key(&self.at, &self.key)?,
        }
        Ok(true)
    }
}

/// The namespaces with rows in the shared store, at one step of a cursor for each; and the collections with rows that
/// another version of the application declared.
pub(super) async fn namespaces(database: &IdbDatabase, layout: &Layout) -> Result<Vec<String>> {
    let mut stores = vec![system::ENTRIES];
    stores.extend(layout.undeclared().map(|store| store.name.as_str()));
    let transaction = begin(database, &stores, None)?;
    let counts = layout.undeclared().map(|store| {
        let count = transaction.object_store(&store.name).and_then(|store| store.count());
        asked(count).map(|count| (store.name.clone(), count))
    });
    let counts = counts.collect::<Result<Vec<_>>>()?;
    let request = transaction.object_store(system::ENTRIES).and_then(|store| store.open_key_cursor());
    let names = walk(request, |cursor, names| {
        let name = Array::from(&cursor.key()?).get(0);
        let Some(text) = name.as_string() else { return Ok(false) };
        names.push(&name);
        cursor.continue_with_key(&after_namespace(&text).to_js())?;
        Ok(true)
    })
    .await?;
    let mut names: Vec<String> = names.iter().filter_map(|name| name.as_string()).collect();
    for (name, count) in counts {
        if count.finished().await?.as_f64() > Some(0.0) {
            names.push(name);
        }
    }
    Ok(sorted_names(names))
}

/// The range of a scan as IndexedDB takes it.
///
/// WebKit has entries for null in its indexes, below every key; so the whole of an index begins at the least key.
pub(super) fn range_of(range: &KeyRange, source: &Source, place: &Place<'_>) -> Result<Option<IdbKeyRange>> {
    match (source, &range.lower) {
        (Source::Index(_), Bound::Unbounded) => {
            let lower = Bound::Included(Key::Number(f64::NEG_INFINITY));
            to_range(&KeyRange { lower, upper: range.upper.clone() }, place)
        }
        _ => to_range(range, place),
    }
}

/// What rows are read from.
pub(super) enum Rows {
    Store(IdbObjectStore),
    Index(IdbIndex),
}

impl Rows {
    fn of(database: &IdbDatabase, layout: &Layout, collection: &str, source: &Source) -> Result<Self> {
        let place = layout.place(collection);
        Self::within(&begin(database, &[place.store()], None)?, &place, source)
    }

    pub(super) fn within(transaction: &IdbTransaction, place: &Place<'_>, source: &Source) -> Result<Self> {
        let opened = transaction.object_store(place.store()).and_then(|store| match source {
            Source::Primary => Ok(Self::Store(store)),
            Source::Index(name) => store.index(name).map(Self::Index),
            Source::Expiring => store.index(EXPIRING).map(Self::Index),
        });
        opened.map_err(|thrown| from_js(&thrown))
    }

    /// Asks for the keys of a range; no limit is 0.
    pub(super) fn keys(&self, range: &JsValue, limit: u32) -> core::result::Result<IdbRequest, JsValue> {
        match self {
            Self::Store(store) => store.get_all_keys_with_key_and_limit(range, limit),
            Self::Index(index) => index.get_all_keys_with_key_and_limit(range, limit),
        }
    }

    /// Asks for the records of a range; no limit is 0.
    pub(super) fn records(&self, range: &JsValue, limit: u32) -> core::result::Result<IdbRequest, JsValue> {
        match self {
            Self::Store(store) => store.get_all_with_key_and_limit(range, limit),
            Self::Index(index) => index.get_all_with_key_and_limit(range, limit),
        }
    }
}

pub(super) fn check_source(layout: &Layout, collection: &str, source: &Source) -> Result<()> {
    layout.check(collection)?;
    match source {
        Source::Index(name) => layout.check_index(collection, name),
        Source::Primary | Source::Expiring => Ok(()),
    }
}
