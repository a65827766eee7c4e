//! Time, tasks and devices of a simulation: one thread, one seed.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_executor::LocalPool;
use futures_util::future::LocalBoxFuture;
use futures_util::task::LocalSpawnExt;

/// A small generator of numbers: `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Random(Rc<Cell<u64>>);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)))
    }

    pub fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn unit(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

type Timers = Rc<RefCell<BTreeMap<(u64, u64), oneshot::Sender<()>>>>;

/// Virtual time and an executor.
pub struct World {
    pool: RefCell<LocalPool>,
    now: Rc<Cell<f64>>,
    timers: Timers,
    count: Rc<Cell<u64>>,
}

/// When simulations begin.
pub const START: f64 = 1.8e12;

impl World {
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            pool: RefCell::default(),
            now: Rc::new(Cell::new(START)),
            timers: Rc::default(),
            count: Rc::default(),
        })
    }

    pub fn clock(&self) -> Rc<dyn Fn() -> f64> {
        let now = Rc::clone(&self.now);
        Rc::new(move || now.get())
    }

    pub fn sleep(&self) -> Rc<dyn Fn(f64) -> LocalBoxFuture<'static, ()>> {
        let (now, timers, count) = (Rc::clone(&self.now), Rc::clone(&self.timers), Rc::clone(&self.count));
        Rc::new(move |wait| {
            let (ring, heard) = oneshot::channel();
            count.set(count.get() + 1);
            let at = (now.get() + wait.max(0.0)) * 1000.0;
            timers.borrow_mut().insert((at as u64, count.get()), ring);
            Box::pin(async move {
                if heard.await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
        })
    }

    pub fn spawn(&self) -> Rc<dyn Fn(LocalBoxFuture<'static, ()>)> {
        let spawner = self.pool.borrow().spawner();
        Rc::new(move |task| spawner.spawn_local(task).unwrap())
    }

    fn settle(&self) {
        self.pool.borrow_mut().run_until_stalled();
    }

    /// Lets so many milliseconds pass.
    pub fn pass(&self, wait: f64) {
        let end = self.now.get() + wait;
        self.settle();
        while self.ring(end) {}
        self.now.set(end);
        self.settle();
    }

    /// Rings the next timer up to `end`; answers whether there was one.
    fn ring(&self, end: f64) -> bool {
        assert!(self.count.get() < 500_000, "the simulation never comes to rest");
        let next = self.timers.borrow().keys().next().copied();
        let Some((at, number)) = next.filter(|(at, _)| *at as f64 / 1000.0 <= end) else { return false };
        let ring = self.timers.borrow_mut().remove(&(at, number));
        self.now.set(self.now.get().max(at as f64 / 1000.0));
        // One that no one waits for any more does not ring.
        let _ = ring.map(|ring| ring.send(()));
        self.settle();
        true
    }

    /// Runs a future to its end; `None` where it does not end within so much time.
    pub fn finish<T: 'static>(&self, future: impl Future<Output = T> + 'static, within: f64) -> Option<T> {
        let result = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&result);
        (self.spawn())(Box::pin(async move {
            let value = future.await;
            slot.borrow_mut().replace(value);
        }));
        self.settle();
        let end = self.now.get() + within;
        while result.borrow().is_none() && self.ring(end) {}
        result.take()
    }
}
