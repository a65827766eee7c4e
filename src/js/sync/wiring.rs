//! Replication, wired to the page and to a store.

use std::rc::{Rc, Weak};

use super::super::events;
use super::super::rotation;
use super::super::store::Shared;
use super::super::tabs::Tabs;
use super::conflicts::{Deciding, Judge};
use super::leader::TabLock;
use super::options::Replication;
use super::token::token_provider;
use crate::backend::Backend;
use crate::backend::layer::{Journal, Replicated};
use crate::error::{Error, Result};
use crate::model::system;
use crate::platform::{now, random, sleep, spawn, within};
use crate::store::{Change, ChangeKind, ChangeSource, DataStore, Event};
use crate::sync::{
    Applied, ConflictEntry, Direction, Listener, OutboxEntry, Ports, SharedClock, SyncStatus, open_clock,
};

/// How long unlocking waits for the first pull, milliseconds.
const FIRST_PULL_MS: f64 = 5_000.0;

/// Replication that is ready to be wired to a store.
#[derive(Debug)]
pub(in crate::js) struct Replicating {
    sync: crate::sync::Sync,
    replicated: Replicated,
    clock: SharedClock,
    tabs: Option<Rc<Tabs>>,
    deciding: Deciding,
}

/// Replication under way.
#[derive(Debug)]
pub(in crate::js) struct Running {
    pub(in crate::js) sync: crate::sync::Sync,
    deciding: Deciding,
}

impl Replication {
    /// Opens the clock and makes the engine; nothing is sent yet.
    pub(in crate::js) async fn prepare(self, backend: &Rc<dyn Backend>, tabs: Option<Rc<Tabs>>) -> Result<Replicating> {
        let clock = open_clock(&**backend, now(), random).await?;
        let channel = format!("tidekeep:{}", backend.facts().name);
        let ports = Ports {
            now: Rc::new(now),
            random: Rc::new(fraction),
            sleep: Rc::new(|ms| Box::pin(sleep(ms))),
            spawn: Rc::new(spawn),
            token: self.auth.map(token_provider),
            leadership: Rc::new(TabLock::new(&channel)),
        };
        let replicated = self.config.replicated();
        let sync =
            crate::sync::Sync::new(self.config, Rc::clone(backend), Rc::new(self.transport), Rc::clone(&clock), ports);
        Ok(Replicating { sync, replicated, clock, tabs, deciding: self.deciding })
    }
}

impl Replicating {
    /// The journal around a stack.
    pub(in crate::js) fn journal(&self, stack: Rc<dyn Backend>) -> Rc<dyn Backend> {
        let (sync, tabs) = (self.sync.clone(), self.tabs.clone());
        let wrote = Rc::new(move || {
            sync.notify_write();
            if let Some(tabs) = &tabs {
                tabs.wrote();
            }
        });
        Rc::new(Journal::new(stack, self.replicated.clone(), Rc::clone(&self.clock), wrote))
    }

    /// Begins.
    pub(in crate::js) fn start(self) -> Running {
        self.sync.start();
        Running { sync: self.sync, deciding: self.deciding }
    }
}

impl Running {
    /// Pulls once, unless secrets' keys are here already. Offline or too slow, it goes on without.
    pub(in crate::js) async fn first_pull(&self, store: &DataStore) {
        if store.credentials().exist().await.unwrap_or(true) {
            return;
        }
        // What fails here is told by the next round; unlocking works without.
        drop(within(FIRST_PULL_MS, self.sync.run(Direction::Pull)).await);
    }
}

/// Hears of sync for a store.
#[derive(Debug)]
struct Telling(Weak<Shared>);

/// Tells the store's listeners what sync does.
pub(in crate::js) fn listen(shared: &Rc<Shared>) {
    if let Some(running) = &shared.sync {
        running.sync.listen(Rc::new(Telling(Rc::downgrade(shared))));
        running.sync.decide_by(Rc::new(Judge { store: Rc::downgrade(shared), deciding: running.deciding.clone() }));
        let (sync, weak) = (running.sync.clone(), Rc::downgrade(shared));
        shared.listeners.keep_listening(shared.store.events().subscribe(move |event| {
            let open = || weak.upgrade().is_some_and(|shared| !shared.store.credentials().locked());
            if matches!(event, Event::Keys) && open() {
                sync.unlocked();
            }
        }));
    }
}

impl Listener for Telling {
    fn status(&self, status: &SyncStatus) {
        if let Some(shared) = self.0.upgrade() {
            events::tell_sync(&shared, status);
            let waiting = status.pending + status.failed + status.conflicts;
            spawn(async move {
                if let Some(vigil) = &shared.vigil {
                    // An emptied database has nothing that waits: what was known before is what was lost.
                    vigil.look().await;
                    vigil.waits(waiting);
                }
            });
        }
    }

    fn applied(&self, changes: &[Applied]) {
        if let Some(shared) = self.0.upgrade() {
            if changes.iter().any(|change| change.collection == system::KEYS) {
                rotation::learn(&shared);
            }
            let list = changes.iter().map(|change| {
                let kind = if change.deleted { ChangeKind::Delete } else { ChangeKind::Put };
                Change::new(&change.collection, change.key.clone(), kind)
            });
            shared.store.tell(ChangeSource::Remote, list.collect());
        }
    }

    fn conflict(&self, conflict: &ConflictEntry) {
        if let Some(shared) = self.0.upgrade() {
            shared.store.events().emit(&Event::Conflict(conflict.clone()));
        }
    }

    fn rejected(&self, entry: &OutboxEntry) {
        if let Some(shared) = self.0.upgrade() {
            shared.store.events().emit(&Event::Rejected(entry.clone()));
        }
    }

    fn failed(&self, error: &Error) {
        if let Some(shared) = self.0.upgrade() {
            shared.store.events().emit(&Event::Error(error.clone()));
        }
    }
}

/// A random number in `0..1`; the middle, where there is no randomness, which spreads retries less.
fn fraction() -> f64 {
    let mut bytes = [0; 4];
    match random(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
