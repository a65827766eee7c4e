//! What replication remembers, as records of the system's own collections.
//!
//! Every row is `{"v": 1, …}` in [`system::SYNC`], written with strict durability and a precondition on the version
//! that was read, so that of two senders one is told that it was late. A row is never deleted: its version counts on,
//! and so no version names two contents.

use core::cell::RefCell;
use std::rc::Rc;

use super::{Clock, Hlc};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Malformed, Members, Object, ToJson, array};
use crate::model::{Body, Durability, Key, Precondition, Put, Record, WriteBatch, WriteOp, system};
use crate::platform::Payload;

/// The format of the rows.
const FORMAT: u64 = 1;

/// The epoch of a replica that comes from another endpoint: no endpoint's own.
pub(crate) const ANOTHER_EPOCH: &str = "";

/// The clock that all writes of one open store are stamped by.
pub type SharedClock = Rc<RefCell<Clock>>;

/// Who this replica is: `client`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Client {
    /// The name under which mutations are numbered.
    pub(crate) name: String,
    /// The device of its stamps, 16 hexadecimal digits.
    device: String,
    /// The number of the next mutation.
    pub(crate) next: u64,
}

impl Client {
    /// A replica that has sent nothing yet.
    pub(crate) fn new(name: u128, device: u64) -> Self {
        Self { name: format!("{name:032x}"), device: format!("{device:016x}"), next: 1 }
    }
}

impl ToJson for Client {
    fn to_json(&self) -> String {
        row().text("name", &self.name).text("device", &self.device).whole("next", self.next).finish()
    }
}

impl FromJson for Client {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self {
            name: members.required("name", Json::string)?,
            device: members.required("device", Json::string)?,
            next: members.required("next", Json::whole)?,
        })
    }
}

/// The clock: `clock`.
struct ClockRow {
    last: Hlc,
    offset: f64,
}

impl ToJson for ClockRow {
    fn to_json(&self) -> String {
        row().text("last", &self.last.to_string()).number("offset", self.offset).finish()
    }
}

impl FromJson for ClockRow {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self { last: members.required("last", Hlc::from_json)?, offset: members.required("offset", Json::number)? })
    }
}

/// The requests that were numbered and may have been sent: `flight`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flight {
    /// The endpoint that it is for.
    pub(crate) endpoint: String,
    /// The requests, to be sent in order, byte for byte.
    pub(crate) requests: Vec<String>,
    /// The outbox rows that are done with once all of it is settled.
    pub(crate) rows: Vec<u64>,
}

impl Flight {
    /// None.
    pub(crate) fn none() -> Self {
        Self::new(String::new(), Vec::new(), Vec::new())
    }

    pub(crate) fn new(endpoint: String, requests: Vec<String>, rows: Vec<u64>) -> Self {
        Self { endpoint, requests, rows }
    }
}

impl ToJson for Flight {
    fn to_json(&self) -> String {
        let rows = array(self.rows.iter().map(u64::to_string));
        row().text("endpoint", &self.endpoint).texts("requests", &self.requests).json("rows", &rows).finish()
    }
}

impl FromJson for Flight {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        let rows = |json: Json<'_>| json.items()?.into_iter().map(Json::whole).collect();
        Ok(Self {
            endpoint: members.required("endpoint", Json::string)?,
            requests: members.required("requests", Json::strings)?,
            rows: members.required("rows", rows)?,
        })
    }
}

/// How far this replica is with its endpoint: `replica`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress {
    /// The endpoint and space.
    pub(crate) endpoint: String,
    /// The endpoint's epoch, once known; [`ANOTHER_EPOCH`] after a change of endpoints.
    pub(crate) epoch: Option<String>,
    /// Where to go on; none is the beginning.
    pub(crate) cursor: Option<String>,
    /// Whether a snapshot must be taken first.
    pub(crate) snapshot: bool,
    /// The collections that were pulled up to the cursor.
    pub(crate) collections: Vec<String>,
}

impl ToJson for Progress {
    fn to_json(&self) -> String {
        row()
            .text("endpoint", &self.endpoint)
            .maybe(self.epoch.as_ref(), |row, epoch| row.text("epoch", epoch))
            .maybe(self.cursor.as_ref(), |row, cursor| row.text("cursor", cursor))
            .flag("snapshot", self.snapshot)
            .texts("collections", &self.collections)
            .finish()
    }
}

impl FromJson for Progress {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self {
            endpoint: members.required("endpoint", Json::string)?,
            epoch: members.optional("epoch", Json::string)?,
            cursor: members.optional("cursor", Json::string)?,
            snapshot: members.required("snapshot", Json::flag)?,
            collections: members.required("collections", Json::strings)?,
        })
    }
}

/// Whether sync goes by itself: `enabled`.
struct Enabled {
    enabled: bool,
}

impl ToJson for Enabled {
    fn to_json(&self) -> String {
        row().flag("enabled", self.enabled).finish()
    }
}

impl FromJson for Enabled {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        members.required("enabled", Json::flag).map(|enabled| Self { enabled })
    }
}

/// A row's content, and the version to be met when it is written again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Versioned<T> {
    pub(crate) value: T,
    version: Option<u64>,
}

impl<T> Versioned<T> {
    /// What must hold for the row to be as it was read.
    pub(crate) fn precondition(&self) -> Precondition {
        self.version.map_or(Precondition::Absent, Precondition::Version)
    }
}

/// Everything that a round begins from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Persisted {
    pub(crate) client: Versioned<Client>,
    pub(crate) flight: Versioned<Flight>,
    pub(crate) progress: Versioned<Progress>,
}

const CLIENT: &str = "client";
const CLOCK: &str = "clock";
const FLIGHT: &str = "flight";
const PROGRESS: &str = "replica";
const ENABLED: &str = "enabled";

/// Begins a row of the system's.
pub(crate) fn row() -> Object {
    Object::new().whole("v", FORMAT)
}

/// Reads the content of one of the system's rows.
///
/// # Errors
///
/// `CORRUPTED` where it is not what was written, `VERSION_ERROR` where a newer release wrote it.
pub(crate) fn parse<T: FromJson>(record: &Record, row: &str) -> Result<T> {
    let text = text_of(record, row)?;
    let content = Json::parse(&text).and_then(Json::members).and_then(|members| {
        let newer = members.required("v", Json::whole)? > FORMAT;
        if newer { Ok(None) } else { T::from_members(&members).map(Some) }
    });
    content.map_err(|error| corrupted(row, &error.to_string()))?.ok_or_else(|| {
        let message = "a newer release wrote the sync state; use that release";
        Error::new(ErrorKind::VersionError, message).with("row", row)
    })
}

fn text_of(record: &Record, row: &str) -> Result<String> {
    match &record.body {
        Body::Clear(payload) => payload.to_wire().map_err(|error| corrupted(row, error.message())),
        Body::Sealed(_) => Err(corrupted(row, "it is sealed")),
    }
}

fn corrupted(row: &str, cause: &str) -> Error {
    let message = "a row of the sync state is damaged; nothing was sent or dropped because of it";
    Error::new(ErrorKind::Corrupted, message).with("row", row).caused_by(cause)
}

/// The content of one of the system's rows.
///
/// # Errors
///
/// `SERIALIZATION_ERROR`, which plain data does not raise.
pub(crate) fn body(value: &impl ToJson) -> Result<Body> {
    Payload::from_wire(&value.to_json()).map(Body::Clear)
}

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
    endpoint: &str,
    collections: &[String],
    make: impl FnOnce() -> Client,
    now: f64,
) -> Result<Persisted> {
    if let Some(client) = read::<Client>(backend, CLIENT).await? {
        return load_rest(backend, endpoint, collections, client).await;
    }
    introduce(backend, make(), now).await?;
    let client = read::<Client>(backend, CLIENT).await?.ok_or_else(|| {
        let message = "the sync state does not keep its client; the store is being emptied all the time";
        Error::new(ErrorKind::Corrupted, message).with("row", CLIENT)
    })?;
    load_rest(backend, endpoint, collections, client).await
}

async fn load_rest(
    backend: &dyn Backend,
    endpoint: &str,
    collections: &[String],
    client: Versioned<Client>,
) -> Result<Persisted> {
    let flight = read(backend, FLIGHT).await?;
    let flight = flight.unwrap_or_else(|| Versioned { value: Flight::none(), version: None });
    let fresh = |epoch: Option<&str>| Progress {
        endpoint: endpoint.to_owned(),
        epoch: epoch.map(str::to_owned),
        cursor: None,
        snapshot: true,
        collections: collections.to_vec(),
    };
    let mut progress =
        read::<Progress>(backend, PROGRESS).await?.unwrap_or_else(|| Versioned { value: fresh(None), version: None });
    if progress.value.endpoint != endpoint {
        progress.value = fresh(Some(ANOTHER_EPOCH));
    }
    if collections.iter().any(|name| !progress.value.collections.contains(name)) {
        progress.value.snapshot = true;
    }
    progress.value.collections = collections.to_vec();
    Ok(Persisted { client, flight, progress })
}

/// Whether sync goes by itself; `default` where nothing was ever said.
pub(crate) async fn enabled(backend: &dyn Backend, default: bool) -> Result<bool> {
    Ok(read::<Enabled>(backend, ENABLED).await?.map_or(default, |row| row.value.enabled))
}

/// Remembers whether sync goes by itself.
pub(crate) async fn enable(backend: &dyn Backend, enabled: bool, now: f64) -> Result<()> {
    let op = write(ENABLED, &Enabled { enabled }, Precondition::None)?;
    backend.commit(strict(vec![op], now)).await.map(drop)
}

/// Remembers the clock.
pub(crate) fn clock(clock: &Clock) -> Result<WriteOp> {
    write(CLOCK, &ClockRow { last: clock.last(), offset: clock.offset() }, Precondition::None)
}

/// Reads who this replica is and resumes its clock; the first time, makes both.
///
/// # Behavior
///
/// - Tabs that do this at once for the first time end with the same identity.
///
/// # Errors
///
/// What `random` and the backend raise; `CORRUPTED` and `VERSION_ERROR` for rows that cannot be read.
pub async fn open_clock(
    backend: &dyn Backend,
    now: f64,
    random: impl Fn(&mut [u8]) -> Result<()>,
) -> Result<SharedClock> {
    let client = match read::<Client>(backend, CLIENT).await? {
        Some(row) => row.value,
        None => create(backend, now, random).await?,
    };
    let device = u64::from_str_radix(&client.device, 16).map_err(|_| {
        Error::new(ErrorKind::Corrupted, "the sync state names a device that is none").with("row", CLIENT)
    })?;
    let clock = match read::<ClockRow>(backend, CLOCK).await? {
        Some(row) if row.value.last.device() == device => Clock::resume(row.value.last, row.value.offset),
        Some(_) | None => Clock::new(device),
    };
    Ok(Rc::new(RefCell::new(clock)))
}

async fn create(backend: &dyn Backend, now: f64, random: impl Fn(&mut [u8]) -> Result<()>) -> Result<Client> {
    let (mut name, mut device) = ([0; 16], [0; 8]);
    random(&mut name)?;
    random(&mut device)?;
    introduce(backend, Client::new(u128::from_be_bytes(name), u64::from_be_bytes(device)), now).await
}

/// Writes down who this replica is, unless another tab has; gives who it is.
async fn introduce(backend: &dyn Backend, client: Client, now: f64) -> Result<Client> {
    match backend.commit(strict(vec![write(CLIENT, &client, Precondition::Absent)?], now)).await {
        Ok(_) => Ok(client),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            read::<Client>(backend, CLIENT).await?.map(|row| row.value).ok_or(error)
        }
        Err(error) => Err(error),
    }
}
