//! The sync engine: a state machine without I/O.
//!
//! Events go in, actions come out; the driver carries them out and tells what came of them. One round is under way at
//! a time, and in it one action; whatever happens in between is noted and acted on when its turn comes.

mod action;
mod answer;
mod document;
mod event;
mod live;
mod pull;
mod push;
mod round;
mod step;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use action::{Action, Tally};
pub(crate) use answer::{SentOp, Snapshot};
pub(crate) use document::{Change, Incoming, Unreadable};
pub(crate) use event::Event;
use live::Live;
pub(crate) use live::{Heard, Means};
pub(crate) use push::{Settlement, Verdict, sent};
use round::Round;
use step::{Source, Step};

use super::protocol::Limits;
use super::retry::Retry;
use super::wishes::Wishes;
use super::{Extent, SyncReport};
use crate::error::{Error, ErrorKind};
use crate::platform::number_text;
use crate::transport::Encoding;

/// How the engine behaves.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) endpoint: String,
    pub(crate) retry: Retry,
    /// How long writes gather before they are sent, milliseconds.
    pub(crate) debounce: f64,
    /// Whether changes are heard of as they happen.
    pub(crate) live: bool,
    /// Whether what was sent must be answered for before anything is pulled: a change that was made on it is to be told from
    /// one that was made beside it.
    pub(crate) settles_first: bool,
}

/// How a round ends.
enum Ending {
    Well,
    /// It is begun again after a wait.
    Failed(Error),
    /// It is begun again when there is a reason to; the longest wait is one.
    GaveUp(Error),
}

fn offline() -> Error {
    Error::new(ErrorKind::NetworkError, "the device is offline; what waits is sent when it is online again")
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Engine {
    settings: Settings,
    wishes: Wishes,
    online: bool,
    leads: bool,
    /// When gathered writes are to be sent.
    push_at: Option<f64>,
    /// When changes are to be pulled.
    pull_at: f64,
    /// Nothing goes by itself before this: the wait after a failure.
    wait_until: f64,
    /// Nothing goes at all before this: the endpoint asked for it.
    busy_until: f64,
    /// The device's time when something last happened.
    last_seen: f64,
    /// Failures in a row.
    attempts: u32,
    runs: Vec<(u64, Extent)>,
    limits: Option<Limits>,
    live: Live,
    /// The endpoint's epoch, as it was told last; nothing where it has no route that tells.
    epoch: Option<String>,
    /// How far a pull of many pages is: the sequence that it has come to, and the last.
    progress: Option<(u64, u64)>,
    /// How requests are sent: as the endpoint said that it takes them.
    encoding: Encoding,
    round: Option<Round>,
    /// Whether more was wished for while a round was under way, so that another follows it.
    anew: bool,
    last_success: Option<f64>,
    last_error: Option<Error>,
}

impl Engine {
    pub(crate) fn new(settings: Settings, wishes: Wishes) -> Self {
        Self {
            settings,
            wishes,
            online: true,
            leads: false,
            push_at: Some(0.0),
            pull_at: 0.0,
            wait_until: 0.0,
            busy_until: 0.0,
            last_seen: 0.0,
            attempts: 0,
            runs: Vec::new(),
            limits: None,
            live: Live::new(),
            epoch: None,
            progress: None,
            encoding: Encoding::Plain,
            round: None,
            anew: false,
            last_success: None,
            last_error: None,
        }
    }

    /// When the next round goes by itself, if it does.
    pub(crate) fn next_round(&self) -> Option<f64> {
        if !(self.wishes.enabled && self.online && self.leads) || self.round.is_some() {
            return None;
        }
        if self.live.tells() {
            return Some(self.busy_until);
        }
        let wanted = self.push_at.map_or(self.pull_at, |at| at.min(self.pull_at));
        Some(wanted.max(self.wait_until).max(self.busy_until)).filter(|at| at.is_finite())
    }

    /// When there is something to look after.
    fn wake(&self) -> Option<Action> {
        let rest = self.round.as_ref().filter(|round| round.rests()).map(|_| self.wait_until);
        let at = match (rest.or_else(|| self.next_round()), self.live.deadline()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        at.map(Action::WakeAt)
    }

    /// Takes an event; answers what is to be done, in order. `random` is in `0..1`.
    pub(crate) fn handle(&mut self, event: Event, now: f64, random: f64) -> Vec<Action> {
        self.keep_time(now);
        let mut actions = self.happened(event, now, random);
        actions.extend(self.attend(now, random));
        actions
    }

    fn happened(&mut self, event: Event, now: f64, random: f64) -> Vec<Action> {
        match event {
            Event::Wrote if self.round.is_some() && mutant!("a-write-during-a-round-is-forgotten") => {}
            Event::Wrote => {
                self.push_at.get_or_insert(now + self.settings.debounce);
            }
            Event::Online(online) => {
                let back = online && !self.online;
                self.online = online;
                if back {
                    self.live.hope();
                    self.at_once(now);
                }
            }
            Event::Leads(leads) => {
                if leads && !self.leads {
                    self.live.hope();
                    self.push_at = Some(now);
                    if self.settings.live {
                        // What was told to the one before was not told here.
                        self.pull_at = now;
                    }
                }
                self.leads = leads;
            }
            Event::Wishes(wishes) => {
                let has = |name: &String| self.wishes.replicated.contains(name);
                let more = wishes.replicated.names().iter().any(|name| !has(name));
                let on = wishes.enabled && !self.wishes.enabled;
                self.follow(*wishes, now);
                if on || more {
                    self.at_once(now);
                    // One that is under way may have asked before.
                    self.anew = self.round.is_some();
                }
            }
            Event::Heard => return vec![Action::Hear],
            Event::Unheard(error) => return vec![Action::Report(error)],
            Event::Visible => self.at_once(now),
            Event::Seen(seen) => self.live.see(seen),
            Event::Live { call, what } => self.heard(call, what, now, random),
            Event::Timer => {}
            Event::Run { id, extent } => {
                self.runs.push((id, extent));
                self.hurry();
            }
            Event::CalledOff(id) => {
                self.hurry();
                self.runs.retain(|(run, _)| *run != id);
                if let Some(round) = &mut self.round {
                    round.runs.retain(|run| *run != id);
                }
            }
            outcome => return self.outcome(outcome, now, random),
        }
        self.begin(now)
    }

    /// A clock that is set back must not make waits longer: they go back with it.
    fn keep_time(&mut self, now: f64) {
        let back = self.last_seen - now;
        self.last_seen = now;
        if back > 0.0 && !mutant!("a-clock-set-back-makes-waits-longer") {
            self.live.set_back(back);
            for at in
                [&mut self.pull_at, &mut self.wait_until, &mut self.busy_until].into_iter().chain(&mut self.push_at)
            {
                *at -= back;
            }
        }
    }

    /// There is hope again: waits end, but for one that the endpoint asked for.
    fn at_once(&mut self, now: f64) {
        self.wait_until = 0.0;
        self.push_at = Some(now);
        self.pull_at = now;
    }

    /// A round that waits before its next try waits no longer.
    fn hurry(&mut self) {
        if self.round.as_ref().is_some_and(Round::rests) {
            self.wait_until = 0.0;
        }
    }

    /// Goes on in a round that has waited long enough.
    fn resume(&mut self, now: f64) -> Vec<Action> {
        let Some(mut round) = self.round.take_if(|round| round.rests()) else { return Vec::new() };
        if !self.online {
            return self.finish(&round, Ending::Failed(offline()), now, 0.0);
        }
        let resumed = (now >= self.wait_until).then(|| round.resume());
        self.round = Some(round);
        resumed.or_else(|| self.wake()).into_iter().collect()
    }

    /// Begins a round if there is reason to, or goes on in one that waits.
    fn begin(&mut self, now: f64) -> Vec<Action> {
        if self.round.is_some() {
            return self.resume(now);
        }
        let mut actions = Vec::new();
        let refusal = if !self.online {
            Some(offline())
        } else if now < self.busy_until {
            Some(self.busy(now))
        } else {
            None
        };
        let runs = core::mem::take(&mut self.runs);
        if let (Some(error), false) = (&refusal, runs.is_empty()) {
            let runs = runs.iter().map(|(id, _)| *id).collect();
            actions.push(Action::Finished { runs, outcome: Err(error.clone().during("sync.run")) });
        } else if !runs.is_empty() {
            return self.start(Round::asked_for(&runs, now));
        }
        match self.next_round() {
            Some(at) if at <= now => {
                let round = match self.live.next_told() {
                    Some(told) => Round::told(told, now),
                    None => Round::by_itself(self.pull_at <= now, now),
                };
                actions.extend(self.start(round));
            }
            _ if self.attempts > 0 && mutant!("after-a-failure-no-one-wakes") => {}
            _ => actions.extend(self.wake()),
        }
        actions
    }

    fn busy(&self, now: f64) -> Error {
        Error::new(ErrorKind::NetworkError, "the endpoint asked to be left alone for a while; try later")
            .with("milliseconds left", number_text((self.busy_until - now).ceil()))
    }

    /// Goes by other wishes from now on: what is due after an interval is due after the new one.
    fn follow(&mut self, wishes: Wishes, now: f64) {
        if self.pull_at > now {
            self.pull_at = (self.pull_at - self.wishes.interval + wishes.interval).max(now);
        }
        self.wishes = wishes;
    }

    fn start(&mut self, round: Round) -> Vec<Action> {
        if round.push && round.collections.is_none() {
            self.push_at = None;
        }
        self.round = Some(round);
        vec![Action::Load]
    }

    /// Goes on in the round with what came of its last action.
    fn outcome(&mut self, event: Event, now: f64, random: f64) -> Vec<Action> {
        let Some(mut round) = self.round.take() else { return Vec::new() };
        match self.step(&mut round, event, now) {
            Step::Again(error) => {
                round.tries += 1;
                if round.tries >= self.settings.retry.attempts {
                    return self.finish(&round, Ending::GaveUp(error), now, random);
                }
                self.attempts = self.attempts.saturating_add(1);
                self.wait_until = now + self.settings.retry.delay(round.tries, random);
                self.last_error = Some(error.during("sync.run"));
                round.rest();
                self.round = Some(round);
                self.wake().into_iter().collect()
            }
            Step::GiveUp(error) => self.finish(&round, Ending::GaveUp(error), now, random),
            // A call beside the round was told so meanwhile.
            Step::Do(mut actions) if now < self.busy_until && actions.iter().any(Action::is_request) => {
                actions.retain(|action| !action.is_request());
                actions.extend(self.finish(&round, Ending::Failed(self.busy(now)), now, random));
                actions
            }
            Step::Do(actions) => {
                self.round = Some(round);
                actions
            }
            Step::Done(mut actions) => {
                let ending = round.failure.take().map_or(Ending::Well, Ending::GaveUp);
                actions.extend(self.finish(&round, ending, now, random));
                actions
            }
            // Nobody waits for it, and nothing came of it.
            Step::Quit => {
                if round.push && round.collections.is_none() {
                    self.push_at.get_or_insert(now);
                }
                self.begin(now)
            }
            Step::Fail(error) => self.finish(&round, Ending::Failed(error), now, random),
            Step::Busy(error, after) => {
                self.busy_until = now + after;
                self.finish(&round, Ending::Failed(error), now, random)
            }
            Step::Pause(error) => {
                let actions = self.finish(&round, Ending::Failed(error), now, random);
                let patience =
                    if mutant!("a-refused-token-pauses-for-ever") { f64::MAX } else { self.settings.retry.max_delay };
                self.wait_until = now + patience;
                actions.into_iter().chain(self.wake()).collect()
            }
        }
    }

    fn finish(&mut self, round: &Round, ending: Ending, now: f64, random: f64) -> Vec<Action> {
        self.progress = None;
        let anew = core::mem::take(&mut self.anew);
        match ending {
            Ending::Failed(_) if round.push => self.push_at = Some(now),
            // What was told is lost, and found again by a pull.
            Ending::Failed(_) if round.source == Source::Told => self.pull_at = now,
            Ending::GaveUp(_) => {
                let patience = now + self.wishes.interval.min(self.settings.retry.max_delay);
                if self.pull_at <= now || self.pull_at > patience {
                    self.pull_at = patience;
                }
            }
            Ending::Failed(_) | Ending::Well => {}
        }
        let outcome = match ending {
            Ending::Well => {
                self.last_success = Some(now);
                // Where nothing was asked of the endpoint, what failed there is still to be waited for.
                if round.source == Source::Endpoint {
                    self.attempts = 0;
                    self.wait_until = 0.0;
                    self.last_error = None;
                }
                if round.source == Source::Endpoint && round.pull && round.collections.is_none() {
                    let missed = self.live.pulled();
                    let again = if self.live.hears() { f64::INFINITY } else { now + self.wishes.interval };
                    self.pull_at = if missed || anew { now } else { again };
                }
                Ok(SyncReport {
                    pushed: round.tally.pushed,
                    pulled: round.tally.pulled,
                    conflicts: round.tally.conflicts,
                    failed: round.tally.failed.len() as u64,
                    failures: round.tally.failed.clone(),
                    duration_ms: (now - round.began).max(0.0),
                    at: now,
                })
            }
            Ending::Failed(error) | Ending::GaveUp(error) => {
                self.attempts = self.attempts.saturating_add(1);
                self.wait_until = now + self.settings.retry.delay(self.attempts, random);
                let error = error.during("sync.run");
                self.last_error = Some(error.clone());
                Err(error)
            }
        };
        let mut actions = vec![Action::Finished { runs: round.runs.clone(), outcome }];
        actions.extend(self.begin(now));
        actions
    }
}
