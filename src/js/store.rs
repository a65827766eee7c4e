//! `DataStore`: the handle that applications hold.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::autolock;
use super::collection::Collection;
use super::convert::{maybe, metadata, number, object, strings, text};
use super::credentials::Credentials;
use super::events::Listeners;
use super::options::{Options, Target};
use super::promise;
use super::signal::abortable;
use super::sync::{Running, Sync};
use super::tabs::Surroundings;
use super::unlock::Asking;
use super::vigil::Vigil;
use crate::error::{Error, ErrorKind, Result};
use crate::platform::{environment, sleep};
use crate::store::{self, Collection as Records};

#[wasm_bindgen(module = "/src/js/host.js")]
extern "C" {
    /// Whether the browser can wake a service worker when the network is there.
    #[wasm_bindgen(js_name = canWake)]
    fn can_wake() -> bool;
}

/// What the handles of one open store share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: store::DataStore,
    pub(super) asking: Rc<Asking>,
    pub(super) listeners: Listeners,
    /// The name of the backend as the application chose it.
    pub(super) kind: String,
    /// Replication, where the store has an endpoint.
    pub(super) sync: Option<Running>,
    /// What keeps the store within bounds; a transaction's view has none of its own.
    pub(super) _keeping: Option<super::space::Keeping>,
    /// What is known of the database, where there is one.
    pub(super) vigil: Option<Vigil>,
    /// What reaches the store from around it, until it is closed.
    pub(super) surroundings: RefCell<Option<Surroundings>>,
    /// Whose turn it is to look after the keys.
    pub(super) looks: Cell<u32>,
}

impl Shared {
    /// The entries that a key-value call is about, as the transaction sees them that it takes part in.
    pub(super) fn records(&self, target: &Target) -> Result<Records> {
        self.seen_in(target)?.collection(&target.namespace)
    }

    fn seen_in(&self, target: &Target) -> Result<store::DataStore> {
        match &target.transaction {
            Some(id) => Ok(self.store.transaction(id)?.view()),
            None => Ok(self.store.clone()),
        }
    }

    /// The same handles over a transaction's view of the store.
    pub(super) fn seen_by(&self, view: store::DataStore) -> Self {
        Self {
            store: view,
            asking: Rc::clone(&self.asking),
            listeners: Listeners::default(),
            kind: self.kind.clone(),
            sync: None,
            _keeping: None,
            vigil: None,
            surroundings: RefCell::default(),
            looks: Cell::default(),
        }
    }

    /// Stops replication.
    fn stop(&self) {
        if let Some(running) = &self.sync {
            running.sync.stop();
        }
    }

    /// Has the other tabs look at what was said of sync.
    pub(super) fn said(&self) {
        if let Some(surroundings) = &*self.surroundings.borrow() {
            surroundings.said();
        }
    }

    /// Has the endpoint's keys before new ones are made: a device that starts empty asks once.
    pub(super) async fn catch_up(&self) {
        if let Some(running) = &self.sync {
            running.first_pull(&self.store).await;
        }
    }

    /// Lets go of everyone who listens, once what was finished by closing is told.
    async fn ended(&self) {
        sleep(0.0).await;
        self.surroundings.take();
        self.store.events().clear();
    }

    /// Asks for the passphrase where these records are sealed and the keys are locked.
    pub(super) async fn ready(&self, records: &Records) -> Result<()> {
        if records.encrypted() { self.keys_ready().await } else { Ok(()) }
    }

    /// Asks for the passphrase where something sealed is to be written and the keys are locked.
    pub(super) async fn ready_to_write(&self, records: &Records, sealed: bool) -> Result<()> {
        if sealed || records.encrypted() { self.keys_ready().await } else { Ok(()) }
    }

    /// Does what may read sealed entries, asking for the passphrase where they are met and the keys are locked.
    pub(super) async fn opened<T>(&self, records: &Records, task: impl AsyncFn() -> Result<T>) -> Result<T> {
        self.ready(records).await?;
        match task().await {
            Err(error) if error.kind() == ErrorKind::Locked && self.asking.by_itself(&self.store) => {
                self.keys_ready().await?;
                task().await
            }
            outcome => outcome,
        }
    }

    /// Asks for the passphrase where the keys are locked. From now on they are used.
    pub(super) async fn keys_ready(&self) -> Result<()> {
        autolock::used(self);
        if self.store.credentials().locked() && self.asking.by_itself(&self.store) {
            self.catch_up().await;
        }
        self.asking.for_sealed(&self.store).await
    }
}

/// `StorageInfo`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Info<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    platform: &'a str,
    persistent: bool,
    version: &'a str,
    schema_version: u32,
    context: &'a str,
}

/// `StorageCapabilities`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "it is a list of what there is and is not")]
struct Capabilities {
    transactions: bool,
    query: bool,
    search: bool,
    metadata: bool,
    encryption: bool,
    compression: bool,
    expiration: bool,
    sync: bool,
    background_sync: bool,
    cross_tab: bool,
}

/// An open data store.
#[wasm_bindgen]
#[derive(Debug)]
pub struct DataStore(pub(super) Rc<Shared>);

#[wasm_bindgen]
impl DataStore {
    /// A handle on a collection: declared, or a namespace that its first write makes.
    pub fn collection(&self, name: &JsValue) -> core::result::Result<Collection, JsValue> {
        let opened = namespace_name(name).and_then(|name| Collection::open(&self.0, &name));
        opened.map_err(|error| super::error::to_js(&error.during("collection")))
    }

    /// A handle on a namespace that no schema names.
    pub fn namespace(&self, name: &JsValue) -> core::result::Result<Collection, JsValue> {
        let opened = namespace_name(name).and_then(|name| Collection::open(&self.0, &name));
        opened.map_err(|error| super::error::to_js(&error.during("namespace")))
    }

    /// Makes an empty namespace.
    #[wasm_bindgen(js_name = createNamespace)]
    pub fn create_namespace(&self, name: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("createNamespace", || {
            let name = namespace_name(name)?;
            let metadata = Options::read(options, &["metadata"])?.object("metadata")?;
            Ok(async move {
                shared.store.create_namespace(&name, metadata).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Deletes a namespace; with `recursive`, its entries too.
    #[wasm_bindgen(js_name = deleteNamespace)]
    pub fn delete_namespace(&self, name: &JsValue, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("deleteNamespace", || {
            let name = namespace_name(name)?;
            let recursive = Options::read(options, &["recursive"])?.flag("recursive")?.unwrap_or(false);
            Ok(async move {
                shared.store.delete_namespace(&name, recursive).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// The names of all collections and namespaces, sorted; with `includeMetadata`, what each was created with.
    #[wasm_bindgen(js_name = listNamespaces)]
    pub fn list_namespaces(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("listNamespaces", || {
            let with_metadata = Options::read(options, &["includeMetadata"])?.flag("includeMetadata")? == Some(true);
            Ok(async move {
                let names = shared.store.list_namespaces().await?;
                if !with_metadata {
                    return Ok(strings(names.iter().map(String::as_str)));
                }
                let listed = Array::new();
                for name in names {
                    let kept = shared.store.namespace_metadata(&name).await?;
                    listed.push(&object([("name", JsValue::from_str(&name)), ("metadata", metadata(kept.as_ref()))]));
                }
                Ok(listed.into())
            })
        })
    }

    /// The sealed secrets.
    #[wasm_bindgen(getter)]
    pub fn credentials(&self) -> Credentials {
        Credentials::of(&self.0)
    }

    /// Replication with the endpoint.
    #[wasm_bindgen(getter)]
    pub fn sync(&self) -> Sync {
        Sync::of(&self.0)
    }

    /// What this store is. Constant.
    #[wasm_bindgen(js_name = getInfo)]
    pub fn info(&self) -> core::result::Result<JsValue, JsValue> {
        let facts = self.0.store.facts();
        let context = environment::kind();
        let info = Info {
            name: &facts.name,
            kind: &self.0.kind,
            platform: if context == "node" { "node" } else { "browser" },
            persistent: facts.persistent,
            version: env!("CARGO_PKG_VERSION"),
            schema_version: facts.schema_version,
            context: &context,
        };
        Ok(serde_wasm_bindgen::to_value(&info)?)
    }

    /// What this store can do.
    #[wasm_bindgen(js_name = getCapabilities)]
    pub fn capabilities(&self) -> core::result::Result<JsValue, JsValue> {
        let capabilities = Capabilities {
            transactions: true,
            query: true,
            search: true,
            metadata: true,
            encryption: environment::secure(),
            compression: false,
            expiration: true,
            sync: self.0.sync.is_some(),
            background_sync: self.0.sync.is_some() && can_wake(),
            cross_tab: self.0.surroundings.borrow().as_ref().is_some_and(Surroundings::cross_tabs),
        };
        Ok(serde_wasm_bindgen::to_value(&capabilities)?)
    }

    /// How the store is doing, measured now.
    #[wasm_bindgen(js_name = getStatus)]
    pub fn status(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("getStatus", || {
            Ok(async move {
                if let Some(vigil) = &shared.vigil {
                    vigil.look().await;
                }
                let status = shared.store.status().await?;
                let waiting = match &shared.sync {
                    Some(running) => running.sync.pending().await.map(|waiting| waiting.len() as u64),
                    None => Ok(0),
                };
                let space = environment::space().await;
                Ok(object([
                    ("healthy", JsValue::from_bool(status.healthy && waiting.is_ok())),
                    ("size", number(status.size)),
                    ("capacity", maybe(status.capacity, number)),
                    ("usage", maybe(space.usage, JsValue::from_f64)),
                    ("quota", maybe(space.quota, JsValue::from_f64)),
                    ("persisted", maybe(space.persisted, JsValue::from_bool)),
                    ("namespaces", number(status.namespaces as u64)),
                    ("pending", number(waiting.unwrap_or(0))),
                ]))
            })
        })
    }

    /// Empties one namespace, or every one; credentials stay, unless `includeCredentials` is asked for.
    pub fn clear(&self, options: &JsValue) -> Promise {
        let shared = Rc::clone(&self.0);
        abortable("clear", options, || {
            let options = Options::read(options, &["namespace", "transactionId", "signal", "includeCredentials"])?;
            let (target, one, gate) = (options.target()?, options.text("namespace")?.is_some(), options.gate()?);
            let (store, records) = (shared.seen_in(&target)?, shared.records(&target)?);
            let credentials = options.flag("includeCredentials")? == Some(true);
            Ok(async move {
                if one {
                    records.gated(gate).clear().await?;
                } else {
                    store.clear(credentials, &gate).await?;
                }
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Calls `listener` at every event of this kind, until the returned function is called.
    pub fn on(&self, event: &JsValue, listener: &JsValue) -> core::result::Result<js_sys::Function, JsValue> {
        let subscribed = || {
            let event = text(event, ErrorKind::InvalidConfig, "an event is named by a text")?;
            let listener = listener.dyn_ref::<js_sys::Function>();
            let listener = listener.ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "a listener is a function"))?;
            super::events::subscribe(&self.0, &event, listener.clone())
        };
        subscribed().map_err(|error| super::error::to_js(&error.during("on")))
    }

    /// Stops sync, lets go of the database and of every key; later calls fail with `CLOSED`.
    pub fn close(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("close", || {
            shared.stop();
            Ok(async move {
                shared.store.close().await;
                shared.ended().await;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Closes, and deletes everything, credentials included.
    pub fn destroy(&self) -> Promise {
        let shared = Rc::clone(&self.0);
        promise("destroy", || {
            shared.stop();
            Ok(async move {
                shared.store.destroy().await?;
                if let Some(vigil) = &shared.vigil {
                    vigil.forget();
                }
                shared.ended().await;
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

fn namespace_name(given: &JsValue) -> Result<String> {
    text(given, ErrorKind::InvalidNamespace, "a namespace is named by a text")
}
