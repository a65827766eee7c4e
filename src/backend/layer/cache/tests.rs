use core::cell::RefCell;

use futures_executor::{LocalPool, block_on};
use futures_util::task::LocalSpawnExt as _;
use proptest::prelude::*;

use super::*;
use crate::backend::memory::MemoryBackend;
use crate::model::{Collection, Delete, Put};
use crate::platform::Payload;
use crate::testing::slow::Slow;

fn schema() -> Rc<Schema> {
    let mut schema = Schema::default();
    schema.declare("vault", Collection { encrypted: true, ..Collection::default() }).unwrap();
    Rc::new(schema)
}

fn memory() -> Rc<dyn Backend> {
    Rc::new(MemoryBackend::new("test", schema(), 1_000))
}

fn put(collection: &str, key: u32, n: u64) -> WriteBatch {
    let body = Body::Clear(Payload::from_wire(&n.to_string()).unwrap());
    let op = WriteOp::Put(Put::new(collection, Key::from(key), body));
    WriteBatch { ops: vec![op], now: 1.0, ..WriteBatch::default() }
}

/// What is under a key: 0 where there is nothing.
fn number(record: Option<&Record>) -> u64 {
    record.map_or(0, |record| match &record.body {
        Body::Clear(payload) => payload.to_wire().unwrap().parse().unwrap(),
        Body::Sealed(_) => unreachable!("nothing is sealed here"),
    })
}

fn get(cache: &Cache, collection: &str, key: u32) -> u64 {
    number(block_on(cache.get(collection, &[Key::from(key)])).unwrap().remove(0).as_ref())
}

#[test]
fn what_was_read_is_not_read_again_and_neither_is_what_is_not_there() {
    let backend = memory();
    block_on(backend.commit(put("notes", 1, 5))).unwrap();
    let cache = Cache::new(Rc::clone(&backend), schema(), CacheLimits::default());
    assert_eq!([get(&cache, "notes", 1), get(&cache, "notes", 2)], [5, 0]);
    for key in [1, 2] {
        block_on(backend.commit(put("notes", key, 9))).unwrap();
    }
    assert_eq!([get(&cache, "notes", 1), get(&cache, "notes", 2)], [5, 0], "nobody told it");
    assert_eq!((cache.stats().hits, cache.stats().misses, cache.stats().entries), (2, 2, 2));
    cache.forget("notes", &Key::from(1));
    assert_eq!([get(&cache, "notes", 1), get(&cache, "notes", 2)], [9, 0]);
    cache.forget_all("notes");
    assert_eq!(get(&cache, "notes", 2), 9);
    block_on(cache.commit(put("notes", 2, 10))).unwrap();
    assert_eq!(get(&cache, "notes", 2), 10);
}

#[test]
fn several_keys_come_from_one_point_in_time() {
    let backend = memory();
    let cache = Cache::new(Rc::clone(&backend), schema(), CacheLimits::default());
    assert_eq!(get(&cache, "notes", 1), 0);
    for key in [1, 2] {
        block_on(backend.commit(put("notes", key, 9))).unwrap();
    }
    let both = block_on(cache.get("notes", &[Key::from(1), Key::from(2)])).unwrap();
    assert_eq!(both.iter().map(|record| number(record.as_ref())).collect::<Vec<_>>(), [9, 9]);
}

#[test]
fn what_is_sealed_and_what_is_the_systems_passes_through() {
    let cache = Cache::new(memory(), schema(), CacheLimits::default());
    for name in ["vault", "credentials", "tidekeep:sync"] {
        get(&cache, name, 1);
        assert!(cache.lacking(name, &[Key::from(1)]).is_empty());
    }
    assert_eq!(cache.stats(), CacheStats::default());
}

#[test]
fn an_entry_goes_after_its_time_and_a_commit_given_up_leaves_nothing_to_find() {
    let backend = memory();
    let short = Cache::new(Rc::clone(&backend), schema(), CacheLimits { ttl: 20.0, ..CacheLimits::default() });
    get(&short, "notes", 1);
    block_on(backend.commit(put("notes", 1, 5))).unwrap();
    std::thread::sleep(core::time::Duration::from_millis(40));
    assert_eq!(get(&short, "notes", 1), 5);

    let slow: Rc<dyn Backend> = Rc::new(Slow::new(MemoryBackend::new("test", schema(), 10), 7, Rc::default()));
    let cache = Cache::new(slow, schema(), CacheLimits::default());
    get(&cache, "notes", 1);
    let mut begun = cache.commit(put("notes", 1, 6));
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    assert!(begun.as_mut().poll(&mut context).is_pending());
    drop(begun);
    get(&cache, "notes", 1);
    assert_eq!(cache.stats().entries, 0);
}

#[derive(Debug, Clone)]
enum Step {
    Read(u32),
    ReadTwo(u32, u32),
    Write(u32),
    Delete(u32),
    Clear,
    /// Another tab writes, and tells.
    Elsewhere(u32),
    Run(u32),
}

fn programs() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..4u32).prop_map(Step::Read),
        2 => (0..4u32, 0..4u32).prop_map(|(a, b)| Step::ReadTwo(a, b)),
        4 => (0..4u32).prop_map(Step::Write),
        1 => (0..4u32).prop_map(Step::Delete),
        1 => Just(Step::Clear),
        2 => (0..4u32).prop_map(Step::Elsewhere),
        8 => (0..12u32).prop_map(Step::Run),
    ];
    prop::collection::vec(step, 0..60)
}

/// The version of a record: 0 where there is none.
fn version(record: Option<&Record>) -> u64 {
    record.map_or(0, |record| record.meta.version)
}

fn clear() -> WriteBatch {
    let ops = vec![WriteOp::Clear { collection: "notes".to_owned() }];
    WriteBatch { ops, now: 1.0, ..WriteBatch::default() }
}

fn delete(key: u32) -> WriteBatch {
    let ops = vec![WriteOp::Delete(Delete::new("notes", Key::from(key)))];
    WriteBatch { ops, now: 1.0, ..WriteBatch::default() }
}

/// A cache, what it is over, and what every read has to find at the least.
struct World {
    cache: Cache,
    backend: Rc<dyn Backend>,
    least: RefCell<Vec<u64>>,
    wrong: RefCell<Vec<String>>,
}

impl World {
    fn new(seed: u32) -> Rc<Self> {
        let backend: Rc<dyn Backend> =
            Rc::new(Slow::new(MemoryBackend::new("test", schema(), 100), seed, Rc::default()));
        let limits = CacheLimits { entries: 3, ..CacheLimits::default() };
        let cache = Cache::new(Rc::clone(&backend), schema(), limits);
        Rc::new(Self { cache, backend, least: RefCell::new(vec![0; 4]), wrong: RefCell::default() })
    }

    async fn read(&self, keys: &[u32]) {
        let least = self.least.borrow().clone();
        let asked: Vec<Key> = keys.iter().map(|key| Key::from(*key)).collect();
        let found = self.cache.get("notes", &asked).await.unwrap();
        for (key, record) in keys.iter().zip(found) {
            let (found, least) = (version(record.as_ref()), least[*key as usize]);
            if found < least {
                self.wrong.borrow_mut().push(format!("{key} has version {found}, and {least} was acknowledged"));
            }
        }
    }

    fn written(&self, key: u32, receipt: &CommitReceipt) {
        let least = &mut self.least.borrow_mut()[key as usize];
        *least = receipt.ops[0].version.max(*least);
    }

    async fn step(self: Rc<Self>, step: Step) {
        match step {
            Step::Read(key) => self.read(&[key]).await,
            Step::ReadTwo(a, b) => self.read(&[a, b]).await,
            Step::Write(key) => {
                let receipt = self.cache.commit(put("notes", key, 1)).await.unwrap();
                self.written(key, &receipt);
            }
            Step::Elsewhere(key) => {
                let receipt = self.backend.commit(put("notes", key, 1)).await.unwrap();
                self.cache.forget("notes", &Key::from(key));
                self.written(key, &receipt);
            }
            Step::Delete(key) => drop(self.cache.commit(delete(key)).await.unwrap()),
            Step::Clear => drop(self.cache.commit(clear()).await.unwrap()),
            Step::Run(_) => {}
        }
    }
}

/// Runs a program, each step beside the others; gives the world at rest.
fn run(steps: Vec<Step>, seed: u32) -> Rc<World> {
    let (world, mut pool) = (World::new(seed), LocalPool::new());
    for step in steps {
        if let Step::Run(turns) = step {
            for _ in 0..turns {
                pool.try_run_one();
            }
        }
        pool.spawner().spawn_local(Rc::clone(&world).step(step)).unwrap();
    }
    pool.run_until_stalled();
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn no_read_finds_less_than_was_acknowledged_or_told_before_it_began(steps in programs(), seed: u32) {
        // Without deletions: after one, versions begin anew.
        let steps = steps.into_iter().filter(|step| !matches!(step, Step::Delete(_) | Step::Clear)).collect();
        let world = run(steps, seed);
        prop_assert!(world.wrong.borrow().is_empty(), "{:?}", world.wrong.borrow());
    }

    #[test]
    fn at_rest_every_read_finds_what_is_stored(steps in programs(), seed: u32) {
        let world = run(steps, seed);
        for key in 0..4 {
            let stored = block_on(world.backend.get("notes", &[Key::from(key)])).unwrap();
            for _ in 0..2 {
                let cached = block_on(world.cache.get("notes", &[Key::from(key)])).unwrap();
                prop_assert_eq!(version(cached[0].as_ref()), version(stored[0].as_ref()));
            }
        }
    }
}
