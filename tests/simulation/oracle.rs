//! What must hold while a history goes on, whatever the world does.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use futures_util::FutureExt;
use serde_json::Value;
use tidekeep::backend::{Backend, Scan};
use tidekeep::model::{Body, Key, Put, WriteBatch, WriteOp, system};
use tidekeep::transport::loopback::{Fault, Route};

use crate::cloud::Cloud;
use crate::device::{COLLECTIONS, Device};
use crate::flaky::{standing, value_of};
use crate::world::World;

/// Requests that one tab may make within [`WINDOW`].
const MOST_REQUESTS: usize = 400;
/// Milliseconds.
const WINDOW: f64 = 10_000.0;

fn content(body: &Body) -> Option<Value> {
    match body {
        Body::Clear(payload) => serde_json::from_str(&payload.to_wire().ok()?).ok(),
        Body::Sealed(_) => None,
    }
}

/// Where a commit says that its replica has come to, if it does.
pub fn progress(batch: &WriteBatch) -> Option<String> {
    batch.ops.iter().find_map(|op| match op {
        WriteOp::Put(Put { collection, key, content: tidekeep::model::Content::Replace(body), .. })
            if collection == system::SYNC && *key == Key::from("replica") =>
        {
            let row = content(body)?;
            if row["snapshot"] == Value::Bool(true) { None } else { Some(row["cursor"].as_str()?.to_owned()) }
        }
        _ => None,
    })
}

/// The documents of a request under way that a commit gives up for a snapshot.
pub fn given_up(batch: &WriteBatch, disk: &dyn Backend) -> Vec<(String, String)> {
    let written = |name: &str| {
        batch.ops.iter().find_map(|op| match op {
            WriteOp::Put(Put { collection, key, content: tidekeep::model::Content::Replace(body), .. })
                if collection == system::SYNC && *key == Key::from(name) =>
            {
                content(body)
            }
            _ => None,
        })
    };
    let (Some(_), Some(replica)) = (written("flight"), written("replica")) else { return Vec::new() };
    let row = disk.get(system::SYNC, &[Key::from("flight")]).now_or_never().unwrap().unwrap().remove(0);
    let flight = row.and_then(|record| content(&record.body)).filter(|_| replica["snapshot"] == Value::Bool(true));
    let requests = flight.iter().flat_map(|flight| flight["requests"].as_array().into_iter().flatten());
    let requests = requests.filter_map(|request| serde_json::from_str::<Value>(request.as_str()?).ok());
    let ops: Vec<Value> = requests.flat_map(|request| request["ops"].as_array().cloned().unwrap_or_default()).collect();
    let name = |op: &Value| Some((op["c"].as_str()?.to_owned(), op["id"].as_str()?.to_owned()));
    ops.iter().filter_map(name).collect()
}

/// A replica that has come to a cursor has every change up to it, or something later.
pub fn nothing_is_skipped(world: &World, cloud: &dyn Cloud, disk: &dyn Backend, cursor: &str) {
    let Some((epoch, seq)) = cursor.split_once('.') else { return };
    let Ok(seq) = seq.parse::<u64>() else { return };
    if epoch != cloud.epoch() {
        return;
    }
    for change in cloud.documents().into_iter().filter(|change| change.seq <= seq) {
        let Ok(key) = Key::from_text(&change.id) else { continue };
        let record = standing(disk, &change.c, &key);
        let buried = record.as_ref().is_none_or(|record| value_of(&change.c, record).is_none());
        let found = record.and_then(|record| record.meta.replica);
        let rev = found.and_then(|replica| replica.rev);
        let pending = found.is_some_and(|replica| replica.dirty);
        if !change.del && buried && !pending {
            world.violate("no change is skipped", format!("{}/{} is gone here, past {cursor}", change.c, change.id));
        }
        // A snapshot says nothing of what is deleted: whatever is not pending then was.
        if change.del && (buried || pending) || rev >= Some(change.seq) {
            continue;
        }
        let (c, id) = (&change.c, &change.id);
        world.violate(
            "no change is skipped",
            format!("{c}/{id} is at {} there, {rev:?} here, past {cursor}", change.seq),
        );
    }
}

/// What is pending is named by a row of the outbox, or was set aside.
pub fn all_that_waits_is_named(world: &World, device: &Device) {
    let scan = |collection: &str| device.disk.scan(&Scan::all(collection)).now_or_never().unwrap().unwrap();
    let (mut waiting, mut named) = (BTreeSet::new(), BTreeSet::new());
    let pending = |record: &tidekeep::model::Record| record.meta.replica.is_some_and(|replica| replica.dirty);
    for collection in COLLECTIONS {
        for row in scan(collection).into_iter().filter(|row| row.record.as_ref().is_some_and(pending)) {
            waiting.insert((collection.to_owned(), row.key.to_text()));
        }
    }
    for row in scan(system::TOMBSTONES).into_iter().filter(|row| row.record.as_ref().is_some_and(pending)) {
        if let Key::Array(parts) = &row.key
            && let [Key::String(collection), key] = parts.as_slice()
        {
            waiting.insert((collection.clone(), key.to_text()));
        }
    }
    for row in scan(system::OUTBOX) {
        let Some(row) = row.record.and_then(|record| content(&record.body)) else { continue };
        for doc in row["docs"].as_array().into_iter().flatten() {
            let part = |at: usize| doc[at].as_str().unwrap_or_default().to_owned();
            let name = (part(0), part(1));
            if waiting.remove(&name) {
                named.insert(name);
            }
        }
    }
    for row in scan(system::DEAD) {
        let Key::Array(parts) = &row.key else { continue };
        let [Key::String(collection), key] = parts.as_slice() else { continue };
        let name = (collection.clone(), key.to_text());
        if !waiting.remove(&name) && !named.contains(&name) {
            world.violate("letters speak of what waits", format!("{name:?} was answered"));
        }
    }
    if let Some(lost) = waiting.first() {
        world.violate("all that waits is named", format!("{lost:?} is pending, and nothing names it"));
    }
}

/// Whether a device has a request that may be under way.
pub fn flies(device: &Device) -> bool {
    let row = device.disk.get(system::SYNC, &[Key::from("flight")]).now_or_never().unwrap().unwrap().remove(0);
    let flight = row.and_then(|record| content(&record.body));
    flight.is_some_and(|flight| flight["requests"].as_array().is_some_and(|requests| !requests.is_empty()))
}

/// A refusal is of one write: what was written since is not set aside with it.
pub fn no_refusal_outlives_its_write(world: &World, device: &Device) {
    for row in device.disk.scan(&Scan::all(system::DEAD)).now_or_never().unwrap().unwrap() {
        let Key::Array(parts) = &row.key else { continue };
        let [Key::String(collection), key] = parts.as_slice() else { continue };
        let Some(letter) = row.record.and_then(|record| content(&record.body)) else { continue };
        let stamp = standing(&*device.disk, collection, key).and_then(|record| record.meta.replica);
        let stamp = stamp.map(|replica| replica.hlc.to_string());
        if letter["hlc"].as_str() != stamp.as_deref() {
            let name = format!("{collection}/{}", key.to_text());
            world.violate(
                "later writes are sent",
                format!("{name} waits at {stamp:?} since {} was refused", letter["hlc"]),
            );
        }
    }
}

/// How a tab treats the endpoint.
pub struct Manners {
    world: Rc<World>,
    now: Rc<dyn Fn() -> f64>,
    jumps: Rc<Cell<u64>>,
    recent: RefCell<VecDeque<f64>>,
    /// From when until when it may not ask, by its own clock, and how often that had been set.
    busy: Cell<Option<(f64, f64, u64)>>,
}

impl Manners {
    pub fn new(world: &Rc<World>, now: Rc<dyn Fn() -> f64>, jumps: Rc<Cell<u64>>) -> Self {
        Self { world: Rc::clone(world), now, jumps, recent: RefCell::default(), busy: Cell::default() }
    }

    /// Sees a request, and what comes of it.
    pub fn watch(&self, route: Route, fault: &Fault) {
        let (now, jumps) = ((self.now)(), self.jumps.get());
        let mut recent = self.recent.borrow_mut();
        let clock = self.world.clock()();
        // Requests that are held go beside the rounds, and back off by themselves.
        if route != Route::Changes {
            recent.push_back(clock);
        }
        while recent.front().is_some_and(|then| *then < clock - WINDOW) {
            recent.pop_front();
        }
        if recent.len() > MOST_REQUESTS {
            self.world.violate("patience", format!("{} requests within {WINDOW} ms", recent.len()));
        }
        if let Some((from, until, then)) = self.busy.get()
            && then == jumps
            && (from..until).contains(&now)
        {
            self.world.violate("patience", format!("asked {} ms before the endpoint's own time", until - now));
        }
        let busy = match fault {
            Fault::Answer(answer) if matches!(answer.status, 429 | 503) => answer.retry_after,
            _ => None,
        };
        // The answer is two milliseconds under way.
        if let Some(after) = busy {
            self.busy.set(Some((now + 3.0, now + after, jumps)));
        }
    }
}
