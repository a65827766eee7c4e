//! One round: push until nothing waits, then pull until nothing is new.

use super::answer::{Reply, Space, Told, read};
use super::step::{Awaiting, Source, Stage, Step};
use super::{Action, Engine, Event, Tally};
use crate::backend::layer::Replicated;
use crate::error::{Error, ErrorKind, ErrorStatus};
use crate::sync::outbox::Pending;
use crate::sync::protocol::Limits;
use crate::sync::state::{Flight, Persisted};
use crate::sync::{Direction, Extent};
use crate::transport::{Answer, Encoding};

/// How often in a row another sender may be faster, or operations settle nothing, before the round ends.
const MOST_FRUITLESS: u32 = 20;

/// A round under way.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Round {
    pub(super) runs: Vec<u64>,
    /// Whether it was asked for, and ends where nobody waits for it any more.
    asked: bool,
    pub(super) push: bool,
    pub(super) pull: bool,
    /// The collections that it is about; all, where none are named.
    pub(super) collections: Option<Vec<String>>,
    /// How far a round has pulled that is not about all.
    pub(super) cursor: Option<String>,
    pub(super) began: f64,
    pub(super) tally: Tally,
    /// What failed without ending the round.
    pub(super) failure: Option<Error>,
    pub(super) state: Option<Box<Persisted>>,
    /// What is to be taken in the place of pulling.
    told: Option<Told>,
    pub(super) source: Source,
    stage: Stage,
    awaiting: Awaiting,
    refusals: u32,
    /// How often in a row the endpoint failed.
    pub(super) tries: u32,
    fruitless: u32,
    resets: u32,
    pulled_all: bool,
    /// The latest revision that it was told of, and how many pages there were since.
    latest: u64,
    empty: u32,
}

impl Round {
    /// One that was asked for: as much as all who ask want together.
    pub(super) fn asked_for(runs: &[(u64, Extent)], began: f64) -> Self {
        let wants = |other: Direction| runs.iter().any(|(_, extent)| extent.direction != other);
        let mut collections = Some(Vec::new());
        for (_, extent) in runs {
            collections =
                collections.zip(extent.collections.as_ref()).map(|(all, more)| [&all, more.as_slice()].concat());
        }
        let ids = runs.iter().map(|(id, _)| *id).collect();
        let round = Self::new(ids, wants(Direction::Pull), wants(Direction::Push), began);
        Self { asked: true, collections, ..round }
    }

    /// One that goes by itself.
    pub(super) fn by_itself(pull: bool, began: f64) -> Self {
        Self::new(Vec::new(), true, pull, began)
    }

    fn new(runs: Vec<u64>, push: bool, pull: bool, began: f64) -> Self {
        Self {
            runs,
            asked: false,
            push,
            pull,
            collections: None,
            cursor: None,
            began,
            tally: Tally::default(),
            failure: None,
            state: None,
            told: None,
            source: Source::Endpoint,
            stage: if push { Stage::Push } else { Stage::Pull },
            awaiting: Awaiting::State,
            refusals: 0,
            tries: 0,
            fruitless: 0,
            resets: 0,
            pulled_all: false,
            latest: 0,
            empty: 0,
        }
    }

    /// Takes what was told, and pulls only where something is missing.
    pub(super) fn told(told: Told, began: f64) -> Self {
        Self { told: Some(told), source: Source::Told, ..Self::new(Vec::new(), false, true, began) }
    }

    /// Asks for something and notes what is awaited.
    pub(super) fn ask(&mut self, awaiting: Awaiting, action: Action) -> Step {
        self.awaiting = awaiting;
        Step::Do(vec![action])
    }

    /// Turns to another matter, from the state as it is then.
    pub(super) fn turn(&mut self, stage: Stage) -> Step {
        self.stage = stage;
        self.ask(Awaiting::State, Action::Load)
    }

    /// Waits before the next try.
    pub(super) fn rest(&mut self) {
        self.awaiting = Awaiting::Rest;
    }

    pub(super) fn rests(&self) -> bool {
        self.awaiting == Awaiting::Rest
    }

    /// Goes on where it was, after a wait.
    pub(super) fn resume(&mut self) -> Action {
        self.awaiting = Awaiting::State;
        Action::Load
    }

    /// Nothing more is to be pulled once this page is taken.
    pub(super) fn last_page(&mut self) {
        self.pulled_all = true;
    }

    /// What comes in does not wait for what is still to be sent, which the next round sends.
    pub(super) fn give_way(&mut self) {
        self.stage = Stage::Pull;
    }

    /// Whether it goes on from a cursor.
    pub(super) fn goes_on(&self) -> bool {
        let stored = self.state.as_ref().is_some_and(|state| state.progress.value.cursor.is_some());
        stored || self.cursor.is_some()
    }

    /// Takes note of the latest revision in a page; answers how many pages in a row had none that is later than before.
    pub(super) fn brings_nothing(&mut self, last: Option<u64>) -> u32 {
        self.empty = if last.is_some_and(|last| last > self.latest) { 0 } else { self.empty + 1 };
        self.latest = self.latest.max(last.unwrap_or(0));
        self.empty
    }

    /// The endpoint's history does not continue ours: everything must be taken anew. Once in a round.
    pub(super) fn reset(&mut self) -> Step {
        self.resets += 1;
        let Some(state) = self.state.take() else { return self.turn(self.stage) };
        if self.resets > 1 {
            let message = "the endpoint's history began anew twice in one round; it will be asked again";
            return Step::GiveUp(Error::new(ErrorKind::NetworkError, message));
        }
        self.stage = Stage::Snapshot;
        self.cursor = None;
        let mut progress = state.progress.value.clone();
        progress.snapshot = true;
        self.ask(Awaiting::Commit, Action::Reset { state, progress })
    }
}

impl Engine {
    pub(super) fn step(&mut self, round: &mut Round, event: Event, now: f64) -> Step {
        match (event, round.awaiting) {
            (Event::Loaded(state), Awaiting::State) => {
                self.follow(state.wishes.clone(), now);
                // Who no longer leads ends what goes by itself.
                if round.runs.is_empty() && (round.asked || !self.wishes.enabled || !self.leads) {
                    return Step::Quit;
                }
                self.live.stands(&state);
                round.state = Some(state);
                self.turn(round)
            }
            (Event::Pending(pending), Awaiting::Pending) => self.pending(round, pending),
            (Event::Stored(tally), Awaiting::Commit) => {
                let fruitful =
                    tally.pushed + tally.pulled > 0 || !tally.failed.is_empty() || round.stage == Stage::Pull;
                round.tally.add(tally);
                Self::again(round, fruitful)
            }
            (Event::Late, Awaiting::Commit) => {
                round.pulled_all = false;
                Self::again(round, false)
            }
            (Event::Answered(answer), awaiting) => self.answered(round, awaiting, &answer),
            (Event::Unreachable(_), Awaiting::Push) if mutant!("a-flight-is-dropped-on-timeout") => {
                let Some(state) = round.state.take() else { return round.turn(Stage::Pull) };
                round.ask(Awaiting::Commit, Action::StoreFlight { state, flight: Flight::none(), mids: 0 })
            }
            (Event::StorageFailed(error), _) => Step::Fail(error),
            // It had all the time there is.
            (Event::Unreachable(error), _) if error.kind() == ErrorKind::Timeout => Step::GiveUp(error),
            (Event::Unreachable(error), _) => Step::Again(error),
            (Event::NoToken(error), _) if error.status() == ErrorStatus::Temporary => Step::Again(error),
            (Event::NoToken(error), _) => Step::Pause(error),
            // The driver answers each action once and in kind; what comes out of turn changes nothing.
            _ => Step::Do(Vec::new()),
        }
    }

    /// Loads the state and goes on, unless nothing has come of it for too long.
    fn again(round: &mut Round, fruitful: bool) -> Step {
        round.tries = 0;
        if round.stage == Stage::Push && fruitful && mutant!("one-request-is-sent-in-a-round") {
            return round.turn(Stage::Pull);
        }
        round.fruitless = if fruitful { 0 } else { round.fruitless + 1 };
        if round.fruitless > MOST_FRUITLESS {
            let message = "others keep changing the same documents; it will be tried again";
            let error = Error::new(ErrorKind::NetworkError, message);
            if round.stage != Stage::Push || !round.pull || round.failure.is_some() {
                return Step::Fail(error);
            }
            // What cannot be settled must not keep the rest from coming in.
            round.fruitless = 0;
            round.failure = Some(error);
            return round.turn(Stage::Pull);
        }
        round.turn(round.stage)
    }

    /// Decides what comes next, given the state.
    fn turn(&mut self, round: &mut Round) -> Step {
        let Some(state) = round.state.take() else { return round.turn(round.stage) };
        let snapshot = state.progress.value.snapshot;
        let flight = &state.flight.value;
        let under_way = flight.endpoint == self.settings.endpoint && !flight.requests.is_empty();
        let settles = self.settings.settles_first && under_way;
        if settles && round.pull && round.stage != Stage::Push {
            round.state = Some(state);
            return round.turn(Stage::Push);
        }
        let told = if settles { None } else { round.told.take() };
        let state = match told.filter(|_| !snapshot) {
            None => state,
            Some(told) => match Self::take(round, state, told) {
                Ok(step) => return step,
                Err(state) => state,
            },
        };
        match round.stage {
            Stage::Push => {
                // A flight for another endpoint is given up: what it carried is still pending.
                let ours = state.flight.value.endpoint == self.settings.endpoint;
                let body = state.flight.value.requests.first().filter(|_| ours).cloned();
                let body =
                    body.filter(|_| !(mutant!("a-flight-is-numbered-anew-after-a-failure") && self.attempts > 0));
                round.state = Some(state);
                if let Some(body) = body {
                    return self.repeat(round, body);
                }
                if !round.push {
                    // It came here to have a flight answered for, and for nothing else.
                    return round.turn(Stage::Pull);
                }
                // Whether anything waits is told without the endpoint's limits.
                let limits = self.limits.unwrap_or_default();
                let among = self.about(round);
                round.ask(Awaiting::Pending, Action::LoadPending { limits, among })
            }
            Stage::Pull if !round.pull || round.pulled_all => Step::Done(Vec::new()),
            Stage::Pull | Stage::Snapshot if snapshot && !state.flight.value.requests.is_empty() => {
                // INVARIANT: no request is under way once a snapshot is taken. It lacks what was deleted on what was
                // sent, and the answer to a repeat would say that all is well.
                round.stage = Stage::Snapshot;
                let progress = state.progress.value.clone();
                round.ask(Awaiting::Commit, Action::Reset { state, progress })
            }
            Stage::Pull | Stage::Snapshot if snapshot => {
                round.source = Source::Endpoint;
                self.live.pulls();
                round.state = Some(state);
                round.stage = Stage::Snapshot;
                let collections = self.wishes.replicated.names().to_vec();
                round.ask(Awaiting::Snapshot, Action::TakeSnapshot { collections })
            }
            Stage::Snapshot => {
                // It is taken: what is pending goes out again, and then what came after it comes in.
                round.state = Some(state);
                round.turn(if round.push { Stage::Push } else { Stage::Pull })
            }
            Stage::Pull => {
                let about = self.about(round);
                if about.names().is_empty() {
                    return Step::Done(Vec::new());
                }
                round.source = Source::Endpoint;
                self.live.pulls();
                if state.progress.value.epoch.is_none() && self.epoch.is_none() {
                    // A history whose name is not known could not be told from another that follows it.
                    round.state = Some(state);
                    return round.ask(Awaiting::Status, Action::AskStatus);
                }
                let since = round.cursor.clone().or_else(|| state.progress.value.cursor.clone());
                round.state = Some(state);
                round.ask(Awaiting::Changes, Action::Pull { query: Self::query(since, &about) })
            }
        }
    }

    /// What a round is about: what it was asked for, as far as that is switched on.
    pub(super) fn about(&self, round: &Round) -> Replicated {
        let named = round.collections.as_ref();
        self.wishes.replicated.among(|name| named.is_none_or(|named| named.iter().any(|other| other == name)))
    }

    fn pending(&mut self, round: &mut Round, pending: Pending) -> Step {
        let mut actions: Vec<Action> = pending.damaged.iter().cloned().map(Action::Report).collect();
        if let Some(error) = pending.damaged.first() {
            round.failure.get_or_insert_with(|| error.clone());
        }
        let next = self.send(round, pending);
        match next {
            Step::Do(next) => {
                actions.extend(next);
                Step::Do(actions)
            }
            other => other,
        }
    }

    fn answered(&mut self, round: &mut Round, awaiting: Awaiting, answer: &Answer) -> Step {
        match awaiting {
            Awaiting::Status => match read::<Space>(answer) {
                Reply::Success(space) => {
                    self.limits = Some(space.limits.sensible());
                    self.live.offered(&space.features);
                    self.epoch = Some(space.epoch);
                    self.encoding = if space.features.iter().any(|feature| feature == "gzip") {
                        Encoding::Gzip
                    } else {
                        Encoding::Plain
                    };
                    let mut step = round.turn(round.stage);
                    if let Step::Do(actions) = &mut step {
                        actions.insert(0, Action::ServerTime(space.server_time));
                    }
                    step
                }
                // An endpoint without the route has the least limits.
                Reply::Refused(_) if answer.status == 404 => {
                    self.limits = Some(Limits::default());
                    self.epoch = Some(String::new());
                    round.turn(round.stage)
                }
                other => self.refused(round, Awaiting::Status, other),
            },
            Awaiting::Push => self.pushed(round, answer),
            Awaiting::Changes => self.changed(round, answer),
            Awaiting::Snapshot => self.snapshot(round, answer),
            Awaiting::State | Awaiting::Pending | Awaiting::Commit | Awaiting::Rest => Step::Do(Vec::new()),
        }
    }

    /// What every request does with an answer that is no success.
    pub(super) fn refused<T>(&self, round: &mut Round, awaiting: Awaiting, reply: Reply<T>) -> Step {
        match reply {
            Reply::Unauthorized(error) if round.refusals > 0 || mutant!("a-token-is-asked-for-once") => {
                Step::Pause(error)
            }
            Reply::Unauthorized(_) => {
                // The token is asked for at every sending: to send again is to ask for a new one.
                round.refusals += 1;
                round.turn(round.stage)
            }
            Reply::Busy(error, Some(_)) if mutant!("a-busy-endpoint-is-asked-at-once") => Step::Busy(error, 0.0),
            Reply::Busy(error, Some(after)) => Step::Busy(error, after),
            Reply::Reset if awaiting != Awaiting::Status && awaiting != Awaiting::Snapshot => round.reset(),
            Reply::TooLarge(error) | Reply::Invalid(error) => {
                Step::GiveUp(Error::new(ErrorKind::NetworkError, "the endpoint refuses the request").caused_by(error))
            }
            Reply::Failed(error) | Reply::Busy(error, None) => {
                // The last try is followed by a look at what else may be done.
                if round.tries + 1 < self.settings.retry.attempts {
                    return Step::Again(error);
                }
                self.limp(round, awaiting, error)
            }
            Reply::Refused(error) | Reply::Unencoded(error) => self.limp(round, awaiting, error),
            Reply::Success(_) | Reply::Reset => {
                Step::GiveUp(Error::new(ErrorKind::NetworkError, "the endpoint answered out of turn"))
            }
        }
    }

    /// An endpoint that fails on pushing may still tell what has changed.
    fn limp(&self, round: &mut Round, awaiting: Awaiting, error: Error) -> Step {
        if awaiting == Awaiting::Push && round.pull && !self.settings.settles_first && round.failure.is_none() {
            round.failure = Some(error);
            return round.turn(Stage::Pull);
        }
        Step::GiveUp(error)
    }
}
