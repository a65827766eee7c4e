//! The one write primitive: a batch that happens whole or not at all.

use super::{Body, Checksum, Key, Replica, Verify};
use crate::platform::{Bytes, Payload};
use crate::sync::Hlc;

/// What a resolved commit is to survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Durability {
    /// A killed browser, but maybe not a power cut.
    #[default]
    Relaxed,
    /// A power cut.
    Strict,
}

/// What a resolved commit has survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It is on the disk.
    Strict,
    /// The operating system has it.
    Relaxed,
    /// It lives as long as this page.
    Memory,
}

/// Writes that commit together or not at all.
#[derive(Debug, Clone, Default)]
pub struct WriteBatch {
    /// The writes, in order; a later one sees the effect of an earlier one.
    pub ops: Vec<WriteOp>,
    /// What the commit is to survive.
    pub durability: Durability,
    /// The time of the commit, milliseconds since the epoch.
    pub now: f64,
}

impl WriteBatch {
    /// The conditions on ranges among the operations.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Verify> {
        self.ops.iter().filter_map(|op| if let WriteOp::Verify(wanted) = op { Some(wanted) } else { None })
    }
}

/// One write.
#[derive(Debug, Clone)]
pub enum WriteOp {
    /// Writes one record.
    Put(Put),
    /// Deletes one record.
    Delete(Delete),
    /// Deletes every record of a collection, leaving no tombstones.
    Clear {
        /// Whose records.
        collection: String,
    },
    /// Adds a record to a system log under the next whole number, counting from 1 and never again the same.
    Append {
        /// The log.
        collection: String,
        /// The record's content.
        body: Body,
    },
    /// Writes the state that the endpoint has, exactly.
    Replicate(Replicate),
    /// Puts another envelope in the place of one, of the same content.
    Reseal(Reseal),
    /// Writes nothing, and lets the batch happen only where a range holds what was seen.
    Verify(Verify),
}

impl WriteOp {
    /// The collection that it is about.
    #[must_use]
    pub fn collection(&self) -> &str {
        match self {
            Self::Put(put) => &put.collection,
            Self::Delete(delete) => &delete.collection,
            Self::Clear { collection } | Self::Append { collection, .. } => collection,
            Self::Replicate(replicate) => &replicate.collection,
            Self::Reseal(reseal) => &reseal.collection,
            Self::Verify(verify) => &verify.collection,
        }
    }
}

/// A write of one record; what it does not say stays as it was.
#[derive(Debug, Clone)]
pub struct Put {
    /// The collection.
    pub collection: String,
    /// The record's key.
    pub key: Key,
    /// The new content.
    pub content: Content,
    /// The new metadata.
    pub metadata: MetadataChange,
    /// The new tags, if they change.
    pub tags: Option<Vec<String>>,
    /// The new end of its life.
    pub expires: Expiry,
    /// What must be true for the write to happen.
    pub precondition: Precondition,
    /// The stamp under which this write replicates, if it does.
    pub replicate: Option<Hlc>,
    /// Whether what the endpoint has is kept beside, until it has answered for this write.
    pub keeps_base: bool,
    /// The checksum of the new content, if it is kept.
    pub checksum: Option<Checksum>,
    /// Whether the new content is sealed, where its collection does not say.
    pub secrecy: Secrecy,
    /// The tags of the new content in blind indexes, if there are such.
    pub blind: Option<Payload>,
}

/// Whether a record is sealed whose collection is not encrypted as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Secrecy {
    /// As it was: what is sealed stays sealed.
    #[default]
    Kept,
    /// It is sealed from now on.
    Sealed,
    /// It lies in the clear from now on.
    Clear,
}

impl Put {
    /// A plain write of `body`, overwriting what is there.
    #[must_use]
    pub fn new(collection: impl Into<String>, key: Key, body: Body) -> Self {
        Self {
            collection: collection.into(),
            key,
            content: Content::Replace(body),
            metadata: MetadataChange::Keep,
            tags: None,
            expires: Expiry::Keep,
            precondition: Precondition::None,
            replicate: None,
            keeps_base: false,
            checksum: None,
            secrecy: Secrecy::Kept,
            blind: None,
        }
    }
}

/// A deletion of one record; deleting what is not there does nothing.
#[derive(Debug, Clone)]
pub struct Delete {
    /// The collection.
    pub collection: String,
    /// The record's key.
    pub key: Key,
    /// What must be true for the deletion to happen.
    pub precondition: Precondition,
    /// The stamp under which the tombstone replicates, if the deletion does.
    pub replicate: Option<Hlc>,
    /// Whether what the endpoint has is kept beside, until it has answered for this deletion.
    pub keeps_base: bool,
}

impl Delete {
    /// A plain deletion.
    #[must_use]
    pub fn new(collection: impl Into<String>, key: Key) -> Self {
        Self {
            collection: collection.into(),
            key,
            precondition: Precondition::None,
            replicate: None,
            keeps_base: false,
        }
    }
}

/// The endpoint's state of one record, or the acknowledgement of ours.
///
/// # Behavior
///
/// - With `state`, the record becomes that state, its version counts up, and a tombstone or a record that stood in
///   its place is gone.
/// - Without `state`, only the replica state of the record, or of its tombstone, is replaced.
/// - The precondition is on the record's version, or the tombstone's where there is no record; both absent is `Absent`.
#[derive(Debug, Clone)]
pub struct Replicate {
    /// The collection.
    pub collection: String,
    /// The record's key.
    pub key: Key,
    /// The record, or its deletion.
    pub state: Option<RemoteState>,
    /// Where it stands in replication now.
    pub replica: Replica,
    /// What the endpoint has, where that is to be kept beside or no longer to be; it is never, once nothing waits for the
    /// endpoint's answer.
    pub base: BaseChange,
    /// What must be true for the write to happen.
    pub precondition: Precondition,
    /// The checksum of the state's content, if it is kept.
    pub checksum: Option<Checksum>,
}

/// A sealed record's content under another key, or its tags in blind indexes.
///
/// # Behavior
///
/// - Nothing but the envelope and those tags changes: neither the version nor times, tags, metadata or the end of its life. For an
///   application, nothing was written.
/// - It happens only where the record still has the envelope that was read. Otherwise it does nothing, and the rest of
///   the batch happens all the same: whoever was faster has the last word.
/// - Where it replicates, it is to be sent, under the very next stamp after the record's own: so it takes the place of
///   what it is made from, and loses to every other change that would have won over that.
#[derive(Debug, Clone)]
pub struct Reseal {
    /// The collection.
    pub collection: String,
    /// The record's key.
    pub key: Key,
    /// The head of the envelope that was read, which no other envelope shares: its nonce is among it.
    pub head: Vec<u8>,
    /// The new envelope; without, it stays.
    pub envelope: Option<Bytes>,
    /// The new tags; without, they stay.
    pub blind: Option<Payload>,
    /// Whether it replicates.
    pub replicate: bool,
    /// Whether the new envelope is kept beside as what the endpoint has: so it is told from an edit.
    pub keeps_base: bool,
}

/// What becomes of the endpoint's state that is kept beside a record.
#[derive(Debug, Clone, Default)]
pub enum BaseChange {
    /// It stays.
    #[default]
    Keep,
    /// This is the endpoint's state; none where it has none, or a deletion.
    Set(Option<Body>),
}

/// A record as the endpoint has it.
#[derive(Debug, Clone)]
pub enum RemoteState {
    /// It was deleted.
    Deleted,
    /// It is there.
    Present {
        /// Its content.
        body: Body,
        /// The application's own metadata.
        metadata: Option<Payload>,
        /// Its tags.
        tags: Vec<String>,
        /// The end of its life.
        expires: Option<f64>,
        /// When it was first written.
        created: f64,
        /// When it was last written.
        modified: f64,
    },
}

/// The content that a put leaves.
#[derive(Debug, Clone)]
pub enum Content {
    /// This.
    Replace(Body),
    /// What was there; the record must exist.
    Keep,
}

/// What a put does to the metadata.
#[derive(Debug, Clone)]
pub enum MetadataChange {
    /// Nothing.
    Keep,
    /// Sets these properties and keeps the others.
    Merge(Payload),
    /// Puts these in the place of all.
    Replace(Payload),
}

/// What a put does to the end of a record's life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expiry {
    /// Nothing.
    Keep,
    /// It lives on.
    Never,
    /// It ends then, milliseconds since the epoch.
    At(f64),
}

/// What must be true, inside the commit, for an operation to happen.
///
/// # Errors
///
/// `ALREADY_EXISTS`, `NOT_FOUND` or `CONFLICT`, and nothing of the batch happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Precondition {
    /// Nothing.
    None,
    /// The record is not there: else `ALREADY_EXISTS`.
    Absent,
    /// The record is there: else `NOT_FOUND`.
    Present,
    /// The record has this version: else `CONFLICT`.
    Version(u64),
    /// The record has this version and was last changed at this stamp: else `CONFLICT`. So what is decided about its
    /// replication is decided about what is there.
    Unmoved {
        /// Its version.
        version: u64,
        /// Its stamp.
        stamp: Hlc,
    },
    /// The row is this one, its time over or not, and the endpoint has answered for it: else `CONFLICT`. So
    /// housekeeping takes nothing that was written meanwhile, and nothing that is still to be sent.
    Settled {
        /// Its version. After a deletion that leaves no tombstone, versions begin again: hence the time.
        version: u64,
        /// When it was last written.
        modified: f64,
    },
}

/// What a commit did.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitReceipt {
    /// A receipt for each operation, in order.
    pub ops: Vec<OpReceipt>,
    /// What the commit has survived.
    pub durability: Acknowledged,
}

/// What one operation did.
#[derive(Debug, Clone, PartialEq)]
pub struct OpReceipt {
    /// The record's key; the number given by an append; the empty array for a clear and for a condition.
    pub key: Key,
    /// The version written; 0 where nothing was.
    pub version: u64,
    /// The time of the write.
    pub modified: f64,
    /// Whether there was a live record before.
    pub existed: bool,
}

impl OpReceipt {
    /// The receipt of an operation on no record in particular.
    pub(crate) const fn of_many(modified: f64, existed: bool) -> Self {
        Self { key: Key::Array(Vec::new()), version: 0, modified, existed }
    }
}
