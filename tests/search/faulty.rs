//! A backend that fails when it is told to.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use tidekeep::backend::{Backend, LocalFuture, Row, Scan};
use tidekeep::model::{CommitReceipt, Key, Record, WriteBatch};
use tidekeep::{Error, ErrorKind, Result};

/// A backend on which a commit fails now and then, and on which others write between any two calls.
pub(crate) struct Faulty {
    pub(crate) inner: Rc<dyn Backend>,
    /// How many commits until one fails, and whether that one is stored.
    pub(crate) fails: Cell<Option<(u32, bool)>>,
    pub(crate) meddling: RefCell<VecDeque<(Rc<dyn Backend>, WriteBatch)>>,
}

impl Faulty {
    pub(crate) fn new(inner: Rc<dyn Backend>) -> Rc<Self> {
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
