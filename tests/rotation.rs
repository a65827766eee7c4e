//! Rotations that are killed at every step, with writes going on in another tab: nothing becomes unreadable.
//!
//! `TIDEKEEP_ROTATIONS` says how many; a failing one is named by its seed, and `TIDEKEEP_SEED` runs that one alone.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

#[path = "common/split_mix.rs"]
mod split_mix;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_executor::block_on;
use tidekeep::backend::memory::MemoryBackend;
use tidekeep::backend::{Backend, LocalFuture, Read, Scan};
use tidekeep::crypto::{Answer, Envelope, Keeper, KeyId, Keyring, Method, Random, Secret, Unlocker};
use tidekeep::error::{Error, ErrorKind, Result};
use tidekeep::model::{Body, Collection, CommitReceipt, Durability, Key, MetadataChange, Schema, WriteBatch, system};
use tidekeep::platform::Payload;
use tidekeep::store::{Begin, Checks, DataStore, EntryOptions, Gate, LockReason, Parts, Rotated, Space};

use split_mix::split_mix;

/// Always the same secret, at once: these tests are not about deriving one.
struct Known;

impl Unlocker for Known {
    fn method<'a>(&'a self, _: KeyId, _: &'a mut Random<'a>) -> Answer<'a, Method> {
        Box::pin(async { Ok(Method::Key { keeper: Keeper::Application, salt: [7; 16] }) })
    }

    fn secret<'a>(&'a self, _: KeyId, _: &'a Method) -> Answer<'a, Option<Secret>> {
        Box::pin(async { Ok(Some(Secret::new([9; 32]))) })
    }
}

/// A device that dies: from some commit on nothing is done, or that one is done and nobody hears of it. Between two
/// commits another tab has its turn.
struct Dying {
    disk: Rc<MemoryBackend>,
    left: Cell<u32>,
    /// Whether the last commit is done.
    last_is_done: bool,
    between: RefCell<Option<Turn>>,
}

type Turn = Box<dyn FnMut() -> LocalFuture<'static, ()>>;

impl std::fmt::Debug for Dying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dying")
    }
}

fn dead() -> Error {
    Error::new(ErrorKind::ConnectionLost, "killed")
}

impl Backend for Dying {
    tidekeep::delegate!(disk: facts, count, namespaces, close, destroy, get, scan);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            let between = self.between.borrow_mut().take();
            if let Some(mut turn) = between {
                turn().await;
                self.between.replace(Some(turn));
            }
            match self.left.get() {
                0 => Err(dead()),
                1 if !self.last_is_done => {
                    self.left.set(0);
                    Err(dead())
                }
                left => {
                    self.left.set(left - 1);
                    let receipt = self.disk.commit(batch).await?;
                    if left == 1 { Err(dead()) } else { Ok(receipt) }
                }
            }
        })
    }
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    schema.declare("diary", Collection { encrypted: true, ..Collection::default() }).unwrap();
    schema.declare("notes", Collection::default()).unwrap();
    schema
}

fn store(backend: Rc<dyn Backend>) -> DataStore {
    let schema = Rc::new(schema());
    let space = Rc::new(Space::new(backend, Rc::clone(&schema), false, 0.0));
    let parts = Parts {
        schema,
        backend: Rc::clone(&space) as Rc<dyn Backend>,
        space,
        durability: Durability::Relaxed,
        checks: Checks::default(),
        cache: None,
        degraded: None,
    };
    DataStore::new(parts, |stack| stack)
}

fn disk() -> Rc<MemoryBackend> {
    Rc::new(MemoryBackend::new("rotation", Rc::new(schema()), 100_000))
}

async fn unlocked(backend: Rc<dyn Backend>) -> DataStore {
    let store = store(backend);
    store.credentials().unlock(&Known, Begin::WhereNew).await.unwrap();
    store
}

/// Numbers at random, by a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        split_mix(&mut self.0) % sides
    }
}

fn text(n: u64) -> Payload {
    Payload::from_wire(&format!(r#""v{n}""#)).unwrap()
}

type Model = Rc<RefCell<BTreeMap<String, Option<u64>>>>;

/// Writes, deletes or retags one entry at random, and notes what it is now.
async fn write(store: &DataStore, dice: &mut Dice, model: &Model) {
    let key = format!("k{}", dice.roll(60));
    let n = dice.roll(1_000_000);
    let diary = store.collection("diary").unwrap();
    match dice.roll(5) {
        0 => {
            diary.delete_many(vec![Key::from(key.as_str())]).await.unwrap();
            model.borrow_mut().insert(key, None);
        }
        1 => {
            let tagged = diary.set_metadata(Key::from(key.as_str()), MetadataChange::Keep).await;
            assert!(tagged.is_ok() || tagged.unwrap_err().kind() == ErrorKind::NotFound);
        }
        _ => {
            diary.set(Key::from(key.as_str()), text(n), &EntryOptions::default()).await.unwrap();
            model.borrow_mut().insert(key, Some(n));
        }
    }
}

/// Everything opens, and is what was written last.
async fn everything_is_there(store: &DataStore, model: &Model, secrets: u64) {
    let diary = store.collection("diary").unwrap();
    let model = model.borrow().clone();
    for (key, wanted) in &model {
        let found = diary.get(&Key::from(key.as_str())).await.unwrap();
        let found = found.map(|entry| entry.value.to_wire().unwrap());
        assert_eq!(found, wanted.map(|n| format!(r#""v{n}""#)), "{key}");
    }
    for n in 0..secrets {
        let secret = store.credentials().get(&format!("s{n}")).await.unwrap();
        assert_eq!(secret.map(|secret| secret.to_wire().unwrap()), Some(format!(r#""v{n}""#)));
    }
}

/// The keys that records name, each once.
async fn named(disk: &MemoryBackend) -> Vec<KeyId> {
    let mut ids = Vec::new();
    for collection in ["diary", "notes", system::CREDENTIALS] {
        for row in disk.scan(&Scan { read: Read::Meta, ..Scan::all(collection) }).await.unwrap() {
            if let Body::Sealed(envelope) = row.record.unwrap().body {
                ids.push(Envelope::parse(&envelope.to_vec()).unwrap().key_id);
            }
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// One life: data, a rotation that is killed at some commit with another tab writing in between, then what comes after.
async fn live(seed: u64) -> bool {
    let mut dice = Dice(seed);
    let disk = disk();
    let model = Model::default();
    let other = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
    for _ in 0..dice.roll(120) {
        write(&other, &mut dice, &model).await;
    }
    let secrets = dice.roll(5);
    for n in 0..secrets {
        other.credentials().set(&format!("s{n}"), text(n), &EntryOptions::default()).await.unwrap();
    }
    let (left, last_is_done) = (u32::try_from(dice.roll(14)).unwrap(), dice.roll(2) == 0);
    let dying = Dying { disk: Rc::clone(&disk), left: Cell::new(1_000), last_is_done, between: RefCell::default() };
    let dying = Rc::new(dying);
    let first = unlocked(Rc::clone(&dying) as Rc<dyn Backend>).await;
    // It is counted from here, so that it is killed in the rotation, or not at all.
    dying.left.set(left);
    let (writing, noting, tab) = (Rc::new(RefCell::new(Dice(seed ^ 1))), Rc::clone(&model), other.clone());
    dying.between.replace(Some(Box::new(move || {
        let (dice, model, tab) = (Rc::clone(&writing), Rc::clone(&noting), tab.clone());
        Box::pin(async move {
            let mut own = Dice(dice.borrow_mut().roll(u64::MAX));
            for _ in 0..own.roll(4) {
                write(&tab, &mut own, &model).await;
            }
        })
    })));
    let told = RefCell::new(Vec::new());
    let outcome = first.credentials().rotate(&|rotated| told.borrow_mut().push(rotated), &Gate::default()).await;
    dying.between.take();
    for pair in told.borrow().windows(2) {
        assert!(pair[0].done <= pair[1].done && pair[0].total == pair[1].total, "{pair:?}");
    }
    if outcome.is_ok() {
        assert!(told.borrow().last().is_some_and(|last| last.done == last.total));
    }
    drop(first);

    // The other tab reads what is sealed under a key that nobody told it of.
    everything_is_there(&other, &model, secrets).await;
    let next = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
    everything_is_there(&next, &model, secrets).await;
    let went_on = next.credentials().go_on_rotating(&Gate::default()).await.unwrap();
    assert!(!went_on || outcome.is_err(), "what was done is not done again");
    if went_on {
        let current = named(&disk).await;
        assert!(current.len() <= 1, "one key after the rotation went on: {current:?}");
    }
    assert!(!next.credentials().go_on_rotating(&Gate::default()).await.unwrap());
    write(&next, &mut dice, &model).await;
    let last = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
    everything_is_there(&last, &model, secrets).await;
    outcome.is_err()
}

#[test]
fn a_rotation_that_is_killed_at_any_step_leaves_nothing_unreadable() {
    if let Some(seed) = std::env::var("TIDEKEEP_SEED").ok().and_then(|seed| seed.parse().ok()) {
        block_on(live(seed));
        return;
    }
    let rotations = std::env::var("TIDEKEEP_ROTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(50);
    let mut killed = 0;
    for seed in 0..rotations {
        let outcome = std::panic::catch_unwind(|| block_on(live(seed)));
        match outcome {
            Ok(was) => killed += u32::from(was),
            Err(cause) => {
                eprintln!("seed {seed}: TIDEKEEP_SEED={seed} runs it alone");
                std::panic::resume_unwind(cause);
            }
        }
    }
    println!("rotations: {rotations}, {killed} of them killed, 0 records unreadable");
    assert!(killed > 0 && killed < u32::try_from(rotations).unwrap());
}

#[test]
fn a_rotation_seals_everything_again_and_shows_an_application_no_write() {
    block_on(async {
        let disk = disk();
        let store = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
        let diary = store.collection("diary").unwrap();
        for n in 0..250u32 {
            diary.set(Key::from(n), text(n.into()), &EntryOptions::default()).await.unwrap();
        }
        let notes = store.collection("notes").unwrap();
        notes.set(Key::from(1), text(1), &EntryOptions::default()).await.unwrap();
        let sealed = EntryOptions { encrypt: Some(true), ..EntryOptions::default() };
        notes.set(Key::from(2), text(2), &sealed).await.unwrap();
        store.credentials().set("s0", text(0), &EntryOptions::default()).await.unwrap();
        let (before, old) = (diary.meta(&Key::from(7)).await.unwrap().unwrap(), named(&disk).await);
        let changes = Rc::new(Cell::new(0));
        let heard = Rc::clone(&changes);
        let _listening = store.events().subscribe(move |_| heard.set(heard.get() + 1));
        let told = RefCell::new(Vec::new());
        store.credentials().rotate(&|rotated| told.borrow_mut().push(rotated), &Gate::default()).await.unwrap();
        let new = named(&disk).await;
        assert!(old.len() == 1 && new.len() == 1 && old != new);
        let after = diary.meta(&Key::from(7)).await.unwrap().unwrap();
        assert_eq!((after.version, after.modified, after.created), (before.version, before.modified, before.created));
        assert_eq!(changes.get(), 0);
        assert_eq!(told.borrow().first(), Some(&Rotated { done: 0, total: 252 }));
        assert_eq!(told.borrow().last(), Some(&Rotated { done: 252, total: 252 }));
        assert_eq!(notes.get(&Key::from(2)).await.unwrap().unwrap().value, text(2));
        assert_eq!(diary.get(&Key::from(7)).await.unwrap().unwrap().value, text(7));
    });
}

#[test]
fn a_new_store_key_that_is_killed_at_any_step_leaves_nothing_unreadable_and_goes_on() {
    for (step, last_is_done) in (0..8).flat_map(|step| [(step, false), (step, true)]) {
        block_on(async {
            let disk = disk();
            let (model, mut dice) = (Model::default(), Dice(u64::from(step)));
            let first = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
            for _ in 0..90 {
                write(&first, &mut dice, &model).await;
            }
            first.credentials().set("s0", text(0), &EntryOptions::default()).await.unwrap();
            let (data, former) = (named(&disk).await, first.credentials().unlockers().await.unwrap());
            let dying =
                Dying { disk: Rc::clone(&disk), left: Cell::new(1_000), last_is_done, between: RefCell::default() };
            let dying = Rc::new(dying);
            let store = unlocked(Rc::clone(&dying) as Rc<dyn Backend>).await;
            dying.left.set(step);
            let none: &[&dyn Unlocker] = &[];
            let outcome =
                store.credentials().rotate_store_key(Some(&Known), none, &|_| (), &Gate::default()).await.map(drop);
            let next = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
            everything_is_there(&next, &model, 1).await;
            let went_on = next.credentials().go_on_rotating(&Gate::default()).await.unwrap();
            everything_is_there(&next, &model, 1).await;
            let now = next.credentials().unlockers().await.unwrap();
            let happened = now != former;
            assert!(now.len() == 1 && (happened || !went_on), "step {step}");
            assert!(outcome.is_err() || happened, "step {step}");
            let new = named(&disk).await;
            assert!(new.len() == 1 && (new != data) == happened, "step {step}: {new:?}");
            write(&next, &mut dice, &model).await;
            assert_eq!(named(&disk).await, new, "step {step}: what is new is sealed under the new key");
        });
    }
}

#[test]
fn a_tab_whose_store_key_was_followed_reads_what_it_could_and_seals_nothing() {
    block_on(async {
        let disk = disk();
        let (first, other) =
            (unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await, unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await);
        let diary = first.collection("diary").unwrap();
        diary.set(Key::from(1), text(1), &EntryOptions::default()).await.unwrap();
        first.credentials().rotate_store_key(Some(&Known), &[], &|_| (), &Gate::default()).await.unwrap();
        other.credentials().learn_keys().await.unwrap();
        assert!(other.credentials().followed() && !first.credentials().followed());
        let beside = other.collection("diary").unwrap();
        let refused = beside.set(Key::from(2), text(2), &EntryOptions::default()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::KeyMissing);
        assert_eq!(beside.get(&Key::from(1)).await.unwrap_err().kind(), ErrorKind::KeyMissing);
        other.credentials().lock(LockReason::Tab);
        other.credentials().unlock(&Known, Begin::WhereNew).await.unwrap();
        beside.set(Key::from(2), text(2), &EntryOptions::default()).await.unwrap();
        assert_eq!(beside.get(&Key::from(1)).await.unwrap().unwrap().value, text(1));
        assert_eq!(diary.get(&Key::from(2)).await.unwrap().unwrap().value, text(2));
    });
}

#[test]
fn a_rotation_that_is_called_off_or_locked_goes_on_later() {
    block_on(async {
        let disk = disk();
        let store = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
        let (diary, credentials) = (store.collection("diary").unwrap(), store.credentials());
        for n in 0..250u32 {
            diary.set(Key::from(n), text(n.into()), &EntryOptions::default()).await.unwrap();
        }
        let off = Rc::new(Cell::new(false));
        let shut = Rc::clone(&off);
        let stop = |rotated: Rotated| off.set(rotated.done > 0);
        let error = credentials.rotate(&stop, &Gate::new(move || shut.get())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Aborted);
        assert_eq!(named(&disk).await.len(), 2);
        let lock = |rotated: Rotated| {
            if rotated.done > 0 {
                store.credentials().lock(LockReason::Call);
            }
        };
        assert_eq!(credentials.rotate(&lock, &Gate::default()).await.unwrap_err().kind(), ErrorKind::Locked);
        assert_eq!(credentials.rotate(&|_| (), &Gate::default()).await.unwrap_err().kind(), ErrorKind::Locked);
        credentials.unlock(&Known, Begin::WhereNew).await.unwrap();
        let told = RefCell::new(Vec::new());
        credentials.rotate(&|rotated| told.borrow_mut().push(rotated), &Gate::default()).await.unwrap();
        assert!(told.borrow()[0].total < 250, "it went on with the same key");
        assert_eq!(named(&disk).await.len(), 1);
    });
}

#[test]
fn what_does_not_open_stops_no_rotation_and_is_told() {
    block_on(async {
        let disk = disk();
        let store = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
        let diary = store.collection("diary").unwrap();
        for n in 0..10u32 {
            diary.set(Key::from(n), text(n.into()), &EntryOptions::default()).await.unwrap();
        }
        let mut record = disk.get("diary", &[Key::from(3)]).await.unwrap().remove(0).unwrap();
        if let Body::Sealed(envelope) = &mut record.body {
            let mut bytes = envelope.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            *envelope = bytes.into();
        }
        let put = tidekeep::model::Put::new("diary", Key::from(3), record.body);
        let ops = vec![tidekeep::model::WriteOp::Put(put)];
        disk.commit(WriteBatch { ops, ..WriteBatch::default() }).await.unwrap();
        let told = RefCell::new(Vec::new());
        let tell = |rotated| told.borrow_mut().push(rotated);
        let error = store.credentials().rotate(&tell, &Gate::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DecryptionFailed);
        assert_eq!(told.borrow().last(), Some(&Rotated { done: 9, total: 10 }));
        assert_eq!(named(&disk).await.len(), 2);
        assert!(!store.credentials().go_on_rotating(&Gate::default()).await.unwrap());
    });
}

#[test]
fn a_device_counts_its_seals_over_all_tabs_and_restarts_and_goes_on_under_another_key_before_the_limit() {
    block_on(async {
        let disk = disk();
        let mut sealed = BTreeMap::<KeyId, u64>::new();
        let limit = 4_000;
        for session in 0..6u32 {
            let tabs = [unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await, unlocked(Rc::clone(&disk) as _).await];
            for tab in &tabs {
                tab.limit_seals(limit);
            }
            for n in 0..600u32 {
                let tab = &tabs[(n % 2) as usize];
                let key = Key::from(session * 1_000 + n);
                tab.collection("diary").unwrap().set(key.clone(), text(1), &EntryOptions::default()).await.unwrap();
                let record = disk.get("diary", &[key]).await.unwrap().remove(0).unwrap();
                let Body::Sealed(envelope) = record.body else { panic!("not sealed") };
                *sealed.entry(Envelope::parse(&envelope.to_vec()).unwrap().key_id).or_default() += 1;
            }
        }
        println!("3 600 seals with a limit of {limit} each: {:?}", sealed.values().collect::<Vec<_>>());
        assert!(sealed.len() > 1 && sealed.values().all(|count| *count <= limit));
        assert_eq!(named(&disk).await.len(), sealed.len());
    });
}

#[test]
fn at_the_limit_a_seal_is_refused_and_nothing_is_written() {
    block_on(async {
        let disk = disk();
        let store = unlocked(Rc::clone(&disk) as Rc<dyn Backend>).await;
        store.limit_seals(5);
        let diary = store.collection("diary").unwrap();
        let ops = |from: u32, to: u32| {
            (from..to).map(|n| diary.put_op(Key::from(n), text(1), &EntryOptions::default()).unwrap()).collect()
        };
        let error = diary.set_many(ops(0, 6), &EntryOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyMissing);
        assert!(diary.all(None).await.unwrap().is_empty());
        diary.set_many(ops(0, 5), &EntryOptions::default()).await.unwrap();
        assert_eq!(diary.all(None).await.unwrap().len(), 5);
    });
}

#[test]
fn no_nonce_comes_twice_over_tabs_restarts_and_a_copied_profile() {
    let many = std::env::var("TIDEKEEP_NONCES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_000_usize);
    let random = |bytes: &mut [u8]| tidekeep::platform::random(bytes);
    let mut nonces: Vec<[u8; 12]> = Vec::with_capacity(many);
    block_on(async {
        let first = Keyring::new("copied");
        let new = first.create(&Known, "", &mut { random }).await.unwrap();
        let records = new.records().to_vec();
        first.adopt(new, &records, &[&Known], &mut { random }).await.unwrap();
        let copy = Keyring::new("copied");
        copy.unlock(&records, &Known).await.unwrap();
        for session in 0..10 {
            for n in 0..many / 10 {
                let keyring = if n % 2 == 0 { &first } else { &copy };
                nonces.push(*keyring.sealing(&mut { random }).unwrap().nonce.as_bytes());
            }
            // A restart: the same keys, opened anew.
            let keyring = if session % 2 == 0 { &first } else { &copy };
            keyring.lock();
            keyring.unlock(&records, &Known).await.unwrap();
        }
        assert_eq!(first.current(), copy.current());
    });
    nonces.sort_unstable();
    let all = nonces.len();
    nonces.dedup();
    println!("nonces: {all} under one key, {} of them twice", all - nonces.len());
    assert_eq!((all, nonces.len()), (many, many));
}
