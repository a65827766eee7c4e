//! The handle on the database: closed when another tab wants to upgrade, opened again at the next call.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::lock::Mutex;
use wasm_bindgen::prelude::*;
use web_sys::{Event, IdbDatabase};

use super::group::{wait_if, wake};
use super::identity::{Identity, identify};
use super::layout::Layout;
use super::mark::{self, Mark};
use super::open;
use super::pulse::{Life, Pulse, living};
use crate::backend::incident::{Incident, Incidents, Loss};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::environment::{Renewal, fresh_log};
use crate::platform::{sleep, within};
use crate::policy::Occasion;

/// How long a connection may take to come back once another tab has asked for an upgrade, milliseconds: as long as that
/// upgrade may take.
const UPGRADE_MS: f64 = 30_000.0;

/// How long a new log is waited for once the database is open, milliseconds. It takes 5 to 40 where nothing else is done.
const LOG_MS: f64 = 5_000.0;

/// The pauses before an operation is tried again on a new connection, milliseconds.
const PAUSES_MS: [f64; 3] = [0.0, 100.0, 400.0];

/// A connection that comes back.
#[derive(Debug)]
pub(super) struct Connection {
    name: String,
    layout: Layout,
    handle: Rc<RefCell<Option<Handle>>>,
    version: Cell<u32>,
    closed: Cell<bool>,
    /// Whether another tab asked for an upgrade.
    let_go: Rc<Cell<bool>>,
    opening: Mutex<()>,
    /// Whether the page stands still, and who waits until it goes on.
    still: Cell<bool>,
    going_on: RefCell<Vec<oneshot::Sender<()>>>,
    /// The identity of the database that was open last.
    birth: RefCell<String>,
    fresh: Cell<bool>,
    mark: RefCell<Mark>,
    /// How often the connection was lost, or could not be had, since it last served.
    broken: Rc<Cell<u32>>,
    pulse: Rc<Pulse>,
    incidents: Incidents,
}

/// An open database, and where its rows are.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    pub(super) database: IdbDatabase,
    pub(super) layout: Rc<Layout>,
}

/// An open database and the callbacks that watch it.
#[derive(Debug)]
struct Handle {
    opened: Opened,
    callbacks: [Closure<dyn FnMut(Event)>; 2],
}

impl Drop for Handle {
    fn drop(&mut self) {
        let database = &self.opened.database;
        database.set_onversionchange(None);
        database.set_onclose(None);
        database.close();
        debug_assert_eq!(self.callbacks.len(), 2);
    }
}

impl Connection {
    pub(super) async fn open(name: &str, layout: Layout) -> Result<Self> {
        let connection = Self {
            name: name.to_owned(),
            layout,
            handle: Rc::default(),
            version: Cell::new(0),
            closed: Cell::new(false),
            let_go: Rc::default(),
            opening: Mutex::new(()),
            still: Cell::default(),
            going_on: RefCell::default(),
            birth: RefCell::default(),
            fresh: Cell::default(),
            mark: RefCell::new(Mark::first()?),
            broken: Rc::default(),
            pulse: Rc::default(),
            incidents: Incidents::default(),
        };
        let mut tries = 0;
        loop {
            match connection.opened(Occasion::Opening).await {
                Err(error) if error.kind() == ErrorKind::ConnectionLost && pause(&mut tries).await => {}
                Err(error) => return Err(error),
                Ok(opened) => {
                    connection.broken.set(0);
                    // What is left behind for a day may be left a day longer.
                    let pulse = Rc::clone(&connection.pulse);
                    crate::platform::spawn(async move {
                        let life = Life::default();
                        drop(pulse.within(&life, living(&life, mark::sweep(&opened.database))).await);
                    });
                    return Ok(connection);
                }
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn version(&self) -> u32 {
        self.version.get()
    }

    /// The open database, opened again where it was closed under us.
    pub(super) async fn database(&self) -> Result<Opened> {
        self.opened(Occasion::ComingBack).await
    }

    async fn opened(&self, occasion: Occasion) -> Result<Opened> {
        wait_if(self.still.get(), &self.going_on).await;
        if let Some(opened) = self.current()? {
            return Ok(opened);
        }
        let _turn = self.opening.lock().await;
        if let Some(opened) = self.current()? {
            return Ok(opened);
        }
        let limit = if self.let_go.replace(false) { UPGRADE_MS } else { open::OPEN_MS };
        let opened = self.open_again(occasion, limit).await;
        if opened.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionLost) {
            self.broken.set(self.broken.get() + 1);
        }
        opened
    }

    async fn open_again(&self, occasion: Occasion, limit: f64) -> Result<Opened> {
        // A connection that broke may have broken in the middle of a write.
        let renewal = if self.broken.get() == 0 { Renewal::Once } else { Renewal::Again };
        let fresh_log = fresh_log(renewal);
        let (database, found) = open::open(&self.name, &self.layout.wanted(), occasion, limit).await?;
        // Nothing is written behind what a kill left in the old log.
        within(LOG_MS, fresh_log).await;
        let version = open::version_of(&database);
        let opened = Opened { database, layout: Rc::new(self.layout.of(found)) };
        let handle = self.watch(opened.clone());
        let identity = identity_of(&opened).await?;
        if self.closed.get() {
            return Err(closed());
        }
        self.version.set(version);
        self.handle.replace(Some(handle));
        self.recognise(&identity);
        Ok(opened)
    }

    /// Looks whether the open database still is the one that it was.
    pub(super) async fn look(&self) -> Result<()> {
        let opened = self.database().await?;
        self.recognise(&identity_of(&opened).await?);
        Ok(())
    }

    fn recognise(&self, identity: &Identity) {
        self.fresh.set(identity.fresh);
        let before = self.birth.replace(identity.birth.clone());
        if !before.is_empty() && before != identity.birth {
            self.incidents.tell(Incident::Lost(if identity.fresh { Loss::Emptied } else { Loss::Replaced }));
        }
    }

    /// The page comes to a standstill, or goes on.
    ///
    /// A transaction that stands still with its page holds up every other page: WebKit freezes it so. What is under way
    /// is aborted and begins again when the page goes on, as after a lost connection.
    pub(super) fn stand_still(&self, still: bool) {
        self.still.set(still);
        if still {
            self.pulse.call_off();
            self.handle.take();
        } else {
            wake(&self.going_on);
        }
    }

    /// The identity of the database that was open last.
    pub(super) fn birth(&self) -> String {
        self.birth.borrow().clone()
    }

    /// Whether it was given its identity by us.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh.get()
    }

    pub(super) const fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    pub(super) const fn pulse(&self) -> &Rc<Pulse> {
        &self.pulse
    }

    /// The mark of the next transaction that writes.
    pub(super) fn next_mark(&self) -> Mark {
        let next = self.mark.borrow().next();
        self.mark.replace(next.clone());
        next
    }

    /// Lets go of a database that is known to be dead, unless that has been done.
    fn lost(&self, database: &IdbDatabase) {
        if self.is_current(database) {
            drop(self.handle.take());
            if !self.let_go.get() {
                self.broken.set(self.broken.get() + 1);
            }
        }
    }

    /// Lets go of a database after an operation failed with `error`, if it is of no use any more.
    pub(super) fn failed(&self, database: &IdbDatabase, error: &Error) {
        match error.kind() {
            ErrorKind::ConnectionLost => self.lost(database),
            ErrorKind::Timeout => self.hangs(database),
            _ => {}
        }
    }

    /// Lets go of a database in which a transaction hangs, and of everything that waits behind that one.
    pub(super) fn hangs(&self, database: &IdbDatabase) {
        if self.is_current(database) {
            self.pulse.call_off();
            self.lost(database);
        }
    }

    fn is_current(&self, database: &IdbDatabase) -> bool {
        self.handle.borrow().as_ref().is_some_and(|handle| handle.opened.database == *database)
    }

    /// Whether an operation that failed so is to be tried again, after a pause; says so where it is not any more.
    pub(super) async fn again(&self, error: &Error, tries: &mut usize) -> bool {
        if error.kind() != ErrorKind::ConnectionLost {
            return false;
        }
        let again = pause(tries).await;
        if !again {
            self.incidents.tell(Incident::GaveUp(error.clone()));
        }
        again
    }

    /// An operation was served.
    pub(super) fn served(&self) {
        let attempts = self.broken.take();
        if attempts > 0 {
            self.incidents.tell(Incident::Healed { attempts });
        }
    }

    pub(super) fn close(&self) {
        self.closed.set(true);
        self.handle.take();
    }

    fn current(&self) -> Result<Option<Opened>> {
        if self.closed.get() {
            return Err(closed());
        }
        Ok(self.handle.borrow().as_ref().map(|handle| handle.opened.clone()))
    }

    fn watch(&self, opened: Opened) -> Handle {
        let database = opened.database.clone();
        let let_go = |note: Box<dyn Fn()>| {
            let (handle, database) = (Rc::clone(&self.handle), database.clone());
            Closure::<dyn FnMut(Event)>::new(move |_: Event| {
                database.close();
                note();
                // The callback that runs now is part of the handle: it must not be dropped before it returns.
                let (handle, database) = (Rc::clone(&handle), database.clone());
                crate::platform::spawn(async move {
                    let current = handle.borrow().as_ref().is_some_and(|handle| handle.opened.database == database);
                    if current {
                        handle.take();
                    }
                });
            })
        };
        let (asked, broken) = (Rc::clone(&self.let_go), Rc::clone(&self.broken));
        let callbacks =
            [let_go(Box::new(move || asked.set(true))), let_go(Box::new(move || broken.set(broken.get() + 1)))];
        let [on_version_change, on_close] = &callbacks;
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Handle { opened, callbacks }
    }
}

async fn identity_of(opened: &Opened) -> Result<Identity> {
    within(open::OPEN_MS, identify(&opened.database, &opened.layout)).await.ok_or_else(silent)?
}

/// Waits before the next try, longer each time; false where there have been enough.
async fn pause(tries: &mut usize) -> bool {
    let Some(ms) = PAUSES_MS.get(*tries) else { return false };
    *tries += 1;
    if *ms > 0.0 {
        sleep(*ms).await;
    }
    true
}

/// The error of an operation that the browser does not answer.
pub(super) fn silent() -> Error {
    Error::new(ErrorKind::Timeout, "the browser's storage did not answer in time; try again")
}

/// The error of an operation that was ended because another one hangs.
pub(super) fn called_off() -> Error {
    Error::new(ErrorKind::ConnectionLost, "the browser's storage hung, and is opened again; try again")
}

pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the store is closed; open it again")
}
