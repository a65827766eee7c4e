//! Random histories: a few devices, an endpoint, and a hostile world between them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::FutureExt;
use tidekeep::backend::Scan;
use tidekeep::model::{Key, WriteOp, system};
use tidekeep::sync::protocol::Limits;
use tidekeep::sync::{Direction, EntryState, Hlc, Retry, SyncConfig};
use tidekeep::transport::loopback::{Fault, Route};

use crate::cloud::Cloud;
use crate::device::{COLLECTIONS, Device, delete, documents, put};
use crate::fault::fault;
use crate::flaky::{Frontier, Name, standing};
use crate::oracle;
use crate::outcome::{Failure, Tally, Trace};
use crate::world::{Random, World};

const HOUR: f64 = 3_600_000.0;
const TEN_YEARS: f64 = 87_660.0 * HOUR;
/// How many things happen in a history.
const LENGTH: u64 = 100;
/// The longest wait after a failure, milliseconds.
const PATIENCE: f64 = 60_000.0;

/// A history under way.
pub struct History<C: Cloud> {
    pub world: Rc<World>,
    random: Random,
    cloud: Rc<C>,
    frontier: Rc<RefCell<Frontier>>,
    devices: Vec<Device>,
    tally: Rc<RefCell<Tally>>,
    /// The number of the token that is let in.
    issued: Rc<Cell<u64>>,
    restored: bool,
    /// Whether deletions were forgotten.
    collected: Cell<bool>,
    /// Whether some documents are larger than the endpoint takes.
    large: bool,
}

impl<C: Cloud + 'static> History<C> {
    /// A history of this seed, with the endpoint that `make` makes.
    pub fn new(seed: u64, make: impl FnOnce(&Rc<World>) -> C) -> Self {
        let (world, random) = (World::new(), Random::new(seed));
        let cloud = Rc::new(make(&world));
        let mut history = Self {
            world,
            random,
            cloud,
            frontier: Rc::default(),
            devices: Vec::new(),
            tally: Rc::default(),
            issued: Rc::default(),
            restored: false,
            collected: Cell::default(),
            large: false,
        };
        history.large = history.random.chance(15);
        history.narrow();
        for _ in 0..2 + history.random.below(3) {
            history.join();
        }
        history
    }

    /// A new device, with one tab or two.
    fn join(&mut self) {
        let mut device = Device::new(&self.world, &self.cloud, &self.frontier, &self.random);
        device.issued = Rc::clone(&self.issued);
        device.open_with(Self::config());
        if self.random.chance(40) {
            device.open_with(Self::config());
        }
        self.devices.push(device);
    }

    fn config() -> SyncConfig {
        SyncConfig { retry: Retry { max_delay: PATIENCE, ..Retry::default() }, ..Device::config() }
    }

    fn narrow(&self) {
        let pick = |from: [usize; 4]| from[self.random.below(4) as usize];
        let limits = Limits {
            max_ops: pick([500, 500, 3, 1]),
            max_bytes: pick([1 << 20, 1 << 20, 4096, 5000]),
            max_doc_bytes: if self.large { 1024 } else { 256 << 10 },
            ..Limits::default()
        };
        self.cloud.narrow(limits, pick([usize::MAX, usize::MAX, 3, 1]));
    }

    fn rotate(issued: &Cell<u64>, cloud: &C) {
        issued.set(issued.get() + 1);
        cloud.expect_token(&format!("token {}", issued.get()));
    }

    fn wild(&self, device: &Device, percent: u64) {
        let (random, tally) = (self.random.clone(), Rc::clone(&self.tally));
        let (issued, cloud) = (Rc::clone(&self.issued), Rc::clone(&self.cloud));
        *device.faults.borrow_mut() = Rc::new(move |_| {
            if !random.chance(percent) {
                return Fault::None;
            }
            if random.chance(4) {
                Self::rotate(&issued, &cloud);
            }
            let fault = fault(&random);
            if matches!(fault, Fault::DropRequest | Fault::DropResponse | Fault::Late | Fault::Stray | Fault::Swallow) {
                tally.borrow_mut().requests_lost += 1;
            }
            fault
        });
        device.storage_faults.set(percent > 0);
    }

    fn partition(&self, device: &Device) {
        let ways = [Fault::DropRequest, Fault::DropResponse, Fault::Hang, Fault::Swallow];
        let way = ways[self.random.below(4) as usize].clone();
        *device.faults.borrow_mut() = Rc::new(move |_| way.clone());
    }

    fn document(&self) -> (&'static str, String) {
        (COLLECTIONS[self.random.below(2) as usize], format!("k{}", self.random.below(6)))
    }

    fn write(&self, device: &Device) {
        let tab = self.random.below(device.tabs.len() as u64) as usize;
        let mut values: BTreeMap<Name, Option<String>> = BTreeMap::new();
        let ops: Vec<WriteOp> = (0..=self.random.below(3))
            .map(|_| {
                let (collection, key) = self.document();
                let large = self.large && self.random.chance(8);
                let number = || format!("{}", self.random.next() >> 12);
                let text = || format!("\"{}{}\"", "x".repeat(1_100), number());
                let value = (!self.random.chance(25)).then(|| if large { text() } else { number() });
                values.insert((collection.to_owned(), Key::from(key.as_str()).to_text()), value.clone());
                match value {
                    Some(value) => put(collection, &key, &value),
                    None => delete(collection, &key),
                }
            })
            .collect();
        self.tally.borrow_mut().writes += 1;
        let (commit, tally) = (device.commit(tab, ops), Rc::clone(&self.tally));
        let (frontier, disk, world) = (Rc::clone(&self.frontier), Rc::clone(&device.disk), Rc::clone(&self.world));
        world.step(|| format!("write {values:?}"));
        (self.world.spawn())(Box::pin(async move {
            let acknowledged = commit.await.is_ok();
            tally.borrow_mut().acknowledged += u64::from(acknowledged);
            let puts = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let mut seen = (0, 0);
            for (name, value) in puts {
                let written = frontier.borrow().stamps.get(&(name.clone(), value)).copied();
                let Some(written) = written else {
                    seen.1 += 1;
                    continue;
                };
                seen.0 += 1;
                let key = Key::from_text(&name.1).unwrap();
                let found = standing(&*disk, &name.0, &key).and_then(|record| record.meta.replica);
                if acknowledged && found.is_none_or(|found| found.hlc < written) {
                    world.violate("read your writes", format!("{name:?} was acknowledged, and is not there"));
                }
            }
            // A new stamp in between makes the log forget a write.
            if !acknowledged && seen.0 > 0 && seen.1 > 0 && frontier.borrow().stamps.is_empty() {
                world.violate("atomic batches", format!("{} of {} are there", seen.0, seen.0 + seen.1));
            }
        }));
    }

    fn step(&mut self) {
        let at = self.random.below(self.devices.len() as u64) as usize;
        match self.random.below(100) {
            0..=52 => self.write(&self.devices[at]),
            53..=60 => {
                let tab = self.random.below(self.devices[at].tabs.len() as u64) as usize;
                self.world.step(|| format!("device {at}: tab {tab} crashes"));
                self.devices[at].kill(tab);
                self.devices[at].open_with(Self::config());
                self.tally.borrow_mut().crashes += 1;
            }
            61..=67 => {
                let percent = [0, 30, 100, 100][self.random.below(4) as usize];
                self.wild(&self.devices[at], percent);
            }
            68..=71 => self.partition(&self.devices[at]),
            72..=78 => {
                let skews = [0.0, 0.0, HOUR, -HOUR, 200_000.0, 290_000.0, -200_000.0, TEN_YEARS, -TEN_YEARS];
                self.devices[at].jumps.set(self.devices[at].jumps.get() + 1);
                self.devices[at].skew.set(skews[self.random.below(skews.len() as u64) as usize]);
            }
            79..=86 => {
                let sync = self.devices[at].tabs[0].sync.clone();
                (self.world.spawn())(Box::pin(async move {
                    let _ = sync.run(Direction::Both).await;
                }));
            }
            87..=90 => self.devices[at].tabs[0].sync.set_online(self.random.chance(50)),
            91..=92 => self.devices[at].tabs[0].sync.visible(),
            93..=94 => Self::rotate(&self.issued, &self.cloud),
            95 => {
                let (collection, key) = self.document();
                self.cloud.refuse(self.random.chance(70).then(|| (collection.to_owned(), key)));
            }
            96 => self.narrow(),
            97 if self.devices.len() < 5 => self.join(),
            _ => self.collect(),
        }
        let wait = [8, 8, 40, 400, 30_000][self.random.below(5) as usize];
        self.world.pass(self.random.below(wait) as f64);
        if self.random.chance(30) {
            oracle::all_that_waits_is_named(&self.world, &self.devices[at]);
        }
    }

    /// Deletions are forgotten once no device can have something older to say.
    fn collect(&self) {
        let deleted: Vec<_> = self.cloud.documents().into_iter().filter(|change| change.del).collect();
        let older = |device: &Device| {
            deleted.iter().any(|change| {
                let found = standing(&*device.disk, &change.c, &Key::from_text(&change.id).unwrap());
                let replica = found.and_then(|record| record.meta.replica);
                replica.is_some_and(|replica| replica.dirty && replica.hlc < change.hlc)
            })
        };
        if !self.devices.iter().any(|device| older(device) || oracle::flies(device)) {
            self.world.step(|| "deletions are forgotten".to_owned());
            // Who has not heard of a deletion that is forgotten may write as if it had never been.
            let mut frontier = self.frontier.borrow_mut();
            for change in deleted {
                let name = (change.c, change.id);
                if let Some(writes) = frontier.writes.get_mut(&name) {
                    writes.retain(|hlc, _| *hlc > change.hlc);
                }
                frontier.forgotten.entry(name).or_default().insert(change.hlc);
            }
            drop(frontier);
            self.collected.set(true);
            self.cloud.collect();
        }
    }

    /// Everything works again: what was set aside is tried again, and nothing hangs.
    fn heal(&mut self) {
        self.world.step(|| "all is well again".to_owned());
        self.cloud.refuse(None);
        for device in &self.devices {
            self.wild(device, 0);
            for tab in &device.tabs {
                tab.sync.set_online(true);
            }
        }
        // What hangs is given up, and waits that the endpoint asked for end.
        self.world.pass(30_000.0);
        let settled = !self.large;
        if self.large {
            // Larger documents are taken now, which is learned at the next start.
            self.large = false;
            self.cloud.narrow(Limits::default(), usize::MAX);
            for device in &mut self.devices {
                for _ in 0..device.tabs.len() {
                    device.kill(0);
                    device.open_with(Self::config());
                }
            }
        } else if self.random.chance(50) {
            self.world.pass(3.0 * PATIENCE);
        } else {
            self.rounds(1);
        }
        for device in &self.devices {
            oracle::all_that_waits_is_named(&self.world, device);
            if settled {
                oracle::no_refusal_outlives_its_write(&self.world, device);
            }
        }
        // A proxy's 413 for a single document made a dead letter: someone presses “retry”.
        for (number, device) in self.devices.iter().enumerate() {
            let sync = device.tabs[0].sync.clone();
            let retried = self.world.finish(
                async move {
                    for entry in sync.pending().await?.iter().filter(|entry| entry.state == EntryState::Dead) {
                        sync.retry(&entry.id).await?;
                    }
                    Ok::<_, tidekeep::Error>(())
                },
                10_000.0,
            );
            if !matches!(retried, Some(Ok(()))) {
                self.world.violate("dead letters can be retried", format!("device {number}: {retried:?}"));
            }
        }
    }

    fn rounds(&self, count: usize) {
        for _ in 0..count {
            for device in &self.devices {
                for tab in &device.tabs {
                    let sync = tab.sync.clone();
                    let report = self.world.finish(async move { sync.run(Direction::Both).await }, 60_000.0);
                    if !matches!(report, Some(Ok(_))) {
                        self.world.violate("a round without faults succeeds", format!("{report:?}"));
                    }
                }
            }
        }
    }

    /// What is written while a round is under way is sent soon.
    fn prompt(&self) {
        for (number, device) in self.devices.iter().enumerate() {
            device.tabs[0].sync.visible();
            self.world.pass(1.5);
            let key = format!("prompt{number}");
            drop(self.world.finish(device.commit(0, vec![put("notes", &key, "1")]), 1_000.0));
            self.world.pass(3_000.0);
            let there = self.cloud.documents();
            if !there.iter().any(|change| change.id == key) {
                self.world.violate("promptness", format!("device {number}: a write was not sent within 3 s"));
            }
        }
    }

    fn check(&self) {
        let there = documents(&self.cloud);
        let all: BTreeMap<Name, _> =
            self.cloud.documents().into_iter().map(|change| ((change.c, change.id), change.hlc)).collect();
        let violate = |oracle, what| self.world.violate(oracle, what);
        let frontier = self.frontier.borrow();
        let offered_again = |name: &Name, hlc: &Hlc| frontier.forgotten.get(name).is_some_and(|all| all.contains(hlc));
        for (name, writes) in &frontier.writes {
            let Some((hlc, value)) = writes.iter().next_back() else { continue };
            match all.get(name) {
                // A deletion that the endpoint has forgotten, or never had.
                None if value.is_none() => {}
                None => violate("loss", format!("{name:?} never reached the endpoint")),
                Some(found) if found > hlc && !there.contains_key(name) && offered_again(name, found) => {}
                Some(found) if found != hlc => violate("loss", format!("{name:?}: the last write did not win")),
                Some(_) if there.get(name) != value.as_ref() => {
                    violate("loss", format!("{name:?}: an acknowledged write was lost or undone"));
                }
                Some(_) => {}
            }
        }
        for (number, device) in self.devices.iter().enumerate() {
            if device.records() != there {
                violate("convergence", format!("device {number}: {:?} and {there:?}", device.records()));
            }
            let sync = device.tabs[0].sync.clone();
            let waiting = self.world.finish(async move { sync.pending().await }, 1_000.0);
            if !matches!(&waiting, Some(Ok(waiting)) if waiting.is_empty()) {
                violate("stall", format!("device {number}: {waiting:?} waits for ever"));
            }
            let rows = device.disk.scan(&Scan::all(system::OUTBOX)).now_or_never().unwrap().unwrap();
            if !rows.is_empty() {
                violate("stall", format!("device {number}: {} rows of the outbox are left", rows.len()));
            }
            let off = |tab: &crate::device::Tab| (device.skew.get() + tab.clock.borrow().offset()).abs();
            if device.tabs.iter().any(|tab| off(tab) > 310_000.0) {
                violate("wrong clocks are told of", format!("device {number} still stamps in a time of its own"));
            }
        }
        for ((client, mid), count) in self.cloud.effects() {
            if count != 1 {
                violate("duplication", format!("mutation {mid} of {client} took effect {count} times"));
            }
            self.tally.borrow_mut().effects += 1;
        }
        // What was set aside is numbered anew when it is tried again, and so is what a reset gave up.
        let lettered = &self.frontier.borrow().lettered;
        let again = |violation: &str| lettered.iter().any(|(c, id)| violation.contains(&format!("{c}/{id} ")));
        let fine = |violation: &String| {
            violation.contains("was numbered") && (self.restored || self.collected.get() || again(violation))
        };
        if let Some(violation) = self.cloud.violations().into_iter().find(|violation| !fine(violation)) {
            violate("protocol", violation);
        }
    }

    /// A device that has sent something, and has not yet been told anything.
    fn arrive_in_between(&mut self) {
        self.join();
        let Some(device) = self.devices.last() else { return };
        *device.faults.borrow_mut() = Rc::new(|route| match route {
            Route::Snapshot | Route::Changes | Route::Live => Fault::DropRequest,
            Route::Status | Route::Push => Fault::None,
        });
        self.write(device);
        self.world.pass(500.0);
    }

    fn live(&mut self) {
        for device in &self.devices {
            self.wild(device, [0, 20, 60][self.random.below(3) as usize]);
        }
        // In some histories the endpoint is restored once from a backup that lacks some documents.
        let restored = self.random.chance(20).then(|| self.random.below([LENGTH, 10][self.random.below(2) as usize]));
        for step in 0..LENGTH {
            if restored == Some(step) {
                let random = self.random.clone();
                self.restored = true;
                if random.chance(50) {
                    self.arrive_in_between();
                }
                self.world.step(|| "the endpoint is restored from a backup".to_owned());
                self.cloud.restore(&|_| random.chance(50));
            }
            self.step();
            if self.world.broken().is_some() {
                return;
            }
        }
        self.heal();
        if self.random.chance(30) {
            self.world.pass(3.0 * PATIENCE);
        } else {
            self.rounds(2);
        }
        self.check();
        if self.world.broken().is_none() {
            self.prompt();
            self.rounds(2);
            self.tally.borrow_mut().effects = 0;
            self.check();
        }
    }
}

/// Lives a history to its end.
pub fn simulate<C: Cloud + 'static>(
    seed: u64,
    trace: Trace,
    make: impl FnOnce(&Rc<World>) -> C,
) -> Result<Tally, Failure> {
    let mut history = History::new(seed, make);
    let world = Rc::clone(&history.world);
    if trace == Trace::Kept {
        world.keep_trace();
    }
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| history.live()));
    if let Err(panic) = ended {
        let what = panic.downcast_ref::<String>().cloned();
        let what = what.or_else(|| panic.downcast_ref::<&str>().map(|&what| what.to_owned()));
        world.violate("panic", what.unwrap_or_default());
    }
    let mut tally = *history.tally.borrow();
    tally.steps = world.steps();
    for device in &mut history.devices {
        while !device.tabs.is_empty() {
            device.kill(0);
        }
    }
    match world.broken() {
        Some(violation) => Err(Failure { violation, trace: world.trace() }),
        None => Ok(tally),
    }
}
