//! Watching the result of a query: what it is now, and after each change what has become of it.

mod mailbox;

use core::fmt;
use std::rc::Rc;

use futures_util::future::{Either, select};

use super::{Collection, Entry, Event, Query};
use crate::backend::LocalFuture;
use crate::error::{Error, ErrorKind, ErrorStatus, Result};
use crate::model::{Body, Record};
use crate::platform::now;
use crate::query::{Difference, Field, Filter, Live, Order, Row, Sort, Touched, Window};
use mailbox::{Mailbox, Todo};

/// How long to wait before a result that could not be read is read again, at first and at the most. Milliseconds.
const RETRY: (f64, f64) = (500.0, 30_000.0);
/// The longest that a timer waits: more than this is none at all in browsers. Milliseconds.
const LONGEST: f64 = 2_147_483_647.0;

/// Who watches.
pub trait Watcher {
    /// What is made of an entry, once for each state of it.
    type Made;

    /// Makes it.
    fn make(&self, entry: Entry) -> Self::Made;

    /// The result has changed; or this is the first.
    fn changed(&self, rows: &[Rc<Row<Self::Made>>], difference: &Difference);

    /// Does what is to be done before sealed records are read for the first time.
    fn ready(&self) -> LocalFuture<'_, Result<()>>;

    /// Waits for so many milliseconds.
    fn sleep(&self, ms: f64) -> LocalFuture<'static, ()>;
}

/// Ends a watch.
#[derive(Debug, Clone)]
pub struct Watch(Rc<Mailbox>);

impl Watch {
    /// From now on, the watcher is told nothing.
    pub fn end(&self) {
        self.0.end();
    }
}

impl Collection {
    /// Watches the result of a query; the future has to be run for as long as the watch lasts.
    ///
    /// # Behavior
    ///
    /// - The watcher is told of the first result, however small, and then whenever it has changed: by this store, another
    ///   tab or the endpoint, and at the end of a row's life. It is told nothing where nothing of it has changed.
    /// - Without a sort, rows come in the order of their keys.
    /// - A change to a record reads that record; everything is read again only where that does not tell enough: many
    ///   changes at once, a cleared collection, a window whose rows have gone, changes that were missed.
    /// - Changes that come while the result is being read are looked at next, together.
    /// - While the keys are locked, the result of a sealed collection is empty; it is read again once they are open.
    /// - A result that cannot be read is an [`Event::Error`]; it is read again at the next change, and before that where
    ///   the failure may pass by itself.
    /// - It ends with the store, or by [`Watch::end`], and then tells nothing more.
    pub fn watch<W: Watcher>(&self, query: Query, watcher: W) -> (Watch, impl Future<Output = ()> + use<W>) {
        let mailbox = Rc::new(Mailbox::default());
        // Before the first look, so that no change falls between the two.
        let subscription = mailbox.subscribe(&self.store, self.name());
        let by_key = || vec![Sort { field: Field::Key, order: Order::Ascending }];
        let sort = if query.sort.is_empty() { by_key() } else { query.sort.clone() };
        let filter = query.filter.as_ref().map(|filter: &Filter| filter.normalised(self.declared()));
        let window = Window { filter, sort: sort.clone(), offset: query.offset, limit: query.limit };
        let mut watching = Watching {
            collection: self.clone(),
            query: Query { sort, ..query },
            watcher,
            mailbox: Rc::clone(&mailbox),
            live: Live::new(window),
            told: false,
            secret: false,
            stale: true,
        };
        let watch = Watch(mailbox);
        let task = async move {
            let _subscription = subscription;
            watching.run().await;
        };
        (watch, task)
    }
}

struct Watching<W: Watcher> {
    collection: Collection,
    query: Query,
    watcher: W,
    mailbox: Rc<Mailbox>,
    live: Live<W::Made>,
    /// Whether the watcher knows of any result.
    told: bool,
    /// Whether an entry was seen that is sealed by itself.
    secret: bool,
    /// Whether the result may differ from what is there by more than was told since.
    stale: bool,
}

impl<W: Watcher> fmt::Debug for Watching<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").field("collection", &self.collection.name()).finish_non_exhaustive()
    }
}

impl<W: Watcher> Watching<W> {
    async fn run(&mut self) {
        let mut failures = 0;
        while !self.mailbox.ended() {
            let todo = self.mailbox.take();
            let pause = match self.look(&todo).await {
                Ok(()) => {
                    failures = 0;
                    self.live.first_end().map(|end| (end - now()).max(0.0))
                }
                Err(error) if error.kind() == ErrorKind::Closed || self.mailbox.ended() => return,
                // Locked meanwhile: it has been told, and is looked at next.
                Err(error) if error.kind() == ErrorKind::Locked && self.told && self.locked() => None,
                Err(error) => {
                    self.mailbox.put_back(todo);
                    failures += 1;
                    self.failed(error, failures)
                }
            };
            let filled = core::pin::pin!(self.mailbox.filled());
            match pause {
                None => filled.await,
                Some(ms) => match select(filled, self.watcher.sleep(ms.min(LONGEST))).await {
                    Either::Left(_) | Either::Right(_) => {}
                },
            }
        }
    }

    /// Tells of a failure; gives how long to wait before trying again, where that may help.
    fn failed(&self, error: Error, failures: u32) -> Option<f64> {
        let (first, most) = RETRY;
        let again = error.status() == ErrorStatus::Temporary;
        let error = error.with("collection", self.collection.name()).during("watch");
        self.collection.store.events().emit(&Event::Error(error));
        again.then(|| (first * f64::from(1 << failures.min(6))).min(most))
    }

    fn locked(&self) -> bool {
        (self.secret || self.collection.encrypted()) && self.collection.store.credentials().locked()
    }

    /// Looks at what has changed, and tells what that changes.
    async fn look(&mut self, todo: &Todo) -> Result<()> {
        if !self.told {
            self.watcher.ready().await?;
        } else if self.locked() {
            self.stale = true;
            let difference = self.live.replace(Vec::new(), |_| false, |record| make(&self.watcher, record));
            self.tell(&difference);
            return Ok(());
        }
        let patched = if self.stale || todo.all { None } else { self.patch(todo).await? };
        let difference = if patched.is_some() { patched } else { self.read(todo).await? };
        if let Some(difference) = difference {
            self.tell(&difference);
        }
        Ok(())
    }

    /// Reads the whole result; none where it was locked meanwhile, and nobody is to be told.
    async fn read(&mut self, todo: &Todo) -> Result<Option<Difference>> {
        let query = Query { offset: 0, limit: self.live.wanted(), ..self.query.clone() };
        self.stale = true;
        let entries = self.collection.query(&query).await?;
        self.secret |= entries.iter().any(|entry| entry.meta.secret);
        if self.told && self.locked() {
            return Ok(None);
        }
        let records = entries.into_iter().map(record).collect();
        self.stale = false;
        Ok(Some(self.live.replace(records, |key| todo.reborn(key), |record| make(&self.watcher, record))))
    }

    /// Looks at the records that have changed; none where that is not enough.
    async fn patch(&mut self, todo: &Todo) -> Result<Option<Difference>> {
        let keys = todo.keys();
        let records = if keys.is_empty() {
            Vec::new()
        } else {
            // Where this fails, what was told of is lost.
            self.stale = true;
            let records = self.collection.stack().get(self.collection.name(), &keys).await?;
            self.secret |= records.iter().flatten().any(|record| record.meta.secret);
            if self.locked() {
                return Ok(None);
            }
            self.stale = false;
            records
        };
        let touched = keys.into_iter().zip(records);
        let touched = touched.map(|(key, record)| Touched { reborn: todo.reborn(&key), key, record }).collect();
        Ok(self.live.patch(touched, now(), |record| make(&self.watcher, record)))
    }

    fn tell(&mut self, difference: &Difference) {
        let first = !core::mem::replace(&mut self.told, true);
        if (first || !difference.is_empty()) && !self.mailbox.ended() {
            self.watcher.changed(self.live.rows(), difference);
        }
    }
}

fn record(entry: Entry) -> Record {
    Record { key: entry.key, body: Body::Clear(entry.value), meta: entry.meta }
}

fn make<W: Watcher>(watcher: &W, record: Record) -> W::Made {
    let Record { key, body, meta } = record;
    let value = match body {
        Body::Clear(value) => value,
        Body::Sealed(_) => crate::platform::Payload::undefined(),
    };
    watcher.make(Entry { key, value, meta })
}

#[cfg(test)]
mod tests;
