//! Full-text search: options from JavaScript, hits to it.

use core::future::Future;
use std::rc::{Rc, Weak};

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::JsValue;

use super::convert::{items, metadata, object, strings};
use super::options::Options;
use crate::backend::Backend;
use crate::backend::layer::Postings;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Schema, SearchField};
use crate::platform::spawn;
use crate::store::{Collection as Records, Hit, Match, Prefix, SearchOptions, tidy};

/// The fields of a full-text index: names, or objects with a weight.
pub(super) fn fields(given: &JsValue) -> Result<Vec<SearchField>> {
    if given.is_undefined() || given.is_null() {
        return Ok(Vec::new());
    }
    let refuse = || Error::new(ErrorKind::InvalidConfig, "“search” is an array of fields, or of { field, weight }");
    let field = |given: &JsValue| {
        if let Some(path) = given.as_string() {
            return Ok(SearchField { path, weight: 1.0 });
        }
        let options = Options::read(given, &["field", "weight"])?;
        let path = options.text("field")?.ok_or_else(refuse)?;
        Ok(SearchField { path, weight: options.number("weight")?.unwrap_or(1.0) })
    };
    items(given).map_err(|_| refuse())?.iter().map(field).collect()
}

/// The backend, with the words of searched collections noted, and their logs kept short in the background.
pub(super) fn noted(backend: Rc<dyn Backend>, schema: &Schema) -> Rc<dyn Backend> {
    let raw: Weak<dyn Backend> = Rc::downgrade(&backend);
    let wrote = move |collection: &str| {
        let (Some(backend), collection) = (raw.upgrade(), collection.to_owned()) else { return };
        spawn(async move {
            // A log that stays long for now costs time and nothing else; the next try comes soon.
            drop(tidy(&*backend, &collection).await);
        });
    };
    Postings::around(backend, schema, Rc::new(wrote))
}

/// Searches.
pub(super) fn search(
    records: Records,
    text: &JsValue,
    options: &JsValue,
) -> Result<impl Future<Output = Result<JsValue>> + 'static> {
    let text = text.as_string().ok_or_else(|| Error::new(ErrorKind::InvalidQuery, "what is searched for is a text"))?;
    let options = Options::read(options, &["limit", "fields", "prefix", "match", "after", "onProgress", "signal"])?;
    let told = progress(options.function("onProgress")?);
    let options = SearchOptions {
        limit: options.whole("limit")?,
        fields: options.texts("fields")?,
        prefix: prefix(&options)?,
        matching: match options.text("match")?.as_deref() {
            None | Some("all") => Match::All,
            Some("any") => Match::Any,
            Some(_) => return Err(Error::new(ErrorKind::InvalidConfig, "“match” is “all” or “any”")),
        },
        after: options.text("after")?,
    };
    Ok(async move {
        let found = records.search(&text, &options, &told).await?;
        let page: JsValue = found.hits.into_iter().map(hit).collect::<Array>().into();
        if let Some(next) = found.next {
            // Setting a property of a fresh array cannot fail.
            let _ = Reflect::set(&page, &"next".into(), &next.into());
        }
        Ok(page)
    })
}

/// Builds the index anew.
pub(super) fn reindex(records: Records, options: &JsValue) -> Result<impl Future<Output = Result<JsValue>> + 'static> {
    let told = progress(Options::read(options, &["onProgress", "signal"])?.function("onProgress")?);
    Ok(async move {
        records.reindex(&told).await?;
        Ok(JsValue::UNDEFINED)
    })
}

fn prefix(options: &Options<'_>) -> Result<Prefix> {
    let given = options.value("prefix")?;
    match (given.as_bool(), given.as_string().as_deref()) {
        (Some(true), _) => Ok(Prefix::Every),
        (Some(false), _) => Ok(Prefix::None),
        (None, Some("last")) => Ok(Prefix::Last),
        (None, None) if given.is_undefined() || given.is_null() => Ok(Prefix::None),
        _ => Err(Error::new(ErrorKind::InvalidConfig, "“prefix” is true, false or “last”")),
    }
}

fn progress(listener: Option<Function>) -> impl Fn(u64, u64) + 'static {
    move |done, total| {
        if let Some(listener) = &listener {
            super::events::call(listener, &[super::convert::number(done), super::convert::number(total)]);
        }
    }
}

fn hit(hit: Hit) -> JsValue {
    object([
        ("key", hit.entry.key.to_js()),
        ("value", hit.entry.value.into_js()),
        ("metadata", metadata(hit.entry.meta.metadata.as_ref())),
        ("score", JsValue::from_f64(hit.score)),
        ("matched", strings(hit.matched.iter().map(String::as_str))),
    ])
}
