//! What is shared between the driver and those who call.

use core::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender};
use futures_channel::oneshot;
use futures_util::future::{AbortHandle, Abortable};
use litemap::LiteMap;

use super::effects::Storage;
use super::engine::{Engine, Event, Settings};
use super::ports::Listeners;
use super::wishes::{Said, Wishes};
use super::{Arbiter, Extent, Ports, SharedClock, SyncConfig, SyncReport, SyncStatus, state};
use crate::backend::{Backend, LocalFuture};
use crate::error::{Error, ErrorKind, Result};
use crate::model::system;
use crate::transport::Transport;

/// What the driver and the calls of an application share.
pub(super) struct Inner {
    pub(super) config: SyncConfig,
    pub(super) backend: Rc<dyn Backend>,
    pub(super) transport: Rc<dyn Transport>,
    pub(super) clock: SharedClock,
    pub(super) ports: Ports,
    pub(super) view: RefCell<SyncStatus>,
    /// Failures of the flight in a row.
    pub(super) attempts: Cell<u32>,
    pub(super) listeners: Listeners,
    /// What is to be followed, as last read.
    pub(super) wishes: RefCell<Rc<Wishes>>,
    /// What opens values, and asks the application.
    pub(super) arbiter: RefCell<Option<Rc<dyn Arbiter>>>,
    /// The conflicts that were told of, each with the endpoint's revision.
    pub(super) told: RefCell<Vec<(String, u64)>>,
    pub(super) runs: RefCell<LiteMap<u64, Waiting>>,
    pub(super) next_run: Cell<u64>,
    pub(super) events: UnboundedSender<Event>,
    pub(super) inbox: RefCell<Option<UnboundedReceiver<Event>>>,
    pub(super) tasks: RefCell<Vec<AbortHandle>>,
    /// The call by which changes are heard of.
    pub(super) call: RefCell<Option<AbortHandle>>,
    /// How much was heard that nobody has looked at yet, in bytes.
    pub(super) unheard: Cell<usize>,
    pub(super) stopped: Cell<bool>,
}

/// A caller who waits for a round.
pub(super) struct Waiting {
    pub(super) answer: oneshot::Sender<Result<SyncReport>>,
    pub(super) extent: Extent,
}

impl Inner {
    pub(super) fn now(&self) -> f64 {
        (self.ports.now)()
    }

    pub(super) fn wishes(&self) -> Rc<Wishes> {
        Rc::clone(&self.wishes.borrow())
    }

    /// Notes what is to be followed from now on.
    pub(super) fn follow(&self, wishes: &Wishes) {
        self.view.borrow_mut().enabled = wishes.enabled;
        self.wishes.replace(Rc::new(wishes.clone()));
    }

    /// Whether all of these may replicate: the system's own go with the others.
    pub(super) fn known<'a>(&self, names: impl Iterator<Item = &'a String>) -> Result<()> {
        for name in names {
            if name == system::KEYS || !self.config.collections.contains(name) {
                let message = "no such collection replicates; see the options of “sync”";
                return Err(Error::new(ErrorKind::InvalidConfig, message).with("collection", name));
            }
        }
        Ok(())
    }

    pub(super) async fn say(&self, say: impl Fn(&mut Said)) -> Result<()> {
        let said = state::say(&*self.backend, self.now(), say).await?;
        let wishes = Wishes::of(&self.config, &said);
        self.follow(&wishes);
        self.tell(Event::Wishes(Box::new(wishes)));
        Ok(())
    }

    pub(super) fn storage<'a>(&'a self, wishes: &'a Wishes) -> Storage<'a> {
        Storage {
            backend: &*self.backend,
            clock: &self.clock,
            collections: &wishes.replicated,
            endpoint: &self.config.endpoint,
            policies: &self.config.policies,
            now: self.now(),
            listeners: &self.listeners,
        }
    }

    pub(super) fn engine(&self) -> Engine {
        let settings = Settings {
            endpoint: self.config.endpoint.clone(),
            retry: self.config.retry,
            debounce: self.config.debounce,
            live: self.config.live,
            settles_first: !self.config.policies.are_latest(),
        };
        Engine::new(settings, Wishes::clone(&self.wishes()))
    }

    pub(super) fn spawn(&self, task: LocalFuture<'static, ()>) {
        let (handle, registration) = AbortHandle::new_pair();
        self.tasks.borrow_mut().push(handle);
        let task = Abortable::new(task, registration);
        (self.ports.spawn)(Box::pin(async move {
            let _ = task.await;
        }));
    }

    pub(super) fn tell(&self, event: Event) {
        // Without a driver there is no one to tell, and whoever waits is told when it stops.
        let _ = self.events.unbounded_send(event);
    }

    /// Answers those who wait no longer, and gives which they are.
    pub(super) fn called_off(&self) -> Vec<u64> {
        let mut runs = self.runs.borrow_mut();
        let gone: Vec<u64> = runs.iter().filter(|(_, run)| run.extent.is_called_off()).map(|(id, _)| *id).collect();
        for id in &gone {
            if let Some(waiting) = runs.remove(id) {
                let aborted = Error::new(ErrorKind::Aborted, "the caller called it off; what waits is sent later");
                let _ = waiting.answer.send(Err(aborted.during("sync.run")));
            }
        }
        gone
    }

    pub(super) fn finished(&self, runs: &[u64], outcome: &Result<SyncReport>) {
        if let Ok(report) = outcome {
            self.view.borrow_mut().last_report = Some(report.clone());
        }
        for run in runs {
            let waiting = self.runs.borrow_mut().remove(run);
            if let Some(waiting) = waiting {
                let _ = waiting.answer.send(outcome.clone());
            }
        }
        if let (true, Err(error)) = (runs.is_empty(), outcome) {
            self.listeners.each(|listener| listener.failed(error));
        }
    }
}
