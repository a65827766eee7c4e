//! Promises that replication builds on: stamps, tombstones, logs.

use super::support::{cases, commit, commit_at, done, fails, get, json, put, put_if, rows, same, value};
use crate::backend::Scan;
use crate::error::ErrorKind;
use crate::model::{
    BaseChange, Body, Delete, Expiry, Key, Precondition, Put, RemoteState, Replica, Replicate, WriteOp, system,
    tombstone_key,
};
use crate::sync::Hlc;

fn stamp(millis: u64) -> Hlc {
    Hlc::new(millis, 0, 7)
}

fn remote(state: Option<RemoteState>, rev: u64, precondition: Precondition) -> WriteOp {
    WriteOp::Replicate(Replicate {
        collection: "people".to_owned(),
        key: Key::from("1"),
        state,
        replica: Replica { rev: Some(rev), hlc: stamp(rev), dirty: false },
        precondition,
        base: BaseChange::Keep,
        checksum: None,
    })
}

/// A deletion by housekeeping.
fn settled(version: u64, modified: f64) -> WriteOp {
    let precondition = Precondition::Settled { version, modified };
    WriteOp::Delete(Delete { precondition, ..Delete::new("people", Key::from("1")) })
}

fn present(text: &str) -> Result<RemoteState, String> {
    let body = Body::Clear(json(text)?);
    Ok(RemoteState::Present {
        body,
        metadata: None,
        tags: vec!["t".into()],
        expires: None,
        created: 5.0,
        modified: 6.0,
    })
}

cases! {
    "a stamped put is dirty, and later than what it replaces" => |backend| {
        for (millis, wanted) in [(100, stamp(100)), (50, stamp(100).after(stamp(100)))] {
            done(backend, vec![WriteOp::Put(Put { replicate: Some(stamp(millis)), ..put("people", "1", r#"{"id":"1"}"#)? })]).await?;
            let replica = get(backend, "people", "1").await?.and_then(|record| record.meta.replica).ok_or("no replica")?;
            same("dirty", &replica.dirty, &true)?;
            same("later", &(replica.hlc >= wanted), &true)?;
        }
    }

    "a stamped deletion leaves a tombstone with the revision of the record" => |backend| {
        done(backend, vec![remote(Some(present(r#"{"id":"1"}"#)?), 4, Precondition::Absent)]).await?;
        let op = Delete { replicate: Some(stamp(900)), ..Delete::new("people", Key::from("1")) };
        done(backend, vec![WriteOp::Delete(op)]).await?;
        same("gone", &value(backend, "people", "1").await?, &None)?;
        let tombstone = get(backend, system::TOMBSTONES, tombstone_key("people", &Key::from("1"))).await?.ok_or("no tombstone")?;
        same("replica", &tombstone.meta.replica, &Some(Replica { rev: Some(4), hlc: stamp(900), dirty: true }))?;
        same("version", &tombstone.meta.version, &2)?;
    }

    "a stamped put removes the tombstone" => |backend| {
        done(backend, vec![remote(Some(RemoteState::Deleted), 4, Precondition::Absent)]).await?;
        let tombstone = tombstone_key("people", &Key::from("1"));
        same("buried", &get(backend, system::TOMBSTONES, tombstone.clone()).await?.is_some(), &true)?;
        done(backend, vec![WriteOp::Put(Put { replicate: Some(stamp(9)), ..put("people", "1", r#"{"id":"1"}"#)? })]).await?;
        same("gone", &get(backend, system::TOMBSTONES, tombstone).await?.is_none(), &true)?;
    }

    "a replicated state is written exactly, and not dirty" => |backend| {
        done(backend, vec![remote(Some(present(r#"{"id":"1","name":"R"}"#)?), 4, Precondition::Absent)]).await?;
        let record = get(backend, "people", "1").await?.ok_or("missing")?;
        same("created", &record.meta.created, &5.0)?;
        same("modified", &record.meta.modified, &6.0)?;
        same("tags", &record.meta.tags, &vec!["t".to_owned()])?;
        same("replica", &record.meta.replica, &Some(Replica { rev: Some(4), hlc: stamp(4), dirty: false }))?;
    }

    "a replicated state is refused where the record has moved on" => |backend| {
        done(backend, vec![put_if(Precondition::None, "people", "1", r#"{"id":"1"}"#)?]).await?;
        let state = || present(r#"{"id":"1"}"#).map(Some);
        fails("absent", commit(backend, vec![remote(state()?, 4, Precondition::Absent)]).await, ErrorKind::AlreadyExists)?;
        fails("version", commit(backend, vec![remote(state()?, 4, Precondition::Version(7))]).await, ErrorKind::Conflict)?;
        done(backend, vec![remote(state()?, 4, Precondition::Version(1))]).await?;
        fails("after", commit(backend, vec![remote(Some(RemoteState::Deleted), 5, Precondition::Version(1))]).await, ErrorKind::Conflict)?;
        done(backend, vec![remote(Some(RemoteState::Deleted), 5, Precondition::Version(2))]).await?;
        fails("buried", commit(backend, vec![remote(state()?, 6, Precondition::Absent)]).await, ErrorKind::AlreadyExists)?;
        done(backend, vec![remote(state()?, 6, Precondition::Version(3))]).await?;
    }

    "an acknowledgement changes the replica state alone" => |backend| {
        done(backend, vec![WriteOp::Put(Put { replicate: Some(stamp(9)), ..put("people", "1", r#"{"id":"1","name":"A"}"#)? })]).await?;
        done(backend, vec![remote(None, 8, Precondition::Version(1))]).await?;
        let record = get(backend, "people", "1").await?.ok_or("missing")?;
        same("version", &record.meta.version, &1)?;
        same("replica", &record.meta.replica, &Some(Replica { rev: Some(8), hlc: stamp(8), dirty: false }))?;
        same("value", &value(backend, "people", "1").await?.as_deref(), &Some(r#"{"id":"1","name":"A"}"#))?;
    }

    "a log numbers its rows upwards and never gives a number twice" => |backend| {
        let append = || -> Result<WriteOp, String> {
            Ok(WriteOp::Append { collection: system::OUTBOX.to_owned(), body: Body::Clear(json(r#"{"docs":[]}"#)?) })
        };
        done(backend, vec![append()?, append()?]).await?;
        let last = rows(backend, Scan::all(system::OUTBOX)).await?.into_iter().map(|row| row.key).max().ok_or("empty")?;
        done(backend, vec![WriteOp::Delete(Delete::new(system::OUTBOX, last.clone()))]).await?;
        let receipt = done(backend, vec![append()?]).await?;
        same("later", &receipt.ops.first().is_some_and(|op| op.key > last), &true)?;
        let failing = vec![append()?, put_if(Precondition::Version(9), "box", "k", "1")?];
        fails("with a bad operation", commit(backend, failing).await, ErrorKind::Conflict)?;
        same("rows", &rows(backend, Scan::all(system::OUTBOX)).await?.len(), &2)?;
    }

    "system rows are kept apart from namespaces" => |backend| {
        done(backend, vec![WriteOp::Put(put(system::SYNC, "cursor", r#"{"at":1}"#)?)]).await?;
        same("read", &value(backend, system::SYNC, "cursor").await?.as_deref(), &Some(r#"{"at":1}"#))?;
        same("unlisted", &backend.namespaces().await.map_err(|e| e.to_string())?, &vec![])?;
    }

    "housekeeping takes the very row that it saw, its time over or not, and no other" => |backend| {
        let ending = |at: f64| put("people", "1", r#"{"id":"1"}"#).map(|put| WriteOp::Put(Put { expires: Expiry::At(at), ..put }));
        for ends in [500.0, 5000.0] {
            commit_at(backend, 900.0, vec![ending(ends)?]).await.map_err(|error| error.to_string())?;
            let seen = get(backend, "people", "1").await?.ok_or("missing")?.meta;
            for other in [settled(seen.version + 1, seen.modified), settled(seen.version, seen.modified + 1.0)] {
                let ops = vec![put_if(Precondition::None, "loose", "k", "{}")?, other];
                fails("another row", commit(backend, ops).await, ErrorKind::Conflict)?;
            }
            same("all or nothing", &value(backend, "loose", "k").await?, &None)?;
            done(backend, vec![settled(seen.version, seen.modified)]).await?;
            same("gone", &value(backend, "people", "1").await?, &None)?;
            same("no tombstone", &get(backend, system::TOMBSTONES, tombstone_key("people", &Key::from("1"))).await?.is_some(), &false)?;
            fails("gone already", commit(backend, vec![settled(seen.version, seen.modified)]).await, ErrorKind::Conflict)?;
        }
    }

    "housekeeping takes nothing that the endpoint has not answered for" => |backend| {
        done(backend, vec![WriteOp::Put(Put { replicate: Some(stamp(100)), ..put("people", "1", r#"{"id":"1"}"#)? })]).await?;
        let seen = get(backend, "people", "1").await?.ok_or("missing")?.meta;
        fails("dirty", commit(backend, vec![settled(seen.version, seen.modified)]).await, ErrorKind::Conflict)?;
        done(backend, vec![remote(None, 5, Precondition::Version(seen.version))]).await?;
        done(backend, vec![settled(seen.version, seen.modified)]).await?;
        same("gone", &value(backend, "people", "1").await?, &None)?;
    }
}
