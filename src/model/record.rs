//! Records: a payload, and what the system keeps beside it.

use super::Key;
use crate::platform::{Bytes, Payload};
use crate::sync::Hlc;

/// What a record holds.
#[derive(Debug, Clone)]
pub enum Body {
    /// The application's own value.
    Clear(Payload),
    /// An envelope, as in `docs/formats.md`.
    Sealed(Bytes),
}

/// A stored record.
///
/// A tombstone is a record too: it lives in [`system::TOMBSTONES`](super::system::TOMBSTONES) under
/// the key `[collection, key]`, with an empty body and the version, time and replica state of the deletion.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its key.
    pub key: Key,
    /// Its content.
    pub body: Body,
    /// What the system keeps.
    pub meta: Meta,
}

/// The SHA-256 of a value's encoding. Boxed, since most records have none.
pub type Checksum = Box<[u8; 32]>;

/// What the system keeps of a record. Times are milliseconds since the epoch.
#[derive(Debug, Clone, Default)]
pub struct Meta {
    /// Counts the writes of this record, from 1.
    pub version: u64,
    /// When it was first written.
    pub created: f64,
    /// When it was last written.
    pub modified: f64,
    /// When it ceases to be seen.
    pub expires: Option<f64>,
    /// Tags, in the order given.
    pub tags: Vec<String>,
    /// The application's own metadata, an object.
    pub metadata: Option<Payload>,
    /// Where the record stands in replication, once it takes part.
    pub replica: Option<Replica>,
    /// What the endpoint had when the record was first written here without its answer, in collections whose conflicts
    /// are decided with it. It goes with the answer. Boxed, since most records have none.
    pub base: Option<Box<Body>>,
    /// What the value is compared with when it is read, in collections that ask for it.
    pub checksum: Option<Checksum>,
    /// The tags of the record in the blind indexes of its collection, where it has them.
    pub blind: Option<Payload>,
    /// Whether the value is sealed at rest though its collection is not encrypted: no query sees a field of it, and
    /// nothing keeps it opened.
    pub secret: bool,
}

/// Where a record stands in replication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replica {
    /// The endpoint's revision that this record is based on; none while the endpoint has not seen it.
    pub rev: Option<u64>,
    /// When it was last changed, by the hybrid logical clock, here or elsewhere.
    pub hlc: Hlc,
    /// Whether the endpoint has not yet answered for the last change.
    pub dirty: bool,
}

impl Meta {
    /// Whether the record is over at `now`.
    #[must_use]
    pub fn expired(&self, now: f64) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}
