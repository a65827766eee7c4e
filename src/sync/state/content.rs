//! What a row of the system's says, as text and back.

use crate::error::{Error, ErrorKind, Result};
use crate::json::{FromJson, Json, Object, ToJson};
use crate::model::{Body, Record};
use crate::platform::Payload;

/// The format of the rows.
const FORMAT: u64 = 1;

/// Begins a row of the system's.
pub(crate) fn row() -> Object {
    Object::new().whole("v", FORMAT)
}

/// Reads the content of one of the system's rows.
///
/// # Errors
///
/// `CORRUPTED` where it is not what was written, `VERSION_ERROR` where a newer release wrote it.
pub(crate) fn parse<T: FromJson>(record: &Record, row: &str) -> Result<T> {
    let text = text_of(record, row)?;
    let content = Json::parse(&text).and_then(Json::members).and_then(|members| {
        let newer = members.required("v", Json::whole)? > FORMAT;
        if newer { Ok(None) } else { T::from_members(&members).map(Some) }
    });
    content.map_err(|error| corrupted(row, &error.to_string()))?.ok_or_else(|| {
        let message = "a newer release wrote the sync state; use that release";
        Error::new(ErrorKind::VersionError, message).with("row", row)
    })
}

fn text_of(record: &Record, row: &str) -> Result<String> {
    match &record.body {
        Body::Clear(payload) => payload.to_wire().map_err(|error| corrupted(row, error.message())),
        Body::Sealed(_) => Err(corrupted(row, "it is sealed")),
    }
}

fn corrupted(row: &str, cause: &str) -> Error {
    let message = "a row of the sync state is damaged; nothing was sent or dropped because of it";
    Error::new(ErrorKind::Corrupted, message).with("row", row).caused_by(cause)
}

/// The content of one of the system's rows.
///
/// # Errors
///
/// `SERIALIZATION_ERROR`, which plain data does not raise.
pub(crate) fn body(value: &impl ToJson) -> Result<Body> {
    Payload::from_wire(&value.to_json()).map(Body::Clear)
}
