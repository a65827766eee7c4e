//! Promises that sealing anew builds on: an envelope changes, and nothing else.

use super::support::{cases, commit, commit_at, done, fails, put, same};
use crate::backend::{Backend, Read, Scan};
use crate::error::ErrorKind;
use crate::model::{
    BaseChange, Body, Key, KeyRange, Meta, Precondition, Record, RemoteState, Replica, Replicate, Reseal, WriteOp,
};
use crate::sync::Hlc;

/// A sealed record, as it comes from the endpoint.
fn sealed(key: &str, envelope: &[u8]) -> WriteOp {
    let state = RemoteState::Present {
        body: Body::Sealed(envelope.to_vec().into()),
        metadata: None,
        tags: vec!["t".into()],
        expires: None,
        created: 5.0,
        modified: 6.0,
    };
    let replica = Replica { rev: Some(1), hlc: stamp(), dirty: false };
    replicate(key, Some(state), replica, Precondition::Absent)
}

fn stamp() -> Hlc {
    Hlc::new(100, 3, 7)
}

fn replicate(key: &str, state: Option<RemoteState>, replica: Replica, precondition: Precondition) -> WriteOp {
    let (collection, key) = ("loose".to_owned(), Key::from(key));
    WriteOp::Replicate(Replicate {
        collection,
        key,
        state,
        replica,
        precondition,
        base: BaseChange::Keep,
        checksum: None,
    })
}

fn reseal(key: &str, head: &[u8], envelope: &[u8], replicate: bool) -> WriteOp {
    let (head, envelope) = (head.to_vec(), Some(envelope.to_vec().into()));
    WriteOp::Reseal(Reseal {
        collection: "loose".to_owned(),
        key: Key::from(key),
        head,
        envelope,
        blind: None,
        replicate,
        keeps_base: false,
    })
}

/// Reads a record without opening it.
async fn seen(backend: &dyn Backend, key: &str) -> Result<Option<Record>, String> {
    let range = KeyRange::only(Key::from(key));
    let scan = Scan { range, read: Read::Meta, ..Scan::all("loose") };
    let rows = backend.scan(&scan).await.map_err(|error| error.to_string())?;
    Ok(rows.into_iter().find_map(|row| row.record))
}

async fn envelope(backend: &dyn Backend, key: &str) -> Result<Option<Vec<u8>>, String> {
    Ok(seen(backend, key).await?.and_then(|record| match record.body {
        Body::Sealed(envelope) => Some(envelope.to_vec()),
        Body::Clear(_) => None,
    }))
}

fn unmoved(version: u64, stamp: Hlc) -> WriteOp {
    let replica = Replica { rev: Some(1), hlc: stamp, dirty: false };
    replicate("a", None, replica, Precondition::Unmoved { version, stamp })
}

cases! {
    "a record that is sealed anew has another envelope and nothing else" => |backend| {
        done(backend, vec![sealed("a", b"old envelope")]).await?;
        let before = seen(backend, "a").await?.ok_or("nothing there")?;
        let resealed = commit_at(backend, 9000.0, vec![reseal("a", b"old", b"new envelope", false)]).await;
        resealed.map_err(|error| error.to_string())?;
        let after = seen(backend, "a").await?.ok_or("nothing there")?;
        same("the envelope", &envelope(backend, "a").await?, &Some(b"new envelope".to_vec()))?;
        let kept = |meta: &Meta| (meta.version, meta.created, meta.modified, meta.tags.clone());
        same("the rest", &kept(&after.meta), &kept(&before.meta))?;
    }

    "what was written or deleted meanwhile is not sealed anew, and the rest of the batch is" => |backend| {
        done(backend, vec![
            sealed("a", b"other"), sealed("b", b"old"), WriteOp::Put(put("box", "c", "1")?),
        ]).await?;
        let receipt = done(backend, ["a", "b", "d"].map(|key| reseal(key, b"old", b"new", true)).into()).await?;
        same("the number of receipts", &receipt.ops.len(), &3)?;
        same("a", &envelope(backend, "a").await?, &Some(b"other".to_vec()))?;
        same("b", &envelope(backend, "b").await?, &Some(b"new".to_vec()))?;
        same("d", &seen(backend, "d").await?.is_none(), &true)?;
    }

    "what is sealed anew is to be sent, under the very next stamp, on the same revision" => |backend| {
        done(backend, vec![sealed("a", b"old")]).await?;
        done(backend, vec![unmoved(1, stamp())]).await?;
        done(backend, vec![reseal("a", b"old", b"new", true)]).await?;
        let record = seen(backend, "a").await?.ok_or("nothing there")?;
        same("replica", &record.meta.replica, &Some(Replica { rev: Some(1), hlc: Hlc::new(100, 3, 8), dirty: true }))?;
        fails("an old stamp", commit(backend, vec![unmoved(1, stamp())]).await, ErrorKind::Conflict)?;
        done(backend, vec![unmoved(1, Hlc::new(100, 3, 8))]).await?;
    }
}
