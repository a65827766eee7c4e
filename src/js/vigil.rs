//! Watching over the database below a store: what happens to it is told, and its loss is noticed across sessions.

use core::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use super::store::Shared;
use crate::backend::incident::{Incident, Loss};
use crate::backend::indexeddb::IndexedDbBackend;
use crate::platform::environment;
use crate::policy::Remembered;
use crate::store::{Event, Lost};

/// What is known of the database.
#[derive(Debug)]
pub(super) struct Vigil {
    database: Rc<IndexedDbBackend>,
    /// How many changes are known to wait for the endpoint.
    unsynced: Cell<u64>,
    /// How the database was lost last, if it was: told to listeners that come later, too.
    lost: RefCell<Option<Lost>>,
}

impl Vigil {
    pub(super) fn over(database: Rc<IndexedDbBackend>) -> Self {
        Self { database, unsynced: Cell::new(0), lost: RefCell::default() }
    }

    /// How the database was lost last, if it was.
    pub(super) fn lost(&self) -> Option<Lost> {
        *self.lost.borrow()
    }

    /// Looks whether the database still is the one that was opened.
    pub(super) async fn look(&self) {
        self.database.look().await;
    }

    /// Takes note of how many changes wait for the endpoint.
    pub(super) fn waits(&self, unsynced: u64) {
        if self.unsynced.replace(unsynced) != unsynced {
            self.remember();
        }
    }

    /// Forgets the database: it is deleted because the application asked for it.
    pub(super) fn forget(&self) {
        environment::forget(&self.name());
    }

    fn name(&self) -> String {
        crate::backend::Backend::facts(&*self.database).name
    }

    fn remember(&self) {
        let remembered = Remembered { birth: self.database.birth(), unsynced: self.unsynced.get() };
        environment::remember(&self.name(), &remembered.to_text());
    }

    /// Compares the database with what was remembered of it.
    fn compare(&self, shared: &Shared) {
        let remembered = environment::remembered(&self.name()).and_then(|text| Remembered::from_text(&text));
        if let Some(remembered) = remembered {
            match remembered.lost_with(&self.database.birth()) {
                None => self.unsynced.set(remembered.unsynced),
                Some(unsynced) => {
                    self.unsynced.set(unsynced);
                    let loss = if self.database.is_fresh() { Loss::Emptied } else { Loss::Replaced };
                    self.tell_loss(shared, loss);
                }
            }
        }
        self.remember();
    }

    fn tell_loss(&self, shared: &Shared, reason: Loss) {
        let lost = Lost { reason, unsynced: self.unsynced.take() };
        self.lost.replace(Some(lost));
        self.remember();
        shared.store.events().emit(&Event::Lost(lost));
        shared.store.missed();
        if let Some(running) = &shared.sync {
            // It starts afresh, and pulls everything.
            running.sync.visible();
        }
    }

    fn hear(&self, shared: &Shared, incident: &Incident) {
        match incident {
            Incident::Healed { attempts } => {
                shared.store.events().emit(&Event::Healed { attempts: *attempts });
                // Other tabs may have written while there was no connection.
                shared.store.missed();
            }
            Incident::GaveUp(error) => shared.store.events().emit(&Event::Error(error.clone())),
            Incident::Lost(loss) => self.tell_loss(shared, *loss),
        }
    }
}

/// Begins to watch, where the store has a database.
pub(super) fn begin(shared: &Rc<Shared>) {
    let Some(vigil) = &shared.vigil else { return };
    vigil.compare(shared);
    let shared: Weak<Shared> = Rc::downgrade(shared);
    vigil.database.incidents().listen(move |incident| {
        if let Some(shared) = shared.upgrade()
            && let Some(vigil) = &shared.vigil
        {
            vigil.hear(&shared, incident);
        }
    });
}
