//! What an answer means, whatever came back.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Result};
use crate::sync::Hlc;
use crate::sync::document::position;
use crate::sync::protocol::{Change, Failure, PushStatus, SnapshotEnd, SnapshotHead};
use crate::transport::Answer;

/// What an answer means.
#[derive(Debug)]
pub(super) enum Reply<T> {
    /// It is the one that the protocol promises.
    Success(T),
    /// The token is not accepted.
    Unauthorized(Error),
    /// The request is too large.
    TooLarge(Error),
    /// The request as a whole is refused for good.
    Invalid(Error),
    /// The endpoint's history does not continue ours.
    Reset,
    /// The endpoint asks for time, this long if it said so.
    Busy(Error, Option<f64>),
    /// The same request may succeed later.
    Failed(Error),
}

/// Reads an answer.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Reply<T> {
    match success(answer) {
        Ok(()) => match serde_json::from_str(&answer.body) {
            Ok(value) => Reply::Success(value),
            Err(error) => Reply::Failed(nonsense("an answer that cannot be read").caused_by(position(&error))),
        },
        Err(reply) => reply,
    }
}

/// Tells a success, whose body is still to be read, from every other answer.
fn success<T>(answer: &Answer) -> core::result::Result<(), Reply<T>> {
    let failure = serde_json::from_str::<Failure>(&answer.body).ok();
    let code = failure.as_ref().map_or("", |failure| failure.code.as_str());
    let error = |kind: ErrorKind, message: &str| {
        let error = Error::new(kind, message).with("status", answer.status);
        match &failure {
            Some(failure) => error.caused_by(&failure.message),
            None => error,
        }
    };
    Err(match answer.status {
        200..=299 if speaks_json(answer) => return Ok(()),
        200..=299 => Reply::Failed(
            nonsense("something that is not the protocol; check the address, or sign in to the network")
                .with("content type", answer.content_type.as_deref().unwrap_or("none")),
        ),
        401 => Reply::Unauthorized(error(
            ErrorKind::AuthenticationFailed,
            "the endpoint does not accept the token; sign in again",
        )),
        403 => Reply::Unauthorized(error(ErrorKind::AccessDenied, "the endpoint does not allow this; ask for access")),
        409 if code == "reset" => Reply::Reset,
        413 => Reply::TooLarge(error(ErrorKind::QuotaExceeded, "the request is larger than the endpoint takes")),
        400 | 422 if code == "invalid" => {
            Reply::Invalid(error(ErrorKind::ValidationFailed, "the endpoint refuses the request"))
        }
        429 | 503 => Reply::Busy(
            error(ErrorKind::NetworkError, "the endpoint is busy; it will be asked again"),
            answer.retry_after.filter(|after| after.is_finite() && *after >= 0.0),
        ),
        _ => Reply::Failed(error(ErrorKind::NetworkError, "the endpoint failed; it will be asked again")),
    })
}

fn speaks_json(answer: &Answer) -> bool {
    answer.content_type.as_deref().is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
}

/// The endpoint did not answer in the protocol.
pub(super) fn nonsense(what: &str) -> Error {
    Error::new(ErrorKind::NetworkError, format!("the endpoint answered {what}"))
}

/// The answer to a push, with documents still unread: one that cannot be read must not hold up the others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pushed {
    pub(super) epoch: String,
    pub(super) server_time: u64,
    pub(super) results: Vec<ResultRow>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ResultRow {
    pub(super) mid: u64,
    pub(super) status: PushStatus,
    #[serde(default)]
    pub(super) rev: Option<u64>,
    #[serde(default)]
    pub(super) dup: bool,
    #[serde(default)]
    pub(super) current: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// The answer to a pull, likewise.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Changed {
    pub(super) changes: Vec<Box<RawValue>>,
    pub(super) cursor: String,
    pub(super) more: bool,
    pub(super) server_time: u64,
}

/// A document that cannot be read, and what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Unreadable {
    /// Its collection and id, as far as they can be made out.
    pub(crate) name: Option<(String, String)>,
    /// What is wrong.
    pub(crate) error: Error,
}

/// A document that came in.
pub(crate) type Incoming = core::result::Result<Change, Unreadable>;

/// Reads one document.
pub(super) fn document(raw: &RawValue) -> Incoming {
    #[derive(Deserialize)]
    struct Name {
        c: String,
        id: String,
    }
    serde_json::from_str(raw.get()).map_err(|error| Unreadable {
        name: serde_json::from_str::<Name>(raw.get()).ok().map(|name| (name.c, name.id)),
        error: Error::new(
            ErrorKind::SerializationError,
            "the endpoint sent a document that cannot be read; it is set aside",
        )
        .caused_by(position(&error)),
    })
}

/// A whole snapshot.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) head: SnapshotHead,
    pub(crate) documents: Vec<Incoming>,
}

/// Reads a snapshot: a head line, documents, an end line with their count.
pub(super) fn snapshot(answer: &Answer) -> Reply<Snapshot> {
    match success(answer) {
        Err(reply) => reply,
        Ok(()) => lines(&answer.body).map_or_else(Reply::Failed, Reply::Success),
    }
}

fn lines(body: &str) -> Result<Snapshot> {
    let unreadable = |error: serde_json::Error| nonsense("a snapshot that cannot be read").caused_by(position(&error));
    let mut lines = body.lines().filter(|line| !line.trim().is_empty());
    let head = lines.next().ok_or_else(|| nonsense("an empty snapshot"))?;
    let head: SnapshotHead = serde_json::from_str(head).map_err(unreadable)?;
    let last = lines.next_back().ok_or_else(|| nonsense("a snapshot that was cut"))?;
    let end: SnapshotEnd = serde_json::from_str(last).map_err(|_| nonsense("a snapshot that was cut"))?;
    let documents: Vec<Incoming> = lines
        .map(|line| serde_json::from_str::<&RawValue>(line).map(document).map_err(unreadable))
        .collect::<Result<_>>()?;
    if documents.len() as u64 != end.count {
        return Err(nonsense("a snapshot that was cut"));
    }
    Ok(Snapshot { head, documents })
}

/// What an operation of ours was, as the frozen request has it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SentOp {
    pub(crate) mid: u64,
    pub(crate) c: String,
    pub(crate) id: String,
    pub(crate) hlc: Hlc,
}
