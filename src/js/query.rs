//! Filters and sorts, from JavaScript; rows and plans, to it.

use std::rc::Rc;

use js_sys::{Array, JsString, Reflect};
use wasm_bindgen::prelude::*;

use super::convert::{items, names, object, property, query_result, strings};
use super::options::{Options, Target};
use super::store::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::model::sorted_names;
use crate::platform::{Payload, is_array};
use crate::query::{Field, Filter, Operator, Order, OrderedBy, Sort};
use crate::store::{Collection as Records, Query};

/// The deepest nesting of a filter; it also ends cycles.
const MAX_DEPTH: usize = 32;

/// The most fields to sort by.
const MAX_SORTS: usize = 16;

/// Reads a query of a store, and what it is about.
pub(super) fn request(filter: &JsValue, options: &JsValue) -> Result<(Target, Query)> {
    let options =
        Options::read(options, &["sort", "limit", "offset", "after", "namespace", "transactionId", "signal"])?;
    Ok((options.target()?, read(filter, &options)?))
}

/// Reads a query of a collection.
pub(super) fn request_of_collection(filter: &JsValue, options: &JsValue) -> Result<Query> {
    read(filter, &Options::read(options, &["sort", "limit", "offset", "after", "signal"])?)
}

/// Reads a query whose result is watched: from the beginning, since a page does not move with what comes before it.
pub(super) fn request_to_watch(filter: &JsValue, options: &JsValue) -> Result<Query> {
    read(filter, &Options::read(options, &["sort", "limit", "offset"])?)
}

fn read(filter: &JsValue, options: &Options<'_>) -> Result<Query> {
    Ok(Query {
        filter: optional_filter(filter)?,
        sort: sorts(&options.value("sort")?)?,
        offset: options.whole("offset")?.unwrap_or(0),
        limit: options.whole("limit")?,
        after: options.text("after")?,
    })
}

/// Reads a filter, or a list of filters that must all match; nothing, or an empty list, is every record.
pub(super) fn optional_filter(value: &JsValue) -> Result<Option<Filter>> {
    if value.is_undefined() || value.is_null() {
        return Ok(None);
    }
    if is_array(value) {
        let filters = list(value, 0)?;
        return Ok(if filters.is_empty() { None } else { Some(Filter::And(filters)) });
    }
    filter(value, 0).map(Some)
}

fn list(value: &JsValue, depth: usize) -> Result<Vec<Filter>> {
    items(value)?.iter().map(|item| filter(item, depth + 1)).collect()
}

fn filter(value: &JsValue, depth: usize) -> Result<Filter> {
    let refuse = |message: &str| Err(Error::new(ErrorKind::InvalidQuery, message));
    if depth > MAX_DEPTH {
        return refuse("the filter is nested too deeply");
    }
    if !value.is_object() {
        return refuse("a filter is { field, operator, value }, { and }, { or } or { not }");
    }
    let own = sorted_names(names(value)?);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    match own.as_slice() {
        ["and"] => Ok(Filter::And(list(&property(value, "and")?, depth)?)),
        ["or"] => Ok(Filter::Or(list(&property(value, "or")?, depth)?)),
        ["not"] => Ok(Filter::Not(Box::new(filter(&property(value, "not")?, depth + 1)?))),
        ["field", "operator"] | ["field", "operator", "value"] | ["field", "includeMissing", "operator", "value"] => {
            let operator = Operator::parse(&text(value, "operator")?)?;
            let including = property(value, "includeMissing")?;
            let operator = match (including.as_bool(), operator) {
                (Some(false), _) => operator,
                (None, _) if including.is_undefined() => operator,
                (Some(true), Operator::Ne) => Operator::Eq,
                (Some(true), Operator::Nin) => Operator::In,
                _ => return refuse("includeMissing is true or false, for the operators ne and nin"),
            };
            let operand = Payload::from(property(value, "value")?);
            let compared = Filter::compare_with(Field::parse(&text(value, "field")?)?, operator, &operand)?;
            // Whatever does not equal the value, what is missing among it.
            Ok(if including.is_truthy() { Filter::Not(Box::new(compared)) } else { compared })
        }
        _ => refuse("a filter is { field, operator, value }, { and }, { or } or { not }, and nothing besides"),
    }
}

/// A text of a filter or sort. One with lone surrogates would be read as another.
fn text(of: &JsValue, name: &str) -> Result<String> {
    let found = property(of, name)?;
    let text = found.dyn_ref::<JsString>().filter(|text| text.is_valid_utf16());
    text.map(String::from)
        .ok_or_else(|| Error::new(ErrorKind::InvalidQuery, "this must be a well-formed text").with("property", name))
}

fn sorts(value: &JsValue) -> Result<Vec<Sort>> {
    if value.is_undefined() {
        return Ok(Vec::new());
    }
    let given = if is_array(value) { items(value)? } else { vec![value.clone()] };
    if given.len() > MAX_SORTS {
        return Err(Error::new(ErrorKind::InvalidQuery, "a query sorts by 16 fields at the most"));
    }
    given
        .iter()
        .map(|sort| {
            let known = |name: &String| name == "field" || name == "order";
            if !sort.is_object() || !names(sort)?.iter().all(known) {
                return Err(Error::new(ErrorKind::InvalidQuery, "a sort is { field, order } and nothing besides"));
            }
            let unsaid = property(sort, "order")?.is_undefined();
            let order = if unsaid { Order::default() } else { Order::parse(&text(sort, "order")?)? };
            Ok(Sort { field: Field::parse(&text(sort, "field")?)?, order })
        })
        .collect()
}

/// Runs a query.
pub(super) async fn run(shared: Rc<Shared>, records: Records, query: Query) -> Result<JsValue> {
    let page = shared.opened(&records, async || records.page(&query).await).await?;
    let rows: Array = page.entries.into_iter().map(query_result).collect();
    if let Some(next) = page.next {
        let _ = Reflect::set(&rows, &"next".into(), &next.into());
    }
    Ok(rows.into())
}

/// Counts what a filter finds.
pub(super) async fn count(shared: Rc<Shared>, records: Records, filter: Option<Filter>) -> Result<JsValue> {
    let Some(filter) = filter else { return Ok(super::convert::number(records.count().await?)) };
    shared.ready(&records).await?;
    Ok(super::convert::number(records.count_matching(&filter).await?))
}

/// Tells how a query is served, by running it.
pub(super) async fn explain(shared: Rc<Shared>, records: Records, query: Query) -> Result<JsValue> {
    shared.ready(&records).await?;
    let told = records.explain(&query).await?;
    let sorted = match told.sorted {
        OrderedBy::Index | OrderedBy::IndexThenMemory => "index",
        OrderedBy::Memory => "memory",
        OrderedBy::None => "none",
    };
    Ok(object([
        ("index", told.index.map_or(JsValue::NULL, |index| JsValue::from_str(&index))),
        ("range", JsValue::from_str(&told.range)),
        ("residual", strings(told.residual.iter().map(String::as_str))),
        ("sorted", JsValue::from_str(sorted)),
        ("rowsRead", super::convert::number(told.rows_read as u64)),
    ]))
}
