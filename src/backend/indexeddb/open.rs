//! Opening never hangs and never destroys.
//!
//! The database is opened as it is and compared with what is wanted. Only a real difference raises its version, and the
//! upgrade is given every store that is there besides the wanted ones, so nothing that a newer or older application
//! declared is dropped.

use futures_channel::oneshot;
use js_sys::Array;
use rexie::{ObjectStore, Rexie};
use wasm_bindgen::prelude::*;
use web_sys::{DomStringList, Event, IdbDatabase, IdbIndex, IdbObjectStore, IdbOpenDbRequest, IdbTransaction};

use super::api::{begin, factory};
use super::error::{from_js, from_rexie};
use super::layout::{LAYOUT, LAYOUT_STEP, StoreShape};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Index, KeyPath};
use crate::platform::{spawn, within};

/// How long an open may take, milliseconds.
const OPEN_MS: f64 = 5_000.0;
/// How long an upgrade may take, milliseconds.
const UPGRADE_MS: f64 = 30_000.0;
/// How often to begin again when other tabs upgrade at the same time.
const ATTEMPTS: usize = 5;

/// Opens a database in which every wanted store is as wanted.
///
/// # Errors
///
/// `TIMEOUT`, `BLOCKED` where the browser does not answer in time; `VERSION_ERROR` for a database of a newer layout;
/// `INVALID_CONFIG` where a store is there with another key path; what the browser says otherwise.
pub(super) async fn open(name: &str, wanted: &[StoreShape]) -> Result<IdbDatabase> {
    for _ in 0..ATTEMPTS {
        let (stores, version) = match probe(name).await? {
            None => (wanted.to_vec(), LAYOUT * LAYOUT_STEP),
            Some(database) => {
                let version = version_of(&database);
                let found = check_layout(version).and_then(|()| inspect(&database));
                let next = found.and_then(|found| union(found, wanted));
                match next {
                    Ok(None) => return Ok(database),
                    Ok(Some(stores)) => {
                        database.close();
                        (stores, (version + 1).max(LAYOUT * LAYOUT_STEP))
                    }
                    Err(error) => {
                        database.close();
                        return Err(error.with("database", name));
                    }
                }
            }
        };
        upgrade(name, stores, version).await?;
    }
    Err(Error::new(ErrorKind::Blocked, "other tabs keep changing the database; close them and try again")
        .with("database", name))
}

/// Deletes a database.
pub(super) async fn delete(name: &str) -> Result<()> {
    let (sender, receiver) = oneshot::channel();
    let deleted = name.to_owned();
    spawn(async move {
        let result = Rexie::delete(&deleted).await;
        // Nobody waits any more once the time is over.
        let _ = sender.send(result);
    });
    match within(OPEN_MS, receiver).await {
        Some(Ok(result)) => result.map_err(|error| from_rexie(&error).with("database", name)),
        _ => Err(Error::new(
            ErrorKind::Blocked,
            "the database is still open elsewhere and will be deleted once it is closed there",
        )
        .with("database", name)),
    }
}

/// The version of the database's schema.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "versions above u32 are capped, not wrapped"
)]
pub(super) fn version_of(database: &IdbDatabase) -> u32 {
    database.version() as u32
}

fn check_layout(version: u32) -> Result<()> {
    if version < (LAYOUT + 1) * LAYOUT_STEP {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::VersionError,
        "the database was made by a newer version of this library; reload the application to get it",
    )
    .with("version", version))
}

/// Opens the database as it is; none where there is no such database, and none is made.
async fn probe(name: &str) -> Result<Option<IdbDatabase>> {
    let request: IdbOpenDbRequest = factory()?.open(name).map_err(|thrown| from_js(&thrown).with("database", name))?;
    let (sender, receiver) = oneshot::channel();
    let opening = request.clone();
    // This lives on past the time limit: a connection that comes late must be closed, or it blocks every upgrade.
    spawn(async move {
        let outcome = settle(&opening).await;
        if let Err(Ok(Some(late))) = sender.send(outcome) {
            late.close();
        }
    });
    match within(OPEN_MS, receiver).await {
        Some(Ok(outcome)) => outcome.map_err(|error| error.with("database", name)),
        _ => Err(Error::new(ErrorKind::Timeout, "the browser did not open the database in time; reload and try again")
            .with("database", name)),
    }
}

/// Waits for an open request, and calls off the making of a database that is not there.
async fn settle(request: &IdbOpenDbRequest) -> Result<Option<IdbDatabase>> {
    let (sender, receiver) = oneshot::channel();
    let sender = std::rc::Rc::new(core::cell::RefCell::new(Some(sender)));
    let settle = |outcome: fn(&IdbOpenDbRequest) -> core::result::Result<Option<IdbDatabase>, JsValue>| {
        let (request, sender) = (request.clone(), std::rc::Rc::clone(&sender));
        Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            event.prevent_default();
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(outcome(&request));
            }
        })
    };
    let on_success = settle(|request| request.result().map(|database| Some(database.unchecked_into())));
    let on_error = settle(|request| Err(request.error().ok().flatten().map_or(JsValue::NULL, JsValue::from)));
    let on_upgrade = settle(|request| {
        // It is being made: take that back. What the aborted open then says is of no interest.
        if let Some(transaction) = request.transaction() {
            transaction.abort()?;
        }
        Ok(None)
    });
    request.set_onsuccess(Some(on_success.as_ref().unchecked_ref()));
    request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
    let outcome = receiver.await.unwrap_or(Err(JsValue::NULL));
    let absent = matches!(outcome, Ok(None));
    if absent {
        // The request fails once more, with the abort; the callback that prevents the default must outlive it.
        on_error.forget();
    } else {
        request.set_onerror(None);
    }
    request.set_onsuccess(None);
    request.set_onupgradeneeded(None);
    outcome.map_err(|thrown| from_js(&thrown))
}

/// The stores that are there.
fn inspect(database: &IdbDatabase) -> Result<Vec<StoreShape>> {
    let names = texts(&database.object_store_names());
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let stores: Vec<&str> = names.iter().map(String::as_str).collect();
    let transaction = begin(database, &stores, None)?;
    names.iter().map(|name| found(&transaction, name)).collect::<core::result::Result<_, _>>().map_err(|e| from_js(&e))
}

fn texts(list: &DomStringList) -> Vec<String> {
    (0..list.length()).filter_map(|at| list.get(at)).collect()
}

fn found(transaction: &IdbTransaction, name: &str) -> core::result::Result<StoreShape, JsValue> {
    let store: IdbObjectStore = transaction.object_store(name)?;
    let mut indexes = Vec::new();
    for name in texts(&store.index_names()) {
        let index: IdbIndex = store.index(&name)?;
        let key_path = key_path(&index.key_path()?).unwrap_or(KeyPath::Single(String::new()));
        indexes.push(Index { name, key_path, unique: index.unique(), multi_entry: index.multi_entry() });
    }
    let key_path = key_path(&store.key_path()?);
    Ok(StoreShape { name: name.to_owned(), key_path, auto_increment: store.auto_increment(), indexes })
}

fn key_path(value: &JsValue) -> Option<KeyPath> {
    if let Some(path) = value.as_string() {
        return Some(KeyPath::Single(path));
    }
    let paths: &Array = value.dyn_ref()?;
    Some(KeyPath::Compound(paths.iter().filter_map(|path| path.as_string()).collect()))
}

/// What there is with what is wanted; none where nothing is missing.
///
/// An index that is there and not wanted stays, for the application version that wants it; unless it is unique, since
/// it would go on refusing records.
fn union(mut found: Vec<StoreShape>, wanted: &[StoreShape]) -> Result<Option<Vec<StoreShape>>> {
    let mut differs = false;
    for shape in wanted {
        let Some(there) = found.iter_mut().find(|there| there.name == shape.name) else {
            found.push(shape.clone());
            differs = true;
            continue;
        };
        if there.key_path != shape.key_path || there.auto_increment != shape.auto_increment {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                "the collection is stored under another keyPath; declare that one, or copy the records to a new collection",
            )
            .with("collection", &shape.name));
        }
        let count = there.indexes.len();
        there.indexes.retain(|index| !index.unique || shape.indexes.iter().any(|wanted| wanted.name == index.name));
        differs |= there.indexes.len() != count;
        for wanted in &shape.indexes {
            match there.indexes.iter_mut().find(|index| index.name == wanted.name) {
                Some(index) if index == wanted => continue,
                Some(index) => *index = wanted.clone(),
                None => there.indexes.push(wanted.clone()),
            }
            differs = true;
        }
    }
    Ok(differs.then_some(found))
}

/// Makes or upgrades the database. That another tab was first is no error: the caller looks again.
async fn upgrade(name: &str, stores: Vec<StoreShape>, version: u32) -> Result<()> {
    let builder = stores
        .into_iter()
        .fold(Rexie::builder(name).version(version), |builder, shape| builder.add_object_store(declare(shape)));
    let (sender, receiver) = oneshot::channel();
    spawn(async move {
        // Closed as soon as it is there, however late: nothing is left to block others.
        let outcome = builder.build().await.map(Rexie::close);
        let _ = sender.send(outcome);
    });
    match within(UPGRADE_MS, receiver).await {
        Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => {
            let error = from_rexie(&error);
            if error.kind() == ErrorKind::VersionError { Ok(()) } else { Err(error.with("database", name)) }
        }
        _ => Err(Error::new(
            ErrorKind::Blocked,
            "another tab holds the database in an older version; close it or reload it, and try again",
        )
        .with("database", name)),
    }
}

fn declare(shape: StoreShape) -> ObjectStore {
    let store = ObjectStore::new(&shape.name).auto_increment(shape.auto_increment);
    let store = match &shape.key_path {
        None => store,
        Some(KeyPath::Single(path)) => store.key_path(path),
        Some(KeyPath::Compound(paths)) => store.key_path_array(paths.iter().map(String::as_str)),
    };
    shape.indexes.into_iter().fold(store, |store, index| {
        let declared = match &index.key_path {
            KeyPath::Single(path) => rexie::Index::new(&index.name, path),
            KeyPath::Compound(paths) => rexie::Index::new_array(&index.name, paths.iter().map(String::as_str)),
        };
        store.add_index(declared.unique(index.unique).multi_entry(index.multi_entry))
    })
}
