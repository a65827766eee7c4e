//! What an application sees, without JavaScript: a store, its collections, its credentials, its events.

mod arbitration;
mod autolock;
mod blind;
mod changes;
mod closing;
mod collection;
mod credentials;
mod events;
mod gate;
mod keys;
mod listing;
mod namespaces;
mod options;
mod preferences;
mod query;
mod rotation;
mod search;
mod space;
mod status;
mod succession;
mod tabs;
mod transaction;
mod unlockers;
mod validate;
mod verify;
mod watch;

use core::cell::RefCell;
use std::rc::Rc;

use crate::backend::layer::{Cache, CacheLimits, CacheStats, Checksums, Compared, Open, Seal, Vault};
use crate::backend::{Backend, Facts};
use crate::crypto::Keyring;
use crate::error::{Error, Result};
use crate::model::{CommitReceipt, Durability, Key, Schema, WriteBatch, WriteOp, system};
use crate::platform::now;

pub use crate::backend::layer::Isolation;
pub use changes::{Change, ChangeKind, ChangeSource, Changes};
pub use collection::{Collection, Entry};
pub use credentials::{Begin, Credentials};
pub use events::{Event, Events, LockReason, Locked, Lost, Subscription};
pub use gate::Gate;
pub use keys::passphrase;
pub use listing::{Folder, Item, ListOptions};
pub use options::{EntryOptions, WriteResult};
pub use preferences::Preferences;
pub use query::{Explanation, Page, Query};
pub use rotation::Rotated;
use search::Searchable;
pub use search::{Hit, Hits, Match, Prefix, SearchOptions, Told, tidy};
pub use space::{News, Ports, Space, TabTurn};
pub use status::Status;
pub use tabs::{Outgoing, TabMessage};
pub use transaction::Transaction;
pub use unlockers::UnlockerInfo;
pub use validate::{Check, Checks};
pub use verify::{Disagreement, Findings, Inspected, Repaired, Walk};
pub use watch::{Watch, Watcher};

/// An open store. Cloning it gives another handle on the same one.
#[derive(Debug, Clone)]
pub struct DataStore(Rc<Inner>);

/// What the handles of a store share.
#[derive(Debug, Clone)]
struct Inner {
    schema: Rc<Schema>,
    /// The whole stack: cache, journal, seal, backend.
    stack: Rc<dyn Backend>,
    cache: Option<Rc<Cache>>,
    /// The backend itself, where sealed records are ciphertext.
    backend: Rc<dyn Backend>,
    space: Rc<Space>,
    keyring: Rc<Keyring>,
    vault: Rc<Vault>,
    guard: Rc<autolock::Guard>,
    searchables: Vec<Rc<Searchable>>,
    events: Events,
    /// The states of tags that no record of a collection is known to lack.
    tagged: Rc<RefCell<Vec<Key>>>,
    /// What is to be sealed, as the user says.
    preferences: Rc<RefCell<Preferences>>,
    durability: Durability,
    checks: Checks,
    /// Whose turn it is among updates that met.
    updating: Rc<futures_util::lock::Mutex<()>>,
    /// Why this store is not where it was asked to be, if it is not.
    degraded: Option<Degraded>,
    /// Its open transactions.
    open: Open,
    /// The store itself, where this is a transaction's view of it.
    parent: Option<DataStore>,
}

/// A store that serves from a fallback.
#[derive(Debug, Clone)]
pub struct Degraded {
    /// The backend that was asked for.
    pub from: String,
    /// The backend that serves.
    pub to: String,
    /// Why the first could not be opened.
    pub cause: Error,
}

/// What a store is made of.
#[derive(Debug)]
pub struct Parts {
    /// The declared collections.
    pub schema: Rc<Schema>,
    /// Where records are kept: `space`, or a layer around it; below, with
    /// [postings](crate::backend::layer::Postings) around the backend, where some are searched.
    pub backend: Rc<dyn Backend>,
    /// What keeps the backend within bounds.
    pub space: Rc<Space>,
    /// What a write survives unless it asks for more.
    pub durability: Durability,
    /// What is asked before a value is written.
    pub checks: Checks,
    /// How much of what is read is kept in memory, if anything is.
    pub cache: Option<CacheLimits>,
    /// Why the backend is not the one asked for, if it is not.
    pub degraded: Option<Degraded>,
}

impl DataStore {
    /// A store over a backend. `journal` may put a layer around the sealed stack: replication does.
    pub fn new(parts: Parts, journal: impl FnOnce(Rc<dyn Backend>) -> Rc<dyn Backend>) -> Self {
        let keyring = Rc::new(Keyring::new(parts.backend.facts().name));
        let checked = Checksums::over(Rc::clone(&parts.backend), &parts.schema, Compared::All);
        let sealed = Seal::new(checked, Rc::clone(&parts.schema), Rc::clone(&keyring));
        let (schema, keys) = (Rc::clone(&parts.schema), Rc::clone(&keyring));
        let vault = Rc::new(Vault::new(Rc::new(sealed), Rc::clone(&parts.backend), schema, keys));
        let stack = journal(Rc::clone(&vault) as Rc<dyn Backend>);
        let cached = |limits| Rc::new(Cache::new(Rc::clone(&stack), Rc::clone(&parts.schema), limits));
        let cache = parts.cache.map(cached);
        let stack = cache.as_ref().map_or(stack, |cache| Rc::clone(cache) as Rc<dyn Backend>);
        let searchable = |(name, fields)| Rc::new(Searchable::new(Rc::clone(&parts.backend), name, fields));
        let searchables: Vec<Rc<Searchable>> = parts.schema.searched().map(searchable).collect();
        let store = Self(Rc::new(Inner {
            searchables,
            schema: parts.schema,
            stack,
            cache,
            backend: parts.backend,
            space: parts.space,
            keyring,
            vault,
            guard: Rc::default(),
            tagged: Rc::default(),
            preferences: Rc::default(),
            events: Events::default(),
            durability: parts.durability,
            checks: parts.checks,
            updating: Rc::default(),
            degraded: parts.degraded,
            open: Open::default(),
            parent: None,
        }));
        let telling = Rc::downgrade(&store.0);
        store.0.space.listen(move |news| {
            if let Some(inner) = telling.upgrade() {
                Self(inner).hear(news);
            }
        });
        store
    }

    /// Tells what housekeeping has done.
    fn hear(&self, news: News) {
        match news {
            News::Gone(changes) => self.tell(ChangeSource::Local, changes),
            News::Full(fill) => self.0.events.emit(&Event::Quota(fill)),
        }
    }

    /// A handle on a collection: declared, or a namespace that its first write makes.
    ///
    /// # Errors
    ///
    /// `INVALID_NAMESPACE` for a name that is empty, malformed or reserved.
    pub fn collection(&self, name: &str) -> Result<Collection> {
        crate::model::check_name(name)?;
        Ok(Collection::new(self.clone(), name))
    }

    /// The sealed secrets. They are no part of a transaction: secrets and keys are written at once.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        Credentials::new(self.0.parent.as_ref().unwrap_or(self).clone())
    }

    /// What this store is. Constant.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.0.backend.facts()
    }

    /// The declared collections.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.0.schema
    }

    /// Why the store serves from a fallback, if it does.
    #[must_use]
    pub fn degraded(&self) -> Option<&Degraded> {
        self.0.degraded.as_ref()
    }

    /// What happens in the store.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.0.events
    }

    /// What the cache has done and holds, where there is one.
    #[must_use]
    pub fn cache_stats(&self) -> Option<CacheStats> {
        self.0.cache.as_ref().map(|cache| cache.stats())
    }

    /// The backend below the seal, where sealed records are ciphertext.
    #[must_use]
    pub fn backend(&self) -> Rc<dyn Backend> {
        Rc::clone(&self.0.backend)
    }

    /// What keeps the store within bounds.
    #[must_use]
    pub fn space(&self) -> Rc<Space> {
        Rc::clone(&self.0.space)
    }

    /// Empties every collection and namespace, and the secrets where `credentials` says so. Their keys stay.
    pub async fn clear(&self, credentials: bool, gate: &Gate) -> Result<()> {
        let mut names: Vec<String> = self.0.schema.collections().map(|(name, _)| name.to_owned()).collect();
        names.extend(self.0.stack.namespaces().await?);
        names.extend(credentials.then(|| system::CREDENTIALS.to_owned()));
        let ops = names.into_iter().map(|collection| WriteOp::Clear { collection }).collect();
        gate.pass().map_err(|error| error.during("clear"))?;
        self.commit(ops, None).await.map(drop).map_err(|error| error.during("clear"))
    }

    /// Lets go of the database and of every key; later calls fail with `CLOSED`.
    ///
    /// # Behavior
    ///
    /// - Watches end at once. What was begun before is finished, and still told.
    pub async fn close(&self) {
        self.roll_back_all();
        self.0.keyring.lock();
        self.0.events.emit(&Event::Closing);
        self.0.stack.close().await;
    }

    /// Closes, and deletes everything, credentials included.
    pub async fn destroy(&self) -> Result<()> {
        self.roll_back_all();
        self.0.keyring.lock();
        self.0.events.emit(&Event::Closing);
        self.0.stack.destroy().await
    }

    /// Commits, and tells who listens.
    async fn commit(&self, ops: Vec<WriteOp>, durability: Option<Durability>) -> Result<CommitReceipt> {
        let changes = if self.0.events.heard() { ops.iter().map(Change::of).collect() } else { Vec::new() };
        let batch = WriteBatch { ops, durability: durability.unwrap_or(self.0.durability), now: now() };
        let receipt = self.0.stack.commit(batch).await?;
        self.tell_commit(changes, &receipt);
        if self.0.vault.ends() {
            // Where this fails it is tried again with the next block of seals; what was written, was.
            drop(self.credentials().next_data_key().await);
        }
        Ok(receipt)
    }
}
