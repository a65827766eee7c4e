//! The face of sync.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::rc::Rc;

use futures_channel::mpsc::unbounded;
use futures_channel::oneshot;

use super::driver::{drive, lead};
use super::engine::Event;
use super::inner::{Inner, Waiting};
use super::ports::Listeners;
use super::wishes::{Said, Wishes};
use super::{
    Arbiter, Choice, ConflictEntry, Extent, Listener, OutboxEntry, Ports, SharedClock, SyncConfig, SyncReport,
    SyncStatus, Which, conflict, control,
};
use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Transport;

/// Replicates a backend with an endpoint.
///
/// # Behavior
///
/// - An acknowledged write that replicates leaves the outbox only when the endpoint has durably answered for it.
/// - Requests are frozen before they are sent and repeated byte for byte until they are answered, over restarts too.
/// - It works on the raw backend: below sealing, so that what is sealed travels sealed, and below the journal, so that
///   what comes in does not go out again.
/// - From a memory backend it syncs as well, but what waits to be sent lives no longer than the page.
/// - Rounds go by themselves after a write, at an interval, and when network or view come back; in the tab that leads.
///   A round that is asked for goes in any tab, and where sync is not enabled.
#[derive(Clone)]
pub struct Sync(Rc<Inner>);

impl fmt::Debug for Sync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sync").field("config", &self.0.config).field("view", &self.0.view).finish_non_exhaustive()
    }
}

impl Sync {
    /// Makes it; nothing happens before [`start`](Self::start).
    ///
    /// `backend` is the raw one. The clock is the one that the journal stamps by: [`open_clock`](super::open_clock).
    #[must_use]
    pub fn new(
        config: SyncConfig,
        backend: Rc<dyn Backend>,
        transport: Rc<dyn Transport>,
        clock: SharedClock,
        ports: Ports,
    ) -> Self {
        let (events, inbox) = unbounded();
        let view = SyncStatus { enabled: config.enabled, online: true, ..SyncStatus::default() };
        let wishes = RefCell::new(Rc::new(Wishes::of(&config, &Said::default())));
        Self(Rc::new(Inner {
            wishes,
            config,
            backend,
            transport,
            clock,
            ports,
            view: RefCell::new(view),
            attempts: Cell::new(0),
            listeners: Listeners::default(),
            arbiter: RefCell::default(),
            told: RefCell::default(),
            runs: RefCell::default(),
            next_run: Cell::new(0),
            events,
            inbox: RefCell::new(Some(inbox)),
            tasks: RefCell::default(),
            call: RefCell::default(),
            unheard: Cell::new(0),
            stopped: Cell::new(false),
        }))
    }

    /// Begins. A second call does nothing.
    pub fn start(&self) {
        if self.0.stopped.get() {
            return;
        }
        let Some(inbox) = self.0.inbox.borrow_mut().take() else { return };
        self.0.spawn(Box::pin(drive(Rc::clone(&self.0), inbox)));
        self.0.spawn(Box::pin(lead(Rc::clone(&self.0))));
    }

    /// Tells that something was written, here or in another tab.
    pub fn notify_write(&self) {
        self.0.tell(Event::Wrote);
    }

    /// Tells whether there is a network. While there is none, nothing is tried.
    pub fn set_online(&self, online: bool) {
        self.0.tell(Event::Online(online));
    }

    /// Tells that the page came into view.
    pub fn visible(&self) {
        self.0.tell(Event::Visible);
    }

    /// Tells whether anyone sees the page: changes are heard of as they happen only while someone does.
    pub fn set_seen(&self, seen: bool) {
        self.0.tell(Event::Seen(seen));
    }

    /// Does one round and tells what it did: a whole one, or as much as is asked for. What was written before the call
    /// is part of it.
    ///
    /// # Behavior
    ///
    /// - Once it is called off, it takes no further step; what it has begun by then is carried to its end.
    /// - What is switched off stays so, whatever is asked for.
    ///
    /// # Errors
    ///
    /// `NETWORK_ERROR`, `TIMEOUT`, `AUTHENTICATION_FAILED`, `ACCESS_DENIED`: what waits stays and is tried again.
    /// `CORRUPTED` where the sync state is damaged, whatever the backend raises, `CLOSED` after [`stop`](Self::stop).
    /// `INVALID_CONFIG` for a collection that does not replicate, `ABORTED` where it was called off.
    pub async fn run(&self, extent: impl Into<Extent>) -> Result<SyncReport> {
        self.run_within(extent.into()).await
    }

    async fn run_within(&self, extent: Extent) -> Result<SyncReport> {
        let inner = &self.0;
        inner.known(extent.collections.iter().flatten())?;
        if inner.stopped.get() {
            return Err(closed());
        }
        let id = inner.next_run.get();
        inner.next_run.set(id + 1);
        let (answer, outcome) = oneshot::channel();
        inner.runs.borrow_mut().insert(id, Waiting { answer, extent: extent.clone() });
        inner.tell(Event::Run { id, extent });
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }

    /// How sync stands.
    ///
    /// # Errors
    ///
    /// What the backend raises.
    pub async fn status(&self) -> Result<SyncStatus> {
        control::status(&self.0).await
    }

    /// What waits to be sent, oldest first, and then what was set aside.
    ///
    /// # Errors
    ///
    /// What the backend raises.
    pub async fn pending(&self) -> Result<Vec<OutboxEntry>> {
        control::pending(&self.0).await
    }

    /// Tries a document again that was set aside: sends it, or fetches it.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where no such document waits; what the backend raises.
    pub async fn retry(&self, id: &str) -> Result<()> {
        control::retry(&self.0, id).await?;
        self.0.tell(Event::Visible);
        Ok(())
    }

    /// Gives up a document's pending change.
    ///
    /// # Behavior
    ///
    /// - A document that the endpoint never had is removed here, without a trace.
    /// - Any other becomes what the endpoint has, in the next round; that round takes a snapshot.
    /// - A document that was set aside because it could not be read is no longer spoken of.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where no such document waits; `CONFLICT` where it may have reached the endpoint already; what the
    /// backend raises.
    pub async fn discard(&self, id: &str) -> Result<()> {
        control::discard(&self.0, id).await?;
        self.0.tell(Event::Visible);
        Ok(())
    }

    /// Lists conflicts: those that wait for a decision, or those that were decided lately, with what lost.
    ///
    /// # Behavior
    ///
    /// - Where the keys are locked, an entry says so, and tells no value.
    ///
    /// # Errors
    ///
    /// What the backend raises.
    pub async fn conflicts(&self, which: Which) -> Result<Vec<ConflictEntry>> {
        conflict::list(&self.0, which).await
    }

    /// Decides a conflict.
    ///
    /// # Behavior
    ///
    /// - What is decided is a write of its own, made on the endpoint's state, and is sent; taking the endpoint's state needs
    ///   no sending.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND` where no such conflict waits; for a value, `LOCKED` and whatever writing it would raise; what the backend
    /// raises.
    pub async fn resolve(&self, id: &str, choice: Choice) -> Result<()> {
        conflict::resolve(&self.0, id, &choice).await?;
        self.0.tell(Event::Visible);
        Ok(())
    }

    /// Has conflicts decided by this, which opens values and asks the application. Without, those wait that need it.
    pub fn decide_by(&self, arbiter: Rc<dyn Arbiter>) {
        self.0.arbiter.replace(Some(arbiter));
    }

    /// Tells that keys are at hand that were not.
    pub fn unlocked(&self) {
        self.0.told.borrow_mut().clear();
        self.0.tell(Event::Visible);
    }

    /// Switches rounds that go by themselves on or off, and remembers it.
    ///
    /// # Errors
    ///
    /// What the backend raises.
    pub async fn enable(&self, enabled: bool) -> Result<()> {
        self.0.say(|said| said.enabled = Some(enabled)).await
    }

    /// Switches collections on or off, and remembers it; those that are not named stay as they are.
    ///
    /// # Behavior
    ///
    /// - What is switched off is neither sent nor taken. What is written meanwhile waits, and so does what waits already.
    /// - What is switched on again goes, and takes what it has missed.
    ///
    /// # Errors
    ///
    /// `INVALID_CONFIG` for a collection that does not replicate; what the backend raises.
    pub async fn set_preferences(&self, preferences: &[(String, bool)]) -> Result<()> {
        self.0.known(preferences.iter().map(|(name, _)| name))?;
        self.0.say(|said| said.prefer(preferences)).await
    }

    /// Says how often changes are pulled without any other reason, milliseconds, and remembers it.
    ///
    /// # Errors
    ///
    /// What the backend raises.
    pub async fn set_interval(&self, interval: f64) -> Result<()> {
        self.0.say(|said| said.interval = Some(interval)).await
    }

    /// Tells that something was said in another tab.
    pub fn said_elsewhere(&self) {
        self.0.tell(Event::Heard);
    }

    /// Ends for good. Rounds under way fail with `CLOSED`, and what waits is sent by whoever opens the store next.
    pub fn stop(&self) {
        let inner = &self.0;
        if inner.stopped.replace(true) {
            return;
        }
        for task in inner.tasks.take() {
            task.abort();
        }
        inner.hush();
        inner.events.close_channel();
        inner.ports.leadership.release();
        let view = SyncStatus {
            running: false,
            leader: false,
            progress: None,
            next_sync_time: None,
            ..inner.view.borrow().clone()
        };
        inner.view.replace(view);
        for (_, waiting) in inner.runs.take().into_tuple_vec() {
            let _ = waiting.answer.send(Err(closed()));
        }
        inner.listeners.clear();
        inner.arbiter.take();
    }

    /// Lets someone hear of what happens, until [`stop`](Self::stop).
    pub fn listen(&self, listener: Rc<dyn Listener>) {
        self.0.listeners.add(listener);
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "sync is stopped; what waits is sent when the store is opened again")
        .during("sync.run")
}
