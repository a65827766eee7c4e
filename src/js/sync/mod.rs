//! `Sync`: replication, and its wiring to the page.

use core::cell::RefCell;
use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use js_sys::{Array, Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::convert::{date, items, maybe, names, number, object, property};
use super::options::Options;
use super::signal::abortable;
use super::store::Shared;
use super::tabs::Tabs;
use super::{error, events, promise};
use crate::backend::layer::{Journal, Replicated};
use crate::backend::{Backend, LocalFuture};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Schema, sorted_names, system};
use crate::platform::environment::OriginLock;
use crate::platform::{is_array, now, number_text, random, said, sleep, spawn, within};
use crate::store::{Change, ChangeKind, ChangeSource, DataStore, Event};
use crate::sync::{
    Applied, Direction, EntryState, Growth, Leadership, Listener, OutboxEntry, Ports, Retry, SharedClock, SyncConfig,
    SyncReport, SyncStatus, TokenProvider, open_clock,
};
use crate::transport::HttpTransport;

/// The name under which applications say that their secrets replicate.
const CREDENTIALS: &str = system::CREDENTIALS;
/// How long unlocking waits for the first pull, milliseconds.
const FIRST_PULL_MS: f64 = 5_000.0;

/// What the options ask for.
#[derive(Debug)]
pub(super) struct Replication {
    config: SyncConfig,
    transport: HttpTransport,
    auth: Option<Function>,
}

/// Reads the options; none where nothing is to replicate.
pub(super) fn read(given: &JsValue, retry: &JsValue, schema: &Schema) -> Result<Option<Replication>> {
    if given.is_undefined() {
        return Ok(None);
    }
    let options =
        Options::read(given, &["endpoint", "auth", "collections", "conflict", "interval", "retryPolicy", "enabled"])?;
    let endpoint = options
        .text("endpoint")?
        .ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "“sync” needs an endpoint: the address of a space"))?;
    if let Some(conflict) = options.text("conflict")?.filter(|conflict| conflict != "latest") {
        return Err(Error::new(ErrorKind::InvalidConfig, "conflicts are decided by the “latest” write")
            .with("conflict", conflict));
    }
    let own_retry = options.value("retryPolicy")?;
    let mut config = SyncConfig::new(&endpoint, replicated(&options.value("collections")?, schema)?);
    config.retry = retry_policy(if own_retry.is_undefined() { retry } else { &own_retry })?;
    config.enabled = options.flag("enabled")?.unwrap_or(true);
    if let Some(seconds) = options.number("interval")? {
        if !seconds.is_finite() || seconds < 1.0 {
            return Err(Error::new(ErrorKind::InvalidConfig, "the interval is in seconds, one at least")
                .with("interval", number_text(seconds)));
        }
        config.interval = seconds * 1000.0;
    }
    Ok(Some(Replication { config, transport: HttpTransport::new(&endpoint)?, auth: options.function("auth")? }))
}

/// Which collections replicate: those that are named, or every declared one that does not say otherwise, and secrets.
fn replicated(given: &JsValue, schema: &Schema) -> Result<Vec<String>> {
    let mut chosen: Vec<String> = Vec::new();
    let check = |name: &str| {
        if name == CREDENTIALS { Ok(()) } else { crate::model::check_name(name) }
    };
    if given.is_undefined() {
        chosen.extend(
            schema
                .collections()
                .filter(|(_, collection)| collection.sync != Some(false))
                .map(|(name, _)| name.to_owned()),
        );
        chosen.push(CREDENTIALS.to_owned());
    } else if is_array(given) {
        for name in items(given)? {
            let name = name
                .as_string()
                .ok_or_else(|| Error::new(ErrorKind::InvalidConfig, "“sync.collections” lists collections by name"))?;
            check(&name)?;
            chosen.push(name);
        }
    } else if given.is_object() {
        chosen.extend(
            schema
                .collections()
                .filter(|(_, collection)| collection.sync != Some(false))
                .map(|(name, _)| name.to_owned()),
        );
        chosen.push(CREDENTIALS.to_owned());
        for name in names(given)? {
            check(&name)?;
            match property(given, &name)?.as_bool() {
                Some(true) => chosen.push(name),
                Some(false) => chosen.retain(|other| *other != name),
                None => {
                    return Err(Error::new(ErrorKind::InvalidConfig, "a collection replicates or not: true or false")
                        .with("collection", name));
                }
            }
        }
    } else {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            "“sync.collections” is a list, or an object of true and false",
        ));
    }
    if chosen.iter().any(|name| schema.encrypted(name)) {
        // What is sealed is of use elsewhere only with the wrapped key it was sealed under.
        chosen.push(system::KEYS.to_owned());
    }
    Ok(sorted_names(chosen))
}

fn retry_policy(given: &JsValue) -> Result<Retry> {
    let options = Options::read(given, &["backoff", "baseDelay", "maxDelay"])?;
    let mut retry = Retry::default();
    retry.growth = match options.text("backoff")?.as_deref() {
        None => retry.growth,
        Some("exponential") => Growth::Exponential,
        Some("linear") => Growth::Linear,
        Some("fixed") => Growth::Fixed,
        Some(other) => {
            return Err(Error::new(ErrorKind::InvalidConfig, "backoff is “exponential”, “linear” or “fixed”")
                .with("backoff", other));
        }
    };
    for (name, delay) in [("baseDelay", &mut retry.base_delay), ("maxDelay", &mut retry.max_delay)] {
        match options.number(name)? {
            None => {}
            Some(ms) if ms.is_finite() && ms > 0.0 => *delay = ms,
            Some(ms) => {
                return Err(Error::new(ErrorKind::InvalidConfig, "a delay is a positive number of milliseconds")
                    .with(name, number_text(ms)));
            }
        }
    }
    Ok(retry)
}

/// Replication that is ready to be wired to a store.
#[derive(Debug)]
pub(super) struct Replicating {
    sync: crate::sync::Sync,
    replicated: Replicated,
    clock: SharedClock,
    tabs: Option<Rc<Tabs>>,
}

/// Replication under way.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) sync: crate::sync::Sync,
}

impl Replication {
    /// Opens the clock and makes the engine; nothing is sent yet.
    pub(super) async fn prepare(self, backend: &Rc<dyn Backend>, tabs: Option<Rc<Tabs>>) -> Result<Replicating> {
        let clock = open_clock(&**backend, now(), random).await?;
        let channel = format!("tidekeep:{}", backend.facts().name);
        let ports = Ports {
            now: Rc::new(now),
            random: Rc::new(fraction),
            sleep: Rc::new(|ms| Box::pin(sleep(ms))),
            spawn: Rc::new(spawn),
            token: self.auth.map(token_provider),
            leadership: Rc::new(TabLock::new(&channel)),
        };
        let replicated = Replicated::new(self.config.collections.iter().cloned());
        let sync =
            crate::sync::Sync::new(self.config, Rc::clone(backend), Rc::new(self.transport), Rc::clone(&clock), ports);
        Ok(Replicating { sync, replicated, clock, tabs })
    }
}

impl Replicating {
    /// The journal around a stack.
    pub(super) fn journal(&self, stack: Rc<dyn Backend>) -> Rc<dyn Backend> {
        let (sync, tabs) = (self.sync.clone(), self.tabs.clone());
        let wrote = Rc::new(move || {
            sync.notify_write();
            if let Some(tabs) = &tabs {
                tabs.wrote();
            }
        });
        Rc::new(Journal::new(stack, self.replicated.clone(), Rc::clone(&self.clock), wrote))
    }

    /// Begins.
    pub(super) fn start(self) -> Running {
        self.sync.start();
        Running { sync: self.sync }
    }
}

impl Running {
    /// Pulls once, unless secrets' keys are here already. Offline or too slow, it goes on without.
    pub(super) async fn first_pull(&self, store: &DataStore) {
        if store.credentials().exist().await.unwrap_or(true) {
            return;
        }
        // What fails here is told by the next round; unlocking works without.
        drop(within(FIRST_PULL_MS, self.sync.run(Direction::Pull)).await);
    }
}

/// Hears of sync for a store.
#[derive(Debug)]
struct Telling(Weak<Shared>);

/// Tells the store's listeners what sync does.
pub(super) fn listen(shared: &Rc<Shared>) {
    if let Some(running) = &shared.sync {
        running.sync.listen(Rc::new(Telling(Rc::downgrade(shared))));
    }
}

impl Listener for Telling {
    fn status(&self, status: &SyncStatus) {
        if let Some(shared) = self.0.upgrade() {
            events::tell_sync(&shared, status);
            let waiting = status.pending + status.failed;
            spawn(async move {
                if let Some(vigil) = &shared.vigil {
                    // An emptied database has nothing that waits: what was known before is what was lost.
                    vigil.look().await;
                    vigil.waits(waiting);
                }
            });
        }
    }

    fn applied(&self, changes: &[Applied]) {
        if let Some(shared) = self.0.upgrade() {
            let list = changes.iter().map(|change| {
                let kind = if change.deleted { ChangeKind::Delete } else { ChangeKind::Put };
                Change::new(&change.collection, change.key.clone(), kind)
            });
            shared.store.tell(ChangeSource::Remote, list.collect());
        }
    }

    fn failed(&self, error: &Error) {
        if let Some(shared) = self.0.upgrade() {
            shared.store.events().emit(&Event::Error(error.clone()));
        }
    }
}

/// Leads while it holds a lock that all tabs of the origin ask for.
#[derive(Debug)]
struct TabLock {
    name: String,
    lock: RefCell<Option<OriginLock>>,
}

impl TabLock {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), lock: RefCell::default() }
    }
}

impl Leadership for TabLock {
    fn acquire(&self) -> LocalFuture<'_, ()> {
        let (sender, held) = oneshot::channel();
        let sender = RefCell::new(Some(sender));
        let lock = OriginLock::ask(&self.name, move || {
            if let Some(sender) = sender.borrow_mut().take() {
                // Nobody waits any more: then nobody leads here.
                let _ = sender.send(());
            }
        });
        let before = self.lock.borrow_mut().replace(lock);
        drop(before);
        Box::pin(async move {
            if held.await.is_err() {
                core::future::pending::<()>().await;
            }
        })
    }

    fn lost(&self) -> LocalFuture<'_, ()> {
        // The browser takes it only with the page.
        Box::pin(core::future::pending())
    }

    fn release(&self) {
        let lock = self.lock.borrow_mut().take();
        drop(lock);
    }
}

/// A random number in `0..1`; the middle, where there is no randomness, which spreads retries less.
fn fraction() -> f64 {
    let mut bytes = [0; 4];
    match random(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}

/// Asks the application for a token at every sending, and keeps none.
fn token_provider(auth: Function) -> TokenProvider {
    Rc::new(move || {
        let asked = auth.call0(&JsValue::UNDEFINED);
        Box::pin(async move {
            let failed = |thrown: JsValue| {
                Error::new(failure(&thrown), "“auth” gave no token; what waits stays until it does")
                    .caused_by(said(&thrown))
            };
            let answer = JsFuture::from(Promise::resolve(&asked.map_err(failed)?)).await.map_err(failed)?;
            answer.as_string().ok_or_else(|| failed(JsValue::from_str("a token is a string")))
        })
    })
}

/// What kept the application from giving a token: what its own `StorageError` says; the network, where `fetch` failed.
fn failure(thrown: &JsValue) -> ErrorKind {
    let code = property(thrown, "code").ok().and_then(|code| code.as_string());
    let named = ErrorKind::ALL.iter().copied().find(|kind| code.as_deref() == Some(kind.code()));
    match named {
        Some(kind) => kind,
        None if thrown.is_instance_of::<js_sys::TypeError>() => ErrorKind::NetworkError,
        None => ErrorKind::AuthenticationFailed,
    }
}

/// Replication with the endpoint.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Sync(Rc<Shared>);

impl Sync {
    pub(super) fn of(shared: &Rc<Shared>) -> Self {
        Self(Rc::clone(shared))
    }

    /// Calls sync, or tells that there is none.
    fn with<F>(&self, operation: &'static str, call: impl FnOnce(crate::sync::Sync) -> Result<F>) -> Promise
    where
        F: Future<Output = Result<JsValue>> + 'static,
    {
        promise(operation, || call(self.running()?))
    }

    fn running(&self) -> Result<crate::sync::Sync> {
        self.0.sync.as_ref().map(|running| running.sync.clone()).ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "the store has no endpoint; open it with createStorage({ sync: { endpoint } })",
            )
        })
    }
}

#[wasm_bindgen]
impl Sync {
    /// Switches rounds that go by themselves on or off, and remembers it.
    pub fn enable(&self, on: bool) -> Promise {
        self.with("sync.enable", |sync| {
            Ok(async move {
                sync.enable(on).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Does one whole round; resolves when it is done. One that is called off goes on for others.
    pub fn run(&self, options: &JsValue) -> Promise {
        abortable("sync.run", options, || {
            let sync = self.running()?;
            let direction = match Options::read(options, &["direction", "signal"])?.text("direction")?.as_deref() {
                None | Some("both") => Direction::Both,
                Some("push") => Direction::Push,
                Some("pull") => Direction::Pull,
                Some(other) => {
                    return Err(Error::new(ErrorKind::InvalidConfig, "a direction is “both”, “push” or “pull”")
                        .with("direction", other));
                }
            };
            Ok(async move { Ok(report(&sync.run(direction).await?)) })
        })
    }

    /// How sync stands.
    pub fn status(&self) -> Promise {
        self.with("sync.status", |sync| Ok(async move { Ok(status(&sync.status().await?)) }))
    }

    /// What waits to be sent, and what was set aside, each with its last error.
    pub fn pending(&self) -> Promise {
        self.with("sync.pending", |sync| {
            Ok(async move { Ok(sync.pending().await?.iter().map(outbox_entry).collect::<Array>().into()) })
        })
    }

    /// Tries what was set aside again.
    pub fn retry(&self, id: String) -> Promise {
        self.with("sync.retry", |sync| {
            Ok(async move {
                sync.retry(&id).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }

    /// Gives up a pending change.
    pub fn discard(&self, id: String) -> Promise {
        self.with("sync.discard", |sync| {
            Ok(async move {
                sync.discard(&id).await?;
                Ok(JsValue::UNDEFINED)
            })
        })
    }
}

fn report(report: &SyncReport) -> JsValue {
    object([
        ("pushed", number(report.pushed)),
        ("pulled", number(report.pulled)),
        ("conflicts", number(report.conflicts)),
        ("failed", number(report.failed)),
        ("durationMs", JsValue::from_f64(report.duration_ms)),
    ])
}

/// A `SyncStatus`.
pub(super) fn status(status: &SyncStatus) -> JsValue {
    object([
        ("enabled", JsValue::from_bool(status.enabled)),
        ("running", JsValue::from_bool(status.running)),
        ("online", JsValue::from_bool(status.online)),
        ("leader", JsValue::from_bool(status.leader)),
        ("pending", number(status.pending)),
        ("failed", number(status.failed)),
        ("conflicts", number(status.conflicts)),
        ("lastSyncTime", maybe(status.last_sync_time, date)),
        ("nextSyncTime", maybe(status.next_sync_time, date)),
        ("lastError", maybe(status.last_error.as_ref(), error::to_js)),
    ])
}

fn outbox_entry(entry: &OutboxEntry) -> JsValue {
    let state = match entry.state {
        EntryState::Waiting => "waiting",
        EntryState::Sending => "sending",
        EntryState::Dead => "dead",
    };
    object([
        ("id", JsValue::from_str(&entry.id)),
        ("collection", JsValue::from_str(&entry.collection)),
        ("key", entry.key.to_js()),
        ("attempts", JsValue::from_f64(f64::from(entry.attempts))),
        ("nextAttempt", maybe(entry.next_attempt, date)),
        ("state", JsValue::from_str(state)),
        ("error", maybe(entry.error.as_ref(), error::to_js)),
    ])
}
