//! Two devices and an endpoint, without faults until they are asked for.

use std::rc::Rc;

use tidekeep::Result;
use tidekeep::sync::protocol::Limits;
use tidekeep::sync::{Direction, EntryState, SyncReport, SyncStatus};
use tidekeep::transport::loopback::{Endpoint, Fault, Route};

use crate::device::Device;
use crate::world::{Random, World};

pub struct Pair {
    pub world: Rc<World>,
    pub endpoint: Rc<Endpoint>,
    pub a: Device,
    pub b: Device,
}

pub fn pair() -> Pair {
    pair_within(Limits::default())
}

pub fn pair_within(limits: Limits) -> Pair {
    let (world, random) = (World::new(), Random::new(7));
    let endpoint = Rc::new(Endpoint::new(world.clock()));
    endpoint.limits.set(limits);
    let device = || Device::new(&world, &endpoint, &Rc::default(), &random);
    let (mut a, mut b) = (device(), device());
    a.open();
    b.open();
    world.pass(1_000.0);
    Pair { world, endpoint, a, b }
}

impl Device {
    pub fn run(&self) -> Result<SyncReport> {
        let sync = self.tabs[0].sync.clone();
        let report = self.world.finish(async move { sync.run(Direction::Both).await }, 60_000.0);
        report.expect("a round ends")
    }

    pub fn status(&self) -> SyncStatus {
        let sync = self.tabs[0].sync.clone();
        self.world.finish(async move { sync.status().await }, 1_000.0).unwrap().unwrap()
    }

    pub fn states(&self) -> Vec<(String, EntryState)> {
        let sync = self.tabs[0].sync.clone();
        let entries = self.world.finish(async move { sync.pending().await }, 1_000.0).unwrap().unwrap();
        entries.into_iter().map(|entry| (entry.id, entry.state)).collect()
    }

    pub fn discard(&self, id: &'static str) -> Result<()> {
        let sync = self.tabs[0].sync.clone();
        self.world.finish(async move { sync.discard(id).await }, 1_000.0).unwrap()
    }

    pub fn retry(&self, id: &'static str) -> Result<()> {
        let sync = self.tabs[0].sync.clone();
        self.world.finish(async move { sync.retry(id).await }, 1_000.0).unwrap()
    }

    pub fn all(&self, fault: Fault) {
        *self.faults.borrow_mut() = Rc::new(move |_| fault.clone());
    }

    pub fn on(&self, route: Route, fault: Fault) {
        *self.faults.borrow_mut() = Rc::new(move |asked| if asked == route { fault.clone() } else { Fault::None });
    }
}
