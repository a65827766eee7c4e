//! The loop that carries the engine's actions out.

use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::mpsc::UnboundedReceiver;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};

use super::engine::{Action, Engine, Event, Heard};
use super::inner::Inner;
use super::{control, state};

/// Timers of browsers overflow at 24.8 days.
const LONGEST_SLEEP: f64 = 86_400_000.0;
/// How long writes gather before the status is told.
const STATUS_DELAY: f64 = 250.0;

/// Follows who leads.
pub(super) async fn lead(inner: Rc<Inner>) {
    loop {
        inner.ports.leadership.acquire().await;
        inner.tell(Event::Leads(true));
        inner.ports.leadership.lost().await;
        inner.tell(Event::Leads(false));
    }
}

/// Runs until it is aborted.
pub(super) async fn drive(inner: Rc<Inner>, mut inbox: UnboundedReceiver<Event>) {
    match state::wishes(&*inner.backend, &inner.config).await {
        Ok(wishes) => inner.follow(&wishes),
        Err(error) => inner.listeners.each(|listener| listener.failed(&error)),
    }
    let mut loop_state =
        Loop { engine: inner.engine(), queue: VecDeque::new(), wake: None, announce: Some(0.0), inner };
    loop_state.feed(Event::Timer);
    loop {
        while let Ok(event) = inbox.try_recv() {
            loop_state.hear(event);
        }
        loop_state.announce().await;
        for id in loop_state.inner.called_off() {
            loop_state.feed(Event::CalledOff(id));
        }
        if let Some(action) = loop_state.queue.pop_front() {
            let outcome = loop_state.act(action).await;
            // A call beside the round may have heard that the endpoint wants to be left alone, which comes first. What
            // was written or said meanwhile comes behind: the outcome may not know of it.
            let mut later = Vec::new();
            while let Ok(event) = inbox.try_recv() {
                if matches!(event, Event::Live { .. }) {
                    loop_state.hear(event);
                } else {
                    later.push(event);
                }
            }
            if let Some(event) = outcome {
                loop_state.feed(event);
            }
            for event in later {
                loop_state.hear(event);
            }
            continue;
        }
        let Some(at) = loop_state.next_wake() else {
            let Some(event) = inbox.next().await else { return };
            loop_state.hear(event);
            continue;
        };
        let wait = (at - loop_state.inner.now()).ceil().clamp(0.0, LONGEST_SLEEP);
        let timer = (loop_state.inner.ports.sleep)(wait);
        match select(inbox.next(), timer).await {
            Either::Left((Some(event), _)) => loop_state.hear(event),
            Either::Left((None, _)) => return,
            Either::Right(((), _)) => loop_state.rung(),
        }
    }
}

struct Loop {
    inner: Rc<Inner>,
    engine: Engine,
    queue: VecDeque<Action>,
    /// When the engine wants to be woken.
    wake: Option<f64>,
    /// When the status is to be told.
    announce: Option<f64>,
}

impl Loop {
    fn feed(&mut self, event: Event) {
        let (now, random) = (self.inner.now(), (self.inner.ports.random)());
        self.queue.extend(self.engine.handle(event, now, random));
        if self.reflect() {
            self.announce = Some(now);
        }
    }

    /// Takes what was told from outside.
    fn hear(&mut self, event: Event) {
        let now = self.inner.now();
        match &event {
            Event::Wrote => drop(self.announce.get_or_insert(now + STATUS_DELAY)),
            // Whoever switched has set the view already, so that nothing would seem to have changed.
            Event::Wishes(_) => self.announce = Some(now),
            Event::Heard => return self.queue.push_back(Action::Hear),
            Event::Live { what: Heard::Event { kind, data }, .. } => self.inner.looked_at(kind, data),
            _ => {}
        }
        self.feed(event);
    }

    fn next_wake(&self) -> Option<f64> {
        match (self.wake, self.announce) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// A timer rang. The clock is not asked whether it should have: it may have been set back.
    fn rung(&mut self) {
        self.wake = None;
        self.announce = self.announce.map(|at| at.min(self.inner.now()));
        self.feed(Event::Timer);
    }

    /// Carries an action out, and answers with what came of it, if the engine waits for that.
    async fn act(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::WakeAt(at) => self.wake = Some(at),
            Action::Listen { call, means, query } => self.inner.listen(call, means, query),
            Action::Hush => self.inner.hush(),
            Action::Report(error) => self.inner.listeners.each(|listener| listener.failed(&error)),
            Action::ServerTime(time) => self.inner.correct_clock(time).await,
            Action::Finished { runs, outcome } => {
                self.inner.finished(&runs, &outcome);
                self.announce = Some(self.inner.now());
            }
            work => return Some(self.inner.perform(work).await),
        }
        None
    }

    /// Brings the view up to date; answers whether that is worth telling.
    fn reflect(&self) -> bool {
        let mut view = self.inner.view.borrow_mut();
        let before = view.clone();
        view.enabled = self.engine.enabled();
        view.running = self.engine.running();
        view.online = self.engine.online();
        view.leader = self.engine.leads();
        view.progress = self.engine.progress();
        view.last_sync_time = self.engine.last_success();
        view.next_sync_time = self.engine.next_round();
        view.last_error = self.engine.last_error().cloned();
        self.inner.attempts.set(self.engine.attempts());
        let told = |view: &super::SyncStatus| (view.enabled, view.running, view.online, view.leader, view.progress);
        told(&before) != told(&view)
    }

    async fn announce(&mut self) {
        if self.announce.is_none_or(|at| at > self.inner.now()) {
            return;
        }
        self.announce = None;
        // A status that cannot be read is no news; whatever is wrong shows in the next round.
        if let Ok(status) = control::status(&self.inner).await {
            self.inner.listeners.each(|listener| listener.status(&status));
        }
    }
}
