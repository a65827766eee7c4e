//! Filters and sorts, from JavaScript; rows and plans, to it.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;

use super::convert::{items, names, object, property, query_result, strings};
use super::options::Options;
use super::store::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::model::sorted_names;
use crate::platform::{Payload, is_array};
use crate::query::{Field, Filter, Operator, Order, OrderedBy, Sort};
use crate::store::{Collection as Records, Query};

/// The deepest nesting of a filter; it also ends cycles.
const MAX_DEPTH: usize = 32;

/// Reads a query of a store, and its namespace.
pub(super) fn request(filter: &JsValue, options: &JsValue) -> Result<(String, Query)> {
    let options = Options::read(options, &["sort", "limit", "offset", "namespace", "signal"])?;
    Ok((options.namespace()?, read(filter, &options)?))
}

/// Reads a query of a collection.
pub(super) fn request_of_collection(filter: &JsValue, options: &JsValue) -> Result<Query> {
    read(filter, &Options::read(options, &["sort", "limit", "offset", "signal"])?)
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
        ["field", "operator"] | ["field", "operator", "value"] => {
            let text = |name| {
                property(value, name)?.as_string().ok_or_else(|| {
                    Error::new(ErrorKind::InvalidQuery, "the field and the operator of a filter are texts")
                        .with("property", name)
                })
            };
            let operand = Payload::from(property(value, "value")?);
            Filter::compare_with(Field::parse(&text("field")?)?, Operator::parse(&text("operator")?)?, &operand)
        }
        _ => refuse("a filter is { field, operator, value }, { and }, { or } or { not }, and nothing besides"),
    }
}

fn sorts(value: &JsValue) -> Result<Vec<Sort>> {
    if value.is_undefined() {
        return Ok(Vec::new());
    }
    let given = if is_array(value) { items(value)? } else { vec![value.clone()] };
    given
        .iter()
        .map(|sort| {
            let refuse = || Error::new(ErrorKind::InvalidQuery, "a sort is { field, order }");
            if !sort.is_object() {
                return Err(refuse());
            }
            let field = property(sort, "field")?.as_string().ok_or_else(refuse)?;
            let order = property(sort, "order")?;
            let order = match order.as_string() {
                Some(text) => Order::parse(&text)?,
                None if order.is_undefined() => Order::default(),
                None => return Err(refuse()),
            };
            Ok(Sort { field: Field::parse(&field)?, order })
        })
        .collect()
}

/// Runs a query.
pub(super) async fn run(shared: Rc<Shared>, records: Records, query: Query) -> Result<JsValue> {
    shared.ready(&records).await?;
    Ok(records.query(&query).await?.into_iter().map(query_result).collect::<Array>().into())
}

/// Counts what a filter finds.
pub(super) async fn count(shared: Rc<Shared>, records: Records, filter: Option<Filter>) -> Result<JsValue> {
    let Some(filter) = filter else { return Ok(super::convert::number(records.count().await?)) };
    shared.ready(&records).await?;
    Ok(super::convert::number(records.count_matching(filter).await? as u64))
}

/// Tells how a query is served, by running it.
pub(super) async fn explain(shared: Rc<Shared>, records: Records, query: Query) -> Result<JsValue> {
    shared.ready(&records).await?;
    let told = records.explain(&query).await?;
    let sorted = match told.sorted {
        OrderedBy::Index => "index",
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
