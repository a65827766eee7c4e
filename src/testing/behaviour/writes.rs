//! Promises about single writes.

use super::support::{cases, commit, commit_at, delete, done, fails, get, json, put, put_if, same, value};
use crate::error::ErrorKind;
use crate::model::{Content, Expiry, Key, MetadataChange, Precondition, Put, WriteOp};

cases! {
    "what was put is read back" => |backend| {
        done(backend, vec![WriteOp::Put(put("people", "1", r#"{"id":"1","name":"Ada"}"#)?)]).await?;
        same("value", &value(backend, "people", "1").await?.as_deref(), &Some(r#"{"id":"1","name":"Ada"}"#))?;
    }

    "a namespace that no schema declares takes values of any kind" => |backend| {
        for (key, text) in [("a", "1"), ("b", "null"), ("c", r#""text""#), ("d", "[1,[2]]"), ("e", r#"{"$":"undefined"}"#),
            ("f", r#"{"$":"date","v":5}"#), ("g", r#"{"$":"bytes","v":"AAEC"}"#), ("h", r#"{"__proto__":{"x":1}}"#)] {
            done(backend, vec![WriteOp::Put(put("box", key, text)?)]).await?;
            same(key, &value(backend, "box", key).await?.as_deref(), &Some(text))?;
        }
    }

    "a declared collection without a keyPath takes values of any kind" => |backend| {
        for (key, text) in [("a", "1"), ("b", "null"), ("c", "[1,2]"), ("d", r#"{"rank":1}"#), ("e", r#"{"$":"map","v":[[1,2]]}"#)] {
            done(backend, vec![WriteOp::Put(put("loose", key, text)?)]).await?;
            same(key, &value(backend, "loose", key).await?.as_deref(), &Some(text))?;
        }
    }

    "the version counts the writes, and created survives them" => |backend| {
        for (now, version) in [(1000.0, 1), (2000.0, 2), (3000.0, 3)] {
            let receipt = commit_at(backend, now, vec![WriteOp::Put(put("box", "k", "1")?)]).await.map_err(|e| e.to_string())?;
            same("version", &receipt.ops.first().map(|op| op.version), &Some(version))?;
            same("existed", &receipt.ops.first().map(|op| op.existed), &Some(version > 1))?;
        }
        let meta = get(backend, "box", "k").await?.ok_or("missing")?.meta;
        same("created", &meta.created, &1000.0)?;
        same("modified", &meta.modified, &3000.0)?;
    }

    "metadata, tags and expiry stay unless a put names them" => |backend| {
        let first = Put {
            metadata: MetadataChange::Replace(json(r#"{"a":1,"b":1}"#)?),
            tags: Some(vec!["x".into()]),
            expires: Expiry::At(9e12),
            ..put("box", "k", "1")?
        };
        done(backend, vec![WriteOp::Put(first)]).await?;
        done(backend, vec![WriteOp::Put(put("box", "k", "2")?)]).await?;
        let meta = get(backend, "box", "k").await?.ok_or("missing")?.meta;
        same("tags", &meta.tags, &vec!["x".to_owned()])?;
        same("expires", &meta.expires, &Some(9e12))?;
        let merge = Put {
            content: Content::Keep,
            metadata: MetadataChange::Merge(json(r#"{"b":2}"#)?),
            tags: Some(vec![]),
            expires: Expiry::Never,
            ..put("box", "k", "null")?
        };
        done(backend, vec![WriteOp::Put(merge)]).await?;
        let record = get(backend, "box", "k").await?.ok_or("missing")?;
        let metadata = record.meta.metadata.as_ref().ok_or("no metadata")?.to_wire().map_err(|e| e.to_string())?;
        same("metadata", &metadata.as_str(), &r#"{"a":1,"b":2}"#)?;
        same("tags", &record.meta.tags, &vec![])?;
        same("expires", &record.meta.expires, &None)?;
        same("value", &value(backend, "box", "k").await?.as_deref(), &Some("2"))?;
    }

    "deleting says whether the record was there" => |backend| {
        done(backend, vec![WriteOp::Put(put("box", "k", "1")?)]).await?;
        for existed in [true, false] {
            let receipt = done(backend, vec![delete("box", "k")]).await?;
            same("existed", &receipt.ops.first().map(|op| op.existed), &Some(existed))?;
        }
        same("value", &value(backend, "box", "k").await?, &None)?;
    }

    "a put that must not overwrite is refused where the key is taken" => |backend| {
        done(backend, vec![put_if(Precondition::Absent, "box", "k", "1")?]).await?;
        fails("second", commit(backend, vec![put_if(Precondition::Absent, "box", "k", "2")?]).await, ErrorKind::AlreadyExists)?;
        same("value", &value(backend, "box", "k").await?.as_deref(), &Some("1"))?;
    }

    "a put for a version is refused once the record has moved on" => |backend| {
        done(backend, vec![put_if(Precondition::None, "box", "k", "1")?]).await?;
        done(backend, vec![put_if(Precondition::Version(1), "box", "k", "2")?]).await?;
        fails("stale", commit(backend, vec![put_if(Precondition::Version(1), "box", "k", "3")?]).await, ErrorKind::Conflict)?;
        fails("absent", commit(backend, vec![put_if(Precondition::Version(1), "box", "new", "3")?]).await, ErrorKind::Conflict)?;
        same("value", &value(backend, "box", "k").await?.as_deref(), &Some("2"))?;
    }

    "changing the metadata of what is not there is NOT_FOUND" => |backend| {
        let op = Put { content: Content::Keep, metadata: MetadataChange::Merge(json("{}")?), ..put("box", "k", "1")? };
        fails("keep", commit(backend, vec![WriteOp::Put(op)]).await, ErrorKind::NotFound)?;
    }

    "a record whose time is over counts as absent for a precondition" => |backend| {
        let short = Put { expires: Expiry::At(1500.0), ..put("box", "k", "1")? };
        done(backend, vec![WriteOp::Put(short)]).await?;
        let again = commit_at(backend, 2000.0, vec![put_if(Precondition::Absent, "box", "k", "2")?]).await;
        same("existed", &again.map_err(|e| e.to_string())?.ops.first().map(|op| op.existed), &Some(false))?;
        same("expires", &get(backend, "box", "k").await?.ok_or("missing")?.meta.expires, &None)?;
    }

    "keys of every type are kept apart" => |backend| {
        let keys = [Key::Number(1.0), Key::Date(1.0), Key::from("1"), Key::Binary(vec![1]), Key::Array(vec![Key::Number(1.0)])];
        for (at, key) in keys.iter().enumerate() {
            done(backend, vec![WriteOp::Put(put("box", key.clone(), &at.to_string())?)]).await?;
        }
        for (at, key) in keys.iter().enumerate() {
            same("value", &value(backend, "box", key.clone()).await?, &Some(at.to_string()))?;
        }
    }

    "clearing empties one collection and no other" => |backend| {
        for collection in ["box", "loose", "people"] {
            done(backend, vec![WriteOp::Put(put(collection, "1", r#"{"id":"1"}"#)?)]).await?;
        }
        for collection in ["box", "loose"] {
            done(backend, vec![WriteOp::Clear { collection: collection.to_owned() }]).await?;
            same(collection, &value(backend, collection, "1").await?, &None)?;
        }
        same("people", &value(backend, "people", "1").await?.is_some(), &true)?;
    }
}
