//! Tabs: stores with layers of their own over one backend.

use std::rc::Rc;

use futures_executor::block_on;
use tidekeep::Result;
use tidekeep::backend::layer::Postings;
use tidekeep::backend::memory::{DEFAULT_CAPACITY, MemoryBackend};
use tidekeep::backend::{Backend, Scan};
use tidekeep::model::{
    Body, Collection, CommitReceipt, Durability, Key, Put, Record, Schema, SearchField, WriteBatch, WriteOp,
};
use tidekeep::platform::Payload;
use tidekeep::store::{DataStore, Hits, Parts, SearchOptions, Space};

pub(crate) const BOTH: &[(&str, f64)] = &[("body", 1.0), ("title", 2.5)];
pub(crate) const TITLE: &[(&str, f64)] = &[("title", 1.0)];
pub(crate) const BODY: &[(&str, f64)] = &[("body", 3.0)];
pub(crate) const NONE: &[(&str, f64)] = &[];

pub(crate) const LOG: &str = "tidekeep:search/notes";

/// What one tab is: a store with layers of its own over a backend that it shares.
pub(crate) struct Tab {
    pub(crate) store: DataStore,
    pub(crate) backend: Rc<dyn Backend>,
}

pub(crate) fn schema(fields: &[(&str, f64)]) -> Rc<Schema> {
    let search = fields.iter().map(|&(path, weight)| SearchField { path: path.to_owned(), weight }).collect();
    let mut schema = Schema::default();
    schema.declare("notes", Collection { search, ..Collection::default() }).unwrap();
    Rc::new(schema)
}

pub(crate) fn raw() -> Rc<dyn Backend> {
    Rc::new(MemoryBackend::new("search", schema(&[]), DEFAULT_CAPACITY))
}

pub(crate) fn tab(raw: &Rc<dyn Backend>, fields: &[(&str, f64)]) -> Tab {
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
    pub(crate) fn search(&self, text: &str, options: &SearchOptions) -> Result<Hits> {
        block_on(self.store.collection("notes").unwrap().search(text, options, &|_, _| ()))
    }

    pub(crate) fn commit(&self, ops: Vec<WriteOp>) -> Result<CommitReceipt> {
        block_on(self.backend.commit(WriteBatch { ops, now: 5.0, ..WriteBatch::default() }))
    }

    pub(crate) fn put(&self, key: u32, title: &str, body: &str) {
        self.commit(vec![put(key, title, body)]).unwrap();
    }

    pub(crate) fn keys(&self, text: &str) -> Vec<String> {
        let hits = self.search(text, &SearchOptions { limit: Some(10_000), ..SearchOptions::default() }).unwrap().hits;
        let mut keys: Vec<String> = hits.into_iter().map(|hit| hit.entry.key.to_text()).collect();
        keys.sort();
        keys
    }
}

pub(crate) fn body(title: &str, body: &str) -> Body {
    Body::Clear(Payload::from(serde_json::json!({ "title": title, "body": body })))
}

pub(crate) fn put(key: u32, title: &str, text: &str) -> WriteOp {
    WriteOp::Put(Put::new("notes", Key::from(key), body(title, text)))
}

pub(crate) fn rows(raw: &Rc<dyn Backend>, collection: &str) -> Vec<Record> {
    let rows = block_on(raw.scan(&Scan::all(collection))).unwrap();
    rows.into_iter().filter_map(|row| row.record).collect()
}
