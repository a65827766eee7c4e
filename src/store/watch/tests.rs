use core::cell::{Cell, RefCell};

use futures_executor::LocalPool;
use futures_util::task::LocalSpawnExt as _;
use proptest::prelude::*;

use super::*;
use crate::backend::Backend;
use crate::backend::memory::MemoryBackend;
use crate::model::{Delete, Durability, Key, Put, Schema, WriteBatch, WriteOp};
use crate::platform::Payload;
use crate::query::Operator;
use crate::store::{Change, ChangeKind, ChangeSource, DataStore, EntryOptions, Parts, Space};
use crate::testing::slow::{Slow, Yield};

/// What a watcher was told.
#[derive(Debug, Default)]
struct Heard {
    calls: Cell<u32>,
    rows: RefCell<Vec<(Key, String)>>,
    /// The rows that follow from the differences alone.
    followed: RefCell<Vec<Key>>,
    last: RefCell<Difference>,
}

#[derive(Debug)]
struct Listening {
    heard: Rc<Heard>,
    wake: Rc<Cell<f64>>,
}

impl Watcher for Listening {
    type Made = (Key, String);

    fn make(&self, entry: Entry) -> (Key, String) {
        (entry.key, entry.value.to_wire().unwrap())
    }

    fn changed(&self, rows: &[Rc<Row<(Key, String)>>], difference: &Difference) {
        self.heard.calls.set(self.heard.calls.get() + 1);
        self.heard.rows.replace(rows.iter().map(|row| row.made.clone()).collect());
        let mut followed = self.heard.followed.borrow_mut();
        followed.retain(|key| !difference.removed.contains(key));
        assert!(difference.changed.iter().all(|key| followed.contains(key)), "only what was there changes");
        assert!(!difference.added.iter().any(|key| followed.contains(key)), "only what was not there is added");
        followed.extend(difference.added.iter().cloned());
        self.heard.last.replace(difference.clone());
    }

    fn ready(&self) -> LocalFuture<'_, Result<()>> {
        Box::pin(core::future::ready(Ok(())))
    }

    fn sleep(&self, ms: f64) -> LocalFuture<'static, ()> {
        self.wake.set(ms);
        Box::pin(Yield(50))
    }
}

struct Fixture {
    pool: LocalPool,
    notes: Collection,
    store: DataStore,
    failures: Rc<Cell<u32>>,
}

fn fixture(seed: u32) -> Fixture {
    let schema = Rc::new(Schema::default());
    let failures = Rc::<Cell<u32>>::default();
    let backend = Slow::new(MemoryBackend::new("test", Rc::clone(&schema), 1_000), seed, Rc::clone(&failures));
    let space = Rc::new(Space::new(Rc::new(backend), Rc::clone(&schema), false, 0.0));
    let parts = Parts {
        schema,
        backend: Rc::clone(&space) as Rc<dyn Backend>,
        space,
        durability: Durability::Relaxed,
        checks: crate::store::Checks::default(),
        cache: None,
        degraded: None,
    };
    let store = DataStore::new(parts, |stack| stack);
    let notes = store.collection("notes").unwrap();
    Fixture { pool: LocalPool::new(), notes, store, failures }
}

impl Fixture {
    fn watch(&mut self, query: Query) -> (Watch, Rc<Heard>) {
        let heard = Rc::<Heard>::default();
        let (watch, task) = self.notes.watch(query, Listening { heard: Rc::clone(&heard), wake: Rc::default() });
        self.pool.spawner().spawn_local(task).unwrap();
        (watch, heard)
    }

    fn put(&self, key: u32, n: u32) {
        let (notes, value) = (self.notes.clone(), Payload::from_wire(&format!(r#"{{"n":{n}}}"#)).unwrap());
        let put = async move { drop(notes.set(Key::from(key), value, &EntryOptions::default()).await) };
        self.pool.spawner().spawn_local(put).unwrap();
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.pool.spawner().spawn_local(task).unwrap();
    }

    fn settle(&mut self) {
        self.pool.run_until_stalled();
    }

    fn fresh(&mut self, query: &Query) -> Vec<(Key, String)> {
        let found = self.pool.run_until(self.notes.query(query)).unwrap();
        found.into_iter().map(|entry| (entry.key, entry.value.to_wire().unwrap())).collect()
    }
}

fn big(limit: Option<usize>) -> Query {
    let n = Field::parse("n").unwrap();
    let filter = Filter::compare_with(n.clone(), Operator::parse("gte").unwrap(), &Payload::from_wire("3").unwrap());
    let sort = vec![Sort { field: n, order: Order::Descending }];
    Query { filter: Some(filter.unwrap()), sort, limit, ..Query::default() }
}

#[test]
fn the_first_result_is_told_however_small_and_then_only_what_changes() {
    let mut all = fixture(1);
    let (_watch, heard) = all.watch(big(None));
    all.settle();
    assert_eq!((heard.calls.get(), heard.rows.borrow().len()), (1, 0));
    all.put(1, 1);
    all.settle();
    assert_eq!(heard.calls.get(), 1, "it does not match");
    all.put(1, 5);
    all.settle();
    assert_eq!((heard.calls.get(), heard.last.borrow().added.clone()), (2, vec![Key::from(1)]));
    all.put(1, 6);
    all.settle();
    assert_eq!((heard.calls.get(), heard.last.borrow().changed.clone()), (3, vec![Key::from(1)]));
    all.put(1, 0);
    all.settle();
    assert_eq!((heard.calls.get(), heard.last.borrow().removed.clone()), (4, vec![Key::from(1)]));
    all.store.missed();
    all.settle();
    assert_eq!(heard.calls.get(), 4, "nothing was missed");
}

#[test]
fn a_watch_that_is_ended_or_whose_store_is_closed_is_told_nothing_more() {
    let mut all = fixture(2);
    let (first, heard) = all.watch(big(None));
    let (_second, other) = all.watch(big(None));
    all.settle();
    all.put(1, 5);
    first.end();
    all.settle();
    assert_eq!((heard.calls.get(), other.calls.get()), (1, 2));
    all.put(2, 5);
    let store = all.store.clone();
    all.pool.run_until(async move { store.close().await });
    all.settle();
    assert_eq!((heard.calls.get(), other.calls.get()), (1, 2));
    assert!(format!("{:?}", all.store.events()).contains("0 listeners"), "nothing is left behind");
}

#[test]
fn a_result_that_cannot_be_read_is_an_error_event_and_the_watch_goes_on() {
    let mut all = fixture(3);
    let (_watch, heard) = all.watch(big(Some(3)));
    let errors = Rc::<RefCell<Vec<Error>>>::default();
    let kept = Rc::clone(&errors);
    let _listening = all.store.events().subscribe(move |event| {
        if let Event::Error(error) = event {
            kept.borrow_mut().push(error.clone());
        }
    });
    all.settle();
    all.failures.set(2);
    all.put(1, 5);
    all.settle();
    assert_eq!(heard.rows.borrow().len(), 1, "it was tried again, without another change");
    assert_eq!(errors.borrow().len(), 2);
    assert!(errors.borrow().iter().all(|error| error.operation() == "watch"));
}

#[test]
fn a_row_whose_life_ends_goes_at_its_time() {
    let mut all = fixture(4);
    let notes = all.notes.clone();
    all.spawn(async move {
        let options = EntryOptions { ttl: Some(40.0), ..EntryOptions::default() };
        let value = Payload::from_wire(r#"{"n":5}"#).unwrap();
        notes.set(Key::from(1), value, &options).await.unwrap();
    });
    all.settle();
    let (_watch, heard) = all.watch(big(None));
    let end = std::time::Instant::now() + core::time::Duration::from_secs(5);
    while heard.calls.get() < 2 && std::time::Instant::now() < end {
        all.pool.try_run_one();
    }
    assert_eq!(heard.last.borrow().removed, [Key::from(1)]);
    all.settle();
    assert_eq!(heard.calls.get(), 2);
}

/// What a program does, one after another without waiting for the last to end.
#[derive(Debug, Clone)]
enum Step {
    Put(u32, u32),
    PutTwo(u32, u32, u32),
    Delete(u32),
    Clear,
    /// Another tab wrote many.
    Many(u32),
    Missed,
    Fail,
    Run(u32),
}

fn programs() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..12u32, 0..8u32).prop_map(|(key, n)| Step::Put(key, n)),
        2 => (0..12u32, 0..12u32, 0..8u32).prop_map(|(key, other, n)| Step::PutTwo(key, other, n)),
        3 => (0..12u32).prop_map(Step::Delete),
        1 => Just(Step::Clear),
        1 => (0..8u32).prop_map(Step::Many),
        1 => Just(Step::Missed),
        1 => Just(Step::Fail),
        6 => (0..12u32).prop_map(Step::Run),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn whatever_is_written_while_it_looks_the_last_result_is_that_of_a_fresh_query(
        steps in programs(), seed: u32, limit in prop::option::of(1..5usize), offset in 0..3usize,
    ) {
        let mut all = fixture(seed);
        let query = Query { offset, ..big(limit) };
        let (_watch, heard) = all.watch(query.clone());
        for step in steps {
            let (notes, store) = (all.notes.clone(), all.store.clone());
            match step {
                Step::Put(key, n) => all.put(key, n),
                Step::PutTwo(key, other, n) => {
                    let value = Payload::from_wire(&format!(r#"{{"n":{n}}}"#)).unwrap();
                    let put = |key| WriteOp::Put(Put::new("notes", Key::from(key), Body::Clear(value.clone())));
                    let ops = vec![put(key), put(other)];
                    all.spawn(async move { drop(notes.set_many(ops, &EntryOptions::default()).await.unwrap()) });
                }
                Step::Delete(key) => all.spawn(async move { drop(notes.delete_many(vec![Key::from(key)]).await.unwrap()) }),
                Step::Clear => all.spawn(async move { notes.clear().await.unwrap() }),
                Step::Many(n) => all.spawn(async move {
                    let value = Payload::from_wire(&format!(r#"{{"n":{n}}}"#)).unwrap();
                    let ops = (0..6).map(|key| match key % 2 {
                        0 => WriteOp::Put(Put::new("notes", Key::from(key), Body::Clear(value.clone()))),
                        _ => WriteOp::Delete(Delete::new("notes", Key::from(key))),
                    });
                    store.backend().commit(WriteBatch { ops: ops.collect(), now: now(), ..WriteBatch::default() }).await.unwrap();
                    store.tell(ChangeSource::Tab, vec![Change::of_all("notes", ChangeKind::Many)]);
                }),
                Step::Missed => store.missed(),
                Step::Fail => all.failures.set(1),
                Step::Run(mut turns) => while turns > 0 && all.pool.try_run_one() {
                        turns -= 1;
                    },
            }
        }
        all.settle();
        all.failures.set(0);
        let fresh = all.fresh(&query);
        let rows = heard.rows.borrow().clone();
        prop_assert_eq!(&rows, &fresh);
        let mut followed = heard.followed.borrow().clone();
        followed.sort();
        let mut keys: Vec<Key> = rows.into_iter().map(|(key, _)| key).collect();
        keys.sort();
        prop_assert_eq!(followed, keys);
    }
}
