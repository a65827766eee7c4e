//! Dead letters: what the endpoint refused for good, and what it sent that cannot be read.
//!
//! A row of [`system::DEAD`]: `{"v": 1, "hlc", "attempts", "at", "code", "message"}` under `[collection, key]` for what
//! we sent, and without `hlc` under `[collection, key as text, "in"]` for what we were sent.

use super::Hlc;
use super::state::{body, parse, row};
use crate::backend::{Backend, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Malformed, Members, ToJson};
use crate::model::{Delete, Doc, Key, Put, Register, WriteOp, system, tombstone_key};

struct Row {
    hlc: Option<Hlc>,
    attempts: u32,
    at: f64,
    code: String,
    message: String,
}

impl ToJson for Row {
    fn to_json(&self) -> String {
        row()
            .maybe(self.hlc, |object, hlc| object.text("hlc", &hlc.to_string()))
            .whole("attempts", self.attempts.into())
            .number("at", self.at)
            .text("code", &self.code)
            .text("message", &self.message)
            .finish()
    }
}

impl FromJson for Row {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        Ok(Self {
            hlc: members.optional("hlc", Hlc::from_json)?,
            attempts: members.required("attempts", |json| json.whole()?.try_into().ok())?,
            at: members.required("at", Json::number)?,
            code: members.required("code", Json::string)?,
            message: members.required("message", Json::string)?,
        })
    }
}

/// A dead letter.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) doc: Doc,
    pub(crate) attempts: u32,
    pub(crate) error: Error,
    hlc: Option<Hlc>,
    row: Key,
}

impl Letter {
    /// The stamp of what we sent; none for what we were sent.
    pub(crate) fn sent(&self) -> Option<Hlc> {
        self.hlc
    }

    /// Takes the letter out.
    pub(crate) fn removed(&self) -> WriteOp {
        WriteOp::Delete(Delete::new(system::DEAD, self.row.clone()))
    }
}

fn put(row: Key, hlc: Option<Hlc>, attempts: u32, at: f64, error: &Error) -> Result<WriteOp> {
    let code = error.kind().code().to_owned();
    let content = Row { hlc, attempts, at, code, message: error.to_string() };
    Ok(WriteOp::Put(Put::new(system::DEAD, row, body(&content)?)))
}

fn inbound_key(collection: &str, id: &str) -> Key {
    Key::Array(vec![Key::from(collection), Key::from(id), Key::from("in")])
}

/// Sets aside what the endpoint refused.
pub(crate) fn refused(doc: &Doc, hlc: Hlc, attempts: u32, at: f64, error: &Error) -> Result<WriteOp> {
    put(tombstone_key(&doc.collection, &doc.key), Some(hlc), attempts, at, error)
}

/// Sets aside what the endpoint sent.
pub(crate) fn unreadable(collection: &str, id: &str, at: f64, error: &Error) -> Result<WriteOp> {
    put(inbound_key(collection, id), None, 1, at, error)
}

/// Forgets that something was refused: it was taken, or something later stands in its place.
pub(crate) fn settled(doc: &Doc) -> WriteOp {
    WriteOp::Delete(Delete::new(system::DEAD, tombstone_key(&doc.collection, &doc.key)))
}

/// Forgets that something could not be read: a later state could.
pub(crate) fn readable(doc: &Doc) -> WriteOp {
    WriteOp::Delete(Delete::new(system::DEAD, inbound_key(&doc.collection, &doc.key.to_text())))
}

/// All dead letters.
pub(crate) async fn letters(backend: &dyn Backend) -> Result<Vec<Letter>> {
    let rows = backend.scan(&Scan::all(system::DEAD)).await?;
    Ok(rows.iter().filter_map(|row| letter(&row.key, parse(row.record.as_ref()?, "dead letter"))).collect())
}

/// A damaged letter is still a letter: its key says of what.
fn letter(row: &Key, content: Result<Row>) -> Option<Letter> {
    let Key::Array(parts) = row else { return None };
    let doc = match parts.as_slice() {
        [Key::String(collection), key] => Doc::new(collection, key.clone()),
        [Key::String(collection), Key::String(id), Key::String(_)] => {
            Doc::new(collection, Key::from_text(id).unwrap_or_else(|_| Key::from(id.as_str())))
        }
        _ => return None,
    };
    let (attempts, hlc, error) = match content {
        Ok(content) => {
            let kind = ErrorKind::ALL.iter().copied().find(|kind| kind.code() == content.code);
            let error = Error::new(kind.unwrap_or(ErrorKind::ValidationFailed), content.message);
            (content.attempts, content.hlc, error)
        }
        Err(error) => (0, None, error),
    };
    Some(Letter { doc, attempts, error: error.during("sync"), hlc, row: row.clone() })
}

/// What was refused, and under which stamp: a later write of the same document is sent again.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    register: Register,
    stamps: Vec<Hlc>,
}

impl Refused {
    pub(crate) fn of(letters: &[Letter]) -> Self {
        let mut refused = Self::default();
        for letter in letters {
            if let Some(stamp) = letter.sent()
                && refused.register.add(&letter.doc)
            {
                refused.stamps.push(stamp);
            }
        }
        refused
    }

    /// Whether this very write was.
    pub(crate) fn contains(&self, doc: &Doc, stamp: Hlc) -> bool {
        let refused = self.register.number(doc).and_then(|number| self.stamps.get(number));
        refused.is_some_and(|refused| *refused == stamp || mutant!("a-refusal-stands-for-later-writes"))
    }
}
