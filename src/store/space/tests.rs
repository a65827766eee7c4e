mod full;

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use proptest::prelude::*;

use super::*;
use crate::backend::memory::MemoryBackend;
use crate::backend::{Facts, Scan};
use crate::error::Error;
use crate::model::{BaseChange, Body, Collection, Put, Replica, Replicate};
use crate::platform::Payload;
use crate::sync::Hlc;

/// A disk of so many rows, whoever they are of. Deleted rows may give their room back late.
#[derive(Debug)]
struct Disk {
    inner: MemoryBackend,
    room: Cell<usize>,
    late: bool,
    commits: Cell<usize>,
}

const SYSTEM: [&str; 6] =
    [system::OUTBOX, system::TOMBSTONES, system::DEAD, system::SYNC, system::NAMESPACES, system::SPACE];

impl Disk {
    fn held(&self) -> usize {
        let mut names = self.inner.namespaces().now_or_never().unwrap().unwrap();
        names.extend(["cache", "other", "notes"].map(str::to_owned));
        names.extend(SYSTEM.map(str::to_owned));
        let count =
            |name: &String| self.inner.count(name, &Source::Primary, &KeyRange::all()).now_or_never().unwrap().unwrap();
        crate::model::sorted_names(names).iter().map(|name| usize::try_from(count(name)).unwrap()).sum()
    }
}

impl Backend for Disk {
    crate::delegate!(inner: get, scan, count, namespaces, close, destroy);

    fn facts(&self) -> Facts {
        Facts { persistent: true, capacity: None, ..self.inner.facts() }
    }
    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            // A real one answers some time later.
            let mut asked = false;
            core::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if core::mem::replace(&mut asked, true) {
                    core::task::Poll::Ready(())
                } else {
                    core::task::Poll::Pending
                }
            })
            .await;
            self.commits.set(self.commits.get() + 1);
            let writes =
                batch.ops.iter().filter(|op| !matches!(op, WriteOp::Delete(_) | WriteOp::Clear { .. })).count();
            if writes > 0 && self.held() + writes > self.room.get() {
                return Err(Error::new(ErrorKind::QuotaExceeded, "the disk is full"));
            }
            let before = self.held();
            let receipt = self.inner.commit(batch).await?;
            if self.late {
                self.room.set(self.room.get() - before.saturating_sub(self.held()));
            }
            Ok(receipt)
        })
    }
}

fn schema(most: u64) -> Rc<Schema> {
    let mut schema = Schema::default();
    let cached = || Collection { max_entries: Some(most), ..Collection::default() };
    schema.declare("cache", cached()).unwrap();
    schema.declare("other", cached()).unwrap();
    schema.declare("notes", Collection::default()).unwrap();
    Rc::new(schema)
}

struct Fixture {
    disk: Rc<Disk>,
    space: Rc<Space>,
    gone: Rc<RefCell<Vec<String>>>,
}

fn fixture(most: u64, room: usize, late: bool) -> Fixture {
    let schema = schema(most);
    let inner = MemoryBackend::new("test", Rc::clone(&schema), u64::MAX);
    let disk = Rc::new(Disk { inner, room: Cell::new(room), late, commits: Cell::new(0) });
    let space = Rc::new(Space::new(Rc::clone(&disk) as Rc<dyn Backend>, schema, true, 0.0));
    let gone = Rc::new(RefCell::new(Vec::new()));
    let told = Rc::clone(&gone);
    space.listen(move |news| {
        if let News::Gone(changes) = news {
            told.borrow_mut().extend(
                changes.iter().map(|change| format!("{}/{}", change.collection, change.key.to_text()).replace('~', "")),
            );
        }
    });
    Fixture { disk, space, gone }
}

fn value() -> Body {
    Body::Clear(Payload::from_wire("1").unwrap())
}

fn put(collection: &str, key: u32) -> Put {
    Put::new(collection, Key::from(key), value())
}

fn ending(collection: &str, key: u32, at: f64) -> WriteOp {
    WriteOp::Put(Put { expires: Expiry::At(at), ..put(collection, key) })
}

fn unsynced(collection: &str, key: u32) -> Put {
    Put { replicate: Some(Hlc::new(1, 0, 1)), ..put(collection, key) }
}

fn append() -> WriteOp {
    WriteOp::Append { collection: system::OUTBOX.to_owned(), body: value() }
}

impl Fixture {
    fn commit(&self, now: f64, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
        futures_executor::block_on(self.space.commit(WriteBatch { ops, now, ..WriteBatch::default() }))
    }
    fn keys(&self, collection: &str) -> Vec<String> {
        let rows = self.disk.scan(&Scan::all(collection)).now_or_never().unwrap().unwrap();
        rows.into_iter().map(|row| row.key.to_text().replace('~', "")).collect()
    }
    fn count(&self, collection: &str) -> usize {
        self.keys(collection).len()
    }
    fn answer(&self, collection: &str, key: u32) {
        let replica = Replica { rev: Some(1), hlc: Hlc::new(1, 0, 1), dirty: false };
        let op = Replicate {
            collection: collection.into(),
            key: Key::from(key),
            state: None,
            replica,
            precondition: Precondition::None,
            base: BaseChange::Keep,
            checksum: None,
        };
        self.commit(2.0, vec![WriteOp::Replicate(op)]).unwrap();
    }
}

fn done<T>(work: impl Future<Output = Result<T>>) -> T {
    futures_executor::block_on(work).unwrap()
}

#[test]
fn a_sweep_removes_what_is_over_everywhere_once_and_tells_of_it_once() {
    let fixture = fixture(10_000, usize::MAX, false);
    let ops = (0..500).flat_map(|key| {
        [ending("notes", key, 100.0), ending("anything", key, 50.0), ending("notes", key + 1000, 300.0)]
    });
    fixture.commit(1.0, ops.collect()).unwrap();
    fixture.commit(1.0, vec![ending(system::CREDENTIALS, 1, 20.0), WriteOp::Put(put("notes", 9_999))]).unwrap();
    assert_eq!(done(fixture.space.sweep(49.0)), 1);
    let before = fixture.disk.commits.get();
    assert_eq!(done(fixture.space.sweep(100.0)), 1_000);
    assert_eq!(fixture.disk.commits.get() - before, 6, "slices of 200");
    assert_eq!((fixture.count("notes"), fixture.count("anything")), (501, 0));
    assert_eq!(done(fixture.space.sweep(100.0)), 0);
    assert_eq!(fixture.gone.borrow().len(), 1_001);
}

#[test]
fn a_sweep_leaves_what_the_endpoint_has_not_answered_for_and_leaves_no_tombstone() {
    let fixture = fixture(10_000, usize::MAX, false);
    let late = (0..300).map(|key| WriteOp::Put(Put { expires: Expiry::At(10.0), ..unsynced("notes", key) }));
    fixture.commit(1.0, late.chain([ending("notes", 500, 11.0)]).collect()).unwrap();
    assert_eq!(done(fixture.space.sweep(50.0)), 1, "it looks behind what must stay");
    assert_eq!(fixture.count("notes"), 300);
    fixture.answer("notes", 7);
    assert_eq!(done(fixture.space.sweep(50.0)), 1);
    assert_eq!((fixture.count("notes"), fixture.count(system::TOMBSTONES)), (299, 0));
}

#[test]
fn what_is_written_anew_while_it_is_swept_stays() {
    let fixture = fixture(10_000, usize::MAX, false);
    fixture.commit(1.0, (0..50).map(|key| ending("notes", key, 10.0)).collect()).unwrap();
    let again = WriteBatch {
        ops: vec![WriteOp::Put(Put { expires: Expiry::Never, ..put("notes", 7) })],
        now: 20.0,
        ..WriteBatch::default()
    };
    let (written, swept) = futures_executor::block_on(async {
        futures_util::future::join(fixture.space.commit(again), fixture.space.sweep(20.0)).await
    });
    written.unwrap();
    assert_eq!(swept.unwrap(), 49);
    assert_eq!(fixture.keys("notes"), ["7"]);
}

#[test]
fn eviction_goes_down_to_the_limit_and_no_further_and_takes_what_is_over_first() {
    let fixture = fixture(100, usize::MAX, false);
    fixture.commit(1.0, (0..90).map(|key| WriteOp::Put(put("cache", key))).collect()).unwrap();
    fixture.commit(1.0, (500..510).map(|key| ending("cache", key, 5.0)).collect()).unwrap();
    fixture.commit(2.0, (90..105).map(|key| WriteOp::Put(put("cache", key))).collect()).unwrap();
    done(fixture.space.evict(10.0));
    assert_eq!(fixture.count("cache"), 100);
    let gone = fixture.gone.borrow();
    assert_eq!(gone.len(), 15);
    assert!((0..5).all(|key| gone.contains(&format!("cache/{key}"))), "{gone:?}");
}

#[test]
fn eviction_takes_nothing_that_is_still_to_be_sent_even_if_all_of_it_is() {
    let fixture = fixture(10, usize::MAX, false);
    fixture.commit(1.0, (0..30).map(|key| WriteOp::Put(unsynced("cache", key))).collect()).unwrap();
    done(fixture.space.evict(10.0));
    assert_eq!(fixture.count("cache"), 30);
    fixture.answer("cache", 3);
    fixture.answer("cache", 29);
    done(fixture.space.evict(11.0));
    assert_eq!(fixture.count("cache"), 28);
}

#[test]
fn what_was_used_when_outlives_the_store() {
    let first = fixture(3, usize::MAX, false);
    first.commit(1.0, (0..3).map(|key| WriteOp::Put(put("cache", key))).collect()).unwrap();
    first.space.used("cache", [&Key::from(0)].into_iter(), 50.0);
    done(first.space.save(60.0));
    let space = Space::new(Rc::clone(&first.disk) as Rc<dyn Backend>, schema(3), true, 100.0);
    done(space.commit(WriteBatch { ops: vec![WriteOp::Put(put("cache", 9))], now: 100.0, ..WriteBatch::default() }));
    done(space.evict(101.0));
    assert_eq!(first.keys("cache"), ["0", "2", "9"].map(str::to_owned));
}

#[derive(Debug, Clone)]
enum Op {
    Put(u32),
    Read(u32),
    Delete(u32),
    PutForAWhile(u32, u32),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = 0..12_u32;
    let op = prop_oneof![
        4 => key.clone().prop_map(Op::Put),
        3 => key.clone().prop_map(Op::Read),
        1 => key.clone().prop_map(Op::Delete),
        1 => (key, 1..9_u32).prop_map(|(key, ttl)| Op::PutForAWhile(key, ttl)),
    ];
    prop::collection::vec(op, 0..80)
}

proptest! {
    #[test]
    fn a_collection_with_a_limit_holds_what_a_model_of_least_recent_use_holds(ops in ops(), most in 1..8_u64) {
        let fixture = fixture(most, usize::MAX, false);
        // Key to the time of its last use and the end of its life.
        let mut model: BTreeMap<u32, (u32, f64)> = BTreeMap::new();
        for (at, op) in (1_u32..).zip(ops) {
            let now = f64::from(at);
            match op {
                Op::Put(key) => {
                    fixture.commit(now, vec![WriteOp::Put(Put { expires: Expiry::Never, ..put("cache", key) })]).unwrap();
                    model.insert(key, (at, f64::INFINITY));
                }
                Op::PutForAWhile(key, ttl) => {
                    fixture.commit(now, vec![ending("cache", key, now + f64::from(ttl))]).unwrap();
                    model.insert(key, (at, now + f64::from(ttl)));
                }
                Op::Read(key) => {
                    if let Some((used, _)) = model.get_mut(&key).filter(|(_, ends)| *ends > now) {
                        *used = at;
                        fixture.space.used("cache", [&Key::from(key)].into_iter(), now);
                    }
                }
                Op::Delete(key) => {
                    fixture.commit(now, vec![WriteOp::Delete(Delete::new("cache", Key::from(key)))]).unwrap();
                    model.remove(&key);
                }
            }
            done(fixture.space.evict(now));
            if model.len() as u64 > most {
                model.retain(|_, (_, ends)| *ends > now);
            }
            while model.len() as u64 > most {
                let oldest = model.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key).unwrap();
                model.remove(&oldest);
            }
            let wanted: Vec<String> = model.keys().map(u32::to_string).collect();
            prop_assert_eq!(fixture.keys("cache"), wanted, "at {}", at);
        }
    }
}
