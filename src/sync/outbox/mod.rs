//! The outbox: what was touched and is still to be sent, and what was refused.
//!
//! A row of [`system::OUTBOX`] names the documents of one commit, `{"v": 1, "at": ms, "docs": [[collection, key], …]}`
//! with keys as text. Whether a document is pending is told by its record or tombstone alone: every pending document
//! is named by a row, is a dead letter, or waits for a conflict to be decided.

mod audit;
mod pending;
mod priority;

use super::state::{body, parse, row};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Malformed, Members, ToJson, array, quoted};
use crate::model::{Delete, Doc, Key, Record, WriteOp, system};
pub(crate) use audit::{audit, named};
pub(crate) use pending::{Pending, Sendable, pending};
pub use priority::Priority;

/// How many documents one row names at most.
const ROW_DOCS: usize = 500;
/// How many rows are read at a time.
const PAGE: usize = 64;

struct Row {
    at: f64,
    docs: Vec<(String, String)>,
}

impl ToJson for Row {
    fn to_json(&self) -> String {
        let docs = self.docs.iter().map(|(c, id)| array([quoted(c), quoted(id)]));
        row().number("at", self.at).json("docs", &array(docs)).finish()
    }
}

impl FromJson for Row {
    fn from_members(members: &Members<'_>) -> core::result::Result<Self, Malformed> {
        let name = |json: Json<'_>| match <[String; 2]>::try_from(json.strings()?) {
            Ok([c, id]) => Some((c, id)),
            Err(_) => None,
        };
        let docs = |json: Json<'_>| json.items()?.into_iter().map(name).collect();
        Ok(Self { at: members.required("at", Json::number)?, docs: members.required("docs", docs)? })
    }
}

/// The rows that name these documents.
pub(crate) fn append(docs: &[Doc], now: f64) -> Result<Vec<WriteOp>> {
    docs.chunks(ROW_DOCS)
        .map(|docs| {
            let docs = docs.iter().map(|doc| (doc.collection.clone(), doc.key.to_text())).collect();
            let body = body(&Row { at: now, docs })?;
            Ok(WriteOp::Append { collection: system::OUTBOX.to_owned(), body })
        })
        .collect()
}

/// Deletes a row.
pub(crate) fn remove(row: u64) -> WriteOp {
    WriteOp::Delete(Delete::new(system::OUTBOX, row_key(row)))
}

#[expect(clippy::cast_precision_loss, reason = "rows are counted; 2^53 of them are out of reach")]
fn row_key(row: u64) -> Key {
    Key::Number(row as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "appended keys are whole and positive")]
fn row_number(key: &Key) -> Option<u64> {
    match key {
        Key::Number(number) => Some(*number as u64),
        Key::Date(_) | Key::String(_) | Key::Binary(_) | Key::Array(_) => None,
    }
}

/// The documents that a row names.
fn docs(record: &Record) -> Result<Vec<Doc>> {
    parse::<Row>(record, "outbox")?
        .docs
        .iter()
        .map(|(collection, text)| {
            let key = Key::from_text(text).map_err(|error| {
                Error::new(ErrorKind::Corrupted, "an outbox row names a key that is none").caused_by(error.message())
            })?;
            Ok(Doc::new(collection, key))
        })
        .collect()
}
