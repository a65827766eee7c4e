//! Opening never hangs and never destroys.
//!
//! The database is opened as it is and compared with what is wanted. Only a real difference raises its version, and the
//! upgrade is given every store that is there besides the wanted ones, so nothing that a newer or older application
//! declared is dropped.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use rexie::{ObjectStore, Rexie};
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbDatabase, IdbOpenDbRequest, IdbTransaction};

use super::api::{begin, factory};
use super::error::{from_js, from_rexie};
use super::layout::{LAYOUT, LAYOUT_STEP};
use super::pulse::{Life, Pulse, living};
use super::upgrade::{Upgrade, inspect, texts};
use crate::error::{Error, ErrorKind, Result};
use crate::model::KeyPath;
use crate::platform::{spawn, within};
use crate::policy::{Occasion, StoreShape, plan};

/// How long an open may take, milliseconds.
pub(super) const OPEN_MS: f64 = 5_000.0;
/// How often to begin again when other tabs upgrade at the same time.
const ATTEMPTS: usize = 5;
/// The version of a new database.
const FIRST: u32 = LAYOUT * LAYOUT_STEP;

/// Opens a database in which every wanted store is as wanted; gives what stores are there.
///
/// # Errors
///
/// `TIMEOUT` where the browser does not answer within `limit` milliseconds; `BLOCKED` where another tab holds up an
/// upgrade; `VERSION_ERROR` for a database of a newer layout; what [`Upgrade::run`] refuses; what the browser says
/// otherwise.
pub(super) async fn open(
    name: &str,
    wanted: &[StoreShape],
    occasion: Occasion,
    limit: f64,
) -> Result<(IdbDatabase, Vec<StoreShape>)> {
    let mut upgraded: Option<IdbDatabase> = None;
    for _ in 0..ATTEMPTS {
        // What was upgraded is used as it is: opened anew, another tab might have upgraded it again.
        let opened = match upgraded.take() {
            Some(database) => Some(database),
            None => probe(name, limit).await?,
        };
        let Some(database) = opened else {
            create(name, wanted.to_vec()).await?;
            continue;
        };
        let version = version_of(&database);
        let found = check_layout(version).and_then(|()| look(&database));
        let planned = found.and_then(|found| Ok((plan(&found, wanted, occasion)?.is_empty(), found)));
        match planned {
            Ok((true, found)) => return Ok((database, found)),
            Ok((false, _)) => {
                database.close();
                // It is looked at in any case: another tab may have been first to this very version.
                upgraded = upgrade(name, wanted, occasion, (version + 1).max(FIRST)).await?;
            }
            Err(error) => {
                database.close();
                return Err(error.with("database", name));
            }
        }
    }
    if let Some(database) = upgraded {
        database.close();
    }
    Err(Error::new(ErrorKind::Blocked, "other tabs keep changing the database; close them and try again")
        .with("database", name))
}

fn look(database: &IdbDatabase) -> Result<Vec<StoreShape>> {
    let names = texts(&database.object_store_names());
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let stores: Vec<&str> = names.iter().map(String::as_str).collect();
    let transaction = begin(database, &stores, None)?;
    let found = inspect(database, &transaction);
    // It asked for nothing, and need not wait for its turn: the connection could not be closed until then.
    drop(transaction.abort());
    found
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
async fn probe(name: &str, limit: f64) -> Result<Option<IdbDatabase>> {
    let request: IdbOpenDbRequest = factory()?.open(name).map_err(|thrown| from_js(&thrown).with("database", name))?;
    let (sender, receiver) = oneshot::channel();
    // This lives on past the time limit: a connection that comes late must be closed, or it blocks every upgrade.
    spawn(async move {
        let absent = Rc::new(Cell::new(false));
        let (making, called_off) = (request.clone(), Rc::clone(&absent));
        let on_upgrade = Closure::<dyn FnMut(Event)>::new(move |_: Event| {
            // It is being made: take that back. The open fails with it.
            called_off.set(true);
            if let Some(transaction) = making.transaction() {
                drop(transaction.abort());
            }
        });
        request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
        let outcome = settle(&request).await;
        request.set_onupgradeneeded(None);
        let outcome = if absent.get() { Ok(None) } else { outcome.map(Some) };
        if let Err(Ok(Some(late))) = sender.send(outcome) {
            late.close();
        }
    });
    match within(limit, receiver).await {
        Some(Ok(outcome)) => outcome.map_err(|error| error.with("database", name)),
        _ => Err(Error::new(ErrorKind::Timeout, "the browser did not open the database in time; reload and try again")
            .with("database", name)),
    }
}

/// Waits for an open request.
async fn settle(request: &IdbOpenDbRequest) -> Result<IdbDatabase> {
    let (sender, receiver) = oneshot::channel();
    let sender = Rc::new(RefCell::new(Some(sender)));
    let settle = |outcome: fn(&IdbOpenDbRequest) -> core::result::Result<IdbDatabase, JsValue>| {
        let (request, sender) = (request.clone(), Rc::clone(&sender));
        Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            // What fails is told by us, and not by the page.
            event.prevent_default();
            if let Some(sender) = sender.borrow_mut().take() {
                let _ = sender.send(outcome(&request));
            }
        })
    };
    let on_success = settle(|request| request.result().map(JsCast::unchecked_into));
    let on_error = settle(|request| Err(request.error().ok().flatten().map_or(JsValue::NULL, JsValue::from)));
    request.set_onsuccess(Some(on_success.as_ref().unchecked_ref()));
    request.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let outcome = receiver.await.unwrap_or(Err(JsValue::NULL));
    request.set_onsuccess(None);
    request.set_onerror(None);
    outcome.map_err(|thrown| from_js(&thrown))
}

/// Makes a database that is not there. That another tab was first is no error: the caller looks again.
async fn create(name: &str, stores: Vec<StoreShape>) -> Result<()> {
    let builder = stores
        .into_iter()
        .fold(Rexie::builder(name).version(FIRST), |builder, shape| builder.add_object_store(declare(shape)));
    let (sender, receiver) = oneshot::channel();
    spawn(async move {
        // Closed as soon as it is there, however late: nothing is left to block others.
        let outcome = builder.build().await.map(Rexie::close);
        let _ = sender.send(outcome);
    });
    match within(OPEN_MS, receiver).await {
        Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => {
            let error = from_rexie(&error);
            if error.kind() == ErrorKind::VersionError { Ok(()) } else { Err(error.with("database", name)) }
        }
        _ => Err(Error::new(ErrorKind::Timeout, "the browser did not make the database in time; reload and try again")
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

/// What the callbacks of an upgrade share.
struct Upgrading {
    life: Life,
    transaction: RefCell<Option<IdbTransaction>>,
    failure: RefCell<Option<Error>>,
}

/// Upgrades a database, and opens it. That another tab was first is no error: the caller looks again.
async fn upgrade(name: &str, wanted: &[StoreShape], occasion: Occasion, version: u32) -> Result<Option<IdbDatabase>> {
    let request = factory()?.open_with_u32(name, version).map_err(|thrown| from_js(&thrown).with("database", name))?;
    let life = Life::default();
    let state = Rc::new(Upgrading { life: life.clone(), transaction: RefCell::default(), failure: RefCell::default() });
    let (upgrading, opened, stores) = (Rc::clone(&state), request.clone(), wanted.to_vec());
    let on_upgrade = Closure::<dyn FnMut(Event)>::new(move |_: Event| {
        let (Some(transaction), Ok(database)) = (opened.transaction(), opened.result()) else { return };
        let (state, stores) = (Rc::clone(&upgrading), stores.clone());
        state.transaction.replace(Some(transaction.clone()));
        spawn(async move {
            let database: IdbDatabase = database.unchecked_into();
            let upgrade = Upgrade { database: &database, transaction: &transaction };
            if let Err(error) = living(&state.life, upgrade.run(&stores, occasion)).await {
                state.failure.replace(Some(error));
                // What has aborted by itself needs no abort.
                drop(transaction.abort());
            }
        });
    });
    request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
    let (sender, receiver) = oneshot::channel();
    // This lives on past the time limit: a connection that comes late must be closed, or it blocks every upgrade.
    let opening = request.clone();
    spawn(async move {
        let outcome = settle(&opening).await;
        opening.set_onupgradeneeded(None);
        drop(on_upgrade);
        if let Err(Ok(late)) = sender.send(outcome) {
            late.close();
        }
    });
    let outcome = Rc::new(Pulse::default()).within(&life, receiver).await.ok();
    let failure = state.failure.take();
    match (outcome, failure, state.transaction.take()) {
        (Some(Ok(Ok(database))), ..) => Ok(Some(database)),
        (Some(Ok(Err(error))), None, _) if error.kind() == ErrorKind::VersionError => Ok(None),
        (Some(_), Some(error), _) | (Some(Ok(Err(error))), None, _) => Err(error.with("database", name)),
        (_, _, Some(transaction)) => {
            // It is taken back, so that what comes next need not wait for it.
            drop(transaction.abort());
            Err(Error::new(
                ErrorKind::Timeout,
                "the browser did not upgrade the database in time; reload and try again",
            )
            .with("database", name))
        }
        (_, _, None) => Err(Error::new(
            ErrorKind::Blocked,
            "another tab holds the database in an older version; close it or reload it, and try again",
        )
        .with("database", name)),
    }
}
