//! One level below rexie: what it cannot ask for.
//!
//! rexie 0.6 hides the database handle, has no durability, no explicit settlement of single requests, no `blocked` or
//! `versionchange` events, steps cursors one await at a time, and cannot copy rows while it upgrades. So connections,
//! transactions and upgrades are web-sys here; rexie makes and deletes databases (`open.rs`).
//! `docs/adr/0001-rexie-for-schema.md` says more.

use core::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbCursor, IdbDatabase, IdbFactory, IdbIndex, IdbObjectStore, IdbRequest, IdbTransaction};

use super::error::from_js;
use super::pulse::{beating, own};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Acknowledged, Durability, Index, KeyPath};
use crate::policy::StoreShape;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase`, with the options that web-sys keeps behind a flag.
    type Transacting;
    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &Transacting,
        stores: &Array,
        mode: &str,
        options: &Object,
    ) -> core::result::Result<IdbTransaction, JsValue>;

    /// `IDBTransaction`, likewise.
    type Lasting;
    #[wasm_bindgen(method, getter, structural)]
    fn durability(this: &Lasting) -> Option<String>;

    /// `IDBDatabase` in an upgrade, with key paths of either kind.
    type Upgrading;
    #[wasm_bindgen(method, catch, js_name = createObjectStore)]
    fn create_object_store(
        this: &Upgrading,
        name: &str,
        options: &Object,
    ) -> core::result::Result<IdbObjectStore, JsValue>;

    /// `IDBObjectStore`, likewise.
    type Indexing;
    #[wasm_bindgen(method, catch, js_name = createIndex)]
    fn create_index(
        this: &Indexing,
        name: &str,
        key_path: &JsValue,
        options: &Object,
    ) -> core::result::Result<IdbIndex, JsValue>;
}

/// A plain object with these properties.
pub(super) fn options<const N: usize>(properties: [(&str, JsValue); N]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
}

fn path(key_path: Option<&KeyPath>) -> JsValue {
    match key_path {
        None => JsValue::NULL,
        Some(KeyPath::Single(path)) => JsValue::from_str(path),
        Some(KeyPath::Compound(paths)) => paths.iter().map(|path| JsValue::from_str(path)).collect::<Array>().into(),
    }
}

/// Makes an object store, without its indexes.
pub(super) fn create_store(database: &IdbDatabase, name: &str, shape: &StoreShape) -> Result<IdbObjectStore> {
    let options = options([
        ("keyPath", path(shape.key_path.as_ref())),
        ("autoIncrement", JsValue::from_bool(shape.auto_increment)),
    ]);
    let database: &Upgrading = database.unchecked_ref();
    database.create_object_store(name, &options).map_err(|thrown| from_js(&thrown))
}

/// Makes an index.
pub(super) fn create_index(store: &IdbObjectStore, index: &Index) -> Result<IdbIndex> {
    let options =
        options([("unique", JsValue::from_bool(index.unique)), ("multiEntry", JsValue::from_bool(index.multi_entry))]);
    let store: &Indexing = store.unchecked_ref();
    store.create_index(&index.name, &path(Some(&index.key_path)), &options).map_err(|thrown| from_js(&thrown))
}

/// Gives an object store another name.
pub(super) fn rename(store: &IdbObjectStore, name: &str) -> Result<()> {
    Reflect::set(store, &"name".into(), &name.into()).map(drop).map_err(|thrown| from_js(&thrown))
}

/// Opens a transaction; it must get its first request in this turn.
pub(super) fn begin(database: &IdbDatabase, stores: &[&str], write: Option<Durability>) -> Result<IdbTransaction> {
    let stores: Array = stores.iter().map(|store| JsValue::from_str(store)).collect();
    let (mode, durability) = match write {
        None => ("readonly", None),
        Some(Durability::Relaxed) => ("readwrite", Some("relaxed")),
        Some(Durability::Strict) => ("readwrite", Some("strict")),
    };
    let options = durability
        .map_or_else(Object::new, |durability: &str| options([("durability", JsValue::from_str(durability))]));
    let database: &Transacting = database.unchecked_ref();
    let transaction = database.transaction(&stores, mode, &options).map_err(|thrown| from_js(&thrown))?;
    own(&transaction);
    Ok(transaction)
}

/// What the engine says that a transaction is to survive; an engine that does not know the option is relaxed.
pub(super) fn acknowledged(transaction: &IdbTransaction) -> Acknowledged {
    let transaction: &Lasting = transaction.unchecked_ref();
    match transaction.durability().as_deref() {
        Some("strict") => Acknowledged::Strict,
        _ => Acknowledged::Relaxed,
    }
}

/// `globalThis.indexedDB`, in pages, workers and wherever else there is one.
pub(super) fn factory() -> Result<IdbFactory> {
    let unsupported = || Error::new(ErrorKind::Unsupported, "there is no IndexedDB here; use the memory backend");
    let found = Reflect::get(&js_sys::global(), &"indexedDB".into())
        .map_err(|thrown| unsupported().caused_by(crate::platform::said(&thrown)))?;
    if found.is_object() { Ok(found.unchecked_into()) } else { Err(unsupported()) }
}

type Callback = Closure<dyn FnMut(Event)>;

/// How a transaction ended.
pub(super) type Ending = core::result::Result<(), JsValue>;

/// Watches a transaction until it completes or aborts.
#[derive(Debug)]
pub(super) struct Settlement {
    ended: oneshot::Receiver<Ending>,
    transaction: IdbTransaction,
    callbacks: [Callback; 2],
}

impl Settlement {
    pub(super) fn watch(transaction: &IdbTransaction) -> Self {
        let (sender, ended) = oneshot::channel();
        let sender = Rc::new(RefCell::new(Some(sender)));
        let settle = move |sender: &RefCell<Option<oneshot::Sender<Ending>>>, ending: Ending| {
            if let Some(sender) = sender.borrow_mut().take() {
                // Nobody waits any more: then nobody needs to know.
                let _ = sender.send(ending);
            }
        };
        let completed = Rc::clone(&sender);
        let on_complete = Callback::new(move |_: Event| settle(&completed, Ok(())));
        let aborting = transaction.clone();
        let on_abort = Callback::new(move |_: Event| {
            let cause = aborting.error().map_or(JsValue::NULL, JsValue::from);
            settle(&sender, Err(cause));
        });
        transaction.set_oncomplete(Some(on_complete.as_ref().unchecked_ref()));
        transaction.set_onabort(Some(on_abort.as_ref().unchecked_ref()));
        Self { ended, transaction: transaction.clone(), callbacks: [on_complete, on_abort] }
    }

    /// Resolves once the transaction has completed or aborted.
    pub(super) async fn ended(&mut self) -> Ending {
        (&mut self.ended).await.unwrap_or(Err(JsValue::NULL))
    }
}

impl Drop for Settlement {
    fn drop(&mut self) {
        self.transaction.set_oncomplete(None);
        self.transaction.set_onabort(None);
        debug_assert_eq!(self.callbacks.len(), 2);
    }
}

/// What the success of a request comes to.
enum Step {
    /// The request was made to succeed again.
    Again,
    /// This is the result.
    Done(Result<JsValue>),
}

/// Steps on within the turn of each success of a request, until there is a result.
#[derive(Debug)]
pub(super) struct Stepper {
    result: oneshot::Receiver<Result<JsValue>>,
    request: IdbRequest,
    callbacks: [Callback; 2],
}

impl Stepper {
    fn new(request: IdbRequest, mut step: impl FnMut(&IdbRequest) -> Step + 'static) -> Self {
        let (sender, result) = oneshot::channel();
        let sender = Rc::new(RefCell::new(Some(sender)));
        let failing = Rc::clone(&sender);
        let target = request.clone();
        let beat = beating();
        let alive = beat.clone();
        let on_success = Callback::new(move |_: Event| {
            alive();
            if let Step::Done(result) = step(&target)
                && let Some(sender) = sender.borrow_mut().take()
            {
                let _ = sender.send(result);
            }
        });
        let target = request.clone();
        let alive = beat.clone();
        let on_error = Callback::new(move |event: Event| {
            alive();
            // Whoever waits decides what becomes of the transaction.
            event.prevent_default();
            let thrown = target.error().ok().flatten().map_or(JsValue::NULL, JsValue::from);
            if let Some(sender) = failing.borrow_mut().take() {
                let _ = sender.send(Err(from_js(&thrown)));
            }
        });
        request.set_onsuccess(Some(on_success.as_ref().unchecked_ref()));
        request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Self { result, request, callbacks: [on_success, on_error] }
    }

    pub(super) async fn finished(mut self) -> Result<JsValue> {
        match (&mut self.result).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(ErrorKind::ConnectionLost, "the browser dropped a request; try again")),
        }
    }
}

impl Drop for Stepper {
    fn drop(&mut self) {
        self.request.set_onsuccess(None);
        self.request.set_onerror(None);
        debug_assert_eq!(self.callbacks.len(), 2);
    }
}

/// The result of one request.
pub(super) async fn answer(request: core::result::Result<IdbRequest, JsValue>) -> Result<JsValue> {
    asked(request)?.finished().await
}

/// A request that is watched from now on, so that many can be made in one turn and awaited one after the other.
pub(super) fn asked(request: core::result::Result<IdbRequest, JsValue>) -> Result<Stepper> {
    let request = request.map_err(|thrown| from_js(&thrown))?;
    Ok(Stepper::new(request, |request| Step::Done(request.result().map_err(|thrown| from_js(&thrown)))))
}

/// Walks a cursor. `visit` adds what it wants of a row to the list and moves the cursor on, or says that it has enough.
pub(super) async fn walk(
    request: core::result::Result<IdbRequest, JsValue>,
    mut visit: impl FnMut(&IdbCursor, &Array) -> core::result::Result<bool, JsValue> + 'static,
) -> Result<Array> {
    let request = request.map_err(|thrown| from_js(&thrown))?;
    let list = Array::new();
    let step = move |request: &IdbRequest| {
        let went_on = request.result().and_then(|result| match result.dyn_ref::<IdbCursor>() {
            Some(cursor) => visit(cursor, &list),
            None => Ok(false), // past the last row
        });
        match went_on {
            Ok(true) => Step::Again,
            Ok(false) => Step::Done(Ok(JsValue::from(&list))),
            Err(thrown) => Step::Done(Err(from_js(&thrown))),
        }
    };
    Ok(Stepper::new(request, step).finished().await?.unchecked_into())
}
