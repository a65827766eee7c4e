//! `createStorage`: options to a store.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;

use super::autolock;
use super::convert::{items, names, property};
use super::options::Options;
use super::rotation;
use super::schema;
use super::search;
use super::space;
use super::store::{DataStore, Shared};
use super::sync::{self, Replication};
use super::tabs::{Surroundings, Tabs};
use super::unlock::Asking;
use super::unlockers::Means;
use super::vigil::{self, Vigil};
use super::{error, events};
use crate::backend::Backend;
use crate::backend::indexeddb::IndexedDbBackend;
use crate::backend::layer::{CacheLimits, Checksums, Compared};
use crate::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Collection, Durability, Index, KeyPath, Schema};
use crate::platform::{is_array, now, number_text};
use crate::policy::{AutoLock, Candidates, falls_back};
use crate::store::{self, Check, Checks, Degraded, Parts, Space};

/// The options of `createStorage`.
const KNOWN: &[&str] = &[
    "name",
    "platform",
    "type",
    "primary",
    "fallbacks",
    "collections",
    "encryption",
    "sync",
    "retryPolicy",
    "durability",
    "capacity",
    "cache",
    "profile",
    "signal",
];

/// The options of `encryption`.
const ENCRYPTION: &[&str] = &["key", "passphrase", "autoLock", "sensitive"];

/// All that there is to know before anything is opened.
struct Wanted {
    name: String,
    candidates: Candidates,
    schema: Rc<Schema>,
    checks: Checks,
    durability: Durability,
    capacity: u64,
    cache: Option<CacheLimits>,
    asking: Rc<Asking>,
    auto_lock: Option<AutoLock>,
    replication: Option<Replication>,
}

/// Opens a data store.
#[wasm_bindgen(js_name = createStorage)]
#[expect(unreachable_pub, reason = "wasm-bindgen exports only what is pub")]
pub fn create_storage(options: &JsValue) -> Promise {
    let wanted = read(options);
    wasm_bindgen_futures::future_to_promise(async move {
        let opened = async { open(wanted?).await };
        match opened.await {
            Ok(store) => Ok(DataStore(store).into()),
            Err(error) => Err(error::to_js(&error.during("createStorage"))),
        }
    })
}

fn read(options: &JsValue) -> Result<Wanted> {
    let options = Options::read(options, KNOWN)?;
    let name = options.text("name")?.unwrap_or_else(|| "tidekeep".to_owned());
    if name.is_empty() {
        return Err(Error::new(ErrorKind::InvalidConfig, "the database needs a name"));
    }
    let candidates = Candidates::of(
        options.text("platform")?.as_deref(),
        options.text("type")?.as_deref(),
        options.text("primary")?.as_deref(),
        options.texts("fallbacks")?.as_deref(),
    )?;
    let (mut schema, checks) = collections(&options.value("collections")?)?;
    let replication = sync::read(&options.value("sync")?, &options.value("retryPolicy")?, &schema)?;
    if candidates.iter().any(|kind| kind == "cloud") && replication.is_none() {
        return Err(Error::new(ErrorKind::InvalidConfig, "the backend “cloud” needs a “sync” with an endpoint"));
    }
    let encryption = options.value("encryption")?;
    schema.seal_keys(Options::read(&encryption, ENCRYPTION)?.texts("sensitive")?.unwrap_or_default())?;
    // What these two do is done around the store, in `index.js`.
    options.flag("profile")?;
    options.gate()?;
    Ok(Wanted {
        name,
        candidates,
        schema: Rc::new(schema),
        checks,
        durability: options.durability()?.unwrap_or_default(),
        capacity: options.whole("capacity")?.map_or(DEFAULT_CAPACITY, |capacity| capacity as u64),
        cache: cache(&options.value("cache")?)?,
        asking: Rc::new(asking(&encryption)?),
        auto_lock: autolock::read(&Options::read(&encryption, ENCRYPTION)?.value("autoLock")?)?,
        replication,
    })
}

/// How much of what is read is kept; nothing, where the option is not given.
fn cache(given: &JsValue) -> Result<Option<CacheLimits>> {
    if given.is_undefined() || given.is_null() {
        return Ok(None);
    }
    let options = Options::read(given, &["maxEntries", "maxBytes", "ttl"])?;
    let usual = CacheLimits::default();
    let ttl = options.number("ttl")?.unwrap_or(usual.ttl);
    if ttl.is_nan() || ttl <= 0.0 {
        return Err(Error::new(ErrorKind::InvalidConfig, "“cache.ttl” is a positive number of milliseconds")
            .with("ttl", number_text(ttl)));
    }
    Ok(Some(CacheLimits {
        entries: options.whole("maxEntries")?.unwrap_or(usual.entries),
        bytes: options.whole("maxBytes")?.unwrap_or(usual.bytes),
        ttl,
    }))
}

fn asking(encryption: &JsValue) -> Result<Asking> {
    let options = Options::read(encryption, ENCRYPTION)?;
    Ok(Asking::new(Means::of_option(&options.value("key")?)?, options.function("passphrase")?))
}

fn collections(collections: &JsValue) -> Result<(Schema, Checks)> {
    let (mut schema, mut checks) = (Schema::default(), Checks::default());
    if collections.is_undefined() {
        return Ok((schema, checks));
    }
    if !collections.is_object() {
        return Err(Error::new(ErrorKind::InvalidConfig, "“collections” is an object of collections by name"));
    }
    for name in names(collections)? {
        let (declared, check) =
            declared(&property(collections, &name)?).map_err(|error| error.with("collection", &name))?;
        schema.declare(&name, declared)?;
        if let Some(check) = check {
            checks.add(&name, check);
        }
    }
    Ok((schema, checks))
}

fn declared(options: &JsValue) -> Result<(Collection, Option<Check>)> {
    let options = Options::read(
        options,
        &["keyPath", "indexes", "encrypted", "ttl", "maxEntries", "sync", "schema", "checksum", "search"],
    )?;
    let indexes = options.value("indexes")?;
    let indexes = if indexes.is_undefined() { Vec::new() } else { items(&indexes)? };
    let given = options.value("schema")?;
    let check = if given.is_undefined() { None } else { Some(schema::check(&given)?) };
    let collection = Collection {
        key_path: key_path(&options.value("keyPath")?)?,
        indexes: indexes.iter().map(index).collect::<Result<_>>()?,
        encrypted: options.flag("encrypted")?.unwrap_or(false),
        ttl: options.number("ttl")?,
        max_entries: options.whole("maxEntries")?.map(|most| most as u64),
        sync: options.flag("sync")?,
        checksum: options.flag("checksum")?.unwrap_or(false),
        search: search::fields(&options.value("search")?)?,
    };
    Ok((collection, check))
}

fn index(given: &JsValue) -> Result<Index> {
    if let Some(text) = given.as_string() {
        return Index::parse(&text);
    }
    let options = Options::read(given, &["name", "keyPath", "unique", "multiEntry", "blind"])?;
    let flag = |name| options.flag(name).map(|flag| flag.unwrap_or(false));
    match (options.text("name")?, key_path(&options.value("keyPath")?)?) {
        (Some(name), Some(key_path)) if !name.is_empty() => Ok(Index {
            name,
            key_path,
            unique: flag("unique")?,
            multi_entry: flag("multiEntry")?,
            blind: flag("blind")?,
        }),
        _ => Err(Error::new(ErrorKind::InvalidConfig, "an index is a text, or an object with a name and a keyPath")),
    }
}

fn key_path(given: &JsValue) -> Result<Option<KeyPath>> {
    let refuse = || Error::new(ErrorKind::InvalidConfig, "a keyPath is a property name, or an array of such");
    if given.is_undefined() || given.is_null() {
        return Ok(None);
    }
    if let Some(path) = given.as_string() {
        return Ok(Some(KeyPath::Single(path)));
    }
    if !is_array(given) {
        return Err(refuse());
    }
    let paths = items(given)?.iter().map(|path| path.as_string().ok_or_else(refuse)).collect::<Result<Vec<_>>>()?;
    Ok(Some(KeyPath::Compound(paths)))
}

async fn open(wanted: Wanted) -> Result<Rc<Shared>> {
    let (Opened { backend, database }, kind, degraded) = first_that_opens(&wanted).await?;
    let backend = search::noted(backend, &wanted.schema);
    let facts = backend.facts();
    let tabs = Tabs::join(&facts.name, facts.persistent);
    let space = Rc::new(Space::new(backend, Rc::clone(&wanted.schema), wanted.replication.is_some(), now()));
    let backend: Rc<dyn Backend> = Rc::clone(&space) as Rc<dyn Backend>;
    let replicated = Checksums::over(Rc::clone(&backend), &wanted.schema, Compared::Unsent);
    let replicating = match wanted.replication {
        None => None,
        Some(replication) => match replication.prepare(&replicated, tabs.clone()).await {
            Ok(replicating) => Some(replicating),
            Err(error) => {
                // Nobody will get a handle to close it by.
                backend.close().await;
                return Err(error);
            }
        },
    };
    let keeping = space::keep(&space);
    let parts = Parts {
        schema: wanted.schema,
        backend,
        space,
        durability: wanted.durability,
        checks: wanted.checks,
        // Where other tabs cannot be heard, what they write would not be seen.
        cache: wanted.cache.filter(|_| !facts.persistent || tabs.is_some()),
        degraded,
    };
    let store = store::DataStore::new(parts, |sealed| match &replicating {
        Some(replicating) => replicating.journal(sealed),
        None => sealed,
    });
    store.read_preferences().await?;
    let shared = Rc::new(Shared {
        sync: replicating.map(sync::Replicating::start),
        store,
        asking: wanted.asking,
        listeners: events::Listeners::default(),
        kind,
        _keeping: Some(keeping),
        vigil: database.map(Vigil::over),
        surroundings: RefCell::default(),
        looks: Cell::default(),
    });
    sync::listen(&shared);
    vigil::begin(&shared);
    rotation::begin(&shared);
    autolock::begin(&shared, wanted.auto_lock);
    let surroundings = Surroundings::around(&shared, tabs);
    shared.surroundings.replace(Some(surroundings));
    Ok(shared)
}

/// The backend that serves, its name, and why it is not the first, if it is not.
async fn first_that_opens(wanted: &Wanted) -> Result<(Opened, String, Option<Degraded>)> {
    let mut failure: Option<(String, Error)> = None;
    for kind in wanted.candidates.iter() {
        match open_one(wanted, kind).await {
            Ok(opened) => {
                let degraded = failure.map(|(from, cause)| Degraded { from, to: kind.to_owned(), cause });
                return Ok((opened, kind.to_owned(), degraded));
            }
            Err(error) if falls_back(error.kind()) => {
                failure.get_or_insert((kind.to_owned(), error));
            }
            Err(error) => return Err(error),
        }
    }
    Err(failure.map_or_else(|| Error::new(ErrorKind::InvalidConfig, "no backend is named"), |(_, error)| error))
}

/// An open backend, and the database where it is one.
struct Opened {
    backend: Rc<dyn Backend>,
    database: Option<Rc<IndexedDbBackend>>,
}

async fn open_one(wanted: &Wanted, kind: &str) -> Result<Opened> {
    match kind {
        "memory" => {
            let backend = Rc::new(MemoryBackend::new(&*wanted.name, Rc::clone(&wanted.schema), wanted.capacity));
            Ok(Opened { backend, database: None })
        }
        "indexeddb" | "cloud" => {
            let database = Rc::new(IndexedDbBackend::open(&wanted.name, Rc::clone(&wanted.schema)).await?);
            Ok(Opened { backend: Rc::clone(&database) as Rc<dyn Backend>, database: Some(database) })
        }
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            "there is no such backend here; use “indexeddb”, “cloud” or “memory”: a browser gives no access to files",
        )
        .with("type", kind)),
    }
}
