//! Pages and counts of a store, while others write too.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_executor::block_on;
use proptest::prelude::*;
use tidekeep::backend::Backend;
use tidekeep::model::{Collection as Declared, Delete, Durability, Key, Record, Schema, WriteBatch, WriteOp};
use tidekeep::query::{Filter, Sort, matches, sort_records};
use tidekeep::store::{Checks, Collection, DataStore, Entry, Parts, Query, Space};

use crate::strategies::{backend, collection, filter, put, records, row, sorts};

struct World {
    backend: Rc<dyn Backend>,
    things: Collection,
}

fn world(records: &BTreeMap<Key, Record>, declared: &Declared) -> World {
    let mut schema = Schema::default();
    schema.declare("things", declared.clone()).unwrap();
    let (schema, backend) = (Rc::new(schema), Rc::new(backend(records, declared)) as Rc<dyn Backend>);
    let parts = Parts {
        schema: Rc::clone(&schema),
        backend: Rc::clone(&backend),
        space: Rc::new(Space::new(Rc::clone(&backend), schema, false, 0.0)),
        durability: Durability::Relaxed,
        degraded: None,
        checks: Checks::default(),
        cache: None,
    };
    let things = DataStore::new(parts, |stack| stack).collection("things").unwrap();
    World { backend, things }
}

/// The keys of the live records that match, in order; in key order, where none is asked for.
fn wanted(records: &BTreeMap<Key, Record>, declared: &Declared, filter: Option<&Filter>, sort: &[Sort]) -> Vec<Key> {
    let filter = filter.map(|filter| filter.normalised(Some(declared)));
    let live = records.values().filter(|record| record.meta.expires.is_none());
    let mut hits: Vec<Record> =
        live.filter(|record| filter.as_ref().is_none_or(|filter| matches(filter, record))).cloned().collect();
    sort_records(&mut hits, sort);
    hits.into_iter().map(|record| record.key).collect()
}

fn keys(entries: Vec<Entry>) -> Vec<Key> {
    entries.into_iter().map(|entry| entry.key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_and_counts_give_what_reading_everything_gives(
        shape in 0..3usize,
        rows in prop::collection::vec(row(), 0..32),
        filter in prop::option::weighted(0.9, filter()),
        sort in sorts(),
        limit in 1..6usize,
        offset in 0..4usize,
    ) {
        let declared = collection(shape);
        let records = records(&rows, &declared);
        let World { things, .. } = world(&records, &declared);
        let expected = wanted(&records, &declared, filter.as_ref(), &sort);

        let query = Query { filter: filter.clone(), sort: sort.clone(), ..Query::default() };
        let whole = keys(block_on(things.query(&query)).unwrap());
        let mut in_key_order = whole.clone();
        in_key_order.sort();
        if sort.is_empty() {
            prop_assert_eq!(&in_key_order, &expected);
        } else {
            prop_assert_eq!(&whole, &expected);
        }
        if let Some(filter) = &filter {
            prop_assert_eq!(block_on(things.count_matching(filter)).unwrap(), expected.len() as u64);
        }

        let some = Query { offset, limit: Some(limit), ..query.clone() };
        let slice: Vec<Key> = whole.iter().skip(offset).take(limit).cloned().collect();
        let page = block_on(things.page(&some)).unwrap();
        prop_assert_eq!(page.next.is_some(), whole.len() > offset + limit);
        prop_assert_eq!(keys(page.entries), slice);

        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = block_on(things.page(&Query { after, limit: Some(limit), ..query.clone() })).unwrap();
            prop_assert!(page.next.is_none() || page.entries.len() == limit);
            found.extend(keys(page.entries));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(found, whole);
    }

    #[test]
    fn pages_go_on_rightly_while_others_write(
        shape in 0..3usize,
        rows in prop::collection::vec(row(), 0..32),
        late in prop::collection::vec(row(), 0..8),
        filter in prop::option::weighted(0.7, filter()),
        sort in sorts(),
        limit in 1..6usize,
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let declared = collection(shape);
        let early = records(&rows, &declared);
        let mut late = records(&late, &declared);
        late.retain(|key, _| !early.contains_key(key));
        for record in late.values_mut() {
            uncode(record);
        }
        let World { backend, things } = world(&early, &declared);
        let query = Query { filter: filter.clone(), sort: sort.clone(), limit: Some(limit), ..Query::default() };

        let mut found = Vec::new();
        let mut page = block_on(things.page(&query)).unwrap();
        let gone: Vec<Key> = gone.iter().filter(|_| !early.is_empty()).map(|at| at.get(&early.keys().cloned().collect::<Vec<_>>()).clone()).collect();
        let deletions = gone.iter().map(|key| WriteOp::Delete(Delete::new("things", key.clone())));
        let ops = deletions.chain(late.values().map(put)).collect();
        block_on(backend.commit(WriteBatch { ops, ..WriteBatch::default() })).unwrap();
        loop {
            found.extend(keys(page.entries));
            let Some(after) = page.next else { break };
            page = block_on(things.page(&Query { after: Some(after), ..query.clone() })).unwrap();
        }

        // What stood where it was comes, once, and in order; of the rest, nothing comes twice.
        let stayed = |key: &Key| early.contains_key(key) && !gone.contains(key);
        let expected = wanted(&early, &declared, filter.as_ref(), &sort);
        let mut expected: Vec<Key> = expected.into_iter().filter(stayed).collect();
        let mut steady: Vec<Key> = found.iter().filter(|key| stayed(key)).cloned().collect();
        if sort.is_empty() {
            expected.sort();
            steady.sort();
        }
        prop_assert_eq!(steady, expected);
        let distinct: std::collections::BTreeSet<&Key> = found.iter().collect();
        prop_assert_eq!(distinct.len(), found.len());
    }
}

/// Takes out the field that must be unique.
fn uncode(record: &mut Record) {
    let tidekeep::model::Body::Clear(payload) = &record.body else { return };
    let undefined = tidekeep::platform::Payload::from_wire(r#"{"code":{"$":"undefined"}}"#).unwrap();
    record.body = tidekeep::model::Body::Clear(payload.merged_with(&undefined));
}
