//! Records, filters and sorts from domains so small that they meet.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_executor::block_on;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tidekeep::backend::Backend;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::model::{
    Body, Collection, Expiry, Index, Key, KeyPath, Meta, MetadataChange, Put, Record, Schema, WriteBatch, WriteOp,
};
use tidekeep::platform::Payload;
use tidekeep::query::{Field, Filter, Operator, Order, Sort};

const INDEXES: [&str; 12] =
    ["a", "b", "*tags", "&code", "[a+b]", "[b+a+tags]", "[a+id]", "[kind+a]", "id", "*$tags", "$meta.m", "[a+$meta.m]"];
const FIELDS: [&str; 13] =
    ["a", "b", "tags", "code", "id", "kind", "$key", "$tags", "$tags", "$meta.m", "$version", "$created", "$expires"];
const OPERATORS: [&str; 13] =
    ["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "between", "contains", "startsWith", "endsWith", "exists"];
/// Fields and operators that indexes serve, to be met more often than the rest.
const SERVED_FIELDS: [&str; 8] = ["a", "a", "b", "b", "tags", "tags", "$tags", "$meta.m"];
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
pub(crate) struct Row {
    kind: String,
    id: String,
    fields: [Option<String>; 4],
    coded: bool,
    tags: Vec<&'static str>,
    over: bool,
}

pub(crate) fn row() -> impl Strategy<Value = Row> {
    let fields = [value_json().boxed(), value_json().boxed(), value_json().boxed(), value_json().boxed()];
    let id = prop_oneof![6 => (0..20u32).prop_map(|n| n.to_string()), 2 => key_json(), 1 => array_json()];
    (key_json(), id, fields, any::<bool>(), subsequence(vec!["a", "ab", "b"], 0..=3), any::<u8>())
        .prop_map(|(kind, id, fields, coded, tags, over)| Row { kind, id, fields, coded, tags, over: over < 40 })
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

pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    let tree = condition(&FIELDS, &OPERATORS).prop_recursive(3, 8, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            several().prop_map(Filter::And),
            several().prop_map(Filter::Or),
            inner.clone().prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    });
    let any = condition(&FIELDS, &OPERATORS).boxed();
    let served = || condition(&SERVED_FIELDS, &SERVED_OPERATORS).boxed();
    let branch = prop_oneof![2 => served(), 1 => prop::collection::vec(served(), 0..3).prop_map(Filter::And)];
    let union = prop::collection::vec(branch, 2..4).prop_map(Filter::Or);
    prop_oneof![
        1 => tree,
        1 => prop::collection::vec(any, 1..4).prop_map(Filter::And),
        3 => prop::collection::vec(served(), 1..4).prop_map(Filter::And),
        2 => (union, prop::collection::vec(served(), 0..2)).prop_map(|(union, mut rest)| {
            rest.push(union);
            Filter::And(rest)
        }),
    ]
}

pub(crate) fn sorts() -> impl Strategy<Value = Vec<Sort>> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let field = prop_oneof![2 => select(SERVED_FIELDS.to_vec()), 1 => select(FIELDS.to_vec())];
    let sort = (field, order).prop_map(|(field, order)| Sort { field: Field::parse(field).unwrap(), order });
    prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(sort, 1..3)]
}

/// Keys of their own; keys of one field; keys of two.
pub(crate) fn collection(shape: usize) -> Collection {
    let key_path = match shape {
        0 => None,
        1 => Some(KeyPath::Single("id".to_owned())),
        _ => Some(KeyPath::Compound(vec!["kind".to_owned(), "id".to_owned()])),
    };
    let indexes = INDEXES.iter().map(|text| Index::parse(text).unwrap()).collect();
    Collection { key_path, indexes, ..Collection::default() }
}

pub(crate) fn records(rows: &[Row], collection: &Collection) -> BTreeMap<Key, Record> {
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
        let [.., last] = &row.fields;
        let metadata = last.as_ref().map(|json| Payload::from_wire(&format!("{{\"m\":{json}}}")).unwrap());
        let tags = row.tags.iter().map(|&tag| tag.to_owned()).collect();
        let expires = row.over.then_some(1.0);
        let meta = Meta { tags, metadata, expires, version: 1, ..Meta::default() };
        (key.clone(), Record { key, body: Body::Clear(payload), meta })
    };
    rows.iter().enumerate().map(record).collect()
}

/// What writes a record.
pub(crate) fn put(record: &Record) -> WriteOp {
    let put = Put::new("things", record.key.clone(), record.body.clone());
    WriteOp::Put(Put {
        tags: Some(record.meta.tags.clone()),
        metadata: record.meta.metadata.clone().map_or(MetadataChange::Keep, MetadataChange::Replace),
        expires: record.meta.expires.map_or(Expiry::Never, Expiry::At),
        ..put
    })
}

pub(crate) fn backend(records: &BTreeMap<Key, Record>, collection: &Collection) -> MemoryBackend {
    let mut schema = Schema::default();
    schema.declare("things", collection.clone()).unwrap();
    let backend = MemoryBackend::new("query", Rc::new(schema), DEFAULT_CAPACITY);
    let batch = WriteBatch { ops: records.values().map(put).collect(), ..WriteBatch::default() };
    block_on(backend.commit(batch)).unwrap();
    backend
}
