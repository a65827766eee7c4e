//! A plan never changes a result: whatever way it chooses, the rows are those of reading and sorting everything.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the report")]

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_executor::block_on;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::backend::{Backend, Scan};
use tidekeep::model::{
    Body, Collection, Index, Key, KeyPath, KeyRange, Meta, Put, Record, Schema, WriteBatch, WriteOp,
};
use tidekeep::platform::Payload;
use tidekeep::query::{Field, Filter, Operator, Order, OrderedBy, Plan, Sort, matches, plan, sort_records};

const INDEXES: [&str; 9] = ["a", "b", "*tags", "&code", "[a+b]", "[b+a+tags]", "[a+id]", "[kind+a]", "id"];
const FIELDS: [&str; 8] = ["a", "b", "tags", "code", "id", "kind", "$key", "$tags"];
const OPERATORS: [&str; 13] =
    ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "between", "contains", "startsWith", "endsWith", "exists"];
/// Fields and operators that indexes serve, to be met more often than the rest.
const SERVED_FIELDS: [&str; 6] = ["a", "a", "b", "b", "tags", "tags"];
const SERVED_OPERATORS: [&str; 10] = ["eq", "eq", "eq", "gt", "lte", "lte", "in", "contains", "contains", "startsWith"];
const DATES: [&str; 2] = [r#"{"$":"date","v":0}"#, r#"{"$":"date","v":5}"#];

/// A key's JSON, from a domain so small that it is met often.
fn key_json() -> impl Strategy<Value = String> {
    let number = (0..3i32).prop_map(|n| n.to_string());
    let text = select(vec!["a", "ab"]).prop_map(|text| format!("\"{text}\""));
    let date = select(DATES.to_vec()).prop_map(str::to_owned);
    prop_oneof![6 => number, 3 => text, 1 => date]
}

fn array_json() -> impl Strategy<Value = String> {
    prop::collection::vec(key_json(), 0..4).prop_map(|items| format!("[{}]", items.join(",")))
}

/// A field's JSON; none where it is not there.
fn value_json() -> impl Strategy<Value = Option<String>> {
    let odd = ["null", "true", "false", "{}", r#"[{},"a",1]"#, r#"[null,"a"]"#, r#"[["a"],1]"#];
    prop_oneof![
        12 => key_json().prop_map(Some),
        3 => array_json().prop_map(Some),
        2 => select(odd.to_vec()).prop_map(|json| Some(json.to_owned())),
        1 => Just(Some(r#"{"$":"undefined"}"#.to_owned())),
        2 => Just(None),
    ]
}

#[derive(Debug, Clone)]
struct Row {
    kind: String,
    id: String,
    fields: [Option<String>; 3],
    coded: bool,
    tags: Vec<&'static str>,
}

fn row() -> impl Strategy<Value = Row> {
    let fields = [value_json().boxed(), value_json().boxed(), value_json().boxed()];
    let id = prop_oneof![6 => (0..20u32).prop_map(|n| n.to_string()), 2 => key_json(), 1 => array_json()];
    (key_json(), id, fields, any::<bool>(), subsequence(vec!["a", "b"], 0..=2))
        .prop_map(|(kind, id, fields, coded, tags)| Row { kind, id, fields, coded, tags })
}

fn condition(fields: &[&'static str], operators: &[&'static str]) -> impl Strategy<Value = Filter> + use<> {
    let operand = prop_oneof![
        6 => key_json(),
        4 => array_json(),
        2 => (key_json(), key_json()).prop_map(|(from, to)| format!("[{from},{to}]")),
        1 => select(vec!["null", "true", "false", "[null,\"a\"]"]).prop_map(str::to_owned),
    ];
    (select(fields.to_vec()), select(operators.to_vec()), operand).prop_filter_map(
        "the operand is one for the operator",
        |(field, operator, json)| {
            let (field, operator) = (Field::parse(field).unwrap(), Operator::parse(operator).unwrap());
            Filter::compare_with(field, operator, &Payload::from_wire(&json).unwrap()).ok()
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    let tree = condition(&FIELDS, &OPERATORS).prop_recursive(3, 8, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several().prop_map(Filter::And),
            several().prop_map(Filter::Or),
            inner.clone().prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    });
    let any = condition(&FIELDS, &OPERATORS).boxed();
    let served = condition(&SERVED_FIELDS, &SERVED_OPERATORS).boxed();
    prop_oneof![
        1 => tree,
        1 => prop::collection::vec(any, 1..4).prop_map(Filter::And),
        3 => prop::collection::vec(served, 1..4).prop_map(Filter::And),
    ]
}

fn sorts() -> impl Strategy<Value = Vec<Sort>> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let field = prop_oneof![2 => select(SERVED_FIELDS.to_vec()), 1 => select(FIELDS.to_vec())];
    let sort = (field, order).prop_map(|(field, order)| Sort { field: Field::parse(field).unwrap(), order });
    prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(sort, 1..3)]
}

/// Keys of their own; keys of one field; keys of two.
fn collection(shape: usize) -> Collection {
    let key_path = match shape {
        0 => None,
        1 => Some(KeyPath::Single("id".to_owned())),
        _ => Some(KeyPath::Compound(vec!["kind".to_owned(), "id".to_owned()])),
    };
    let indexes = INDEXES.iter().map(|text| Index::parse(text).unwrap()).collect();
    Collection { key_path, indexes, ..Collection::default() }
}

fn records(rows: &[Row], collection: &Collection) -> BTreeMap<Key, Record> {
    let record = |(at, row): (usize, &Row)| {
        let mut fields = vec![format!("\"kind\":{}", row.kind), format!("\"id\":{}", row.id)];
        for (name, json) in ["a", "b", "tags"].iter().zip(&row.fields) {
            fields.extend(json.as_ref().map(|json| format!("\"{name}\":{json}")));
        }
        if row.coded {
            fields.push(format!("\"code\":{at}"));
        }
        let payload = Payload::from_wire(&format!("{{{}}}", fields.join(","))).unwrap();
        let id = KeyPath::Single("id".to_owned());
        let key = collection.key_path.as_ref().unwrap_or(&id).extract(&payload).unwrap();
        let tags = row.tags.iter().map(|&tag| tag.to_owned()).collect();
        (key.clone(), Record { key, body: Body::Clear(payload), meta: Meta { tags, ..Meta::default() } })
    };
    rows.iter().enumerate().map(record).collect()
}

fn backend(records: &BTreeMap<Key, Record>, collection: &Collection) -> MemoryBackend {
    let mut schema = Schema::default();
    schema.declare("things", collection.clone()).unwrap();
    let backend = MemoryBackend::new("query", Rc::new(schema), DEFAULT_CAPACITY);
    let put = |record: &Record| {
        let put = Put::new("things", record.key.clone(), record.body.clone());
        WriteOp::Put(Put { tags: Some(record.meta.tags.clone()), ..put })
    };
    let batch = WriteBatch { ops: records.values().map(put).collect(), ..WriteBatch::default() };
    block_on(backend.commit(batch)).unwrap();
    backend
}

/// The keys of the rows, in their order, and how many rows were read.
fn executed(plan: &Plan, sort: &[Sort], backend: &MemoryBackend) -> (Vec<Key>, usize) {
    let mut rows: Vec<Record> = Vec::new();
    for range in &plan.ranges {
        let source = plan.source.clone();
        let scan = Scan { source, range: range.clone(), direction: plan.direction, ..Scan::all("things") };
        rows.extend(block_on(backend.scan(&scan)).unwrap().into_iter().filter_map(|row| row.record));
    }
    let read = rows.len();
    if plan.distinct {
        let mut seen = Vec::new();
        rows.retain(|record| {
            !seen.contains(&record.key) && {
                seen.push(record.key.clone());
                true
            }
        });
    }
    rows.retain(|record| plan.residual.as_ref().is_none_or(|filter| matches(filter, record)));
    if plan.order == OrderedBy::Memory {
        sort_records(&mut rows, sort);
    }
    (rows.into_iter().map(|record| record.key).collect(), read)
}

/// Whether IndexedDB takes the ranges, and each begins where the one before has ended.
fn well_formed(ranges: &[KeyRange]) -> bool {
    ranges.iter().all(|range| !range.is_empty())
        && ranges.windows(2).all(|pair| pair[0].clone().intersect(pair[1].clone()).is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_gives_what_reading_everything_gives(
        shape in 0..3usize,
        rows in prop::collection::vec(row(), 0..32),
        filter in prop::option::weighted(0.9, filter()),
        sort in sorts(),
    ) {
        let collection = collection(shape);
        let records = records(&rows, &collection);
        let backend = backend(&records, &collection);
        let plan = plan(filter.as_ref(), &sort, Some(&collection));

        let normalised = filter.as_ref().map(|filter| filter.normalised(Some(&collection)));
        let mut wanted: Vec<Record> = records
            .into_values()
            .filter(|record| normalised.as_ref().is_none_or(|filter| matches(filter, record)))
            .collect();
        sort_records(&mut wanted, &sort);
        let wanted: Vec<Key> = wanted.into_iter().map(|record| record.key).collect();

        let (mut found, read) = executed(&plan, &sort, &backend);
        if sort.is_empty() {
            prop_assert_eq!(plan.order, OrderedBy::None);
            found.sort();
        }
        prop_assert_eq!(&found, &wanted, "{:?}", plan);
        prop_assert!(well_formed(&plan.ranges), "{:?}", plan);
        if plan.residual.is_none() {
            prop_assert_eq!(read, found.len(), "{:?}", plan);
        }
    }
}
