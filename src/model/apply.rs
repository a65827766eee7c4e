//! What one operation does to one record: decided here, once, for every backend.

use super::{
    BaseChange, Body, Content, Delete, Expiry, Key, Meta, MetadataChange, Precondition, Put, Record, RemoteState,
    Replica, Replicate, Reseal, Secrecy,
};
use crate::error::{Error, ErrorKind, Result};
use crate::platform::Payload;
use crate::sync::Hlc;

/// What a backend is to do for an operation on one key.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    /// What happens to the record's row.
    pub(crate) record: RowChange,
    /// What happens to the tombstone's row.
    pub(crate) tombstone: RowChange,
    /// Whether there was a live record before.
    pub(crate) existed: bool,
    /// The version that was written; 0 where nothing was.
    pub(crate) version: u64,
}

/// What is to happen to a row.
#[derive(Debug, Clone)]
pub(crate) enum RowChange {
    Keep,
    Write(Record),
    Delete,
}

/// The key under which a tombstone is kept.
#[must_use]
pub fn tombstone_key(collection: &str, key: &Key) -> Key {
    Key::Array(vec![Key::from(collection), key.clone()])
}

/// The operations that [`apply`] decides.
#[derive(Debug, Clone)]
pub(crate) enum KeyedOp {
    Put(Put),
    Delete(Delete),
    Replicate(Replicate),
    Reseal(Reseal),
}

/// Decides what an operation does, given what is there.
///
/// # Behavior
///
/// - A record whose time is over counts as absent, but its version goes on counting.
/// - `created` survives an overwrite; metadata, tags and expiry stay unless the put names them.
/// - A replicated write is stamped later than whatever it replaces, tombstones included, so a slow clock cannot undo it.
/// - Versions count on over a tombstone, so no version names two states of one key.
///
/// # Errors
///
/// `ALREADY_EXISTS`, `NOT_FOUND` or `CONFLICT` where the precondition is not met.
pub(crate) fn apply(op: KeyedOp, previous: Option<&Record>, tombstone: Option<&Record>, now: f64) -> Result<Applied> {
    match op {
        KeyedOp::Put(put) => apply_put(put, previous, tombstone, now),
        KeyedOp::Delete(delete) => apply_delete(&delete, previous, now),
        KeyedOp::Replicate(replicate) => apply_replicate(replicate, previous, tombstone),
        KeyedOp::Reseal(reseal) => Ok(apply_reseal(reseal, previous)),
    }
}

fn live(previous: Option<&Record>, now: f64) -> Option<&Record> {
    previous.filter(|record| !record.meta.expired(now))
}

/// Checks a precondition, given the row that is there and the record that counts as being there.
fn check(
    precondition: Precondition,
    row: Option<&Record>,
    alive: Option<&Record>,
    collection: &str,
    key: &Key,
) -> Result<()> {
    let (kind, message) = match (precondition, alive.map(|record| record.meta.version)) {
        (Precondition::None, _) | (Precondition::Absent, None) | (Precondition::Present, Some(_)) => return Ok(()),
        (Precondition::Version(wanted), Some(found)) if wanted == found => return Ok(()),
        (Precondition::Unmoved { version, stamp }, Some(found))
            if found == version && alive.and_then(|record| record.meta.replica).is_some_and(|it| it.hlc == stamp) =>
        {
            return Ok(());
        }
        (Precondition::Settled { version, modified }, _)
            if row.is_some_and(|row| is_settled(row, version, modified)) =>
        {
            return Ok(());
        }
        (Precondition::Absent, Some(_)) => {
            (ErrorKind::AlreadyExists, "the key is taken; write with overwrite, or choose another key")
        }
        (Precondition::Present, None) => (ErrorKind::NotFound, "there is no such record"),
        (Precondition::Version(_) | Precondition::Unmoved { .. } | Precondition::Settled { .. }, _) => {
            (ErrorKind::Conflict, "the record has changed since it was read; read it again and retry")
        }
    };
    let mut error = Error::new(kind, message).with("collection", collection).with("key", key.to_text());
    if let Precondition::Version(wanted)
    | Precondition::Unmoved { version: wanted, .. }
    | Precondition::Settled { version: wanted, .. } = precondition
    {
        let found = alive.map_or("none".to_owned(), |record| record.meta.version.to_string());
        error = error.with("expected version", wanted).with("found", found);
    }
    Err(error)
}

#[expect(clippy::float_cmp, reason = "it is the same time or it is not")]
fn is_settled(row: &Record, version: u64, modified: f64) -> bool {
    let answered = row.meta.replica.is_none_or(|replica| !replica.dirty);
    answered && row.meta.version == version && row.meta.modified == modified
}

fn stamp(hlc: Hlc, previous: Option<&Record>) -> Replica {
    let before = previous.and_then(|record| record.meta.replica);
    let after = |before: Replica| if mutant!("a-slow-clock-stamps-as-it-likes") { hlc } else { hlc.after(before.hlc) };
    let hlc = before.map_or(hlc, after);
    Replica { rev: before.and_then(|before| before.rev), hlc, dirty: true }
}

/// What the endpoint has, as far as it is known once a record is written: until it has answered, the state that the first
/// of the unanswered writes was made on.
fn base(
    replicate: Option<Hlc>,
    keeps: bool,
    previous: Option<&Record>,
    tombstone: Option<&Record>,
) -> Option<Box<Body>> {
    let record = previous.or(tombstone)?;
    match record.meta.replica {
        Some(replica) if !replica.dirty && replicate.is_some() => {
            // Of a deletion there is nothing to keep.
            previous.filter(|_| keeps && replica.rev.is_some()).map(|record| Box::new(record.body.clone()))
        }
        _ => record.meta.base.clone(),
    }
}

/// Whether a put would leave in the clear what is sealed, and was not told to.
fn stays_sealed(put: &Put, alive: Option<&Record>) -> bool {
    put.secrecy == Secrecy::Kept
        && matches!(put.content, Content::Replace(Body::Clear(_)))
        && alive.is_some_and(|record| matches!(record.body, Body::Sealed(_)))
}

const BARE: &str = "the entry is sealed, and would lie in the clear; seal what is written, or say “encrypt: false”";

fn bare(put: &Put) -> Error {
    Error::new(ErrorKind::Conflict, BARE).with("collection", &put.collection).with("key", put.key.to_text())
}

/// Whether a commit was refused since it would have left in the clear what is sealed.
pub(crate) fn would_bare(error: &Error) -> bool {
    error.kind() == ErrorKind::Conflict && error.message() == BARE
}

fn apply_put(put: Put, previous: Option<&Record>, tombstone: Option<&Record>, now: f64) -> Result<Applied> {
    let there = previous.or(tombstone);
    let alive = live(previous, now);
    check(put.precondition, previous, alive, &put.collection, &put.key)?;
    if stays_sealed(&put, alive) {
        return Err(bare(&put));
    }
    let secret = match put.secrecy {
        Secrecy::Kept => alive.is_some_and(|record| record.meta.secret),
        Secrecy::Sealed => true,
        Secrecy::Clear => false,
    };
    let (body, checksum, blind) = match (put.content, alive) {
        (Content::Replace(body), _) => (body, put.checksum, put.blind),
        (Content::Keep, Some(Record { body, meta, .. })) => (body.clone(), meta.checksum.clone(), meta.blind.clone()),
        (Content::Keep, None) => {
            check(Precondition::Present, None, None, &put.collection, &put.key)?;
            (Body::Clear(Payload::undefined()), None, None)
        }
    };
    let old = alive.map(|record| &record.meta);
    let metadata = match put.metadata {
        MetadataChange::Keep => old.and_then(|meta| meta.metadata.clone()),
        MetadataChange::Replace(metadata) => Some(metadata),
        MetadataChange::Merge(changes) => Some(match old.and_then(|meta| meta.metadata.as_ref()) {
            Some(metadata) => metadata.merged_with(&changes),
            None => changes,
        }),
    };
    let meta = Meta {
        version: there.map_or(0, |record| record.meta.version) + 1,
        created: old.map_or(now, |meta| meta.created),
        modified: now,
        expires: match put.expires {
            Expiry::Keep => old.and_then(|meta| meta.expires),
            Expiry::Never => None,
            Expiry::At(time) => Some(time),
        },
        tags: put.tags.unwrap_or_else(|| old.map(|meta| meta.tags.clone()).unwrap_or_default()),
        metadata,
        replica: match put.replicate {
            Some(hlc) => Some(stamp(hlc, there)),
            None => previous.and_then(|record| record.meta.replica),
        },
        base: base(put.replicate, put.keeps_base, previous, tombstone),
        checksum,
        blind,
        secret,
    };
    Ok(Applied {
        tombstone: if put.replicate.is_some() { RowChange::Delete } else { RowChange::Keep },
        existed: alive.is_some(),
        version: meta.version,
        record: RowChange::Write(Record { key: put.key, body, meta }),
    })
}

fn apply_delete(delete: &Delete, previous: Option<&Record>, now: f64) -> Result<Applied> {
    let alive = live(previous, now);
    check(delete.precondition, previous, alive, &delete.collection, &delete.key)?;
    let Some(record) = previous else {
        return Ok(Applied { record: RowChange::Keep, tombstone: RowChange::Keep, existed: false, version: 0 });
    };
    let version = record.meta.version + 1;
    let tombstone = delete.replicate.map_or(RowChange::Keep, |hlc| {
        RowChange::Write(Record {
            key: tombstone_key(&delete.collection, &delete.key),
            body: Body::Clear(Payload::undefined()),
            meta: Meta {
                version,
                created: record.meta.created,
                modified: now,
                replica: Some(stamp(hlc, previous)),
                base: base(delete.replicate, delete.keeps_base, previous, None),
                ..Meta::default()
            },
        })
    });
    Ok(Applied { record: RowChange::Delete, tombstone, existed: alive.is_some(), version })
}

fn apply_reseal(op: Reseal, previous: Option<&Record>) -> Applied {
    let untouched = Applied { record: RowChange::Keep, tombstone: RowChange::Keep, existed: false, version: 0 };
    let Some(record) = previous else { return untouched };
    if !matches!(&record.body, Body::Sealed(envelope) if envelope.starts_with(&op.head)) {
        return untouched;
    }
    let mut record = record.clone();
    let clean = record.meta.replica.is_some_and(|replica| !replica.dirty && replica.rev.is_some());
    if let Some(envelope) = op.envelope {
        if op.replicate && op.keeps_base && clean {
            // The content is the same.
            record.meta.base = Some(Box::new(Body::Sealed(envelope.clone())));
        }
        record.body = Body::Sealed(envelope);
    }
    record.meta.blind = op.blind.or(record.meta.blind);
    if let Some(replica) = record.meta.replica.as_mut().filter(|_| op.replicate) {
        (replica.hlc, replica.dirty) = (replica.hlc.next(), true);
    }
    let version = record.meta.version;
    Applied { record: RowChange::Write(record), existed: true, version, ..untouched }
}

fn apply_replicate(op: Replicate, previous: Option<&Record>, tombstone: Option<&Record>) -> Result<Applied> {
    let there = previous.or(tombstone);
    let version = there.map(|record| record.meta.version);
    check(op.precondition, there, there, &op.collection, &op.key)?;
    let replica = Some(op.replica);
    let base = match op.base {
        _ if !op.replica.dirty => None,
        BaseChange::Set(base) => base.map(Box::new),
        BaseChange::Keep => there.and_then(|record| record.meta.base.clone()),
    };
    let Some(state) = op.state else {
        let restamped = |record: &Record| {
            let mut record = record.clone();
            record.meta.replica = replica;
            record.meta.base.clone_from(&base);
            RowChange::Write(record)
        };
        return Ok(match (previous, tombstone) {
            (Some(record), _) => Applied {
                record: restamped(record),
                tombstone: RowChange::Keep,
                existed: true,
                version: record.meta.version,
            },
            (None, Some(record)) => Applied {
                record: RowChange::Keep,
                tombstone: restamped(record),
                existed: false,
                version: record.meta.version,
            },
            (None, None) => Applied { record: RowChange::Keep, tombstone: RowChange::Keep, existed: false, version: 0 },
        });
    };
    let version = version.unwrap_or(0) + 1;
    let existed = previous.is_some();
    Ok(match state {
        RemoteState::Present { body, metadata, tags, expires, created, modified } => Applied {
            record: RowChange::Write(Record {
                key: op.key,
                body,
                meta: Meta {
                    version,
                    created,
                    modified,
                    expires,
                    tags,
                    metadata,
                    replica,
                    base,
                    checksum: op.checksum,
                    // Tags do not travel: they are made here, once the value can be opened.
                    blind: None,
                    secret: false,
                },
            }),
            tombstone: RowChange::Delete,
            existed,
            version,
        },
        RemoteState::Deleted => Applied {
            record: RowChange::Delete,
            tombstone: RowChange::Write(Record {
                key: tombstone_key(&op.collection, &op.key),
                body: Body::Clear(Payload::undefined()),
                meta: Meta { version, modified: op.replica.hlc.millis(), replica, base, ..Meta::default() },
            }),
            existed,
            version,
        },
    })
}
