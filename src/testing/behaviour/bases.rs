//! Promises that deciding conflicts builds on: what the endpoint has is kept beside what waits to be sent.

use super::support::{cases, done, get, put, same};
use crate::backend::Backend;
use crate::model::{
    BaseChange, Body, Delete, Key, Precondition, Put, Record, RemoteState, Replica, Replicate, WriteOp, system,
    tombstone_key,
};
use crate::sync::Hlc;

fn stamp(millis: u64) -> Hlc {
    Hlc::new(millis, 0, 7)
}

fn write(text: &str, keeps_base: bool) -> Result<WriteOp, String> {
    Ok(WriteOp::Put(Put { replicate: Some(stamp(100)), keeps_base, ..put("people", "1", text)? }))
}

fn delete() -> WriteOp {
    let op = Delete::new("people", Key::from("1"));
    WriteOp::Delete(Delete { replicate: Some(stamp(100)), keeps_base: true, ..op })
}

fn replicate(state: Option<RemoteState>, dirty: bool, base: BaseChange) -> WriteOp {
    WriteOp::Replicate(Replicate {
        collection: "people".to_owned(),
        key: Key::from("1"),
        state,
        replica: Replica { rev: Some(4), hlc: stamp(4), dirty },
        precondition: Precondition::None,
        base,
        checksum: None,
    })
}

fn arrived(text: &str) -> Result<WriteOp, String> {
    let state = RemoteState::Present {
        body: body(text)?,
        metadata: None,
        tags: Vec::new(),
        expires: None,
        created: 5.0,
        modified: 6.0,
    };
    Ok(replicate(Some(state), false, BaseChange::Keep))
}

fn body(text: &str) -> Result<Body, String> {
    super::support::json(text).map(Body::Clear)
}

async fn live(backend: &dyn Backend) -> Result<Record, String> {
    get(backend, "people", "1").await?.ok_or_else(|| "no record".to_owned())
}

async fn buried(backend: &dyn Backend) -> Result<Record, String> {
    let key = tombstone_key("people", &Key::from("1"));
    get(backend, system::TOMBSTONES, key).await?.ok_or_else(|| "no tombstone".to_owned())
}

fn base(record: &Record) -> Result<Option<String>, String> {
    match record.meta.base.as_deref() {
        None => Ok(None),
        Some(Body::Clear(value)) => value.to_wire().map(Some).map_err(|error| error.to_string()),
        Some(Body::Sealed(_)) => Err("the base is sealed".to_owned()),
    }
}

cases! {
    "what the endpoint has stays beside the writes that are made on it, deletions among them" => |backend| {
        let first = r#"{"id":"1","n":0}"#;
        done(backend, vec![arrived(first)?]).await?;
        same("nothing waits", &base(&live(backend).await?)?, &None)?;
        done(backend, vec![write(r#"{"id":"1","n":1}"#, true)?]).await?;
        same("one write", &base(&live(backend).await?)?.as_deref(), &Some(first))?;
        done(backend, vec![write(r#"{"id":"1","n":2}"#, true)?]).await?;
        same("two writes", &base(&live(backend).await?)?.as_deref(), &Some(first))?;
        done(backend, vec![delete()]).await?;
        same("deleted", &base(&buried(backend).await?)?.as_deref(), &Some(first))?;
        done(backend, vec![write(r#"{"id":"1","n":3}"#, true)?]).await?;
        same("made anew", &base(&live(backend).await?)?.as_deref(), &Some(first))?;
        let kept = |record: &Record| match &record.body { Body::Clear(value) => value.to_wire().ok(), Body::Sealed(_) => None };
        same("the value", &kept(&live(backend).await?).as_deref(), &Some(r#"{"id":"1","n":3}"#))?;
    }

    "what the endpoint has is kept no longer once it has answered" => |backend| {
        done(backend, vec![arrived(r#"{"id":"1","n":0}"#)?, write(r#"{"id":"1","n":1}"#, true)?]).await?;
        same("it waits", &base(&live(backend).await?)?.is_some(), &true)?;
        done(backend, vec![replicate(None, false, BaseChange::Keep)]).await?;
        same("answered", &base(&live(backend).await?)?, &None)?;
    }

    "a document that waits on another state of the endpoint's has that beside it" => |backend| {
        done(backend, vec![arrived(r#"{"id":"1","n":0}"#)?, write(r#"{"id":"1","n":1}"#, true)?]).await?;
        let next = r#"{"id":"1","n":5}"#;
        done(backend, vec![replicate(None, true, BaseChange::Set(Some(body(next)?)))]).await?;
        same("another base", &base(&live(backend).await?)?.as_deref(), &Some(next))?;
        done(backend, vec![replicate(None, true, BaseChange::Set(None))]).await?;
        same("no base", &base(&live(backend).await?)?, &None)?;
    }

    "nothing is kept beside what nobody asked for, or what the endpoint never had" => |backend| {
        done(backend, vec![write(r#"{"id":"1","n":1}"#, true)?]).await?;
        same("new", &base(&live(backend).await?)?, &None)?;
        done(backend, vec![arrived(r#"{"id":"1","n":0}"#)?, write(r#"{"id":"1","n":1}"#, false)?]).await?;
        same("not asked for", &base(&live(backend).await?)?, &None)?;
        done(backend, vec![replicate(Some(RemoteState::Deleted), false, BaseChange::Keep), write(r#"{"id":"1"}"#, true)?]).await?;
        same("deleted there", &base(&live(backend).await?)?, &None)?;
    }
}
