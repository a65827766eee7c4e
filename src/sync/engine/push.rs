//! Sending: numbering, freezing, and what the endpoint says of each operation.

use super::answer::{Incoming, Pushed, Reply, ResultRow, SentOp, document, nonsense, read};
use super::round::{Awaiting, Round, Stage, Step};
use super::{Action, Engine};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::document::position;
use crate::sync::outbox::Pending;
use crate::sync::protocol::{PushOp, PushRequest, PushStatus};
use crate::sync::state::{ANOTHER_EPOCH, Flight};
use crate::transport::Answer;

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
}

impl Engine {
    /// Freezes what is pending, or goes on where nothing is.
    pub(super) fn send(&mut self, round: &mut Round, pending: Pending) -> Step {
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
        let ops = (state.client.value.next..).zip(pending.ops).map(|(mid, op)| PushOp { mid, ..op }).collect();
        let request = PushRequest {
            client: state.client.value.name.clone(),
            epoch: state.progress.value.epoch.clone().filter(|epoch| epoch != ANOTHER_EPOCH),
            ops,
        };
        match text(&request) {
            Ok(text) => {
                let flight = Flight::new(self.settings.endpoint.clone(), vec![text], pending.rows);
                round.ask(Awaiting::Commit, Action::StoreFlight { state, flight, mids })
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
        let settle = |verdicts: Vec<(SentOp, Verdict)>, attempts: u32, server_time: f64| {
            let last = others.is_empty();
            let rest = if last { Flight::none() } else { rest(others.to_vec()) };
            let rows = if last { flight.rows.clone() } else { Vec::new() };
            let settlement = Box::new(Settlement { verdicts, rest, rows, attempts, server_time });
            Action::Settle { flight: state.flight.clone(), settlement }
        };
        let attempts = self.attempts.saturating_add(1);
        match read::<Pushed>(answer) {
            Reply::Success(pushed) => {
                let verdicts = match sent(first).and_then(|sent| verdicts(sent, pushed.results)) {
                    Ok(verdicts) => verdicts,
                    Err(error) if error.kind() == ErrorKind::Corrupted => return Step::Fail(error),
                    Err(error) => return Self::refused(round, Awaiting::Push, Reply::<()>::Failed(error)),
                };
                let learned = state.progress.value.epoch.as_ref().is_some_and(|epoch| *epoch != pushed.epoch);
                #[expect(clippy::cast_precision_loss, reason = "milliseconds since the epoch")]
                let time = pushed.server_time as f64;
                let mut step = round.ask(Awaiting::Commit, settle(verdicts, attempts, time));
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
                    requests.extend_from_slice(others);
                    let flight = rest(requests);
                    round.ask(Awaiting::Commit, Action::StoreFlight { state, flight, mids: 0 })
                }
                Ok(None) => match sent(first) {
                    Ok(ops) => {
                        let verdicts = ops.into_iter().map(|op| (op, Verdict::Refused(error.clone()))).collect();
                        round.ask(Awaiting::Commit, settle(verdicts, attempts, 0.0))
                    }
                    Err(error) => Step::Fail(error),
                },
                Err(error) => Step::Fail(error),
            },
            other => {
                round.state = Some(state);
                Self::refused(round, Awaiting::Push, other)
            }
        }
    }
}

fn text(request: &PushRequest) -> Result<String> {
    serde_json::to_string(request)
        .map_err(|error| Error::new(ErrorKind::SerializationError, "the request has no encoded form").caused_by(error))
}

fn damaged(error: &serde_json::Error) -> Error {
    let message = "the frozen request is damaged; nothing was sent or dropped because of it";
    Error::new(ErrorKind::Corrupted, message).with("row", "flight").caused_by(position(error))
}

/// The operations of a frozen request.
fn sent(request: &str) -> Result<Vec<SentOp>> {
    #[derive(serde::Deserialize)]
    struct Sent {
        ops: Vec<SentOp>,
    }
    serde_json::from_str::<Sent>(request).map(|sent| sent.ops).map_err(|error| damaged(&error))
}

/// Two requests with the operations of one, each with the number that it has; none where it has but one.
fn halves(request: &str) -> Result<Option<(String, String)>> {
    let mut left: PushRequest = serde_json::from_str(request).map_err(|error| damaged(&error))?;
    if left.ops.len() < 2 {
        return Ok(None);
    }
    let ops = left.ops.split_off(left.ops.len() / 2);
    let right = PushRequest { ops, client: left.client.clone(), epoch: left.epoch.clone() };
    Ok(Some((text(&left)?, text(&right)?)))
}

/// Brings operations and results together by number.
fn verdicts(sent: Vec<SentOp>, mut results: Vec<ResultRow>) -> Result<Vec<(SentOp, Verdict)>> {
    sent.into_iter()
        .map(|op| {
            let of_it = results.iter().position(|result| result.mid == op.mid);
            let of_it = of_it.ok_or_else(|| nonsense("without a result for an operation"))?;
            verdict(results.swap_remove(of_it)).map(|verdict| (op, verdict))
        })
        .collect()
}

fn verdict(result: ResultRow) -> Result<Verdict> {
    Ok(match result.status {
        // A repeat whose result is no longer kept has revision 0.
        PushStatus::Ok => Verdict::Done { rev: result.rev.filter(|rev| *rev > 0 || !result.dup) },
        PushStatus::Conflict => Verdict::Met { current: result.current.as_deref().map(document) },
        PushStatus::Superseded => match result.current.as_deref() {
            Some(current) => Verdict::Met { current: Some(document(current)) },
            None => return Err(nonsense("that something later is there, and not what")),
        },
        PushStatus::Rejected => {
            let code = result.code.unwrap_or_default();
            if code == "clock_ahead" {
                return Ok(Verdict::Restamp);
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
    })
}
