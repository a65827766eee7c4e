//! Sending: numbering, freezing, and what the endpoint says of each operation.

use super::answer::{Pushed, Reply, ResultRow, Sent, SentOp, nonsense, read};
use super::document::{Incoming, document};
use super::round::Round;
use super::step::{Awaiting, Stage, Step};
use super::{Action, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{self, FromJson, Json, Malformed, Members, Object};
use crate::sync::outbox::Pending;
use crate::sync::protocol::PushStatus;
use crate::sync::state::{ANOTHER_EPOCH, Flight, Progress, Versioned};
use crate::transport::{Answer, Encoding};

/// What became of one operation.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It took effect, as this revision if the endpoint still knows.
    Done { rev: Option<u64> },
    /// The endpoint has another state; none where it has none.
    Met { current: Option<Incoming> },
    /// Its stamp is from a clock that runs ahead.
    Restamp,
    /// It is refused for good.
    Refused(Error),
    /// The endpoint does not say. It is sent again, under a number of its own, beside what came since.
    Unsaid,
}

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Settlement {
    /// Each operation and its verdict.
    pub(crate) verdicts: Vec<(SentOp, Verdict)>,
    /// What is left of the flight.
    pub(crate) rest: Flight,
    /// The outbox rows that are done with.
    pub(crate) rows: Vec<u64>,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// The endpoint's time when it answered.
    pub(crate) server_time: f64,
    /// Where the replica stands, and that it has met the endpoint's history, if this was the first it heard of it.
    ///
    /// Without it a history that begins anew before the first snapshot would pass for the one that took the operations.
    pub(crate) met: Option<(Versioned<Progress>, Progress)>,
}

impl Engine {
    /// Freezes what is pending, or goes on where nothing is.
    pub(super) fn send(&mut self, round: &mut Round, pending: Pending) -> Step {
        if self.limits.is_none() && !(pending.ops.is_empty() && pending.unsendable.is_empty()) {
            return round.ask(Awaiting::Status, Action::AskStatus);
        }
        if !pending.unsendable.is_empty() {
            return round.ask(Awaiting::Commit, Action::SetAside { letters: pending.unsendable });
        }
        if pending.ops.is_empty() {
            if pending.rows.is_empty() {
                return round.turn(Stage::Pull);
            }
            return round.ask(Awaiting::Commit, Action::Sweep { rows: pending.rows });
        }
        let Some(state) = round.state.take() else { return round.turn(Stage::Push) };
        let mids = pending.ops.len() as u64;
        let request = Request {
            client: state.client.value.name.clone(),
            epoch: state.progress.value.epoch.clone().filter(|epoch| epoch != ANOTHER_EPOCH),
            ops: (state.client.value.next..).zip(&pending.ops).map(|(mid, op)| op.text(mid)).collect(),
        };
        let flight = Flight::new(self.settings.endpoint.clone(), vec![request.text()], pending.rows);
        round.ask(Awaiting::Commit, Action::StoreFlight { state, flight, mids })
    }

    /// Sends what was frozen again, byte for byte; without what was switched off since, which waits.
    pub(super) fn repeat(&self, round: &mut Round, body: String) -> Step {
        let on = |op: &SentOp| self.wishes.replicated.contains(&op.c);
        match sent(&body) {
            Ok(ops) if ops.iter().all(on) => {
                return round.ask(Awaiting::Push, Action::Push { body, encoding: self.encoding });
            }
            Ok(_) => {}
            Err(error) => return Step::Fail(error),
        }
        let Some(state) = round.state.take() else { return round.turn(Stage::Push) };
        let kept: Result<Vec<Option<String>>> = state.flight.value.requests.iter().map(|r| without(r, on)).collect();
        match kept {
            Ok(requests) => {
                // The rows stay, and go when nothing that they name waits.
                let requests: Vec<String> = requests.into_iter().flatten().collect();
                let endpoint = state.flight.value.endpoint.clone();
                let flight =
                    if requests.is_empty() { Flight::none() } else { Flight::new(endpoint, requests, Vec::new()) };
                round.ask(Awaiting::Commit, Action::StoreFlight { state, flight, mids: 0 })
            }
            Err(error) => Step::Fail(error),
        }
    }

    /// Goes through the answer to a push.
    pub(super) fn pushed(&mut self, round: &mut Round, answer: &Answer) -> Step {
        let Some(state) = round.state.take() else { return round.turn(Stage::Push) };
        let flight = &state.flight.value;
        let Some((first, others)) = flight.requests.split_first() else { return round.turn(Stage::Push) };
        let rest = |requests: Vec<String>| Flight::new(flight.endpoint.clone(), requests, flight.rows.clone());
        let settle = |verdicts: Vec<(SentOp, Verdict)>, attempts: u32, server_time: f64, epoch: Option<String>| {
            let last = others.is_empty();
            let rest = if last { Flight::none() } else { rest(others.to_vec()) };
            let rows = if last || mutant!("rows-are-done-with-by-the-first-of-two-requests") {
                flight.rows.clone()
            } else {
                Vec::new()
            };
            let met = epoch
                .filter(|_| state.progress.value.epoch.is_none() && !mutant!("a-first-push-learns-no-history"))
                .map(|epoch| (state.progress.clone(), Progress { epoch: Some(epoch), ..state.progress.value.clone() }));
            let settlement = Box::new(Settlement { verdicts, rest, rows, attempts, server_time, met });
            Action::Settle { flight: state.flight.clone(), settlement }
        };
        let attempts = self.attempts.saturating_add(1);
        if answer.status >= 500 && mutant!("a-failure-counts-as-success") {
            let done = |op| (op, Verdict::Done { rev: None });
            let verdicts = sent(first).unwrap_or_default().into_iter().map(done).collect();
            return round.ask(Awaiting::Commit, settle(verdicts, attempts, 0.0, None));
        }
        match read::<Pushed>(answer) {
            Reply::Success(pushed) => {
                let verdicts = match sent(first) {
                    Ok(sent) => verdicts(sent, pushed.results),
                    Err(error) => return Step::Fail(error),
                };
                if verdicts.iter().any(|(_, verdict)| matches!(verdict, Verdict::Unsaid)) {
                    round.failure.get_or_insert_with(|| nonsense("without saying what became of an operation"));
                    round.give_way();
                }
                let learned = state.progress.value.epoch.as_ref().is_some_and(|epoch| *epoch != pushed.epoch);
                let time = pushed.server_time;
                let mut step = round.ask(Awaiting::Commit, settle(verdicts, attempts, time, Some(pushed.epoch)));
                if let Step::Do(actions) = &mut step {
                    actions.insert(0, Action::ServerTime(time));
                    if learned {
                        let message = "the endpoint answered in another epoch than it was asked in";
                        actions.insert(0, Action::Report(Error::new(ErrorKind::NetworkError, message)));
                    }
                }
                step
            }
            Reply::TooLarge(error) | Reply::Invalid(error) => match halves(first) {
                Ok(Some((left, right))) => {
                    let mut requests = vec![left, right];
                    if mutant!("half-of-a-large-request-is-dropped") {
                        requests.truncate(1);
                    }
                    requests.extend_from_slice(others);
                    let flight = rest(requests);
                    round.ask(Awaiting::Commit, Action::StoreFlight { state, flight, mids: 0 })
                }
                Ok(None) => match sent(first) {
                    Ok(ops) => {
                        let verdicts = ops.into_iter().map(|op| (op, Verdict::Refused(error.clone()))).collect();
                        round.ask(Awaiting::Commit, settle(verdicts, attempts, 0.0, None))
                    }
                    Err(error) => Step::Fail(error),
                },
                Err(error) => Step::Fail(error),
            },
            Reply::Unencoded(_) if self.encoding == Encoding::Gzip => {
                self.encoding = Encoding::Plain;
                round.turn(Stage::Push)
            }
            other => {
                round.state = Some(state);
                self.refused(round, Awaiting::Push, other)
            }
        }
    }
}

/// A request, its operations as text.
struct Request {
    client: String,
    epoch: Option<String>,
    ops: Vec<String>,
}

impl Request {
    fn text(self) -> String {
        Object::new()
            .text("client", &self.client)
            .maybe(self.epoch, |request, epoch| request.text("epoch", &epoch))
            .json("ops", &json::array(self.ops))
            .finish()
    }
}

impl FromJson for Request {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        let ops = members.required("ops", Json::items)?;
        Ok(Self {
            client: members.required("client", Json::string)?,
            epoch: members.optional("epoch", Json::string)?,
            ops: ops.into_iter().map(|op| op.text().to_owned()).collect(),
        })
    }
}

fn damaged(error: Malformed) -> Error {
    let message = "the frozen request is damaged; nothing was sent or dropped because of it";
    Error::new(ErrorKind::Corrupted, message).with("row", "flight").caused_by(error)
}

/// The operations of a frozen request.
pub(crate) fn sent(request: &str) -> Result<Vec<SentOp>> {
    json::read(request).map(|Sent(ops)| ops).map_err(damaged)
}

/// A request without operations that are not to be sent; none where nothing is left of it.
fn without(request: &str, keep: impl Fn(&SentOp) -> bool) -> Result<Option<String>> {
    let mut request: Request = json::read(request).map_err(damaged)?;
    let kept = |op: &String| json::read::<SentOp>(op).is_ok_and(|op| keep(&op));
    request.ops.retain(kept);
    Ok((!request.ops.is_empty()).then(|| request.text()))
}

/// Two requests with the operations of one, each with the number that it has; none where it has but one.
fn halves(request: &str) -> Result<Option<(String, String)>> {
    let mut left: Request = json::read(request).map_err(damaged)?;
    if left.ops.len() < 2 {
        return Ok(None);
    }
    let ops = left.ops.split_off(left.ops.len() / 2);
    let right = Request { ops, client: left.client.clone(), epoch: left.epoch.clone() };
    Ok(Some((left.text(), right.text())))
}

/// Brings operations and results together by number.
fn verdicts(sent: Vec<SentOp>, mut results: Vec<ResultRow>) -> Vec<(SentOp, Verdict)> {
    sent.into_iter()
        .map(|op| {
            let of_it = results.iter().position(|result| result.mid == op.mid);
            let verdict = of_it.map_or(Verdict::Unsaid, |at| verdict(results.swap_remove(at)));
            (op, verdict)
        })
        .collect()
}

fn verdict(result: ResultRow) -> Verdict {
    match result.status {
        // A repeat whose result is no longer kept has revision 0.
        PushStatus::Ok => Verdict::Done { rev: result.rev.filter(|rev| *rev > 0 || !result.dup) },
        PushStatus::Conflict => Verdict::Met { current: result.current.as_deref().map(document) },
        PushStatus::Superseded => match result.current.as_deref() {
            Some(current) => Verdict::Met { current: Some(document(current)) },
            // That something later is there, and not what.
            None => Verdict::Unsaid,
        },
        PushStatus::Rejected => {
            let code = result.code.unwrap_or_default();
            if code == "clock_ahead" && !mutant!("a-wrong-clock-is-refused-for-good") {
                return Verdict::Restamp;
            }
            let kind = match code.as_str() {
                "too_large" => ErrorKind::QuotaExceeded,
                "forbidden" => ErrorKind::AccessDenied,
                _ => ErrorKind::ValidationFailed,
            };
            let message = result.message.unwrap_or_else(|| "it gave no reason".to_owned());
            let error = Error::new(kind, "the endpoint refused the document for good; change, retry or discard it");
            Verdict::Refused(error.with("code", code).caused_by(message))
        }
    }
}
