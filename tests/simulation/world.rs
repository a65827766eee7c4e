//! Time, tasks and devices of a simulation: one thread, one seed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_executor::LocalPool;
use futures_util::future::LocalBoxFuture;
use futures_util::task::LocalSpawnExt;

use crate::split_mix::split_mix;

/// Numbers at random, by a seed; its clones share them.
#[derive(Clone, Debug)]
pub struct Random(Rc<Cell<u64>>);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)))
    }

    pub fn next(&self) -> u64 {
        let mut state = self.0.get();
        let number = split_mix(&mut state);
        self.0.set(state);
        number
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

/// How many lines a trace keeps.
const TRACE: usize = 120;
/// How many timers one history may set.
const MOST_TIMERS: u64 = 500_000;

/// A promise that was broken, and who noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub oracle: &'static str,
    pub what: String,
}

/// What happened, for whoever wants to know why.
#[derive(Default)]
pub struct Journal {
    trace: RefCell<Option<VecDeque<String>>>,
    broken: RefCell<Option<Violation>>,
    steps: Cell<u64>,
}

/// Virtual time and an executor.
pub struct World {
    pool: RefCell<LocalPool>,
    now: Rc<Cell<f64>>,
    timers: Timers,
    count: Rc<Cell<u64>>,
    log: Journal,
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
            log: Journal::default(),
        })
    }

    /// Keeps the last lines of what happens.
    pub fn keep_trace(&self) {
        self.log.trace.replace(Some(VecDeque::new()));
    }

    /// What was kept.
    pub fn trace(&self) -> Vec<String> {
        self.log.trace.borrow().iter().flatten().cloned().collect()
    }

    /// Counts a step, and notes it where a trace is kept.
    pub fn step(&self, what: impl FnOnce() -> String) {
        self.log.steps.set(self.log.steps.get() + 1);
        self.note(what);
    }

    pub fn note(&self, what: impl FnOnce() -> String) {
        if let Some(lines) = self.log.trace.borrow_mut().as_mut() {
            if lines.len() == TRACE {
                lines.pop_front();
            }
            lines.push_back(format!("{:>11.3} {}", (self.now.get() - START) / 1000.0, what()));
        }
    }

    /// Says that a promise was broken; the first one counts.
    pub fn violate(&self, oracle: &'static str, what: String) {
        self.note(|| format!("BROKEN {oracle}: {what}"));
        self.log.broken.borrow_mut().get_or_insert(Violation { oracle, what });
    }

    pub fn broken(&self) -> Option<Violation> {
        self.log.broken.borrow().clone()
    }

    pub fn steps(&self) -> u64 {
        self.log.steps.get()
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
        if self.count.get() > MOST_TIMERS {
            self.violate("stall", "the history never comes to rest".to_owned());
            return false;
        }
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
