//! A device: a disk that survives, and tabs that do not.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use tidekeep::backend::layer::{Journal, Replicated};
use tidekeep::backend::memory::MemoryBackend;
use tidekeep::backend::{Backend, LocalFuture, Scan};
use tidekeep::model::{Body, Delete, Key, Put, Schema, WriteBatch, WriteOp};
use tidekeep::platform::Payload;
use tidekeep::sync::{
    Always, Applied, Arbiter, Conflict, ConflictEntry, Listener, OutboxEntry, Policies, Ports, SharedClock, Sync,
    SyncConfig, open_clock,
};
use tidekeep::transport::loopback::{Fault, Route};
use tidekeep::{Error, ErrorKind, Result};

use crate::cloud::Cloud;
use crate::flaky::{Flaky, Frontier, Interrupt, value_of};
use crate::oracle::Manners;
use crate::world::{Random, World};

/// The collections that replicate.
pub const COLLECTIONS: [&str; 2] = ["notes", "places"];

/// What was heard of.
#[derive(Debug, Default)]
pub struct Heard {
    pub applied: RefCell<Vec<Applied>>,
    pub errors: RefCell<Vec<Error>>,
    pub conflicts: RefCell<Vec<ConflictEntry>>,
    pub rejected: RefCell<Vec<String>>,
}

impl Listener for Heard {
    fn applied(&self, changes: &[Applied]) {
        self.applied.borrow_mut().extend_from_slice(changes);
    }

    fn conflict(&self, conflict: &ConflictEntry) {
        self.conflicts.borrow_mut().push(conflict.clone());
    }

    fn rejected(&self, entry: &OutboxEntry) {
        self.rejected.borrow_mut().push(entry.id.clone());
    }

    fn failed(&self, error: &Error) {
        self.errors.borrow_mut().push(error.clone());
    }
}

/// The application's function.
pub type Decide = Rc<dyn Fn(&Conflict) -> Result<Option<Payload>>>;

/// What deciding needs, where everything lies in the clear.
struct Open(Decide);

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Open")
    }
}

impl Arbiter for Open {
    fn open<'a>(&'a self, _: &'a str, _: &'a Key, body: &'a Body) -> LocalFuture<'a, Result<Payload>> {
        Box::pin(async move {
            match body {
                Body::Clear(value) => Ok(value.clone()),
                Body::Sealed(_) => Err(Error::new(ErrorKind::Locked, "locked")),
            }
        })
    }

    fn close<'a>(&'a self, _: &'a str, _: &'a Key, value: Payload, _: bool) -> LocalFuture<'a, Result<Body>> {
        Box::pin(async move { Ok(Body::Clear(value)) })
    }

    fn ask<'a>(&'a self, conflict: &'a Conflict) -> LocalFuture<'a, Result<Option<Payload>>> {
        Box::pin(async move { (self.0)(conflict) })
    }
}

pub struct Tab {
    pub sync: Sync,
    pub journal: Rc<Journal>,
    pub heard: Rc<Heard>,
    pub clock: SharedClock,
}

/// Decides what happens to each request.
pub type Faults = Rc<RefCell<Rc<dyn Fn(Route) -> Fault>>>;

pub struct Device {
    pub world: Rc<World>,
    pub random: Random,
    pub endpoint: Rc<dyn Cloud>,
    pub disk: Rc<dyn Backend>,
    pub tabs: Vec<Tab>,
    /// How far its clock is off, milliseconds.
    pub skew: Rc<Cell<f64>>,
    /// How often its clock was set.
    pub jumps: Rc<Cell<u64>>,
    /// What happens to its requests.
    pub faults: Faults,
    pub token: Rc<RefCell<Option<String>>>,
    /// The number of the token that it would be given now; one that it has may be older.
    pub issued: Rc<Cell<u64>>,
    pub storage_faults: Rc<Cell<bool>>,
    pub frontier: Rc<RefCell<Frontier>>,
    pub interrupt: Interrupt,
    pub policies: Policies,
    /// What the application's function answers.
    pub decide: Decide,
}

impl Device {
    pub fn new(
        world: &Rc<World>,
        endpoint: &Rc<impl Cloud + 'static>,
        frontier: &Rc<RefCell<Frontier>>,
        random: &Random,
    ) -> Self {
        Self {
            world: Rc::clone(world),
            random: random.clone(),
            endpoint: Rc::clone(endpoint) as Rc<dyn Cloud>,
            disk: Rc::new(MemoryBackend::new("device", Rc::new(Schema::default()), 1_000_000)),
            tabs: Vec::new(),
            skew: Rc::default(),
            jumps: Rc::default(),
            faults: Rc::new(RefCell::new(Rc::new(|_| Fault::None))),
            token: Rc::default(),
            issued: Rc::default(),
            storage_faults: Rc::default(),
            frontier: Rc::clone(frontier),
            interrupt: Rc::default(),
            policies: Policies::default(),
            decide: Rc::new(|conflict| Ok(conflict.remote.clone())),
        }
    }

    pub fn now(&self) -> Rc<dyn Fn() -> f64> {
        let (clock, skew) = (self.world.clock(), Rc::clone(&self.skew));
        Rc::new(move || (clock() + skew.get()).trunc())
    }

    pub fn config() -> SyncConfig {
        let collections = COLLECTIONS.iter().map(|&name| name.to_owned()).collect();
        SyncConfig { interval: 20_000.0, timeout: 10_000.0, ..SyncConfig::new("loopback/space", collections) }
    }

    /// Opens a tab.
    pub fn open(&mut self) {
        self.open_with(SyncConfig { policies: self.policies.clone(), ..Self::config() });
    }

    pub fn open_with(&mut self, config: SyncConfig) {
        let raw: Rc<dyn Backend> = Rc::new(Flaky {
            inner: Rc::clone(&self.disk),
            world: Rc::clone(&self.world),
            cloud: Rc::clone(&self.endpoint),
            random: self.random.clone(),
            sleep: self.world.sleep(),
            faulty: Rc::clone(&self.storage_faults),
            frontier: Rc::clone(&self.frontier),
            interrupt: Rc::clone(&self.interrupt),
        });
        let seeds = self.random.clone();
        let fill = move |bytes: &mut [u8]| {
            bytes.fill_with(|| seeds.next() as u8);
            Ok(())
        };
        let clock = open_clock(&*self.disk, (self.now())(), fill).now_or_never().unwrap().unwrap();
        let faults = Rc::clone(&self.faults);
        let manners = Manners::new(&self.world, self.now(), Rc::clone(&self.jumps));
        let world = Rc::clone(&self.world);
        let choose: Rc<dyn Fn(Route) -> Fault> = Rc::new(move |route| {
            let chosen = Rc::clone(&faults.borrow());
            let fault = chosen(route);
            world.step(|| format!("{route:?} {fault:?}"));
            // Of a stream its events are asked about here, too.
            if route != Route::Live {
                manners.watch(route, &fault);
            }
            fault
        });
        let transport = Rc::clone(&self.endpoint).way(self.world.sleep(), choose);
        let (random, token) = (self.random.clone(), Rc::clone(&self.token));
        let (issued, held, moody) = (Rc::clone(&self.issued), Cell::new(self.issued.get()), self.random.clone());
        let flaky = Rc::clone(&self.storage_faults);
        let ports = Ports {
            now: self.now(),
            random: Rc::new(move || random.unit()),
            sleep: self.world.sleep(),
            spawn: self.world.spawn(),
            token: Some(Rc::new(move || {
                // A provider gives what it has, and asks for a new one once that was used.
                let number = held.replace(issued.get());
                let token = token.borrow().clone().unwrap_or_else(|| format!("token {number}"));
                let fails = flaky.get() && moody.chance(1);
                let away = || Error::new(ErrorKind::NetworkError, "the provider cannot be reached");
                Box::pin(async move { if fails { Err(away()) } else { Ok(token) } })
            })),
            leadership: Rc::new(Always),
        };
        let policies = config.policies.clone();
        let sync = Sync::new(config, Rc::clone(&raw), transport, Rc::clone(&clock), ports);
        let heard = Rc::new(Heard::default());
        sync.listen(Rc::clone(&heard) as Rc<dyn Listener>);
        let teller = sync.clone();
        sync.decide_by(Rc::new(Open(Rc::clone(&self.decide))));
        let replicated = Replicated::new(COLLECTIONS.iter().map(|&name| name.to_owned())).decided_by(policies);
        let journal = Rc::new(Journal::new(raw, replicated, Rc::clone(&clock), Rc::new(move || teller.notify_write())));
        sync.start();
        self.tabs.push(Tab { sync, journal, heard, clock });
    }

    /// Kills a tab: whatever it was doing ends where it is.
    pub fn kill(&mut self, tab: usize) {
        self.tabs.remove(tab).sync.stop();
    }

    pub fn commit(&self, tab: usize, ops: Vec<WriteOp>) -> impl Future<Output = Result<()>> + 'static {
        let journal = Rc::clone(&self.tabs[tab].journal);
        let now = (self.now())();
        async move { journal.commit(WriteBatch { ops, now, ..WriteBatch::default() }).await.map(drop) }
    }

    /// Writes a value and waits for the acknowledgement.
    pub fn write(&self, collection: &str, key: &str, value: &str) {
        self.world.finish(self.commit(0, vec![put(collection, key, value)]), 1_000.0).unwrap().unwrap();
    }

    pub fn delete(&self, collection: &str, key: &str) {
        self.world.finish(self.commit(0, vec![delete(collection, key)]), 1_000.0).unwrap().unwrap();
    }

    /// Every live record.
    pub fn records(&self) -> BTreeMap<(String, String), String> {
        let mut records = BTreeMap::new();
        for collection in COLLECTIONS {
            for row in self.disk.scan(&Scan::all(collection)).now_or_never().unwrap().unwrap() {
                let value = value_of(collection, &row.record.unwrap()).unwrap();
                records.insert((collection.to_owned(), row.key.to_text()), value);
            }
        }
        records
    }

    pub fn value(&self, collection: &str, key: &str) -> Option<String> {
        self.records().remove(&(collection.to_owned(), key.to_owned()))
    }
}

pub fn put(collection: &str, key: &str, value: &str) -> WriteOp {
    WriteOp::Put(Put::new(collection, Key::from(key), Body::Clear(Payload::from_wire(value).unwrap())))
}

pub fn delete(collection: &str, key: &str) -> WriteOp {
    WriteOp::Delete(Delete::new(collection, Key::from(key)))
}

/// Every live document of an endpoint, with its value.
pub fn documents(endpoint: &Rc<impl Cloud + ?Sized>) -> BTreeMap<(String, String), String> {
    let alive = endpoint.documents().into_iter().filter(|change| !change.del);
    alive
        .map(|change| {
            let body: serde_json::Value = serde_json::from_str(change.body.unwrap().get()).unwrap();
            ((change.c, change.id), body["value"].to_string())
        })
        .collect()
}
