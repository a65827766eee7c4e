//! Counts while entries whose time is over are removed.

use core::cell::Cell;
use std::rc::Rc;

use futures_executor::block_on;
use futures_util::FutureExt as _;
use tidekeep::Result;
use tidekeep::backend::memory::MemoryBackend;
use tidekeep::backend::{Backend, LocalFuture, Row, Scan, Source};
use tidekeep::model::{Body, Delete, Durability, Expiry, Key, KeyRange, Put, Schema, WriteBatch, WriteOp};
use tidekeep::platform::Payload;
use tidekeep::query::Filter;
use tidekeep::store::{Checks, DataStore, Parts, Space};

/// A backend in which one more entry is removed before each call that reads.
#[derive(Debug)]
struct Swept {
    inner: MemoryBackend,
    next: Cell<u32>,
}

impl Swept {
    fn sweep(&self) {
        let key = Key::from(self.next.replace(self.next.get() + 1));
        let ops = if self.next.get() > 6 { Vec::new() } else { vec![WriteOp::Delete(Delete::new("box", key))] };
        self.inner.commit(WriteBatch { ops, ..WriteBatch::default() }).now_or_never().unwrap().unwrap();
    }
}

impl Backend for Swept {
    tidekeep::delegate!(inner: facts, commit, get, namespaces, close, destroy);

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        self.sweep();
        self.inner.scan(scan)
    }
    fn count<'a>(&'a self, name: &'a str, source: &'a Source, range: &'a KeyRange) -> LocalFuture<'a, Result<u64>> {
        self.sweep();
        self.inner.count(name, source, range)
    }
}

#[test]
fn a_count_is_exact_while_what_is_over_is_removed() {
    for filter in [None, Some(Filter::And(Vec::new()))] {
        let schema = Rc::new(Schema::default());
        let inner = MemoryBackend::new("counts", Rc::clone(&schema), 100);
        let put = |key: u32| {
            let expires = if key < 6 { Expiry::At(1.0) } else { Expiry::Never };
            WriteOp::Put(Put { expires, ..Put::new("box", Key::from(key), Body::Clear(Payload::undefined())) })
        };
        block_on(inner.commit(WriteBatch { ops: (0..10).map(put).collect(), ..WriteBatch::default() })).unwrap();
        let backend: Rc<dyn Backend> = Rc::new(Swept { inner, next: Cell::new(0) });
        let parts = Parts {
            schema: Rc::clone(&schema),
            backend: Rc::clone(&backend),
            space: Rc::new(Space::new(backend, schema, false, 0.0)),
            durability: Durability::Relaxed,
            checks: Checks::default(),
            cache: None,
            degraded: None,
        };
        let all = DataStore::new(parts, |stack| stack).collection("box").unwrap();
        let count = match &filter {
            None => block_on(all.count()).unwrap(),
            Some(filter) => block_on(all.count_matching(filter)).unwrap(),
        };
        assert_eq!(count, 4);
    }
}
