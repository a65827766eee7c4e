//! A backend that takes its time, so that what overlaps in a browser overlaps in a test.

use core::cell::Cell;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::rc::Rc;

use crate::backend::memory::MemoryBackend;
use crate::backend::{Backend, LocalFuture, Row, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{CommitReceipt, Key, Record, WriteBatch};

/// Lets others run first, so many times.
#[derive(Debug)]
pub struct Yield(pub u32);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A memory backend whose reads and commits take some turns before and after they happen; how many, the seed decides.
#[derive(Debug)]
pub struct Slow {
    inner: MemoryBackend,
    seed: Cell<u32>,
    failures: Rc<Cell<u32>>,
}

impl Slow {
    /// A slow backend; so many reads as `failures` says fail with `TIMEOUT`.
    #[must_use]
    pub const fn new(inner: MemoryBackend, seed: u32, failures: Rc<Cell<u32>>) -> Self {
        Self { inner, seed: Cell::new(seed), failures }
    }

    fn pause(&self) -> Yield {
        let seed = self.seed.get().wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.seed.set(seed);
        Yield((seed >> 16) % 4)
    }

    async fn read<'a, T>(&'a self, work: impl FnOnce() -> LocalFuture<'a, Result<T>>) -> Result<T> {
        self.pause().await;
        if self.failures.get() > 0 {
            self.failures.set(self.failures.get() - 1);
            return Err(Error::new(ErrorKind::Timeout, "told to fail"));
        }
        let found = work().await;
        self.pause().await;
        found
    }
}

impl Backend for Slow {
    crate::delegate!(inner: facts, count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            self.pause().await;
            let receipt = self.inner.commit(batch).await;
            self.pause().await;
            receipt
        })
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(self.read(move || self.inner.get(collection, keys)))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(self.read(move || self.inner.scan(scan)))
    }
}
