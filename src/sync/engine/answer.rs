//! What an answer means, whatever came back.

use super::document::{Incoming, document, documents, text};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{self, FromJson, Json, Malformed, Members};
use crate::sync::Hlc;
use crate::sync::protocol::{Limits, PushStatus};
use crate::transport::Answer;

/// How long an endpoint may ask to be left alone at a time, milliseconds. What asks for longer is asked again after this.
const LONGEST_WAIT: f64 = 3_600_000.0;
/// Bytes of a cursor; the protocol has 256.
const LONGEST_CURSOR: usize = 1024;

/// A part of an answer, or why it cannot be read.
type Read<T> = core::result::Result<T, Malformed>;

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
    /// The same request is refused, however often it is sent.
    Refused(Error),
    /// The encoding of the request's body is not known.
    Unencoded(Error),
    /// The endpoint's history does not continue ours.
    Reset,
    /// The endpoint asks for time, this long if it said so.
    Busy(Error, Option<f64>),
    /// The same request may succeed later.
    Failed(Error),
}

/// Reads an answer.
pub(super) fn read<T: FromJson>(answer: &Answer) -> Reply<T> {
    match success(answer) {
        Ok(()) => match json::read(&answer.body) {
            Ok(value) => Reply::Success(value),
            Err(error) => Reply::Failed(nonsense("an answer that cannot be read").caused_by(error)),
        },
        Err(reply) => reply,
    }
}

/// Tells a success, whose body is still to be read, from every other answer.
fn success<T>(answer: &Answer) -> core::result::Result<(), Reply<T>> {
    let failure = json::read::<Failure>(&answer.body).ok();
    let code = failure.as_ref().map_or("", |failure| failure.code.as_str());
    let error = |kind: ErrorKind, message: &str| {
        let error = Error::new(kind, message).with("status", answer.status);
        match &failure {
            Some(failure) => error.caused_by(&failure.message),
            None => error,
        }
    };
    Err(match answer.status {
        // However often it is asked for, it is as long.
        200..=299 if answer.given_up => Reply::Refused(nonsense("more than is taken of an answer")),
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
        408 | 425 => {
            Reply::Failed(error(ErrorKind::NetworkError, "the endpoint gave up waiting; it will be asked again"))
        }
        429 | 503 => Reply::Busy(
            error(ErrorKind::NetworkError, "the endpoint is busy; it will be asked again"),
            patience(answer.retry_after),
        ),
        415 => Reply::Unencoded(error(ErrorKind::NetworkError, "the endpoint does not take such a body")),
        400..=499 => {
            Reply::Refused(error(ErrorKind::NetworkError, "the endpoint refuses the request; check the address"))
        }
        _ => Reply::Failed(error(ErrorKind::NetworkError, "the endpoint failed; it will be asked again")),
    })
}

/// How long to wait where an endpoint asks for so long.
pub(super) fn patience(retry_after: Option<f64>) -> Option<f64> {
    let asked = retry_after.filter(|after| after.is_finite() && *after >= 0.0)?;
    Some(asked.min(LONGEST_WAIT))
}

fn cursor(json: Json<'_>) -> Option<String> {
    json.string().filter(|cursor| cursor.len() <= LONGEST_CURSOR)
}

fn speaks_json(answer: &Answer) -> bool {
    answer.content_type.as_deref().is_none_or(|kind| kind.to_ascii_lowercase().contains("json"))
}

/// The endpoint did not answer in the protocol.
pub(super) fn nonsense(what: &str) -> Error {
    Error::new(ErrorKind::NetworkError, format!("the endpoint answered {what}"))
}

/// What every answer that is no success says.
struct Failure {
    code: String,
    message: String,
}

impl FromJson for Failure {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        Ok(Self { code: members.required("code", Json::string)?, message: members.required("message", Json::string)? })
    }
}

/// What the endpoint is, as far as that matters here.
#[derive(Debug)]
pub(super) struct Space {
    pub(super) epoch: String,
    pub(super) server_time: f64,
    pub(super) limits: Limits,
    pub(super) features: Vec<String>,
}

impl FromJson for Space {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        let limits = members.required("limits", |json| json.members().ok())?;
        let limit = |name| limits.required(name, |json| json.whole()?.try_into().ok());
        Ok(Self {
            epoch: members.required("epoch", Json::string)?,
            server_time: members.required("serverTime", Json::number)?,
            limits: Limits {
                max_ops: limit("maxOps")?,
                max_bytes: limit("maxBytes")?,
                max_doc_bytes: limit("maxDocBytes")?,
                max_depth: limit("maxDepth")?,
            },
            features: members.optional("features", Json::strings)?.unwrap_or_default(),
        })
    }
}

/// The answer to a push, with documents still unread: one that cannot be read must not hold up the others.
#[derive(Debug)]
pub(super) struct Pushed {
    pub(super) epoch: String,
    pub(super) server_time: f64,
    /// Those that can be read.
    pub(super) results: Vec<ResultRow>,
}

impl FromJson for Pushed {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        Ok(Self {
            epoch: members.required("epoch", Json::string)?,
            server_time: members.required("serverTime", Json::number)?,
            results: members.required("results", Json::items)?.into_iter().filter_map(readable).collect(),
        })
    }
}

/// What became of one operation.
#[derive(Debug)]
pub(super) struct ResultRow {
    pub(super) mid: u64,
    pub(super) status: PushStatus,
    pub(super) rev: Option<u64>,
    pub(super) dup: bool,
    pub(super) current: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

impl FromJson for ResultRow {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        let status = |json: Json<'_>| match json.string()?.as_str() {
            "ok" => Some(PushStatus::Ok),
            "conflict" => Some(PushStatus::Conflict),
            "superseded" => Some(PushStatus::Superseded),
            "rejected" => Some(PushStatus::Rejected),
            _ => None,
        };
        Ok(Self {
            mid: members.required("mid", Json::whole)?,
            status: members.required("status", status)?,
            rev: members.optional("rev", Json::whole)?,
            dup: members.optional("dup", Json::flag)?.unwrap_or(false),
            current: members.optional("current", text)?,
            code: members.optional("code", Json::string)?,
            message: members.optional("message", Json::string)?,
        })
    }
}

/// The answer to a pull, likewise.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) changes: Vec<Incoming>,
    pub(super) cursor: String,
    pub(super) more: bool,
    pub(super) head: u64,
    pub(super) server_time: f64,
}

impl FromJson for Changed {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        Ok(Self {
            changes: documents(members.required("changes", Json::items)?),
            cursor: members.required("cursor", cursor)?,
            more: members.required("more", Json::flag)?,
            head: members.required("head", Json::whole)?,
            server_time: members.required("serverTime", Json::number)?,
        })
    }
}

/// An event of the live stream: what changed between two cursors, or that nothing did.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) prev: String,
    pub(super) cursor: String,
    pub(super) changes: Vec<Incoming>,
}

impl FromJson for Told {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        Ok(Self {
            prev: members.required("prev", cursor)?,
            cursor: members.required("cursor", cursor)?,
            changes: documents(members.optional("changes", Json::items)?.unwrap_or_default()),
        })
    }
}

fn readable<T: FromJson>(item: Json<'_>) -> Option<T> {
    item.members().and_then(|members| T::from_members(&members)).ok()
}

/// The items of an array, all of which must be readable.
fn all<T: FromJson>(members: &Members<'_>, name: &'static str) -> Read<Vec<T>> {
    members.required(name, Json::items)?.into_iter().map(|item| T::from_members(&item.members()?)).collect()
}

/// A whole snapshot.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) head: SnapshotHead,
    pub(crate) documents: Vec<Incoming>,
}

/// The first line of a snapshot.
#[derive(Debug)]
pub(crate) struct SnapshotHead {
    pub(crate) epoch: String,
    pub(crate) head: u64,
    pub(crate) cursor: String,
    pub(crate) server_time: f64,
}

impl FromJson for SnapshotHead {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        Ok(Self {
            epoch: members.required("epoch", Json::string)?,
            head: members.required("head", Json::whole)?,
            cursor: members.required("cursor", cursor)?,
            server_time: members.required("serverTime", Json::number)?,
        })
    }
}

/// The last line of a snapshot: how many documents came before.
struct SnapshotEnd(u64);

impl FromJson for SnapshotEnd {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        members.required("count", Json::whole).map(Self)
    }
}

/// Reads a snapshot: a head line, documents, an end line with their count.
pub(super) fn snapshot(answer: &Answer) -> Reply<Snapshot> {
    match success(answer) {
        Err(reply) => reply,
        Ok(()) => lines(&answer.body).map_or_else(Reply::Failed, Reply::Success),
    }
}

fn lines(body: &str) -> Result<Snapshot> {
    let unreadable = |error: Malformed| nonsense("a snapshot that cannot be read").caused_by(error);
    let cut = || nonsense("a snapshot that was cut");
    let mut lines = body.lines().filter(|line| !line.trim().is_empty());
    let head = lines.next().ok_or_else(|| nonsense("an empty snapshot"))?;
    let head = json::read(head).map_err(unreadable)?;
    let last = lines.next_back().ok_or_else(cut)?;
    let SnapshotEnd(count) = json::read(last).map_err(|_| cut())?;
    let documents: Vec<Incoming> =
        lines.map(|line| Json::parse(line).map(Json::text).map(document).map_err(unreadable)).collect::<Result<_>>()?;
    if documents.len() as u64 != count {
        return Err(cut());
    }
    Ok(Snapshot { head, documents })
}

/// What an operation of ours was, as the frozen request has it.
#[derive(Debug, Clone)]
pub(crate) struct SentOp {
    pub(crate) mid: u64,
    pub(crate) c: String,
    pub(crate) id: String,
    pub(crate) hlc: Hlc,
    /// The document; none where it deletes.
    pub(crate) body: Option<String>,
}

impl FromJson for SentOp {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        Ok(Self {
            mid: members.required("mid", Json::whole)?,
            c: members.required("c", Json::string)?,
            id: members.required("id", Json::string)?,
            hlc: members.required("hlc", Hlc::from_json)?,
            body: members.optional("body", text)?,
        })
    }
}

/// The operations of a frozen request.
pub(super) struct Sent(pub(super) Vec<SentOp>);

impl FromJson for Sent {
    fn from_members(members: &Members<'_>) -> Read<Self> {
        all(members, "ops").map(Self)
    }
}
