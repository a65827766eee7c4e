//! The key-value calls of a store; `options.namespace` names the collection.

use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use super::convert::{
    entry, folder, items, keys, map, metadata, outcome, outcomes_of, owned, owned_object, property, write_result,
};
use super::options::{self, ENTRY, Options, SET, SET_MANY, WriteOptions};
use super::query;
use super::signal::abortable;
use super::store::{DataStore, Shared};
use crate::error::Result;
use crate::model::{Key, MetadataChange, Secrecy, WriteOp};
use crate::platform::{environment, spawn};
use crate::store::{Collection as Records, EntryOptions, WriteResult};

/// How many writes are reported as one step of progress.
const PROGRESS_STEP: usize = 500;

#[wasm_bindgen]
impl DataStore {
    /// The value under a key, or undefined.
    pub fn get(&self, key: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("get", options, || {
            let options =
                Options::read(options, &["namespace", "transactionId", "signal", "includeMetadata", "required"])?;
            let (records, key) = (shared.records(&options.target()?)?, Key::from_js(key)?);
            let with_metadata = options.flag("includeMetadata")? == Some(true);
            let required = options.flag("required")? == Some(true);
            Ok(async move {
                match shared.opened(&records, async || records.get(&key).await).await? {
                    None if required => Err(records.missing(&key, "get")),
                    None => Ok(JsValue::UNDEFINED),
                    Some(found) if with_metadata => Ok(entry(found)),
                    Some(found) => Ok(found.value.into_js()),
                }
            })
        })
    }

    /// Writes a value under a key.
    pub fn set(&self, key: &JsValue, value: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("set", options, || {
            let options = WriteOptions::parse(options, SET)?;
            let records = shared.records(&options.target)?.gated(options.gate.clone());
            let (key, value) = (Key::from_js(key)?, owned(value)?);
            Ok(async move {
                shared.ready_to_write(&records, records.seals(&key, &options.entry)).await?;
                Ok(write_result(&records.set(key, value, &options.entry).await?))
            })
        })
    }

    /// Deletes an entry; resolves whether it was there.
    pub fn delete(&self, key: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("delete", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal"])?;
            let (records, key) = (shared.records(&options.target()?)?.gated(options.gate()?), Key::from_js(key)?);
            Ok(async move { Ok(JsValue::from_bool(records.delete_many(vec![key]).await?.first() == Some(&true))) })
        })
    }

    /// Whether there is an entry.
    pub fn has(&self, key: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("has", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal"])?;
            let (records, key) = (shared.records(&options.target()?)?, Key::from_js(key)?);
            Ok(async move { Ok(JsValue::from_bool(records.has(&key).await?)) })
        })
    }

    /// The values under some keys, found ones only, as a `Map`.
    #[wasm_bindgen(js_name = getMany)]
    pub fn get_many(&self, keys: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("getMany", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal", "includeMetadata"])?;
            let records = shared.records(&options.target()?)?;
            get_many(&shared, records, keys, options.flag("includeMetadata")? == Some(true))
        })
    }

    /// Has the entries under some keys in the cache, when there is nothing better to do.
    pub fn prefetch(&self, keys: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("prefetch", options, || {
            let options = Options::read(options, &["namespace", "signal"])?;
            prefetch(shared.records(&options.target()?)?, keys)
        })
    }

    /// Writes many entries: all or none, unless `atomic: false`.
    #[wasm_bindgen(js_name = setMany)]
    pub fn set_many(&self, entries: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("setMany", options, || {
            let options = WriteOptions::parse(options, SET_MANY)?;
            let records = shared.records(&options.target)?.gated(options.gate.clone());
            let mut writes = Vec::new();
            for given in items(entries)? {
                let key = property(&given, "key")?;
                let op = || {
                    let (key, value) = (Key::from_js(&key)?, owned(&property(&given, "value")?)?);
                    records.put_op(key, value, &own_options(&given, &options.entry)?)
                };
                writes.push((key.clone(), op()));
            }
            Ok(write_many(shared, records, writes, options))
        })
    }

    /// Deletes many entries, in one commit; resolves for each whether it was there.
    #[wasm_bindgen(js_name = deleteMany)]
    pub fn delete_many(&self, keys: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("deleteMany", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal"])?;
            delete_many(shared.records(&options.target()?)?.gated(options.gate()?), keys)
        })
    }

    /// The keys, in key order.
    pub fn keys(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("keys", options, || {
            let (target, options) = options::keys(options)?;
            let records = shared.records(&target)?;
            Ok(async move { Ok(records.keys(&options).await?.iter().map(Key::to_js).collect::<Array>().into()) })
        })
    }

    /// Everything but the values, in key order.
    pub fn list(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("list", options, || {
            let (target, options) = options::list(options)?;
            let records = shared.records(&target)?;
            Ok(async move { Ok(folder(&records.folder(&options).await?)) })
        })
    }

    /// The entries that a filter finds.
    pub fn query(&self, filter: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("query", options, || {
            let (target, request) = query::request(filter, options)?;
            let records = shared.records(&target)?;
            Ok(query::run(shared, records, request))
        })
    }

    /// How many entries there are, or how many a filter finds.
    pub fn count(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("count", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal", "filter"])?;
            let filter = query::optional_filter(&options.value("filter")?)?;
            let records = shared.records(&options.target()?)?;
            Ok(query::count(shared, records, filter))
        })
    }

    /// The metadata of an entry, or undefined.
    #[wasm_bindgen(js_name = getMetadata)]
    pub fn get_metadata(&self, key: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("getMetadata", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal"])?;
            let (records, key) = (shared.records(&options.target()?)?, Key::from_js(key)?);
            Ok(async move { Ok(metadata(records.meta(&key).await?.as_ref().and_then(|meta| meta.metadata.as_ref()))) })
        })
    }

    /// Changes the metadata of an entry; with `merge: false`, puts it in the place of all there was.
    #[wasm_bindgen(js_name = setMetadata)]
    pub fn set_metadata(&self, key: &JsValue, metadata: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("setMetadata", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal", "merge"])?;
            let (records, key) = (shared.records(&options.target()?)?.gated(options.gate()?), Key::from_js(key)?);
            let metadata = owned_object(metadata, "metadata")?;
            let change = match options.flag("merge")? {
                Some(false) => MetadataChange::Replace(metadata),
                Some(true) | None => MetadataChange::Merge(metadata),
            };
            Ok(async move {
                records.set_metadata(key, change).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

/// What an entry of many asks for; what it does not say, the call says.
fn own_options(given: &JsValue, common: &EntryOptions) -> Result<EntryOptions> {
    let mut own = options::entry_options(&Options::among(given, ENTRY))?;
    own.metadata = own.metadata.or_else(|| common.metadata.clone());
    own.tags = own.tags.or_else(|| common.tags.clone());
    if own.expiration.is_none() && own.ttl.is_none() {
        (own.expiration, own.ttl) = (common.expiration, common.ttl);
    }
    own.keep_existing |= common.keep_existing;
    own.if_version = own.if_version.or(common.if_version);
    own.encrypt = own.encrypt.or(common.encrypt);
    Ok(own)
}

/// Reads many values into a `Map` under the caller's own keys.
pub(super) fn get_many(
    shared: &Rc<Shared>,
    records: Records,
    wanted: &JsValue,
    with_metadata: bool,
) -> Result<impl Future<Output = Result<JsValue>> + use<>> {
    let given = items(wanted)?;
    let keys = keys(&given)?;
    let shared = Rc::clone(shared);
    Ok(async move {
        // What was found comes in the order asked for.
        let mut found = shared.opened(&records, async || records.get_many(&keys).await).await?.into_iter().peekable();
        let convert = |found| if with_metadata { entry(found) } else { found.value.into_js() };
        let mut next = |key: &Key| found.next_if(|entry| entry.key == *key).map(convert);
        Ok(map(given.into_iter().zip(&keys).filter_map(|(js, key)| Some((js, next(key)?)))))
    })
}

/// Reads ahead into the cache.
pub(super) fn prefetch(records: Records, wanted: &JsValue) -> Result<impl Future<Output = Result<JsValue>> + use<>> {
    let keys = keys(&items(wanted)?)?;
    Ok(async move {
        records.prefetch(&keys, environment::at_leisure).await?;
        Ok(JsValue::UNDEFINED)
    })
}

/// Deletes many; answers in a `Map` under the caller's own keys.
pub(super) fn delete_many(records: Records, wanted: &JsValue) -> Result<impl Future<Output = Result<JsValue>> + use<>> {
    let given = items(wanted)?;
    let keys = keys(&given)?;
    Ok(async move {
        let existed = records.delete_many(keys).await?;
        Ok(map(given.into_iter().zip(existed.into_iter().map(JsValue::from_bool))))
    })
}

/// Begins to write one of many, in a task of its own: what begins together is committed together.
fn begin(records: &Records, op: Result<WriteOp>, options: &EntryOptions) -> oneshot::Receiver<Result<WriteResult>> {
    let (sender, receiver) = oneshot::channel();
    let (records, options) = (records.clone(), options.clone());
    spawn(async move {
        let written = match op {
            Ok(op) => records.set_many(vec![op], &options).await,
            Err(error) => Err(error.during("setMany")),
        };
        if let Some(result) = written.map(|mut results| results.pop()).transpose() {
            // Nobody waits any more: then nobody needs to know.
            let _ = sender.send(result);
        }
    });
    receiver
}

/// Writes many: all or none, or each for itself; answers in a `Map` under the caller's own keys.
pub(super) async fn write_many(
    shared: Rc<Shared>,
    records: Records,
    writes: Vec<(JsValue, Result<WriteOp>)>,
    options: WriteOptions,
) -> Result<JsValue> {
    let total = writes.len();
    let progress = |done: usize| {
        if let Some(listener) = &options.on_progress {
            #[expect(clippy::cast_precision_loss, reason = "an array has fewer than 2^32 items")]
            super::events::call(listener, &[(done as f64).into(), (total as f64).into()]);
        }
    };
    let sealed = |op: &Result<WriteOp>| matches!(op, Ok(WriteOp::Put(put)) if put.secrecy == Secrecy::Sealed);
    shared.ready_to_write(&records, writes.iter().any(|(_, op)| sealed(op))).await?;
    progress(0);
    if options.atomic {
        let (given, ops): (Vec<JsValue>, Vec<Result<WriteOp>>) = writes.into_iter().unzip();
        let ops = ops.into_iter().collect::<Result<Vec<_>>>().map_err(|error| error.during("setMany"))?;
        let results = records.set_many(ops, &options.entry).await?;
        progress(total);
        return Ok(outcomes_of(given, &results));
    }
    let mut outcomes = Vec::with_capacity(total);
    let mut writes = writes.into_iter().peekable();
    while writes.peek().is_some() {
        let step: Vec<_> = writes.by_ref().take(PROGRESS_STEP).collect();
        let begun: Vec<_> = step.into_iter().map(|(given, op)| (given, begin(&records, op, &options.entry))).collect();
        for (given, result) in begun {
            outcomes.extend(result.await.ok().map(|result| (given, outcome(&result))));
        }
        progress(outcomes.len());
    }
    Ok(map(outcomes))
}
