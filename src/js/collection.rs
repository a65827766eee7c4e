//! `Collection`: records under their own keys.

use core::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::convert::{folder, items, owned, owned_object, write_result};
use super::entries::{delete_many, get_many, prefetch, write_many};
use super::options::{self, ENTRY, Options, PUT_MANY, WriteOptions};
use super::query;
use super::search;
use super::signal::abortable;
use super::store::Shared;
use super::{error, promise, watch};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Key;
use crate::platform::Payload;
use crate::store::Collection as Records;

/// A handle on one collection.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Collection {
    shared: Rc<Shared>,
    records: Records,
}

impl Collection {
    pub(super) fn open(shared: &Rc<Shared>, name: &str) -> Result<Self> {
        Ok(Self { shared: Rc::clone(shared), records: shared.store.collection(name)? })
    }

    fn parts(&self) -> (Rc<Shared>, Records) {
        (Rc::clone(&self.shared), self.records.clone())
    }
}

#[wasm_bindgen]
impl Collection {
    /// Its name.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.records.name().to_owned()
    }

    /// The record under a key, or undefined.
    pub fn get(&self, key: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        promise("get", || {
            let key = Key::from_js(key)?;
            Ok(async move {
                let found = shared.opened(&records, async || records.get(&key).await).await?;
                Ok(found.map_or(JsValue::UNDEFINED, |entry| entry.value.into_js()))
            })
        })
    }

    /// Writes a record under the key that it carries.
    pub fn put(&self, record: &JsValue, options: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        promise("put", || {
            let options = WriteOptions::parse(options, ENTRY)?;
            let record = owned(record)?;
            let key = records.key_of(&record).map_err(|error| error.during("put"))?;
            Ok(async move {
                shared.ready_to_write(&records, records.seals(&key, &options.entry)).await?;
                Ok(write_result(&records.set(key, record, &options.entry).await?))
            })
        })
    }

    /// Writes many records: all or none, unless `atomic: false`.
    #[wasm_bindgen(js_name = putMany)]
    pub fn put_many(&self, values: &JsValue, options: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        abortable("putMany", options, || {
            let options = WriteOptions::parse(options, PUT_MANY)?;
            let records = records.gated(options.gate.clone());
            let mut writes = Vec::new();
            for record in items(values)? {
                let record = owned(&record)?;
                let key = records.key_of(&record).map_err(|error| error.during("putMany"))?;
                writes.push((key.to_js(), records.put_keyed(key, record, &options.entry)));
            }
            Ok(write_many(shared, records, writes, options))
        })
    }

    /// Reads, changes and writes one record so that no update is lost: `change` is a part of a record, or a function
    /// of one.
    pub fn update(&self, key: &JsValue, change: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        let (change, thrown) = (change.clone(), Rc::<RefCell<Option<JsValue>>>::default());
        let started = (|| {
            let key = Key::from_js(key)?;
            let patch = if change.is_function() { None } else { Some(owned_object(&change, "change")?) };
            Ok((key, patch))
        })();
        future_to_promise(async move {
            let work = async {
                let (key, patch) = started?;
                shared.ready(&records).await?;
                let result = match patch {
                    Some(patch) => records.update(&key, |record| Ok(record.merged_with(&patch))).await,
                    None => records.update(&key, |record| apply(change.unchecked_ref(), &record, &thrown)).await,
                };
                Ok(write_result(&result?))
            };
            let outcome: Result<JsValue> = work.await;
            // What the caller's own function threw goes back to the caller as it is.
            outcome.map_err(|error| thrown.take().unwrap_or_else(|| error::to_js(&error.during("update"))))
        })
    }

    /// The records under some keys, found ones only, as a `Map`.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, keys: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        promise("getMany", || get_many(&shared, records, keys, false))
    }

    /// Has the records under some keys in the cache, when there is nothing better to do.
    pub fn prefetch(&self, keys: &JsValue) -> Promise {
        let (_, records) = self.parts();
        promise("prefetch", || prefetch(records, keys))
    }

    /// Deletes a record; resolves whether it was there.
    pub fn delete(&self, key: &JsValue) -> Promise {
        let (_, records) = self.parts();
        promise("delete", || {
            let key = Key::from_js(key)?;
            Ok(async move { Ok(JsValue::from_bool(records.delete_many(vec![key]).await?.first() == Some(&true))) })
        })
    }

    /// Deletes many records, in one commit; resolves for each whether it was there.
    #[wasm_bindgen(js_name = deleteMany)]
    pub fn delete_many(&self, keys: &JsValue) -> Promise {
        let (_, records) = self.parts();
        promise("deleteMany", || delete_many(records, keys))
    }

    /// Whether there is a record under a key.
    pub fn has(&self, key: &JsValue) -> Promise {
        let (_, records) = self.parts();
        promise("has", || {
            let key = Key::from_js(key)?;
            Ok(async move { Ok(JsValue::from_bool(records.has(&key).await?)) })
        })
    }

    /// The keys, in key order.
    pub fn keys(&self, options: &JsValue) -> Promise {
        let (_, records) = self.parts();
        abortable("keys", options, || {
            let options = options::keys_of_collection(options)?;
            Ok(async move { Ok(records.keys(&options).await?.iter().map(Key::to_js).collect::<Array>().into()) })
        })
    }

    /// Everything but the values, in key order.
    pub fn list(&self, options: &JsValue) -> Promise {
        let (_, records) = self.parts();
        abortable("list", options, || {
            let options = options::list_of_collection(options)?;
            Ok(async move { Ok(folder(&records.folder(&options).await?)) })
        })
    }

    /// All records, in key order.
    pub fn all(&self, options: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        promise("all", || {
            let limit = Options::read(options, &["limit"])?.whole("limit")?;
            Ok(async move {
                shared.ready(&records).await?;
                Ok(records.all(limit).await?.into_iter().map(|entry| entry.value.into_js()).collect::<Array>().into())
            })
        })
    }

    /// The records that a filter finds.
    pub fn query(&self, filter: &JsValue, options: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        abortable("query", options, || {
            let request = query::request_of_collection(filter, options)?;
            Ok(query::run(shared, records, request))
        })
    }

    /// How a query is served: by which index, what is left to filter, how many rows were read.
    pub fn explain(&self, filter: &JsValue, options: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        abortable("explain", options, || {
            let request = query::request_of_collection(filter, options)?;
            Ok(query::explain(shared, records, request))
        })
    }

    /// How many records there are, or how many a filter finds.
    pub fn count(&self, filter: &JsValue) -> Promise {
        let (shared, records) = self.parts();
        promise("count", || {
            let filter = query::optional_filter(filter)?;
            Ok(query::count(shared, records, filter))
        })
    }

    /// Calls back with the result of a query now, and with what changed after every change to it.
    pub fn watch(
        &self,
        filter: &JsValue,
        listener: &JsValue,
        options: &JsValue,
    ) -> core::result::Result<Function, JsValue> {
        watch::begin(&self.shared, &self.records, filter, listener, options)
            .map_err(|error| error::to_js(&error.during("watch")))
    }

    /// The records that hold some words, the best first.
    pub fn search(&self, text: &JsValue, options: &JsValue) -> Promise {
        let (_, records) = self.parts();
        abortable("search", options, || search::search(records, text, options))
    }

    /// Builds the full-text index anew.
    pub fn reindex(&self, options: &JsValue) -> Promise {
        let (_, records) = self.parts();
        abortable("reindex", options, || search::reindex(records, options))
    }

    /// Deletes every record.
    pub fn clear(&self) -> Promise {
        let (_, records) = self.parts();
        promise("clear", || {
            Ok(async move {
                records.clear().await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

fn apply(change: &Function, record: &Payload, thrown: &RefCell<Option<JsValue>>) -> Result<Payload> {
    change.call1(&JsValue::UNDEFINED, record.as_js()).map(Payload::from).map_err(|error| {
        thrown.replace(Some(error));
        Error::new(ErrorKind::Aborted, "the function that changes the record threw")
    })
}
