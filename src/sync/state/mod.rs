//! What replication remembers, as records of the system's own collections.
//!
//! Every row is `{"v": 1, …}` in [`system::SYNC`], written with strict durability and a precondition on the version
//! that was read, so that of two senders one is told that it was late. A row is never deleted: its version counts on,
//! and so no version names two contents.

mod content;
mod identity;
mod rows;

use super::effects::raced;
use super::wishes::{Said, Wishes};
use super::{Clock, SyncConfig};
use crate::backend::{Backend, Read, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, ToJson};
use crate::model::{Durability, Key, Precondition, Put, Record, WriteBatch, WriteOp, system};
pub(crate) use content::{body, parse, row};
use identity::introduce;
pub use identity::{SharedClock, open_clock};
use rows::ClockRow;
pub(crate) use rows::{Client, Flight, Progress};

/// The epoch of a replica that comes from another endpoint: no endpoint's own.
pub(crate) const ANOTHER_EPOCH: &str = "";

/// A row's content, and the version to be met when it is written again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Versioned<T> {
    pub(crate) value: T,
    version: Option<u64>,
}

impl<T> Versioned<T> {
    /// What must hold for the row to be as it was read.
    pub(crate) fn precondition(&self) -> Precondition {
        if mutant!("the-sync-state-has-no-precondition") {
            return Precondition::None;
        }
        self.version.map_or(Precondition::Absent, Precondition::Version)
    }
}

/// Everything that a round begins from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Persisted {
    pub(crate) client: Versioned<Client>,
    pub(crate) flight: Versioned<Flight>,
    pub(crate) progress: Versioned<Progress>,
    pub(crate) wishes: Wishes,
}

/// How often a row is written anew because of another tab.
const MOST_RACES: usize = 10;

const CLIENT: &str = "client";
const CLOCK: &str = "clock";
const FLIGHT: &str = "flight";
const PROGRESS: &str = "replica";
const SAID: &str = "said";

fn write(row: &str, value: &impl ToJson, precondition: Precondition) -> Result<WriteOp> {
    Ok(WriteOp::Put(Put { precondition, ..Put::new(system::SYNC, Key::from(row), body(value)?) }))
}

async fn read<T: FromJson>(backend: &dyn Backend, row: &str) -> Result<Option<Versioned<T>>> {
    let found = find(backend, row).await?;
    found.map(|record| Ok(Versioned { value: parse(&record, row)?, version: Some(record.meta.version) })).transpose()
}

async fn find(backend: &dyn Backend, row: &str) -> Result<Option<Record>> {
    Ok(backend.get(system::SYNC, &[Key::from(row)]).await?.into_iter().next().flatten())
}

impl<T> Versioned<T> {
    /// The row once this was written in its place.
    pub(crate) fn written(&self, value: T) -> Self {
        Self { value, version: Some(self.version.map_or(1, |version| version + 1)) }
    }
}

impl Versioned<Client> {
    /// Takes `count` mutation numbers.
    pub(crate) fn taking(&self, count: u64) -> Result<WriteOp> {
        let next = Client { next: self.value.next.saturating_add(count), ..self.value.clone() };
        write(CLIENT, &next, self.precondition())
    }
}

impl Versioned<Flight> {
    /// Puts another flight in the place of this one.
    pub(crate) fn replaced(&self, next: &Flight) -> Result<WriteOp> {
        write(FLIGHT, next, self.precondition())
    }
}

impl Versioned<Progress> {
    /// Moves on.
    pub(crate) fn replaced(&self, next: &Progress) -> Result<WriteOp> {
        write(PROGRESS, next, self.precondition())
    }
}

/// A row that may have been replaced since it was read.
pub(crate) trait Replaceable {
    const ROW: &'static str;
}

impl Replaceable for Flight {
    const ROW: &'static str = FLIGHT;
}

impl Replaceable for Progress {
    const ROW: &'static str = PROGRESS;
}

/// Whether a row is still the one that was read.
pub(crate) async fn is_current<T: Replaceable>(backend: &dyn Backend, row: &Versioned<T>) -> Result<bool> {
    Ok(find(backend, T::ROW).await?.map(|record| record.meta.version) == row.version)
}

/// A commit of the sync state: on the disk before it is answered for.
pub(crate) fn strict(ops: Vec<WriteOp>, now: f64) -> WriteBatch {
    WriteBatch { ops, durability: Durability::Strict, now }
}

/// Reads everything that a round begins from.
///
/// # Behavior
///
/// - Where the store was emptied, and names no client any more, a new one is made, for the mutations of the old one are
///   counted at the endpoint; everything is pulled again.
pub(crate) async fn load(
    backend: &dyn Backend,
    config: &SyncConfig,
    make: impl FnOnce() -> Client,
    now: f64,
) -> Result<Persisted> {
    if let Some(client) = read::<Client>(backend, CLIENT).await? {
        return load_rest(backend, config, client).await;
    }
    introduce(backend, make(), now).await?;
    let client = read::<Client>(backend, CLIENT).await?.ok_or_else(|| {
        let message = "the sync state does not keep its client; the store is being emptied all the time";
        Error::new(ErrorKind::Corrupted, message).with("row", CLIENT)
    })?;
    load_rest(backend, config, client).await
}

/// Reads what was frozen and may have been sent.
pub(crate) async fn flight(backend: &dyn Backend) -> Result<Versioned<Flight>> {
    let flight = read(backend, FLIGHT).await?;
    Ok(flight.unwrap_or_else(|| Versioned { value: Flight::none(), version: None }))
}

async fn load_rest(backend: &dyn Backend, config: &SyncConfig, client: Versioned<Client>) -> Result<Persisted> {
    let wishes = wishes(backend, config).await?;
    let flight = flight(backend).await?;
    let (endpoint, collections) = (&config.endpoint, wishes.replicated.names());
    let fresh = |epoch: Option<&str>| Progress {
        endpoint: endpoint.clone(),
        epoch: epoch.map(str::to_owned),
        cursor: None,
        snapshot: true,
        collections: collections.to_vec(),
    };
    let mut progress = if let Some(progress) = read::<Progress>(backend, PROGRESS).await? {
        progress
    } else {
        // What is not there cannot have been deleted elsewhere: pages of changes tell all there is.
        let snapshot = !is_empty(backend, collections).await?;
        Versioned { value: Progress { snapshot, ..fresh(None) }, version: None }
    };
    if progress.value.endpoint != *endpoint {
        progress.value = fresh(Some(ANOTHER_EPOCH));
    }
    if collections.iter().any(|name| !progress.value.collections.contains(name)) {
        progress.value.snapshot = true;
    }
    progress.value.collections = collections.to_vec();
    Ok(Persisted { client, flight, progress, wishes })
}

async fn is_empty(backend: &dyn Backend, collections: &[String]) -> Result<bool> {
    for collection in collections {
        let first = Scan { limit: Some(1), read: Read::Keys, ..Scan::all(collection.as_str()) };
        if !backend.scan(&first).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What sync goes by.
pub(crate) async fn wishes(backend: &dyn Backend, config: &SyncConfig) -> Result<Wishes> {
    let said = read::<Said>(backend, SAID).await?;
    Ok(Wishes::of(config, &said.map(|row| row.value).unwrap_or_default()))
}

/// Remembers what is said, beside what was said before, in this tab or another.
pub(crate) async fn say(backend: &dyn Backend, now: f64, say: impl Fn(&mut Said)) -> Result<Said> {
    for race in 0.. {
        let row = read::<Said>(backend, SAID).await?;
        let (mut said, version) = row.map_or_else(Default::default, |row| (row.value, row.version));
        say(&mut said);
        let precondition = version.map_or(Precondition::Absent, Precondition::Version);
        match backend.commit(strict(vec![write(SAID, &said, precondition)?], now)).await {
            Err(error) if raced(&error) && race < MOST_RACES => {}
            outcome => return outcome.map(|_| said),
        }
    }
    Ok(Said::default())
}

/// Remembers the clock.
pub(crate) fn clock(clock: &Clock) -> Result<WriteOp> {
    write(CLOCK, &ClockRow { last: clock.last(), offset: clock.offset() }, Precondition::None)
}
