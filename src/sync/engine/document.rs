//! Documents as the endpoint sends them.

use crate::error::{Error, ErrorKind};
use crate::json::{self, FromJson, Json, Malformed, Members};
use crate::sync::Hlc;

/// A document as the endpoint has it, its body still text.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) c: String,
    pub(crate) id: String,
    pub(crate) rev: u64,
    pub(crate) hlc: Hlc,
    pub(crate) del: bool,
    pub(crate) body: Option<String>,
}

impl FromJson for Change {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            c: members.required("c", Json::string)?,
            id: members.required("id", Json::string)?,
            rev: members.required("rev", Json::whole)?,
            hlc: members.required("hlc", Hlc::from_json)?,
            del: members.optional("del", Json::flag)?.unwrap_or(false),
            body: members.optional("body", text)?,
        })
    }
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
pub(crate) type Incoming = Result<Change, Unreadable>;

/// Reads documents one by one: one that cannot be read leaves the others as they are.
pub(super) fn documents(items: Vec<Json<'_>>) -> Vec<Incoming> {
    items.into_iter().map(Json::text).map(document).collect()
}

/// Reads one document.
pub(super) fn document(text: &str) -> Incoming {
    json::read(text).map_err(|error| Unreadable {
        name: json::read::<Name>(text).ok().map(|name| (name.c, name.id)),
        error: Error::new(
            ErrorKind::SerializationError,
            "the endpoint sent a document that cannot be read; it is set aside",
        )
        .caused_by(error),
    })
}

struct Name {
    c: String,
    id: String,
}

impl FromJson for Name {
    fn from_members(members: &Members<'_>) -> Result<Self, Malformed> {
        Ok(Self { c: members.required("c", Json::string)?, id: members.required("id", Json::string)? })
    }
}

/// A value as its text, to be read later.
#[expect(clippy::unnecessary_wraps, reason = "as members are read: every value has a text")]
pub(super) fn text(json: Json<'_>) -> Option<String> {
    Some(json.text().to_owned())
}
