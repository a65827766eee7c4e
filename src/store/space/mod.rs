//! Keeping within bounds: what is over goes, what is cached stays within its limit, and a full disk is met in order.
//!
//! [`Space`] is a backend around the backend, so that every commit passes it: the application's and the sync worker's.
//! What it removes, it removes below the journal and the seal: nothing of it is sent, and no key is needed for it.

mod evict;
mod keeper;
mod rescue;
mod reserve;
mod sweep;
#[cfg(test)]
mod tests;

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use futures_channel::mpsc::UnboundedSender;
use futures_util::lock::Mutex;

use super::{Change, ChangeKind};
use crate::backend::{Backend, LocalFuture, Source};
use crate::error::{ErrorKind, Result};
use crate::model::{
    CommitReceipt, Delete, Expiry, Key, KeyRange, Precondition, Record, Schema, WriteBatch, WriteOp, system,
};
use crate::policy::{Agenda, Fill, Gauge};
use evict::Cache;
pub use keeper::{Ports, TabTurn};
use rescue::Turn;

/// A backend that keeps what it holds within bounds.
///
/// # Behavior
///
/// - A commit for which there is no room is tried again after each step of a rescue; see [`crate::policy::Rescue`].
///   Commits that fail at the same time share one.
/// - Entries whose time is over are removed in the background, and so are those that are too many in a collection with
///   a limit, least recently used first. Reads by key and writes are uses; scans are not.
/// - It removes only the very row that it saw, and never one that the endpoint has not answered for. It leaves no
///   tombstone and sends nothing: every device does this for itself.
/// - Everything else passes through as it is.
pub struct Space {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    replicates: bool,
    opened: f64,
    caches: RefCell<Vec<Cache>>,
    agenda: RefCell<Agenda>,
    gauge: RefCell<Gauge>,
    /// How many rescues have ended.
    rescues: Cell<u64>,
    turn: Mutex<Turn>,
    reserve_is_full: Cell<bool>,
    tell: RefCell<Option<Tell>>,
    ports: RefCell<Option<Rc<Ports>>>,
    wake: RefCell<Option<UnboundedSender<()>>>,
    /// When the keeper wakes by itself.
    wakes_at: Cell<f64>,
}

/// What listeners of the store are to hear.
#[derive(Debug)]
pub enum News {
    /// Records were removed.
    Gone(Vec<Change>),
    /// The store is nearly full.
    Full(Fill),
}

type Tell = Rc<dyn Fn(News)>;

/// What a commit means for housekeeping, noted before it is made.
#[derive(Debug)]
struct Note {
    /// When the first of the lives ends that it begins.
    ends: f64,
    /// What it writes in collections with a limit: which, and under which key where that is a use.
    used: Vec<(usize, Option<Key>)>,
}

impl Space {
    /// Keeps what `inner` holds within bounds. Where it replicates, there is a reserve for what is to be sent.
    #[must_use]
    pub fn new(inner: Rc<dyn Backend>, schema: Rc<Schema>, replicates: bool, now: f64) -> Self {
        let limited = schema.collections().filter_map(|(name, declared)| Some(Cache::new(name, declared.max_entries?)));
        let caches = RefCell::new(limited.collect());
        Self {
            inner,
            schema,
            replicates,
            opened: now,
            caches,
            agenda: RefCell::new(Agenda::new(now)),
            gauge: RefCell::default(),
            rescues: Cell::new(0),
            turn: Mutex::default(),
            reserve_is_full: Cell::new(false),
            tell: RefCell::default(),
            ports: RefCell::default(),
            wake: RefCell::default(),
            wakes_at: Cell::new(0.0),
        }
    }

    /// Tells `listener` from now on.
    pub fn listen(&self, listener: impl Fn(News) + 'static) {
        self.tell.replace(Some(Rc::new(listener)));
    }

    /// Notes that entries were read.
    pub fn used<'a>(&self, collection: &str, keys: impl Iterator<Item = &'a Key>, now: f64) {
        let mut caches = self.caches.borrow_mut();
        let Some(cache) = caches.iter_mut().find(|cache| cache.name == collection) else { return };
        keys.for_each(|key| cache.recency.touch(key, now));
        drop(caches);
        self.plan(|agenda| agenda.used(now));
    }

    /// How full the store is: entries of its capacity where it counts them, else what the browser says, in bytes.
    pub async fn fill(&self) -> Result<Option<Fill>> {
        let Some(capacity) = self.inner.facts().capacity else {
            let ports = self.ports.borrow().clone();
            return Ok(match ports {
                Some(ports) => (ports.fill)().await,
                None => None,
            });
        };
        let mut held = 0;
        for name in self.names().await?.iter().filter(|name| *name != system::CREDENTIALS) {
            held += self.inner.count(name, &Source::Primary, &KeyRange::all()).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "entries are counted; 2^53 of them are out of reach")]
        let fill = Fill { usage: held as f64, quota: capacity as f64 };
        Ok(Some(fill))
    }

    /// Every collection whose entries may end.
    async fn names(&self) -> Result<Vec<String>> {
        let mut names = self.inner.namespaces().await?;
        names.extend(self.schema.collections().map(|(name, _)| name.to_owned()));
        names.push(system::CREDENTIALS.to_owned());
        Ok(names)
    }

    /// Removes rows that were seen, all or none.
    async fn remove(&self, collection: &str, seen: &[Record], now: f64) -> Result<()> {
        if seen.is_empty() {
            return Ok(());
        }
        let ops = seen.iter().map(|record| {
            let precondition = Precondition::Settled { version: record.meta.version, modified: record.meta.modified };
            WriteOp::Delete(Delete { precondition, ..Delete::new(collection, record.key.clone()) })
        });
        let batch = WriteBatch { ops: ops.collect(), now, ..WriteBatch::default() };
        self.inner.commit(batch).await?;
        if let Some(cache) = self.caches.borrow_mut().iter_mut().find(|cache| cache.name == collection) {
            for record in seen {
                cache.recency.forget(&record.key);
            }
        }
        let gone = seen.iter().map(|record| Change::new(collection, record.key.clone(), ChangeKind::Delete));
        self.tell(News::Gone(gone.collect()));
        Ok(())
    }

    fn tell(&self, news: News) {
        let tell = self.tell.borrow().clone();
        if let Some(tell) = tell {
            tell(news);
        }
    }

    /// Changes the agenda, and wakes the keeper where that makes it earlier.
    fn plan(&self, change: impl FnOnce(&mut Agenda)) {
        let mut agenda = self.agenda.borrow_mut();
        change(&mut agenda);
        let next = agenda.next();
        drop(agenda);
        if next < self.wakes_at.get() {
            self.wakes_at.set(next);
            if let Some(wake) = &*self.wake.borrow() {
                // A keeper that has ended needs no waking.
                drop(wake.unbounded_send(()));
            }
        }
    }

    fn note(&self, batch: &WriteBatch) -> Note {
        let caches = self.caches.borrow();
        let mut note = Note { ends: f64::INFINITY, used: Vec::new() };
        for op in &batch.ops {
            let (collection, key) = match op {
                WriteOp::Put(put) => {
                    if let Expiry::At(at) = put.expires {
                        note.ends = note.ends.min(at);
                    }
                    (&put.collection, Some(&put.key))
                }
                // An answer of the endpoint is no use, but it lets the entry go.
                WriteOp::Replicate(op) => (&op.collection, op.state.as_ref().map(|_| &op.key)),
                WriteOp::Delete(_)
                | WriteOp::Clear { .. }
                | WriteOp::Append { .. }
                | WriteOp::Reseal(_)
                | WriteOp::Verify(_) => continue,
            };
            if let Some(at) = caches.iter().position(|cache| cache.name == *collection) {
                note.used.push((at, key.cloned()));
            }
        }
        note
    }

    fn wrote(&self, note: Note, now: f64) {
        let crowded = !note.used.is_empty();
        let mut caches = self.caches.borrow_mut();
        for (at, key) in note.used {
            if let Some(cache) = caches.get_mut(at) {
                cache.crowded = true;
                if let Some(key) = key {
                    cache.recency.touch(&key, now);
                }
            }
        }
        drop(caches);
        self.plan(|agenda| {
            agenda.wrote(now, note.ends);
            if crowded {
                agenda.crowded(now);
                agenda.used(now);
            }
        });
    }
}

impl fmt::Debug for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Space").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Space {
    crate::delegate!(inner: facts, get, scan, count, namespaces);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        let (note, now, rescues) = (self.note(&batch), batch.now, self.rescues.get());
        let again = batch.clone();
        // Begun at once, so that commits keep the order in which they were called.
        let committing = self.inner.commit(batch);
        Box::pin(async move {
            let receipt = match committing.await {
                Err(error) if error.kind() == ErrorKind::QuotaExceeded => self.rescue(again, error, rescues).await,
                outcome => outcome,
            }?;
            self.wrote(note, now);
            Ok(receipt)
        })
    }

    fn close(&self) -> LocalFuture<'_, ()> {
        self.wake.take();
        Box::pin(async move {
            // What was used when is worth no failure of a closing.
            drop(self.save(crate::platform::now()).await);
            self.inner.close().await;
        })
    }

    fn destroy(&self) -> LocalFuture<'_, Result<()>> {
        self.wake.take();
        self.inner.destroy()
    }
}
