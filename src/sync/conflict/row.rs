//! What is written down of conflicts, as rows of [`system::CONFLICTS`].
//!
//! Under `[collection, key]`, what is still to be decided: the endpoint's state, which ours was not made on. Ours is the
//! record itself, and what both were made on lies beside it. Such a document is not sent. Under
//! `[when, collection, key]`, what lost, for a while.

use core::ops::Bound;

use crate::backend::{Backend, Read, Row as BackendRow, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Malformed, Members, ToJson};
use crate::model::{
    Body, Delete, Doc, Key, KeyRange, Precondition, Put, Register, RemoteState, WriteOp, system, tombstone_key,
};
use crate::sync::engine::Change;
use crate::sync::merge::Remote;
use crate::sync::state::{body, parse, row};
use crate::sync::{Hlc, document};

/// How many of those that lost are kept.
const MOST_KEPT: usize = 100;
/// How long they are kept, milliseconds.
const KEPT_MS: f64 = 30.0 * 86_400_000.0;

/// A conflict that is to be decided.
#[derive(Debug, Clone)]
pub(crate) struct Undecided {
    pub(crate) doc: Doc,
    /// When it was met.
    pub(crate) at: f64,
    /// The endpoint's state.
    pub(crate) remote: Remote,
    /// Its body, as it travels; none where it is a deletion.
    pub(crate) body: Option<String>,
    /// Why it is left to a person, where it could have been decided without.
    pub(crate) failed: Option<Error>,
    /// Whether the row says nothing that can be read.
    pub(crate) damaged: bool,
    version: u64,
}

struct Content {
    at: f64,
    rev: u64,
    hlc: Hlc,
    remote: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl ToJson for Content {
    fn to_json(&self) -> String {
        row()
            .number("at", self.at)
            .whole("rev", self.rev)
            .text("hlc", &self.hlc.to_string())
            .maybe(self.remote.as_ref(), |row, remote| row.text("remote", remote))
            .maybe(self.code.as_ref(), |row, code| row.text("code", code))
            .maybe(self.message.as_ref(), |row, message| row.text("message", message))
            .finish()
    }
}

impl FromJson for Content {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self {
            at: members.required("at", Json::number)?,
            rev: members.required("rev", Json::whole)?,
            hlc: members.required("hlc", Hlc::from_json)?,
            remote: members.optional("remote", Json::string)?,
            code: members.optional("code", Json::string)?,
            message: members.optional("message", Json::string)?,
        })
    }
}

impl Undecided {
    /// The endpoint's state of the document.
    ///
    /// # Errors
    ///
    /// `SERIALIZATION_ERROR` where it cannot be read.
    pub(crate) fn state(&self) -> Result<RemoteState> {
        match &self.body {
            None => Ok(RemoteState::Deleted),
            Some(body) => document::decode(Some(body), self.remote.hlc.millis()),
        }
    }

    /// The same, left to a person.
    pub(super) fn left(&self, error: &Error) -> Result<WriteOp> {
        let content = Content {
            at: self.at,
            rev: self.remote.rev,
            hlc: self.remote.hlc,
            remote: self.body.clone(),
            code: Some(error.kind().code().to_owned()),
            message: Some(error.to_string()),
        };
        put(&self.doc, &content, Precondition::Version(self.version))
    }

    /// It is decided, or there is nothing left to decide.
    pub(crate) fn removed(&self) -> WriteOp {
        let delete = Delete::new(system::CONFLICTS, tombstone_key(&self.doc.collection, &self.doc.key));
        WriteOp::Delete(Delete { precondition: Precondition::Version(self.version), ..delete })
    }
}

fn put(doc: &Doc, content: &Content, precondition: Precondition) -> Result<WriteOp> {
    let put = Put::new(system::CONFLICTS, tombstone_key(&doc.collection, &doc.key), body(content)?);
    Ok(WriteOp::Put(Put { precondition, ..put }))
}

/// Notes a conflict with the endpoint's state, in the place of an earlier one.
pub(crate) fn met(doc: &Doc, change: &Change, now: f64, before: Option<&Undecided>) -> Result<WriteOp> {
    let content = Content {
        at: now,
        rev: change.rev,
        hlc: change.hlc,
        remote: change.body.clone().filter(|_| !change.del),
        code: None,
        message: None,
    };
    put(doc, &content, before.map_or(Precondition::Absent, |before| Precondition::Version(before.version)))
}

/// Where the rows of those that are to be decided begin: after all that begin with a time.
fn first() -> Key {
    Key::Array(vec![Key::from("")])
}

/// Every conflict that is to be decided.
pub(crate) async fn undecided(backend: &dyn Backend) -> Result<Vec<Undecided>> {
    let range = KeyRange { lower: Bound::Included(first()), upper: Bound::Unbounded };
    let rows = backend.scan(&Scan { range, ..Scan::all(system::CONFLICTS) }).await?;
    Ok(rows.into_iter().filter_map(open).collect())
}

/// A row that cannot be read is still one: its key says of what.
fn open(row: BackendRow) -> Option<Undecided> {
    let (Key::Array(parts), record) = (&row.key, row.record?) else { return None };
    let [Key::String(collection), key] = parts.as_slice() else { return None };
    let doc = Doc::new(collection, key.clone());
    let version = record.meta.version;
    Some(match parse::<Content>(&record, "conflict") {
        Ok(content) => Undecided {
            doc,
            at: content.at,
            remote: Remote { rev: content.rev, hlc: content.hlc, deleted: content.remote.is_none() },
            body: content.remote,
            failed: content.code.map(|code| error(&code, content.message.unwrap_or_default())),
            damaged: false,
            version,
        },
        Err(error) => Undecided {
            doc,
            at: record.meta.modified,
            remote: Remote { rev: 0, hlc: Hlc::new(0, 0, 0), deleted: false },
            body: None,
            failed: Some(error),
            damaged: true,
            version,
        },
    })
}

fn error(code: &str, message: String) -> Error {
    let kind = ErrorKind::ALL.iter().copied().find(|kind| kind.code() == code);
    Error::new(kind.unwrap_or(ErrorKind::Conflict), message)
}

/// The documents of conflicts that can be decided; of any other, the endpoint is asked again by sending.
pub(crate) fn contested(undecided: &[Undecided]) -> Register {
    undecided.iter().filter(|conflict| !conflict.damaged).map(|conflict| conflict.doc.clone()).collect()
}

/// What came of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictOutcome {
    /// Ours stayed.
    Local,
    /// The endpoint's did.
    Remote,
    /// Something else than either.
    Value,
}

impl ConflictOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Value => "value",
        }
    }
}

/// A conflict that was decided, and what lost.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    pub(crate) doc: Doc,
    pub(crate) at: f64,
    /// What decided it: a policy's name, or `resolve`.
    pub(crate) by: String,
    pub(crate) outcome: ConflictOutcome,
    /// Our body, as it would have travelled, where it did not stay; none where it was a deletion.
    pub(crate) local: Option<String>,
    /// The endpoint's, likewise.
    pub(crate) remote: Option<String>,
}

impl ToJson for Decided {
    fn to_json(&self) -> String {
        row()
            .text("by", &self.by)
            .text("outcome", self.outcome.name())
            .maybe(self.local.as_ref(), |row, local| row.text("local", local))
            .maybe(self.remote.as_ref(), |row, remote| row.text("remote", remote))
            .finish()
    }
}

impl FromJson for Decided {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        let outcome = |json: Json<'_>| match json.string()?.as_str() {
            "local" => Some(ConflictOutcome::Local),
            "remote" => Some(ConflictOutcome::Remote),
            "value" => Some(ConflictOutcome::Value),
            _ => None,
        };
        Ok(Self {
            doc: Doc::new("", Key::Array(Vec::new())),
            at: 0.0,
            by: members.required("by", Json::string)?,
            outcome: members.required("outcome", outcome)?,
            local: members.optional("local", Json::string)?,
            remote: members.optional("remote", Json::string)?,
        })
    }
}

impl Decided {
    /// Keeps what lost.
    pub(crate) fn kept(&self) -> Result<WriteOp> {
        let key = vec![Key::Number(self.at), Key::from(self.doc.collection.as_str()), self.doc.key.clone()];
        Ok(WriteOp::Put(Put::new(system::CONFLICTS, Key::Array(key), body(self)?)))
    }
}

fn kept_until(range: Bound<Key>, read: Read) -> Scan {
    let range = KeyRange { lower: Bound::Unbounded, upper: range };
    Scan { range, read, ..Scan::all(system::CONFLICTS) }
}

/// Those that were decided and are still kept, the last one first.
pub(crate) async fn decided(backend: &dyn Backend, now: f64) -> Result<Vec<Decided>> {
    let rows = backend.scan(&kept_until(Bound::Excluded(first()), Read::Records)).await?;
    let opened = |row: BackendRow| {
        let Key::Array(parts) = row.key else { return None };
        let Ok([Key::Number(at), Key::String(collection), key]) = <[Key; 3]>::try_from(parts) else { return None };
        // Of a damaged one there is nothing to tell.
        let content = parse::<Decided>(&row.record?, "conflict").ok()?;
        Some(Decided { doc: Doc::new(collection, key), at, ..content })
    };
    Ok(rows.into_iter().rev().filter_map(opened).filter(|one| one.at > now - KEPT_MS).collect())
}

/// Deletes those that are kept no longer, where so many are to be added.
pub(crate) async fn tidied(backend: &dyn Backend, now: f64, added: usize) -> Result<Vec<WriteOp>> {
    let rows = backend.scan(&kept_until(Bound::Excluded(first()), Read::Keys)).await?;
    let surplus = (rows.len() + added).saturating_sub(MOST_KEPT);
    let over = |key: &Key| matches!(key, Key::Array(parts) if matches!(parts.first(), Some(Key::Number(at)) if *at < now - KEPT_MS));
    let gone = rows.into_iter().enumerate().filter(|(place, row)| *place < surplus || over(&row.key));
    Ok(gone.map(|(_, row)| WriteOp::Delete(Delete::new(system::CONFLICTS, row.key))).collect())
}

/// What the endpoint has, as it is kept beside a record.
pub(crate) fn base_of(state: &RemoteState) -> Option<Body> {
    match state {
        RemoteState::Present { body, .. } => Some(body.clone()),
        RemoteState::Deleted => None,
    }
}
