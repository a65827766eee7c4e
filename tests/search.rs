//! Full-text search over any history of writes finds what reading every record finds, scores included.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test, a panic is the report")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use futures_executor::block_on;
use proptest::prelude::*;
use proptest::sample::select;
use tidekeep::backend::layer::Postings;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::backend::{Backend, LocalFuture, Row, Scan};
use tidekeep::model::{
    Body, Collection, CommitReceipt, Content, Delete, Durability, Key, Precondition, Put, Record, RemoteState, Replica,
    Replicate, Schema, SearchField, WriteBatch, WriteOp,
};
use tidekeep::platform::Payload;
use tidekeep::store::{DataStore, Hits, Match, Parts, Prefix, SearchOptions, Space, tidy};
use tidekeep::sync::Hlc;
use tidekeep::{Error, ErrorKind, Result};

const LOG: &str = "tidekeep:search/notes";

/// What one tab is: a store with layers of its own over a backend that it shares.
struct Tab {
    store: DataStore,
    backend: Rc<dyn Backend>,
}

fn schema(fields: &[(&str, f64)]) -> Rc<Schema> {
    let search = fields.iter().map(|&(path, weight)| SearchField { path: path.to_owned(), weight }).collect();
    let mut schema = Schema::default();
    schema.declare("notes", Collection { search, ..Collection::default() }).unwrap();
    Rc::new(schema)
}

fn raw() -> Rc<dyn Backend> {
    Rc::new(MemoryBackend::new("search", schema(&[]), DEFAULT_CAPACITY))
}

fn tab(raw: &Rc<dyn Backend>, fields: &[(&str, f64)]) -> Tab {
    let schema = schema(fields);
    let backend = Postings::around(Rc::clone(raw), &schema, Rc::new(|_| ()));
    let space = Rc::new(Space::new(Rc::clone(&backend), Rc::clone(&schema), false, 0.0));
    let parts = Parts {
        schema,
        backend: Rc::clone(&space) as Rc<dyn Backend>,
        space,
        cache: None,
        durability: Durability::Relaxed,
        checks: tidekeep::store::Checks::default(),
        degraded: None,
    };
    Tab { store: DataStore::new(parts, |stack| stack), backend }
}

impl Tab {
    fn search(&self, text: &str, options: &SearchOptions) -> Result<Hits> {
        block_on(self.store.collection("notes").unwrap().search(text, options, &|_, _| ()))
    }

    fn commit(&self, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
        block_on(self.backend.commit(WriteBatch { ops, now: 5.0, ..WriteBatch::default() }))
    }

    fn put(&self, key: u32, title: &str, body: &str) {
        self.commit(vec![put(key, title, body)]).unwrap();
    }

    fn keys(&self, text: &str) -> Vec<String> {
        let hits = self.search(text, &SearchOptions { limit: Some(10_000), ..SearchOptions::default() }).unwrap().hits;
        let mut keys: Vec<String> = hits.into_iter().map(|hit| hit.entry.key.to_text()).collect();
        keys.sort();
        keys
    }
}

fn body(title: &str, body: &str) -> Body {
    Body::Clear(Payload::from(serde_json::json!({ "title": title, "body": body })))
}

fn put(key: u32, title: &str, text: &str) -> WriteOp {
    WriteOp::Put(Put::new("notes", Key::from(key), body(title, text)))
}

fn rows(raw: &Rc<dyn Backend>, collection: &str) -> Vec<Record> {
    let rows = block_on(raw.scan(&Scan::all(collection))).unwrap();
    rows.into_iter().filter_map(|row| row.record).collect()
}

/// BM25F by its definition, over whatever is stored. Shares no code with the index.
fn brute_force(
    raw: &Rc<dyn Backend>,
    fields: &[(&str, f64)],
    text: &str,
    matching: Match,
    prefix: Prefix,
) -> BTreeMap<String, f64> {
    let records: Vec<(String, Vec<Vec<String>>)> = rows(raw, "notes")
        .iter()
        .map(|record| {
            let Body::Clear(payload) = &record.body else { unreachable!() };
            let value: serde_json::Value = serde_json::from_str(&payload.to_wire().unwrap()).unwrap();
            let cut = |field: &str| value[field].as_str().unwrap_or("").split(' ').filter(|w| !w.is_empty());
            let texts = fields.iter().map(|(field, _)| cut(field).map(ToOwned::to_owned).collect()).collect();
            (record.key.to_text(), texts)
        })
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let float = |count: usize| count as f64;
    let n = float(records.len());
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        words.retain(|known| *known != word);
        words.push(word);
    }
    let mut scores: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    for (at, word) in words.iter().enumerate() {
        let begins = prefix == Prefix::Every || (prefix == Prefix::Last && at + 1 == words.len());
        let strength = |texts: &Vec<Vec<String>>| -> f64 {
            let mut sum = 0.0;
            for (field, (_, weight)) in fields.iter().enumerate() {
                let average = float(records.iter().map(|(_, texts)| texts[field].len()).sum()) / n;
                for held in &texts[field] {
                    if held == word || (begins && held.starts_with(word)) {
                        let typed = float(word.len()) / float(held.len());
                        sum += typed * weight / (0.25 + 0.75 * float(texts[field].len()) / average);
                    }
                }
            }
            sum
        };
        let strengths: Vec<f64> = records.iter().map(|(_, texts)| strength(texts)).collect();
        let holding = float(strengths.iter().filter(|strength| **strength > 0.0).count());
        let rarity = (1.0 + (n - holding + 0.5) / (holding + 0.5)).ln();
        for ((key, _), strength) in records.iter().zip(strengths).filter(|(_, strength)| *strength > 0.0) {
            let score = scores.entry(key.clone()).or_default();
            score.0 += 1;
            score.1 += rarity * strength / (1.2 + strength);
        }
    }
    let wanted = if matching == Match::All { words.len() } else { 1 };
    scores.into_iter().filter(|(_, (held, _))| *held >= wanted).map(|(key, (_, score))| (key, score)).collect()
}

/// Searches page by page, and compares with reading everything.
fn check(
    raw: &Rc<dyn Backend>,
    tab: &Tab,
    fields: &[(&str, f64)],
    (text, matching, prefix): (&str, Match, Prefix),
) -> std::result::Result<(), TestCaseError> {
    let wanted = brute_force(raw, fields, text, matching, prefix);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let options = SearchOptions { limit: Some(3), matching, prefix, after, fields: None };
        let page = tab.search(text, &options).unwrap();
        prop_assert!(page.hits.len() <= 3);
        found.extend(page.hits.into_iter().map(|hit| (hit.entry.key.to_text(), hit.score)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    prop_assert_eq!(found.len(), wanted.len(), "{}: {:?} {:?}", text, found, wanted);
    for (key, score) in &found {
        let right = wanted.get(key).copied().unwrap_or(f64::NAN);
        prop_assert!((score - right).abs() < 1e-9, "{text}: {key} has {score}, wanted {right}");
    }
    let sorted = found.windows(2).all(|two| two[0].1 > two[1].1 || (two[0].1 >= two[1].1 && two[0].0 < two[1].0));
    prop_assert!(sorted, "{found:?}");
    Ok(())
}

const BOTH: &[(&str, f64)] = &[("body", 1.0), ("title", 2.5)];
const TITLE: &[(&str, f64)] = &[("title", 1.0)];
const BODY: &[(&str, f64)] = &[("body", 3.0)];
const NONE: &[(&str, f64)] = &[];

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Commit {
        tab: usize,
        ops: Vec<Op>,
    },
    Refused {
        tab: usize,
        ops: Vec<Op>,
    },
    Search {
        tab: usize,
        text: String,
        matching: Match,
        prefix: Prefix,
    },
    Tidy,
    Reload(usize),
    /// The next writing call but so many fails; with `true`, what it was to write is written all the same.
    Break(u32, bool),
    Damage(usize),
    Reindex(usize),
    /// What a version without the index writes to IndexedDB: the log is emptied with it.
    Unkept(Vec<Op>),
}

#[derive(Debug, Clone)]
enum Op {
    Put(u32, String, String),
    Remote(u32, Option<String>),
    Touch(u32),
    Delete(u32),
    Clear,
}

fn text() -> impl Strategy<Value = String> {
    let word = select(vec!["a", "ab", "abc", "abd", "b", "ba", "bab", "c", "ca", "cab", "sea", "seal", "season"]);
    prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
}

fn op() -> impl Strategy<Value = Op> {
    let key = || 0..12u32;
    prop_oneof![
        6 => (key(), text(), text()).prop_map(|(key, title, body)| Op::Put(key, title, body)),
        2 => (key(), prop::option::of(text())).prop_map(|(key, title)| Op::Remote(key, title)),
        1 => key().prop_map(Op::Touch),
        2 => key().prop_map(Op::Delete),
        1 => Just(Op::Clear),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let tab = || 0..4usize;
    let ops = || prop::collection::vec(op(), 1..5);
    let matching = select(vec![Match::All, Match::Any]);
    let prefix = select(vec![Prefix::None, Prefix::Last, Prefix::Every]);
    prop_oneof![
        10 => (tab(), ops()).prop_map(|(tab, ops)| Step::Commit { tab, ops }),
        1 => (tab(), ops()).prop_map(|(tab, ops)| Step::Refused { tab, ops }),
        8 => (tab(), text(), matching, prefix).prop_map(|(tab, text, matching, prefix)| Step::Search { tab, text, matching, prefix }),
        3 => Just(Step::Tidy),
        2 => tab().prop_map(Step::Reload),
        2 => (0..3u32, any::<bool>()).prop_map(|(after, kept)| Step::Break(after, kept)),
        1 => (0..20usize).prop_map(Step::Damage),
        1 => tab().prop_map(Step::Reindex),
        1 => ops().prop_map(Step::Unkept),
    ]
}

fn write_ops(ops: &[Op], raw: &Rc<dyn Backend>) -> Vec<WriteOp> {
    let there = rows(raw, "notes");
    let mut live: Vec<Key> = there.iter().map(|record| record.key.clone()).collect();
    let replica = Replica { rev: Some(1), hlc: Hlc::new(1, 0, 7), dirty: false };
    let mut made = Vec::new();
    for op in ops {
        made.push(match op {
            Op::Put(key, title, body) => {
                live.push(Key::from(*key));
                put(*key, title, body)
            }
            Op::Remote(key, title) => {
                live.retain(|known| *known != Key::from(*key));
                live.extend(title.is_some().then(|| Key::from(*key)));
                let present = |title: &String| RemoteState::Present {
                    body: body(title, "sea"),
                    metadata: None,
                    tags: Vec::new(),
                    expires: None,
                    created: 1.0,
                    modified: 1.0,
                };
                let state = Some(title.as_ref().map_or(RemoteState::Deleted, present));
                let (collection, key) = ("notes".to_owned(), Key::from(*key));
                WriteOp::Replicate(Replicate {
                    collection,
                    key,
                    state,
                    replica,
                    checksum: None,
                    precondition: Precondition::None,
                })
            }
            Op::Touch(key) if live.contains(&Key::from(*key)) => WriteOp::Put(Put {
                content: Content::Keep,
                tags: Some(vec!["touched".to_owned()]),
                ..Put::new("notes", Key::from(*key), Body::Clear(Payload::undefined()))
            }),
            Op::Touch(key) | Op::Delete(key) => {
                live.retain(|known| *known != Key::from(*key));
                WriteOp::Delete(Delete::new("notes", Key::from(*key)))
            }
            Op::Clear => {
                live.clear();
                WriteOp::Clear { collection: "notes".to_owned() }
            }
        });
    }
    made
}

/// A backend on which a commit fails now and then, and on which others write between any two calls.
struct Faulty {
    inner: Rc<dyn Backend>,
    /// How many commits until one fails, and whether that one is stored.
    fails: Cell<Option<(u32, bool)>>,
    meddling: RefCell<VecDeque<(Rc<dyn Backend>, WriteBatch)>>,
}

impl Faulty {
    fn new(inner: Rc<dyn Backend>) -> Rc<Self> {
        Rc::new(Self { inner, fails: Cell::new(None), meddling: RefCell::default() })
    }

    async fn meddle(&self) {
        let next = self.meddling.borrow_mut().pop_front();
        if let Some((backend, batch)) = next {
            backend.commit(batch).await.unwrap();
        }
    }
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Faulty")
    }
}

impl Backend for Faulty {
    tidekeep::delegate!(inner: facts, count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            self.meddle().await;
            let lost = || Err(Error::new(ErrorKind::ConnectionLost, "as the test wants it"));
            match self.fails.get() {
                Some((0, kept)) => {
                    self.fails.set(None);
                    if kept {
                        self.inner.commit(batch).await?;
                    }
                    lost()
                }
                Some((left, kept)) => {
                    self.fails.set(Some((left - 1, kept)));
                    self.inner.commit(batch).await
                }
                None => self.inner.commit(batch).await,
            }
        })
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            self.meddle().await;
            self.inner.get(collection, keys).await
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            self.meddle().await;
            self.inner.scan(scan).await
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    // Tabs of two versions of an application, over other fields each; commits that fail before or after they were
    // stored, in writes, merges and the building of an index; tabs that are killed; damaged blocks.
    #[test]
    fn whatever_happened_a_search_finds_what_reading_everything_finds(steps in prop::collection::vec(step(), 1..60)) {
        const FIELDS: [&[(&str, f64)]; 4] = [BOTH, BOTH, TITLE, BODY];
        let raw = raw();
        let faulty = Faulty::new(Rc::clone(&raw));
        let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
        let mut tabs = FIELDS.map(|fields| tab(&shared, fields));
        for step in &steps {
            match step {
                Step::Commit { tab, ops } => drop(tabs[*tab].commit(write_ops(ops, &raw))),
                Step::Refused { tab, ops } => {
                    let mut ops = write_ops(ops, &raw);
                    let refused = Put { precondition: Precondition::Version(999), ..Put::new("notes", Key::from(0), body("a", "a")) };
                    ops.push(WriteOp::Put(refused));
                    tabs[*tab].commit(ops).unwrap_err();
                }
                Step::Search { tab: at, text, matching, prefix } => {
                    if let Err(error) = tabs[*at].search(text, &SearchOptions::default()) {
                        prop_assert_eq!(error.kind(), ErrorKind::ConnectionLost);
                        tabs[*at] = tab(&shared, FIELDS[*at]);
                    }
                    faulty.fails.set(None);
                    check(&raw, &tabs[*at], FIELDS[*at], (text, *matching, *prefix))?;
                }
                Step::Tidy => drop(block_on(tidy(&*shared, "notes"))),
                Step::Reload(at) => tabs[*at] = tab(&shared, FIELDS[*at]),
                Step::Break(after, kept) => faulty.fails.set(Some((*after, *kept))),
                Step::Damage(at) => {
                    let blocks = rows(&raw, LOG);
                    if let Some(block) = blocks.get(*at) {
                        let mut bytes = match &block.body { Body::Clear(payload) => payload.as_bytes().unwrap(), Body::Sealed(_) => unreachable!() };
                        bytes.truncate(bytes.len() / 2);
                        let put = Put::new(LOG, block.key.clone(), Body::Clear(Payload::bytes(&bytes)));
                        block_on(raw.commit(WriteBatch { ops: vec![WriteOp::Put(put)], ..WriteBatch::default() })).unwrap();
                        for at in 0..4 {
                            tabs[at] = tab(&shared, FIELDS[at]);
                        }
                    }
                }
                Step::Unkept(ops) => {
                    let mut ops = write_ops(ops, &raw);
                    ops.push(WriteOp::Clear { collection: LOG.to_owned() });
                    block_on(raw.commit(WriteBatch { ops, now: 6.0, ..WriteBatch::default() })).unwrap();
                }
                Step::Reindex(at) => {
                    if block_on(tabs[*at].store.collection("notes").unwrap().reindex(&|_, _| ())).is_err() {
                        tabs[*at] = tab(&shared, FIELDS[*at]);
                    }
                }
            }
        }
        faulty.fails.set(None);
        for (tab, fields) in tabs.iter().zip(FIELDS) {
            check(&raw, tab, fields, ("a sea", Match::Any, Prefix::Every))?;
        }
    }

    // Between any two calls that a tab makes of its backend, another one commits, or merges.
    #[test]
    fn writes_of_other_tabs_come_between_any_two_steps_of_a_search(
        before in prop::collection::vec(prop::collection::vec(op(), 1..4), 0..20),
        between in prop::collection::vec((0..4usize, prop::collection::vec(op(), 1..3)), 1..12),
        declared in any::<bool>(),
        text in text(),
    ) {
        let raw = raw();
        let others: [Tab; 4] = [BOTH, BOTH, TITLE, BODY].map(|fields| tab(&raw, fields));
        let first = tab(&raw, if declared { BOTH } else { NONE });
        for ops in &before {
            first.commit(write_ops(ops, &raw)).unwrap();
        }
        let faulty = Faulty::new(Rc::clone(&raw));
        let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
        let searching = tab(&shared, BOTH);
        for (other, ops) in &between {
            let puts: Vec<Op> = ops.iter().filter(|op| !matches!(op, Op::Touch(_))).cloned().collect();
            let batch = WriteBatch { ops: write_ops(&puts, &raw), now: 7.0, ..WriteBatch::default() };
            faulty.meddling.borrow_mut().push_back((Rc::clone(&others[*other].backend), batch));
        }
        searching.search(&text, &SearchOptions::default()).unwrap();
        faulty.meddling.borrow_mut().clear();
        check(&raw, &searching, BOTH, (&text, Match::Any, Prefix::Every))?;
        block_on(tidy(&*raw, "notes")).unwrap();
        check(&raw, &tab(&raw, BOTH), BOTH, (&text, Match::All, Prefix::None))?;
    }
}

#[test]
fn an_index_that_is_declared_later_is_built_in_slices_with_progress_and_goes_on_after_a_kill() {
    let raw = raw();
    let undeclared = tab(&raw, NONE);
    for chunk in (0..1300u32).collect::<Vec<_>>().chunks(400) {
        undeclared.commit(chunk.iter().map(|key| put(*key, &format!("note w{key}"), "sea")).collect()).unwrap();
    }
    let faulty = Faulty::new(Rc::clone(&raw));
    let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
    // The second slice is not stored.
    faulty.fails.set(Some((2, false)));
    let killed = tab(&shared, BOTH).search("note", &SearchOptions::default()).unwrap_err();
    assert_eq!(killed.kind(), ErrorKind::ConnectionLost);
    let told = RefCell::new(Vec::new());
    let next = tab(&shared, BOTH);
    let notes = next.store.collection("notes").unwrap();
    let progress = |done, total| told.borrow_mut().push((done, total));
    let found = block_on(notes.search("w1299", &SearchOptions::default(), &progress)).unwrap();
    assert_eq!(found.hits.len(), 1);
    assert_eq!(*told.borrow(), [(512, 1300), (1024, 1300), (1300, 1300)]);
    assert_eq!(next.keys("note").len(), 1300);
}

#[test]
fn what_a_tab_writes_while_another_builds_the_index_is_neither_lost_nor_covered() {
    let raw = raw();
    let undeclared = tab(&raw, NONE);
    undeclared.commit((0..1300u32).map(|key| put(key, "old", "sea")).collect()).unwrap();
    let faulty = Faulty::new(Rc::clone(&raw));
    let shared: Rc<dyn Backend> = Rc::clone(&faulty) as Rc<dyn Backend>;
    let other = tab(&raw, BOTH);
    for at in 0..40u32 {
        let ops = vec![put(at * 31, "new", "sea"), WriteOp::Delete(Delete::new("notes", Key::from(at * 31 + 1)))];
        let batch = WriteBatch { ops, now: 9.0, ..WriteBatch::default() };
        faulty.meddling.borrow_mut().push_back((Rc::clone(&other.backend), batch));
    }
    let building = tab(&shared, BOTH);
    building.search("old", &SearchOptions::default()).unwrap();
    assert!(faulty.meddling.borrow().is_empty(), "the building was over before the writes were");
    for tab in [&building, &other, &tab(&raw, BOTH)] {
        assert_eq!((tab.keys("new").len(), tab.keys("old").len()), (40, 1220));
    }
}

#[test]
fn two_tabs_that_build_at_once_come_to_the_same() {
    let raw = raw();
    tab(&raw, NONE).commit((0..1300u32).map(|key| put(key, "old", "sea")).collect()).unwrap();
    let (one, two) = (tab(&raw, BOTH), tab(&raw, BOTH));
    let options = SearchOptions { limit: Some(1), ..SearchOptions::default() };
    let search = |tab: &Tab| {
        let (notes, options) = (tab.store.collection("notes").unwrap(), options.clone());
        async move { notes.search("old", &options, &|_, _| ()).await.unwrap().hits.len() }
    };
    let both = block_on(futures_util::future::join(search(&one), search(&two)));
    assert_eq!(both, (1, 1));
    assert_eq!((one.keys("sea").len(), two.keys("old").len()), (1300, 1300));
}

#[test]
fn rows_of_a_version_that_does_not_declare_the_index_are_found_at_the_next_opening() {
    let raw = raw();
    tab(&raw, BOTH).put(1, "first", "");
    tab(&raw, NONE).put(2, "second", "");
    assert_eq!(tab(&raw, BOTH).keys("second"), ["~2"]);
    // As many as before: over IndexedDB the log would have been emptied; else this is what reindex() is for.
    tab(&raw, NONE).commit(vec![WriteOp::Delete(Delete::new("notes", Key::from(2))), put(3, "third", "")]).unwrap();
    let open = tab(&raw, BOTH);
    assert!(open.keys("third").is_empty());
    block_on(open.store.collection("notes").unwrap().reindex(&|_, _| ())).unwrap();
    assert_eq!(open.keys("third"), ["~3"]);
    assert!(open.keys("second").is_empty());
}

#[test]
fn a_log_that_was_emptied_is_made_anew_even_where_it_has_gone_on_since() {
    let raw = raw();
    let empty = || {
        let ops = vec![WriteOp::Clear { collection: LOG.to_owned() }];
        block_on(raw.commit(WriteBatch { ops, ..WriteBatch::default() })).unwrap();
    };
    let (open, other) = (tab(&raw, BOTH), tab(&raw, BOTH));
    for key in 0..10 {
        open.put(key, "first", "");
    }
    assert_eq!(open.keys("first").len(), 10);
    for merged in [false, true] {
        tab(&raw, NONE).put(3, "changed", "");
        empty();
        for key in 4..(if merged { 14 } else { 5 }) {
            other.put(key, "first", "");
        }
        if merged {
            block_on(tidy(&*raw, "notes")).unwrap();
        }
        assert_eq!(open.keys("changed"), ["~3"], "{merged}");
        assert_eq!(other.keys("first"), open.keys("first"), "{merged}");
    }
}

#[test]
fn versions_over_other_fields_build_once_and_then_share_the_index() {
    let raw = raw();
    let old = tab(&raw, TITLE);
    old.commit((0..600u32).map(|key| put(key, "title", "text")).collect()).unwrap();
    assert_eq!(tab(&raw, BOTH).keys("text").len(), 600);
    let built = rows(&raw, LOG).last().unwrap().key.clone();
    // Neither the older version nor one over other fields still builds anything.
    assert_eq!(tab(&raw, TITLE).keys("title").len(), 600);
    assert_eq!(tab(&raw, BODY).keys("text").len(), 600);
    assert_eq!(rows(&raw, LOG).last().unwrap().key, built);
}

#[test]
fn logs_stay_short() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    for round in 0..400u32 {
        open.put(round % 50, &format!("round{round}"), "sea");
        if round % 32 == 31 {
            block_on(tidy(&*raw, "notes")).unwrap();
        }
    }
    assert!(rows(&raw, LOG).len() < 40, "{}", rows(&raw, LOG).len());
    assert_eq!(tab(&raw, BOTH).keys("sea").len(), 50);
    assert_eq!(open.keys("round399"), ["~49"]);
    assert!(open.keys("round349").is_empty());
    open.commit(vec![WriteOp::Clear { collection: "notes".to_owned() }]).unwrap();
    for round in 0..8u32 {
        open.put(round, "after", "");
    }
    block_on(tidy(&*raw, "notes")).unwrap();
    assert_eq!(rows(&raw, LOG).len(), 1);
    assert_eq!((open.keys("after").len(), open.keys("sea").len()), (8, 0));
}

#[test]
fn a_database_that_was_emptied_behind_our_back_is_searched_anew() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    open.put(1, "gone", "");
    assert_eq!(open.keys("gone"), ["~1"]);
    let clear = |name: &str| WriteOp::Clear { collection: name.to_owned() };
    let batch = WriteBatch { ops: vec![clear("notes"), clear(LOG)], ..WriteBatch::default() };
    block_on(raw.commit(batch)).unwrap();
    assert!(open.keys("gone").is_empty());
}

#[test]
fn what_is_no_search_is_refused() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    open.put(1, "title", "text");
    let refused = |text: &str, options: SearchOptions| open.search(text, &options).unwrap_err().kind();
    let many: Vec<String> = (0..10_000).map(|at| format!("word{at}")).collect();
    assert_eq!(refused(&many.join(" "), SearchOptions::default()), ErrorKind::InvalidQuery);
    let unknown = SearchOptions { fields: Some(vec!["other".to_owned()]), ..SearchOptions::default() };
    assert_eq!(refused("title", unknown), ErrorKind::InvalidQuery);
    for after in ["", "x", "0.0.0", "00000000.3ff0000000000000.~1", "..", "zz.zz.zz"] {
        let options = SearchOptions { after: Some(after.to_owned()), ..SearchOptions::default() };
        assert_eq!(refused("title", options), ErrorKind::InvalidQuery, "{after}");
    }
    let unsearched = tab(&raw, NONE).search("title", &SearchOptions::default()).unwrap_err();
    assert_eq!(unsearched.kind(), ErrorKind::InvalidQuery);
    for text in ["", "  ", "…", "🙂"] {
        assert!(open.search(text, &SearchOptions::default()).unwrap().hits.is_empty(), "{text}");
    }
}

#[test]
fn a_page_of_another_search_is_refused() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    for key in 0..5 {
        open.put(key, "same", "");
    }
    let options = SearchOptions { limit: Some(2), ..SearchOptions::default() };
    let next = open.search("same", &options).unwrap().next;
    assert!(next.is_some());
    let page = SearchOptions { after: next, ..options };
    assert_eq!(open.search("same", &page).unwrap().hits.len(), 2);
    assert_eq!(open.search("other", &page).unwrap_err().kind(), ErrorKind::InvalidQuery);
    let any = SearchOptions { matching: Match::Any, ..page };
    assert_eq!(open.search("same", &any).unwrap_err().kind(), ErrorKind::InvalidQuery);
}

#[test]
fn entries_that_have_expired_are_passed_over() {
    let raw = raw();
    let open = tab(&raw, BOTH);
    for key in 0..9 {
        let expires = tidekeep::model::Expiry::At(if key % 3 == 0 { f64::MAX } else { 1.0 });
        let put = Put { expires, ..Put::new("notes", Key::from(key), body("same", "")) };
        open.commit(vec![WriteOp::Put(put)]).unwrap();
    }
    let page = open.search("same", &SearchOptions { limit: Some(2), ..SearchOptions::default() }).unwrap();
    assert_eq!(page.hits.iter().map(|hit| hit.entry.key.to_text()).collect::<Vec<_>>(), ["~0", "~3"]);
    let rest =
        open.search("same", &SearchOptions { limit: Some(2), after: page.next, ..SearchOptions::default() }).unwrap();
    assert_eq!((rest.hits.len(), rest.next), (1, None));
}
