//! Conflicts that stamps do not decide: written down, decided by a policy, a function or a person, and told.

mod decide;
mod face;
mod fields;
mod row;

pub(super) use decide::arbitrate;
pub(super) use face::{list, resolve};
pub use row::ConflictOutcome;
pub(crate) use row::{Decided, Undecided, base_of, contested, met, tidied, undecided};

use core::fmt;

use crate::backend::LocalFuture;
use crate::error::{Error, Result};
use crate::model::{Body, Key};
use crate::platform::Payload;

/// A document that was changed on both sides, in the clear.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// `collection/key`, the key in its text form.
    pub id: String,
    /// The collection.
    pub collection: String,
    /// The key.
    pub key: Key,
    /// Our value; none where we deleted it.
    pub local: Option<Payload>,
    /// The endpoint's; none where it is deleted there.
    pub remote: Option<Payload>,
    /// What both were made on; none where it is not known, or there was nothing.
    pub base: Option<Payload>,
}

/// How a conflict is listed.
#[derive(Debug, Clone)]
pub struct ConflictEntry {
    /// The document. Of a conflict that was decided, the states that did not stay.
    pub conflict: Conflict,
    /// When it was met, or decided; milliseconds since the epoch.
    pub at: f64,
    /// Why its values are not told, or why it was left to be decided by hand.
    pub error: Option<Error>,
    /// What decided it, where that is done.
    pub settled: Option<(String, ConflictOutcome)>,
}

/// Which conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that wait for a decision.
    Undecided,
    /// Those that were decided, the last one first, for as long as what lost is kept.
    Settled,
}

/// How a conflict is to be decided.
#[derive(Debug, Clone)]
pub enum Choice {
    /// Ours stays.
    Local,
    /// The endpoint's stays.
    Remote,
    /// This takes the place of both.
    Value(Payload),
    /// It is deleted.
    Deleted,
}

/// What deciding needs from above the seal: values in the clear, and the application.
pub trait Arbiter: fmt::Debug {
    /// A value in the clear.
    ///
    /// # Errors
    ///
    /// `LOCKED` where its key is not at hand now: then the conflict waits.
    fn open<'a>(&'a self, collection: &'a str, key: &'a Key, body: &'a Body) -> LocalFuture<'a, Result<Payload>>;

    /// A value as it is stored: checked as every value that the application writes, and sealed where `sealed` says so or its
    /// collection is encrypted.
    ///
    /// # Errors
    ///
    /// `LOCKED`; what checking raises.
    fn close<'a>(
        &'a self,
        collection: &'a str,
        key: &'a Key,
        value: Payload,
        sealed: bool,
    ) -> LocalFuture<'a, Result<Body>>;

    /// What the application's function says; none where it wants the document deleted.
    ///
    /// # Errors
    ///
    /// Where the function fails: then a person decides.
    fn ask<'a>(&'a self, conflict: &'a Conflict) -> LocalFuture<'a, Result<Option<Payload>>>;
}
