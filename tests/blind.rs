//! Blind indexes: what is looked up where values are sealed is what a look at every value finds.
//!
//! `TIDEKEEP_HISTORIES` says how many histories are lived; a failing one is named by its seed, and `TIDEKEEP_SEED` runs
//! that one alone.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

#[path = "common/split_mix.rs"]
mod split_mix;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use futures_executor::block_on;
use tidekeep::backend::memory::MemoryBackend;
use tidekeep::backend::{Backend, LocalFuture, Read, Scan};
use tidekeep::crypto::{Answer, Keeper, KeyId, Method, Random, Secret, Unlocker};
use tidekeep::error::{Error, ErrorKind, Result};
use tidekeep::model::{
    Body, Collection, CommitReceipt, Durability, Fields, Index, Key, MetadataChange, Precondition, Put, Record,
    RemoteState, Replica, Replicate, Scalar, Schema, WriteBatch, WriteOp, system,
};
use tidekeep::platform::Payload;
use tidekeep::query::{Field, Filter, Operand, Operator, Sort};
use tidekeep::store::{Begin, Checks, DataStore, EntryOptions, Gate, LockReason, Parts, Query, Space};
use tidekeep::sync::Hlc;

use split_mix::split_mix;

/// Always the same secret, at once: these tests are not about deriving one.
struct Known(u8);

impl Unlocker for Known {
    fn method<'a>(&'a self, _: KeyId, _: &'a mut Random<'a>) -> Answer<'a, Method> {
        Box::pin(async { Ok(Method::Key { keeper: Keeper::Application, salt: [7; 16] }) })
    }

    fn secret<'a>(&'a self, _: KeyId, _: &'a Method) -> Answer<'a, Option<Secret>> {
        Box::pin(async { Ok(Some(Secret::new([self.0; 32]))) })
    }
}

/// A device that dies: from some commit on nothing is done.
#[derive(Debug)]
struct Dying {
    disk: Rc<MemoryBackend>,
    left: Cell<u32>,
}

impl Backend for Dying {
    tidekeep::delegate!(disk: facts, count, namespaces, close, destroy, get, scan);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        match self.left.get().checked_sub(1) {
            None => Box::pin(async { Err(Error::new(ErrorKind::ConnectionLost, "killed")) }),
            Some(left) => {
                self.left.set(left);
                self.disk.commit(batch)
            }
        }
    }
}

fn schema(indexes: &[&str]) -> Rc<Schema> {
    let blind = |text: &&str| Index { blind: true, ..Index::parse(text).unwrap() };
    let people = Collection { encrypted: true, indexes: indexes.iter().map(blind).collect(), ..Collection::default() };
    let mut schema = Schema::default();
    schema.declare("people", people).unwrap();
    Rc::new(schema)
}

const INDEXES: &[&str] = &["email", "*labels", "address.city"];

fn disk(schema: &Rc<Schema>) -> Rc<MemoryBackend> {
    Rc::new(MemoryBackend::new("blind", Rc::clone(schema), 100_000))
}

fn store(schema: &Rc<Schema>, backend: Rc<dyn Backend>) -> DataStore {
    let space = Rc::new(Space::new(backend, Rc::clone(schema), false, 0.0));
    let parts = Parts {
        schema: Rc::clone(schema),
        backend: Rc::clone(&space) as Rc<dyn Backend>,
        space,
        durability: Durability::Relaxed,
        checks: Checks::default(),
        cache: None,
        degraded: None,
    };
    DataStore::new(parts, |stack| stack)
}

async fn unlocked(schema: &Rc<Schema>, backend: Rc<dyn Backend>) -> DataStore {
    let store = store(schema, backend);
    store.credentials().unlock(&Known(9), Begin::WhereNew).await.unwrap();
    store
}

fn eq(field: &str, operator: Operator, key: impl Into<Key>) -> Filter {
    let value = Operand::One(Scalar::Key(key.into()));
    Filter::compare(Field::parse(field).unwrap(), operator, value).unwrap()
}

async fn found(store: &DataStore, filter: Filter) -> Result<Vec<String>> {
    let query = Query { filter: Some(filter), ..Query::default() };
    let mut keys: Vec<String> =
        store.collection("people")?.query(&query).await?.into_iter().map(|entry| entry.key.to_text()).collect();
    keys.sort();
    Ok(keys)
}

async fn put(store: &DataStore, key: &str, wire: &str) {
    let value = Payload::from_wire(wire).unwrap();
    store.collection("people").unwrap().set(Key::from(key), value, &EntryOptions::default()).await.unwrap();
}

async fn raw(disk: &MemoryBackend, collection: &str) -> Vec<Record> {
    let rows = disk.scan(&Scan { read: Read::Meta, ..Scan::all(collection) }).await.unwrap();
    rows.into_iter().filter_map(|row| row.record).collect()
}

async fn commit(disk: &MemoryBackend, ops: Vec<WriteOp>) {
    disk.commit(WriteBatch { ops, now: 1.0, ..WriteBatch::default() }).await.unwrap();
}

/// Has one device's records and keys come to another, as sync brings them: sealed, and without tags.
async fn pull(from: &MemoryBackend, to: &MemoryBackend) {
    let mut ops: Vec<WriteOp> = raw(from, system::KEYS)
        .await
        .into_iter()
        .map(|record| WriteOp::Put(Put::new(system::KEYS, record.key, record.body)))
        .collect();
    for record in raw(from, "people").await {
        ops.push(remote(record.key, record.body));
    }
    commit(to, ops).await;
}

fn remote(key: Key, body: Body) -> WriteOp {
    let (metadata, tags, expires, created, modified) = (None, Vec::new(), None, 1.0, 1.0);
    WriteOp::Replicate(Replicate {
        collection: "people".to_owned(),
        key,
        state: Some(RemoteState::Present { body, metadata, tags, expires, created, modified }),
        replica: Replica { rev: Some(1), hlc: Hlc::new(100, 0, 1), dirty: false },
        precondition: Precondition::None,
        base: tidekeep::model::BaseChange::Keep,
        checksum: None,
    })
}

/// Numbers at random, by a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        split_mix(&mut self.0) % sides
    }

    /// A value of a field, as it is encoded: few, so that they are met again, and of every type.
    fn scalar(&mut self) -> &'static str {
        let all = ["1", r#""1""#, r#"{"$":"date","v":1}"#, "0", "true", "null", "[1]", r#"["a",1]"#, r#""a""#, "{}"];
        all[usize::try_from(self.roll(all.len() as u64)).unwrap()]
    }

    fn value(&mut self) -> String {
        let (email, city) = (self.scalar(), self.scalar());
        let labels: Vec<&str> = (0..self.roll(4)).map(|_| self.scalar()).collect();
        let labels = if self.roll(5) == 0 { self.scalar().to_owned() } else { format!("[{}]", labels.join(",")) };
        match self.roll(6) {
            0 => r#""no object""#.to_owned(),
            1 => format!(r#"{{"email":{email}}}"#),
            _ => format!(r#"{{"email":{email},"labels":{labels},"address":{{"city":{city}}}}}"#),
        }
    }

    fn filter(&mut self, depth: u64) -> Filter {
        let operand = |text: &str| Payload::from_wire(text).unwrap();
        match self.roll(if depth == 0 { 4 } else { 7 }) {
            0 => compared("email", Operator::Eq, &operand(self.scalar())),
            1 => compared("labels", Operator::Contains, &operand(self.scalar())),
            2 => {
                let list = format!("[{},{}]", self.scalar(), self.scalar());
                compared("address.city", Operator::In, &operand(&list))
            }
            3 => compared("email", Operator::Ne, &operand(self.scalar())),
            4 => Filter::And(vec![self.filter(depth - 1), self.filter(depth - 1)]),
            5 => Filter::Or(vec![self.filter(depth - 1), self.filter(depth - 1)]),
            _ => Filter::Not(Box::new(self.filter(depth - 1))),
        }
    }
}

fn compared(field: &str, operator: Operator, operand: &Payload) -> Filter {
    let field = Field::parse(field).unwrap();
    // What cannot be compared is asked for in another way.
    Filter::compare_with(field, operator, operand).unwrap_or_else(|_| eq("email", Operator::Eq, "a"))
}

/// One life: writes in two tabs, records from another device, rotations and locks, and in between questions, each of
/// which is answered as by a look at every value.
async fn live(seed: u64) {
    let mut dice = Dice(seed);
    let declared = schema(INDEXES);
    let plain = Collection { indexes: vec![Index::parse("*labels").unwrap()], ..Collection::default() };
    let (here, elsewhere) = (disk(&declared), disk(&schema(&[])));
    let tabs = [
        unlocked(&declared, Rc::clone(&here) as Rc<dyn Backend>).await,
        unlocked(&declared, Rc::clone(&here) as Rc<dyn Backend>).await,
    ];
    // The other device has the same keys.
    let keys = raw(&here, system::KEYS).await.into_iter();
    commit(&elsewhere, keys.map(|record| WriteOp::Put(Put::new(system::KEYS, record.key, record.body))).collect())
        .await;
    let other = unlocked(&schema(&[]), Rc::clone(&elsewhere) as Rc<dyn Backend>).await;
    let mut model: BTreeMap<String, String> = BTreeMap::new();
    for _ in 0..60 {
        let tab = &tabs[usize::try_from(dice.roll(2)).unwrap()];
        let people = tab.collection("people").unwrap();
        let key = format!("k{}", dice.roll(12));
        match dice.roll(12) {
            0 => {
                people.delete_many(vec![Key::from(key.as_str())]).await.unwrap();
                model.remove(&key);
            }
            1 => {
                let kept = people.set_metadata(Key::from(key.as_str()), MetadataChange::Keep).await;
                assert_eq!(kept.is_ok(), model.contains_key(&key));
            }
            2 | 3 => {
                let value = dice.value();
                put(&other, &key, &value).await;
                let sealed = raw(&elsewhere, "people").await.into_iter().find(|record| record.key.to_text() == key);
                commit(&here, vec![remote(Key::from(key.as_str()), sealed.unwrap().body)]).await;
                model.insert(key, value);
            }
            4 => tab.credentials().rotate(&|_| (), &Gate::default()).await.unwrap(),
            5 => {
                tab.credentials().lock(LockReason::Call);
                let refused = found(tab, eq("email", Operator::Eq, "a")).await.unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::Locked);
                tab.credentials().unlock(&Known(9), Begin::WhereNew).await.unwrap();
            }
            _ => {
                let value = dice.value();
                put(tab, &key, &value).await;
                model.insert(key, value);
            }
        }
        let filter = dice.filter(2);
        let meant = filter.normalised(Some(&plain));
        let wanted: Vec<String> = model
            .iter()
            .filter(|(key, value)| {
                let body = Body::Clear(Payload::from_wire(value).unwrap());
                let meta = tidekeep::model::Meta::default();
                tidekeep::query::matches(&meant, &Record { key: Key::from(key.as_str()), body, meta })
            })
            .map(|(key, _)| key.clone())
            .collect();
        let tab = &tabs[usize::try_from(dice.roll(2)).unwrap()];
        assert_eq!(found(tab, filter.clone()).await.unwrap(), wanted, "seed {seed}: {filter:?} in {model:?}");
        let counted = tab.collection("people").unwrap().count_matching(&filter).await.unwrap();
        assert_eq!(counted, wanted.len() as u64, "seed {seed}");
    }
}

#[test]
fn whatever_happens_a_blind_index_finds_what_a_look_at_every_value_finds() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("TIDEKEEP_SEED") {
        return block_on(live(seed));
    }
    let histories = number("TIDEKEEP_HISTORIES").unwrap_or(60);
    println!("blind indexes: {histories} histories");
    for seed in 0..histories {
        block_on(live(seed));
    }
}

#[test]
fn only_what_is_equal_is_read_and_opened() {
    block_on(async {
        let declared = schema(INDEXES);
        let store = unlocked(&declared, disk(&declared)).await;
        for at in 0..300 {
            put(&store, &format!("k{at:03}"), &format!(r#"{{"email":"e{}"}}"#, at % 100)).await;
        }
        let people = store.collection("people").unwrap();
        let filter = Some(eq("email", Operator::Eq, "e7"));
        let told = people.explain(&Query { filter, ..Query::default() }).await.unwrap();
        assert_eq!((told.index.as_deref(), told.rows_read), (Some("email"), 3));
        assert_eq!(told.residual, ["email eq"], "what was found is compared once more");
        // Pages go on behind a cursor.
        let filter = || Some(eq("email", Operator::Eq, "e7"));
        let first = people.page(&Query { filter: filter(), limit: Some(2), ..Query::default() }).await.unwrap();
        let next = Query { filter: filter(), limit: Some(2), after: first.next, ..Query::default() };
        let second = people.page(&next).await.unwrap();
        assert_eq!((first.entries.len(), second.entries.len(), second.next), (2, 1, None));
        assert_eq!(second.entries[0].key, Key::from("k207"));
    });
}

#[test]
fn an_order_is_not_to_be_had_of_a_blind_index() {
    block_on(async {
        let declared = schema(INDEXES);
        let store = unlocked(&declared, disk(&declared)).await;
        put(&store, "a", r#"{"email":"a"}"#).await;
        let people = store.collection("people").unwrap();
        for operator in [Operator::Gt, Operator::Lte, Operator::StartsWith, Operator::EndsWith] {
            let filter = Filter::And(vec![eq("labels", Operator::Contains, "x"), eq("email", operator, "a")]);
            assert_eq!(found(&store, filter.clone()).await.unwrap_err().kind(), ErrorKind::InvalidQuery);
            assert_eq!(people.count_matching(&filter).await.unwrap_err().kind(), ErrorKind::InvalidQuery);
        }
        let sort = vec![Sort { field: Field::parse("email").unwrap(), order: tidekeep::query::Order::Descending }];
        let refused = people.query(&Query { sort, ..Query::default() }).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidQuery);
        assert_eq!(
            found(&store, eq("other", Operator::Gt, "a")).await.unwrap(),
            Vec::<String>::new(),
            "of others it is"
        );
    });
}

#[test]
fn rotation_and_another_secret_leave_every_tag_as_it_is() {
    block_on(async {
        let declared = schema(INDEXES);
        let disk = disk(&declared);
        let store = unlocked(&declared, Rc::clone(&disk) as Rc<dyn Backend>).await;
        for at in 0..20 {
            put(&store, &format!("k{at}"), &format!(r#"{{"email":"e{}","labels":["x"]}}"#, at % 5)).await;
        }
        let tags = async || -> Vec<Option<Payload>> {
            raw(&disk, "people").await.into_iter().map(|record| record.meta.blind).collect()
        };
        let before = tags().await;
        assert!(before.iter().all(Option::is_some));
        store.credentials().rotate(&|_| (), &Gate::default()).await.unwrap();
        store.credentials().add_unlocker(&Known(3), "").await.unwrap();
        store.credentials().lock(LockReason::Call);
        store.credentials().unlock(&Known(3), Begin::WhereNew).await.unwrap();
        assert_eq!(found(&store, eq("email", Operator::Eq, "e3")).await.unwrap(), ["k13", "k18", "k3", "k8"]);
        assert_eq!(tags().await, before);
    });
}

#[test]
fn records_that_were_there_before_the_index_are_found_however_often_tagging_is_broken_off() {
    block_on(async {
        let (old, declared) = (disk(&schema(&[])), schema(INDEXES));
        let before = unlocked(&schema(&[]), Rc::clone(&old) as Rc<dyn Backend>).await;
        for at in 0..700 {
            put(&before, &format!("k{at:03}"), &format!(r#"{{"email":"e{}"}}"#, at % 350)).await;
        }
        let new = disk(&declared);
        pull(&old, &new).await;
        for left in 1..6 {
            let dying = Rc::new(Dying { disk: Rc::clone(&new), left: Cell::new(1_000) });
            let store = unlocked(&declared, Rc::clone(&dying) as Rc<dyn Backend>).await;
            dying.left.set(left % 3);
            let outcome = found(&store, eq("email", Operator::Eq, "e7")).await;
            match outcome {
                Ok(keys) => assert_eq!(keys, ["k007", "k357"]),
                Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionLost),
            }
        }
        let store = unlocked(&declared, Rc::clone(&new) as Rc<dyn Backend>).await;
        store.tag_all().await.unwrap();
        assert_eq!(found(&store, eq("email", Operator::Eq, "e7")).await.unwrap(), ["k007", "k357"]);
        let versions: Vec<u64> = raw(&new, "people").await.iter().map(|record| record.meta.version).collect();
        assert!(versions.iter().all(|version| *version == 1), "for an application nothing was written");
    });
}

#[test]
fn what_comes_while_the_keys_are_locked_is_found_once_they_are_open() {
    block_on(async {
        let declared = schema(INDEXES);
        let (here, elsewhere) = (disk(&declared), disk(&declared));
        let other = unlocked(&declared, Rc::clone(&elsewhere) as Rc<dyn Backend>).await;
        put(&other, "a", r#"{"email":"ada"}"#).await;
        pull(&elsewhere, &here).await;
        let store = unlocked(&declared, Rc::clone(&here) as Rc<dyn Backend>).await;
        assert_eq!(found(&store, eq("email", Operator::Eq, "ada")).await.unwrap(), ["a"]);
        store.credentials().lock(LockReason::Call);
        put(&other, "b", r#"{"email":"ada"}"#).await;
        put(&other, "a", r#"{"email":"alan"}"#).await;
        pull(&elsewhere, &here).await;
        assert!(raw(&here, "people").await.iter().all(|record| record.meta.blind.is_none()), "tags do not travel");
        assert_eq!(found(&store, eq("email", Operator::Eq, "ada")).await.unwrap_err().kind(), ErrorKind::Locked);
        store.credentials().unlock(&Known(9), Begin::WhereNew).await.unwrap();
        assert_eq!(found(&store, eq("email", Operator::Eq, "ada")).await.unwrap(), ["b"]);
    });
}

#[test]
fn devices_that_made_their_store_keys_apart_find_each_others_records_once_both_open() {
    block_on(async {
        let declared = schema(INDEXES);
        let disks = [disk(&declared), disk(&declared)];
        let mut stores = Vec::new();
        for (disk, (key, value)) in disks.iter().zip([("a", "ada"), ("b", "ada")]) {
            let store = unlocked(&declared, Rc::clone(disk) as Rc<dyn Backend>).await;
            put(&store, key, &format!(r#"{{"email":"{value}"}}"#)).await;
            stores.push(store);
        }
        let tag = async |disk: &MemoryBackend, key: &str| {
            let record = raw(disk, "people").await.into_iter().find(|record| record.key.to_text() == key).unwrap();
            record.meta.blind.and_then(|tags| tags.at("email")).map(|tag| tag.to_wire().unwrap())
        };
        assert_ne!(
            tag(&disks[0], "a").await,
            tag(&disks[1], "b").await,
            "apart, equal values are not seen to be equal"
        );
        pull(&disks[1], &disks[0]).await;
        pull(&disks[0], &disks[1]).await;
        for (store, disk) in stores.iter().zip(&disks) {
            // Until the other store key is open, its records cannot be looked through, and that is said.
            let refused = found(store, eq("email", Operator::Eq, "ada")).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::KeyMissing);
            store.credentials().lock(LockReason::Call);
            store.credentials().unlock(&Known(9), Begin::WhereNew).await.unwrap();
            assert_eq!(found(store, eq("email", Operator::Eq, "ada")).await.unwrap(), ["a", "b"]);
            assert_eq!(tag(disk, "a").await, tag(disk, "b").await);
        }
        assert_eq!(tag(&disks[0], "a").await, tag(&disks[1], "a").await, "under one store key, on every device");
    });
}
