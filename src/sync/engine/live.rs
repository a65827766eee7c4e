//! Hearing of changes as they happen: by which means, when, and what is to be done with what is heard.
//!
//! Means come in an order: a stream of server-sent events, requests that the endpoint holds until there is something to
//! tell, and pulling at the interval. One that fails gives way to the next. A call begins after a round that pulled, so
//! that an endpoint that is out of reach is asked by rounds alone, and by their waits.

use std::collections::VecDeque;

use super::answer::{Changed, Reply, Told, patience, read};
use super::round::Round;
use super::step::{Awaiting, Step};
use super::{Action, Engine};
use crate::json;
use crate::sync::state::{Persisted, Progress};
use crate::transport::{Answer, ChangesQuery, NoStream};

/// A call that hears nothing for so long is dead; the endpoint says something every 20 seconds. Milliseconds.
const SILENCE: f64 = 45_000.0;
/// An endpoint says at once that it hears. What does not reach us so soon is held back by something between.
const FIRST_WORD: f64 = 10_000.0;
/// How long the endpoint is asked to wait for something to tell, in seconds.
const WAIT: u32 = 25;
/// A call that ends sooner was of no use.
const BRIEF: f64 = 5_000.0;
/// Better means that failed are tried again after so long.
const BETTER: f64 = 600_000.0;
/// How often in a row a call may be of no use before the next means is taken.
const MOST_FAILURES: u32 = 3;
/// How many events may wait for their turn. More than that are pulled instead.
const MOST_TOLD: usize = 64;

/// How changes are heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// Server-sent events.
    Stream,
    /// Requests that the endpoint holds until there is something to tell.
    Poll,
}

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The stream has begun.
    Opened,
    /// The stream told something: the kind of event, and its data.
    Event { kind: String, data: String },
    /// The endpoint answered a request that it held.
    Polled(Answer),
    /// It is over: what was answered, where that was something else than a stream.
    Ended(Option<NoStream>),
    /// The endpoint could not be reached, or there was no token.
    Broke,
}

/// A call under way.
#[derive(Debug)]
struct Call {
    means: Means,
    began: f64,
    /// When it is taken for dead.
    deadline: f64,
    opened: bool,
    heard: bool,
    since: String,
}

/// What there is to know of calls.
#[derive(Debug)]
pub(super) struct Live {
    /// Whether anyone sees what comes.
    seen: bool,
    /// The best means that the endpoint offers.
    best: Option<Means>,
    /// What is tried next; none is the interval.
    means: Option<Means>,
    /// When the best means is tried again.
    better_at: f64,
    call: Option<Call>,
    /// The number of the last call: what an earlier one says is not listened to.
    number: u64,
    failures: u32,
    /// The collections that the last call is about.
    collections: Vec<String>,
    /// Whether the endpoint answered a pull since the last call failed.
    ready: bool,
    /// The cursor as it was last read.
    cursor: Option<String>,
    told: VecDeque<Told>,
    /// Whether something was missed since the last pull began.
    missed: bool,
}

impl Live {
    pub(super) const fn new() -> Self {
        Self {
            seen: true,
            best: Some(Means::Stream),
            means: Some(Means::Stream),
            better_at: f64::INFINITY,
            call: None,
            number: 0,
            failures: 0,
            collections: Vec::new(),
            ready: false,
            cursor: None,
            told: VecDeque::new(),
            missed: false,
        }
    }

    /// Whether something told waits to be taken.
    pub(super) fn tells(&self) -> bool {
        !self.told.is_empty()
    }

    /// Whether changes are heard of without pulling.
    pub(super) fn hears(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.heard)
    }

    pub(super) fn next_told(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// When a call is to be looked after, or a better one may be tried.
    pub(super) fn deadline(&self) -> Option<f64> {
        Some(self.call.as_ref().map_or(self.better_at, |call| call.deadline)).filter(|at| at.is_finite())
    }

    pub(super) fn see(&mut self, seen: bool) {
        self.seen = seen;
    }

    /// Times go back with a clock that is set back.
    pub(super) fn set_back(&mut self, by: f64) {
        self.better_at -= by;
        if let Some(call) = &mut self.call {
            call.began -= by;
            call.deadline -= by;
        }
    }

    /// Where there is another network, or another sender, the best means may work.
    pub(super) fn hope(&mut self) {
        self.means = self.best;
        self.better_at = f64::INFINITY;
        self.failures = 0;
    }

    /// The endpoint does not offer everything.
    pub(super) fn offered(&mut self, features: &[String]) {
        let offers = |name: &str| features.iter().any(|feature| feature == name);
        self.best = match (offers("live"), offers("long-poll")) {
            (true, _) => Some(Means::Stream),
            (false, true) => Some(Means::Poll),
            (false, false) => None,
        };
        self.hope();
    }

    /// Takes note of where the replica stands.
    pub(super) fn stands(&mut self, state: &Persisted) {
        let progress = &state.progress.value;
        self.cursor = progress.cursor.clone().filter(|_| !progress.snapshot);
    }

    /// A pull begins: it finds whatever was missed before.
    pub(super) fn pulls(&mut self) {
        self.missed = false;
    }

    /// A round has pulled everything. Answers whether something was missed meanwhile.
    pub(super) fn pulled(&mut self) -> bool {
        self.ready = true;
        self.missed
    }

    /// Takes note of something told. Answers whether something was missed.
    fn tell(&mut self, told: Told) -> bool {
        if told.prev == told.cursor && self.cursor.as_ref() == Some(&told.prev) && self.told.is_empty() {
            return false;
        }
        if self.told.len() >= MOST_TOLD {
            self.told.clear();
            return true;
        }
        self.told.push_back(told);
        false
    }
}

impl Engine {
    /// Takes what a call says.
    pub(super) fn heard(&mut self, number: u64, what: Heard, now: f64, random: f64) {
        let Some(call) = self.live.call.as_mut().filter(|_| self.live.number == number) else { return };
        match what {
            Heard::Opened => {
                call.opened = true;
                call.deadline = now + FIRST_WORD;
            }
            Heard::Event { kind, data } => {
                call.heard = true;
                call.deadline = now + SILENCE;
                if self.pull_at > now {
                    self.pull_at = f64::INFINITY;
                }
                let missed = match kind.as_str() {
                    "changes" | "ping" => json::read::<Told>(&data).map_or(true, |told| self.live.tell(told)),
                    // The pull is told the same.
                    "reset" => true,
                    _ => false,
                };
                if missed {
                    self.miss(now);
                }
            }
            Heard::Polled(answer) => self.polled(&answer, now, random),
            Heard::Ended(Some(NoStream { status: 429 | 503, retry_after })) => {
                self.spare(patience(retry_after), now);
                self.lose(Fault::Failure, now, random);
            }
            Heard::Ended(Some(NoStream { status: 400 | 401 | 403 | 408 | 409 | 500 | 502 | 504, .. }))
            | Heard::Broke => {
                self.lose(Fault::Failure, now, random);
            }
            Heard::Ended(Some(_)) => self.lose(Fault::Unsupported, now, random),
            Heard::Ended(None) => self.lose(Fault::End, now, random),
        }
    }

    fn polled(&mut self, answer: &Answer, now: f64, random: f64) {
        let page = match read::<Changed>(answer) {
            Reply::Success(page) => page,
            other => {
                if let Reply::Busy(_, after) = other {
                    self.spare(after, now);
                }
                return self.lose(Fault::Failure, now, random);
            }
        };
        let Some(call) = &self.live.call else { return };
        let told = Told { prev: call.since.clone(), cursor: page.cursor, changes: page.changes };
        let brief = told.prev == told.cursor && now - call.began < BRIEF;
        if self.live.tell(told) || page.more {
            self.miss(now);
        }
        if brief {
            return self.lose(Fault::Failure, now, random);
        }
        self.live.call = None;
        self.live.failures = 0;
        self.live.ready = true;
    }

    /// The endpoint asks to be left alone, by rounds and calls alike.
    fn spare(&mut self, after: Option<f64>, now: f64) {
        if let Some(after) = after.filter(|_| !mutant!("a-call-is-deaf-to-a-busy-endpoint")) {
            self.busy_until = now + after;
        }
    }

    fn miss(&mut self, now: f64) {
        self.live.missed = true;
        self.pull_at = now;
    }

    /// A call is over. Another begins after a round that pulls, unless the next means is taken at once.
    fn lose(&mut self, fault: Fault, now: f64, random: f64) {
        let Some(call) = self.live.call.take() else { return };
        if call.heard && call.means == Means::Stream && now - call.began > BRIEF {
            self.live.failures = 0;
        }
        self.live.failures = self.live.failures.saturating_add(1);
        let useless = call.means == Means::Poll || !call.heard;
        let given_up = fault == Fault::Unsupported || (useless && self.live.failures >= MOST_FAILURES);
        if given_up {
            self.live.means = if call.means == Means::Stream { Some(Means::Poll) } else { None };
            self.live.failures = 0;
            self.live.better_at = now + BETTER;
            self.pull_at = self.pull_at.min(now + self.wishes.interval);
            // The next means tells what this one did not.
            return;
        }
        self.live.ready = false;
        self.pull_at = self.pull_at.min(now + self.settings.retry.delay(self.live.failures, random));
    }

    /// Begins, ends and looks after calls, whatever happened.
    pub(super) fn attend(&mut self, now: f64, random: f64) -> Vec<Action> {
        let mut actions = Vec::new();
        let wanted = self.settings.live
            && self.wishes.enabled
            && self.online
            && self.leads
            && self.live.seen
            && !self.wishes.replicated.names().is_empty();
        if let Some(call) = &self.live.call {
            let others = self.live.collections.as_slice() != self.wishes.replicated.names();
            if !wanted || others {
                self.live.call = None;
                self.live.ready = false;
                self.live.told.clear();
                if others {
                    self.pull_at = now;
                }
                actions.push(Action::Hush);
            } else if call.deadline <= now {
                let held_back = call.means == Means::Stream && call.opened && !call.heard;
                self.lose(if held_back { Fault::Unsupported } else { Fault::Failure }, now, random);
                actions.push(Action::Hush);
            }
        }
        if self.live.call.is_none() && self.live.better_at <= now {
            self.live.hope();
        }
        let idle = self.round.is_none() && self.live.call.is_none() && self.live.told.is_empty() && self.attempts == 0;
        if wanted && idle && self.live.ready && self.busy_until <= now {
            actions.extend(self.listen(now));
        }
        if self.live.call.is_none() && self.live.told.is_empty() && self.pull_at.is_infinite() {
            self.pull_at = now + self.wishes.interval;
            actions.extend(self.wake());
        } else if !actions.is_empty() {
            actions.extend(self.wake());
        }
        actions
    }

    fn listen(&mut self, now: f64) -> Option<Action> {
        let (means, since) = (self.live.means?, self.live.cursor.clone()?);
        self.live.number += 1;
        let poll = means == Means::Poll;
        let call = Call { means, began: now, deadline: now + SILENCE, opened: poll, heard: poll, since: since.clone() };
        if poll && self.pull_at > now {
            self.pull_at = f64::INFINITY;
        }
        self.live.call = Some(call);
        let query = ChangesQuery { wait: poll.then_some(WAIT), ..Self::query(Some(since), &self.wishes.replicated) };
        self.live.collections.clone_from(&query.collections);
        Some(Action::Listen { call: self.live.number, means, query })
    }

    /// Takes what was told in the place of pulling, if it goes on from where we are.
    pub(super) fn take(round: &mut Round, state: Box<Persisted>, told: Told) -> Result<Step, Box<Persisted>> {
        let cursor = state.progress.value.cursor.as_deref();
        if cursor == Some(told.cursor.as_str()) {
            return Ok(Step::Done(Vec::new()));
        }
        if cursor != Some(told.prev.as_str()) {
            return Err(state);
        }
        let from = state.progress;
        let to = Progress { cursor: Some(told.cursor), ..from.value.clone() };
        round.last_page();
        Ok(round.ask(Awaiting::Commit, Action::Apply { changes: told.changes, from, to }))
    }
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It ended by itself.
    End,
    /// It failed, and the same may succeed later.
    Failure,
    /// It cannot succeed here.
    Unsupported,
}
