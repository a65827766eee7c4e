//! `watch`: live results, told to a listener.

use std::rc::Rc;

use js_sys::{Array, Function};
use wasm_bindgen::prelude::*;

use super::convert::{object, query_result};
use super::events::{call, unsubscribing};
use super::query;
use super::store::Shared;
use crate::backend::LocalFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Key;
use crate::platform::{sleep, spawn};
use crate::query::{Difference, Row};
use crate::store::{Collection as Records, Entry, Watcher};

/// A listener to a live result. Each row is converted once, so that what does not change stays the same object.
struct Listening {
    shared: Rc<Shared>,
    records: Records,
    listener: Function,
}

impl Watcher for Listening {
    type Made = JsValue;

    fn make(&self, entry: Entry) -> JsValue {
        query_result(entry)
    }

    fn changed(&self, rows: &[Rc<Row<JsValue>>], difference: &Difference) {
        let keys = |keys: &[Key]| keys.iter().map(Key::to_js).collect::<Array>().into();
        let told = object([
            ("rows", rows.iter().map(|row| &row.made).collect::<Array>().into()),
            ("added", keys(&difference.added)),
            ("changed", keys(&difference.changed)),
            ("removed", keys(&difference.removed)),
        ]);
        call(&self.listener, &[told]);
    }

    fn ready(&self) -> LocalFuture<'_, Result<()>> {
        Box::pin(self.shared.ready(&self.records))
    }

    fn sleep(&self, ms: f64) -> LocalFuture<'static, ()> {
        Box::pin(sleep(ms))
    }
}

/// Begins to watch; gives the function that ends it.
pub(super) fn begin(
    shared: &Rc<Shared>,
    records: &Records,
    filter: &JsValue,
    listener: &JsValue,
    options: &JsValue,
) -> Result<Function> {
    if records.in_transaction() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "what a transaction stages is not watched; watch the collection of the store",
        ));
    }
    let query = query::request_to_watch(filter, options)?;
    let listener = listener.dyn_ref::<Function>().cloned();
    let listener = listener.ok_or_else(|| {
        Error::new(ErrorKind::InvalidConfig, "a listener is a function: watch(filter, listener, options)")
    })?;
    let listening = Listening { shared: Rc::clone(shared), records: records.clone(), listener };
    let (watch, task) = records.watch(query, listening);
    spawn(task);
    Ok(unsubscribing(move || watch.end()))
}
