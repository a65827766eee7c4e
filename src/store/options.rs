//! What a write may ask for, and what it answers.

use crate::error::{Error, ErrorKind, Result};
use crate::model::{Acknowledged, Durability, Expiry, Key, MetadataChange, Precondition};
use crate::platform::{Payload, number_text};

/// What a write may ask for.
#[derive(Debug, Clone, Default)]
pub struct EntryOptions {
    /// The application's metadata, in the place of what was there; without, that stays.
    pub metadata: Option<Payload>,
    /// Tags, in the place of what was there; without, those stay.
    pub tags: Option<Vec<String>>,
    /// When the entry ends, milliseconds since the epoch.
    pub expiration: Option<f64>,
    /// How long the entry lives, milliseconds; in the place of `expiration`.
    pub ttl: Option<f64>,
    /// Refuses with `ALREADY_EXISTS` where the key is taken.
    pub keep_existing: bool,
    /// Refuses with `CONFLICT` unless the stored version is this one.
    pub if_version: Option<u64>,
    /// Whether the entry is sealed; without, a sealed one stays sealed.
    pub encrypt: Option<bool>,
    /// What the write is to survive; without, what the store says.
    pub durability: Option<Durability>,
}

impl EntryOptions {
    /// What must be true for the write to happen.
    pub(super) fn precondition(&self) -> Result<Precondition> {
        match (self.keep_existing, self.if_version) {
            (false, None) => Ok(Precondition::None),
            (true, None) => Ok(Precondition::Absent),
            (false, Some(version)) => Ok(Precondition::Version(version)),
            (true, Some(_)) => Err(Error::new(
                ErrorKind::InvalidConfig,
                "“overwrite: false” and “ifVersion” exclude each other; give one",
            )),
        }
    }

    /// When the entry ends. A write that does not say takes what the collection says, and never what was there: a new
    /// value does not vanish at the old one's time.
    pub(super) fn expiry(&self, collection_ttl: Option<f64>, now: f64) -> Result<Expiry> {
        let refuse = |name, value| {
            Err(Error::new(
                ErrorKind::InvalidConfig,
                "a lifetime must be a valid time, or a positive number of milliseconds",
            )
            .with(name, number_text(value)))
        };
        match (self.expiration, self.ttl, collection_ttl) {
            (Some(_), Some(_), _) => {
                Err(Error::new(ErrorKind::InvalidConfig, "“expiration” and “ttl” exclude each other; give one"))
            }
            (Some(at), None, _) if !at.is_finite() => refuse("expiration", at),
            (None, Some(ttl), _) if !ttl.is_finite() || ttl <= 0.0 => refuse("ttl", ttl),
            (Some(at), None, _) => Ok(Expiry::At(at)),
            (None, Some(ttl), _) | (None, None, Some(ttl)) => Ok(Expiry::At(now + ttl)),
            (None, None, None) => Ok(Expiry::Never),
        }
    }

    pub(super) fn metadata_change(&self) -> MetadataChange {
        self.metadata.clone().map_or(MetadataChange::Keep, MetadataChange::Replace)
    }
}

/// What a resolved write has done, and survived.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteResult {
    /// The entry's key.
    pub key: Key,
    /// Its version now.
    pub version: u64,
    /// When it was written, milliseconds since the epoch.
    pub modified: f64,
    /// What the write has survived.
    pub durability: Acknowledged,
}
