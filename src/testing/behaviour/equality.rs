//! Promises about looking up one key of an index: where a collection is sealed, its indexes are blind and keep these.

use super::support::{cases, commit, count, delete, done, fails, index, keys, put, rows, same, text};
use crate::backend::{Backend, Position, Read, Scan, Source};
use crate::error::ErrorKind;
use crate::model::Precondition;
use crate::model::{
    BaseChange, Body, Content, Key, KeyRange, MetadataChange, Put, RemoteState, Replica, Replicate, Seen, Verify,
    WriteOp,
};
use crate::platform::Payload;
use crate::sync::Hlc;

async fn fill(backend: &dyn Backend) -> Result<(), String> {
    let texts = [
        ("a", r#"{"rank":1,"labels":["x","y"]}"#),
        ("b", r#"{"rank":"1","labels":"y"}"#),
        ("c", r#"{"rank":{"$":"date","v":1},"labels":[]}"#),
        ("d", r#"{"rank":1,"labels":["y","y",null,7]}"#),
        ("e", r#"{"rank":null}"#),
        ("f", r#"{"rank":[1,"x"]}"#),
        // Not -0: WebKit's own index has 0 and -0 as two keys.
        ("g", r#"{"rank":0}"#),
    ];
    let ops = texts.iter().map(|(key, text)| put("loose", *key, text).map(WriteOp::Put)).collect::<Result<_, _>>()?;
    done(backend, ops).await.map(drop)
}

fn one(name: &str, key: impl Into<Key>) -> Scan {
    Scan { source: index(name), range: KeyRange::only(key.into()), ..Scan::all("loose") }
}

async fn by(backend: &dyn Backend, name: &str, key: impl Into<Key>) -> Result<String, String> {
    keys(backend, one(name, key)).await
}

cases! {
    "what is equal is found by an index, and types do not mix" => |backend| {
        fill(backend).await?;
        for (key, wanted) in [
            (Key::from(1), "a d"), (Key::from("1"), "b"), (Key::Date(1.0), "c"), (Key::from(0), "g"),
            (Key::Array(vec![Key::from(1), Key::from("x")]), "f"), (Key::from(2), ""), (Key::Binary(vec![1]), ""),
        ] {
            same(&key.to_text(), &by(backend, "rank", key.clone()).await?.as_str(), &wanted)?;
            let counted = count(backend, "loose", index("rank"), KeyRange::only(key)).await?;
            same("count", &counted, &(wanted.split_whitespace().count() as u64))?;
        }
    }

    "an element is found by a multi-entry index, once" => |backend| {
        fill(backend).await?;
        for (key, wanted) in [(Key::from("y"), "a b d"), (Key::from("x"), "a"), (Key::from(7), "d"), (Key::from("z"), "")] {
            same(&key.to_text(), &by(backend, "labels", key.clone()).await?.as_str(), &wanted)?;
        }
    }

    "what is found comes with its value, by key, from a place on and so many" => |backend| {
        fill(backend).await?;
        let found = rows(backend, one("rank", 1)).await?;
        let values = found.iter().filter_map(|row| row.record.as_ref()).map(text).collect::<Result<Vec<_>, _>>()?;
        same("rows", &values.len(), &2)?;
        same("a value", &values.first().is_some_and(|value| value.contains("labels")), &true)?;
        for read in [Read::Keys, Read::Meta] {
            same("keys", &keys(backend, Scan { read, ..one("labels", "y") }).await?.as_str(), &"a b d")?;
        }
        let behind = Position { at: Key::from("y"), key: Key::from("a") };
        let scan = Scan { after: Some(behind), limit: Some(1), ..one("labels", "y") };
        same("behind", &keys(backend, scan).await?.as_str(), &"b")?;
        let scan = Scan { offset: 1, limit: Some(5), direction: crate::backend::Direction::Backward, ..one("labels", "y") };
        same("backward", &keys(backend, scan).await?.as_str(), &"b a")?;
    }

    "an index follows what is written over, changed beside its value, deleted and cleared" => |backend| {
        fill(backend).await?;
        let beside = Put {
            content: Content::Keep,
            metadata: MetadataChange::Replace(Payload::from_wire(r#"{"colour":"red"}"#).map_err(|error| error.to_string())?),
            ..Put::new("loose", Key::from("d"), Body::Clear(Payload::undefined()))
        };
        done(backend, vec![WriteOp::Put(put("loose", "a", r#"{"rank":2}"#)?), WriteOp::Put(beside), delete("loose", "b")]).await?;
        same("1", &by(backend, "rank", 1).await?.as_str(), &"d")?;
        same("2", &by(backend, "rank", 2).await?.as_str(), &"a")?;
        same("y", &by(backend, "labels", "y").await?.as_str(), &"d")?;
        done(backend, vec![WriteOp::Clear { collection: "loose".to_owned() }]).await?;
        same("nothing", &by(backend, "rank", 1).await?.as_str(), &"")?;
    }

    "the endpoint's answer for a record leaves it where it is found" => |backend| {
        fill(backend).await?;
        let (key, hlc) = (Key::from("a"), Hlc::new(100, 3, 7));
        let replica = Replica { rev: Some(1), hlc, dirty: false };
        let answer = Replicate {
            collection: "loose".to_owned(), key: key.clone(), state: None, replica,
            precondition: Precondition::None, base: BaseChange::Keep,
            checksum: None,
        };
        done(backend, vec![WriteOp::Replicate(answer.clone())]).await?;
        same("answered", &by(backend, "rank", 1).await?.as_str(), &"a d")?;
        let deleted = Replicate { state: Some(RemoteState::Deleted), ..answer };
        done(backend, vec![WriteOp::Replicate(deleted)]).await?;
        same("deleted", &by(backend, "rank", 1).await?.as_str(), &"d")?;
    }

    "a condition on what was looked up notices what comes and goes" => |backend| {
        fill(backend).await?;
        let seen = |found: &[crate::backend::Row]| Verify {
            collection: "loose".to_owned(),
            source: index("rank"),
            range: KeyRange::only(Key::from(1)),
            rows: found.iter().filter_map(|row| row.record.as_ref()).map(Seen::of).collect(),
        };
        let condition = seen(&rows(backend, one("rank", 1)).await?);
        let ops = vec![WriteOp::Put(put("box", "k", "1")?), WriteOp::Verify(condition.clone())];
        same("receipts", &done(backend, ops.clone()).await?.ops.len(), &2)?;
        done(backend, vec![WriteOp::Put(put("loose", "z", r#"{"rank":2}"#)?)]).await?;
        done(backend, ops.clone()).await?;
        done(backend, vec![WriteOp::Put(put("loose", "z", r#"{"rank":1}"#)?)]).await?;
        fails("one more", commit(backend, ops).await, ErrorKind::Conflict)?;
        same("count", &count(backend, "loose", Source::Primary, KeyRange::all()).await?, &8)?;
    }
}
