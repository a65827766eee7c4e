//! A transaction: a view of a stack with a write buffer over it.

mod buffer;
mod merge;
mod reads;
#[cfg(test)]
mod tests;
mod view;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::{Rc, Weak};

use futures_channel::oneshot;

use crate::backend::{Backend, Facts, LocalFuture, Read, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Acknowledged, CommitReceipt, Durability, Key, KeyRange, Record, Schema, WriteBatch, WriteOp};
use crate::platform::now;
use buffer::Buffer;
use reads::Reads;

/// What a transaction sees of others, and what its commit makes sure of. `docs/transactions.md` says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// What is committed, and its own writes.
    #[default]
    ReadCommitted,
    /// Also what other open transactions of the same store have written.
    ReadUncommitted,
    /// What is committed, and its own writes; nothing that it has read may change before its commit.
    Serializable,
}

/// The open transactions of a store, in the order of their beginning.
pub type Open = Rc<RefCell<Vec<Rc<Overlay>>>>;

type SharedBuffer = Rc<RefCell<Buffer>>;

/// A view of a stack with a write buffer over it.
///
/// # Behavior
///
/// - A commit is staged: decided on the merged view, whole or not at all, and seen by the reads that follow.
/// - [`finish`](Overlay::finish) gives everything that was staged, in order, to be committed at once. What depends on
///   records that the transaction had not written itself is checked again in that commit.
/// - Of a serializable one, every row and every range that was read is a condition of that commit. A read that
///   contradicts an earlier one fails with `CONFLICT` at once, and so does everything after it.
/// - The versions that a staged write answers with are those that it will have if nobody else writes.
/// - [`close`](Backend::close) drops what was staged; what lies below stays open.
///
/// # Errors
///
/// `INVALID_TRANSACTION` for a call after the end.
pub struct Overlay {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    id: String,
    own: SharedBuffer,
    /// What was read, where that matters.
    reads: Option<RefCell<Reads>>,
    /// Where the other open transactions are, if they are seen.
    others: Weak<RefCell<Vec<Rc<Self>>>>,
    open: Cell<bool>,
    /// Why the commit must fail.
    doomed: RefCell<Option<Error>>,
    used: Cell<f64>,
    busy: Cell<usize>,
    idle: RefCell<Vec<oneshot::Sender<()>>>,
    ended: RefCell<Vec<oneshot::Sender<()>>>,
}

/// A call under way; a commit waits for its end.
struct Call<'a>(&'a Overlay);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get() - 1);
        if self.0.busy.get() == 0 {
            wake(&self.0.idle);
        }
    }
}

impl Overlay {
    /// A transaction over `inner`; `open` is where those that it may see are listed.
    #[must_use]
    pub fn new(inner: Rc<dyn Backend>, schema: Rc<Schema>, id: String, isolation: Isolation, open: &Open) -> Self {
        Self {
            inner,
            own: Rc::new(RefCell::new(Buffer::new(Rc::clone(&schema)))),
            schema,
            id,
            reads: (isolation == Isolation::Serializable).then(RefCell::default),
            others: if isolation == Isolation::ReadUncommitted { Rc::downgrade(open) } else { Weak::new() },
            open: Cell::new(true),
            doomed: RefCell::default(),
            used: Cell::new(now()),
            busy: Cell::new(0),
            idle: RefCell::default(),
            ended: RefCell::default(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was last used.
    #[must_use]
    pub fn used(&self) -> f64 {
        self.used.get()
    }

    /// Whether a read has already shown that its commit must fail.
    #[must_use]
    pub fn doomed(&self) -> bool {
        self.doomed.borrow().is_some()
    }

    /// Ends it, once the calls under way are done, and gives what is to be committed.
    ///
    /// # Errors
    ///
    /// `INVALID_TRANSACTION` where it has ended before; `CONFLICT` where what it has read has changed already.
    pub async fn finish(&self) -> Result<(Vec<WriteOp>, Durability)> {
        if !self.open.replace(false) {
            return Err(Self::unknown(&self.id));
        }
        if self.busy.get() > 0 {
            let (sender, receiver) = oneshot::channel();
            self.idle.borrow_mut().push(sender);
            // Dropped or sent, the wait is over.
            let _ = receiver.await;
        }
        wake(&self.ended);
        let (log, durability) = self.own.borrow_mut().take();
        if let Some(error) = self.doomed.borrow().clone() {
            return Err(error);
        }
        let mut ops = self.reads.as_ref().map(|reads| reads.borrow_mut().conditions()).unwrap_or_default();
        ops.extend(log);
        Ok((ops, durability))
    }

    /// Ends it and drops what was staged; answers whether it was open.
    pub fn roll_back(&self) -> bool {
        let was_open = self.open.replace(false);
        if was_open {
            self.own.borrow_mut().take();
            wake(&self.ended);
        }
        was_open
    }

    /// Resolves once it has ended.
    pub async fn ended(&self) {
        if self.open.get() {
            let (sender, receiver) = oneshot::channel();
            self.ended.borrow_mut().push(sender);
            let _ = receiver.await;
        }
    }

    /// The error of an id that no open transaction has.
    #[must_use]
    pub fn unknown(id: &str) -> Error {
        Error::new(
            ErrorKind::InvalidTransaction,
            "there is no such open transaction: it was committed, rolled back or timed out; begin another",
        )
        .with("transaction", id)
    }

    fn call(&self) -> Result<Call<'_>> {
        if !self.open.get() {
            return Err(Self::unknown(&self.id));
        }
        if let Some(error) = self.doomed.borrow().clone() {
            return Err(error);
        }
        self.used.set(now());
        self.busy.set(self.busy.get() + 1);
        Ok(Call(self))
    }

    /// The buffers of the transactions that are seen, in order.
    fn others(&self) -> Vec<SharedBuffer> {
        let Some(open) = self.others.upgrade() else { return Vec::new() };
        let open = open.borrow();
        open.iter().map(|other| Rc::clone(&other.own)).filter(|other| !Rc::ptr_eq(other, &self.own)).collect()
    }

    /// Everything over the stack: the others, and then its own.
    fn layers(&self) -> Vec<SharedBuffer> {
        let mut layers = self.others();
        layers.push(Rc::clone(&self.own));
        layers
    }

    /// Notes a read where reads matter.
    fn note(&self, note: impl FnOnce(&mut Reads) -> Result<()>) -> Result<()> {
        let Some(reads) = &self.reads else { return Ok(()) };
        let noted = note(&mut reads.borrow_mut());
        if let Err(error) = &noted {
            self.doomed.borrow_mut().get_or_insert_with(|| error.clone());
        }
        noted
    }

    async fn stage(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        let _call = self.call()?;
        let below = self.look_below(&batch.ops).await?;
        let ops = self.own.borrow_mut().stage(batch.ops, &below, batch.now, batch.durability)?;
        Ok(CommitReceipt { ops, durability: Acknowledged::Memory })
    }
}

fn wake(waiters: &RefCell<Vec<oneshot::Sender<()>>>) {
    for waiter in waiters.take() {
        // Nobody waits any more: then nobody needs to know.
        let _ = waiter.send(());
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay").field("inner", &self.inner).field("id", &self.id).finish_non_exhaustive()
    }
}

impl Backend for Overlay {
    fn facts(&self) -> Facts {
        self.inner.facts()
    }

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move { self.stage(batch).await.map_err(|error| error.during("commit")) })
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            let _call = self.call()?;
            self.get_through(&self.layers(), collection, keys, true).await.map_err(|error| error.during("get"))
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            let _call = self.call()?;
            self.scan_through(&self.layers(), scan, true).await.map_err(|error| error.during("scan"))
        })
    }

    fn count<'a>(
        &'a self,
        collection: &'a str,
        source: &'a Source,
        range: &'a KeyRange,
    ) -> LocalFuture<'a, Result<u64>> {
        Box::pin(async move {
            let _call = self.call()?;
            let layers = self.layers();
            let untouched = layers.iter().all(|layer| layer.borrow().extent(collection) == (0, false));
            if untouched && self.reads.is_none() {
                return self.inner.count(collection, source, range).await;
            }
            let scan = Scan { source: source.clone(), range: range.clone(), read: Read::Keys, ..Scan::all(collection) };
            let rows = self.scan_through(&layers, &scan, true).await.map_err(|error| error.during("count"))?;
            Ok(rows.len() as u64)
        })
    }

    fn namespaces(&self) -> LocalFuture<'_, Result<Vec<String>>> {
        Box::pin(self.names())
    }

    fn close(&self) -> LocalFuture<'_, ()> {
        self.roll_back();
        Box::pin(async {})
    }

    fn destroy(&self) -> LocalFuture<'_, Result<()>> {
        self.roll_back();
        Box::pin(async { Err(Error::new(ErrorKind::Unsupported, "a transaction cannot delete its database")) })
    }
}
