//! Promises about conditions on ranges.

use core::ops::Bound;

use futures_util::future::join_all;

use super::support::{
    cases, commit, commit_at, count, delete, done, fails, get, index, keys, put, put_if, same, value,
};
use crate::backend::{Backend, Read, Scan, Source};
use crate::error::ErrorKind;
use crate::model::{Expiry, Key, KeyRange, Precondition, Put, Seen, Verify, WriteOp};

/// What a reader of a range sees now, as a condition.
async fn seen(backend: &dyn Backend, collection: &str, source: Source, range: KeyRange) -> Result<Verify, String> {
    let scan = Scan { source: source.clone(), range: range.clone(), read: Read::Meta, ..Scan::all(collection) };
    let rows = backend.scan(&scan).await.map_err(|error| error.to_string())?;
    let rows = rows.iter().filter_map(|row| row.record.as_ref()).map(Seen::of).collect();
    Ok(Verify { collection: collection.to_owned(), source, range, rows })
}

async fn box_seen(backend: &dyn Backend) -> Result<Verify, String> {
    seen(backend, "box", Source::Primary, KeyRange::all()).await
}

async fn fill(backend: &dyn Backend, collection: &str, keys: &[&str]) -> Result<(), String> {
    let texts = keys.iter().map(|key| put(collection, *key, "1").map(WriteOp::Put)).collect::<Result<_, _>>()?;
    done(backend, texts).await.map(drop)
}

fn among(from: &str, to: &str) -> KeyRange {
    KeyRange { lower: Bound::Included(Key::from(from)), upper: Bound::Excluded(Key::from(to)) }
}

cases! {
    "a condition that holds lets its batch happen, and writes nothing of its own" => |backend| {
        fill(backend, "box", &["a", "b"]).await?;
        let condition = box_seen(backend).await?;
        let ops = vec![WriteOp::Put(put("box", "c", "2")?), WriteOp::Verify(condition), delete("box", "a")];
        let receipt = done(backend, ops).await?;
        same("receipts", &receipt.ops.len(), &3)?;
        let of_condition = receipt.ops.get(1).ok_or("no receipt")?;
        same("its key", &of_condition.key, &Key::Array(vec![]))?;
        same("its version", &of_condition.version, &0)?;
        same("keys", &keys(backend, Scan::all("box")).await?.as_str(), &"b c")?;
    }

    "a changed, a new and a missing row are each a CONFLICT, and nothing is written" => |backend| {
        for (at, change) in [put_if(Precondition::None, "box", "b", "9")?, put_if(Precondition::None, "box", "bb", "9")?, delete("box", "b")].into_iter().enumerate() {
            done(backend, vec![WriteOp::Clear { collection: "box".to_owned() }]).await?;
            fill(backend, "box", &["a", "b", "c"]).await?;
            let condition = box_seen(backend).await?;
            done(backend, vec![change]).await?;
            let ops = vec![WriteOp::Put(put("people", "1", r#"{"id":"1"}"#)?), WriteOp::Verify(condition), WriteOp::Put(put("box", "z", "1")?)];
            fails("commit", commit(backend, ops).await, ErrorKind::Conflict)?;
            same("people", &value(backend, "people", "1").await?, &None)?;
            same("box", &value(backend, "box", "z").await?, &None)?;
            same("change", &count(backend, "box", Source::Primary, KeyRange::all()).await?, &[3, 4, 2].get(at).copied().unwrap_or(0))?;
        }
    }

    "a row that was deleted and written anew is not the row that was seen" => |backend| {
        for collection in ["box", "people"] {
            commit_at(backend, 10.0, vec![WriteOp::Put(put(collection, "1", r#"{"id":"1"}"#)?)]).await.map_err(|e| e.to_string())?;
            let condition = seen(backend, collection, Source::Primary, KeyRange::only(Key::from("1"))).await?;
            commit_at(backend, 11.0, vec![delete(collection, "1")]).await.map_err(|e| e.to_string())?;
            commit_at(backend, 12.0, vec![WriteOp::Put(put(collection, "1", r#"{"id":"1"}"#)?)]).await.map_err(|e| e.to_string())?;
            fails(collection, commit(backend, vec![WriteOp::Verify(condition)]).await, ErrorKind::Conflict)?;
        }
    }

    "what happens outside of a condition's range does not matter to it" => |backend| {
        fill(backend, "box", &["a", "m", "z"]).await?;
        let condition = seen(backend, "box", Source::Primary, among("b", "n")).await?;
        same("rows", &condition.rows.len(), &1)?;
        done(backend, vec![put_if(Precondition::None, "box", "a", "2")?, put_if(Precondition::None, "box", "n", "2")?, delete("box", "z")]).await?;
        done(backend, vec![WriteOp::Verify(condition.clone()), WriteOp::Put(put("box", "k", "1")?)]).await?;
        fails("now with k", commit(backend, vec![WriteOp::Verify(condition)]).await, ErrorKind::Conflict)?;
    }

    "a condition is about what was stored before its batch, wherever in it it stands" => |backend| {
        fill(backend, "box", &["a"]).await?;
        let before = box_seen(backend).await?;
        done(backend, vec![delete("box", "a"), WriteOp::Put(put("box", "b", "1")?), WriteOp::Verify(before.clone())]).await?;
        same("keys", &keys(backend, Scan::all("box")).await?.as_str(), &"b")?;
        fails("again", commit(backend, vec![WriteOp::Verify(before), delete("box", "b")]).await, ErrorKind::Conflict)?;
        same("kept", &keys(backend, Scan::all("box")).await?.as_str(), &"b")?;
    }

    "the absence of a record, or of a whole collection, can be a condition" => |backend| {
        for collection in ["box", "people", "loose"] {
            let none = seen(backend, collection, Source::Primary, KeyRange::only(Key::from("1"))).await?;
            let nothing = seen(backend, collection, Source::Primary, KeyRange::all()).await?;
            done(backend, vec![WriteOp::Verify(none.clone()), WriteOp::Verify(nothing.clone()), WriteOp::Put(put(collection, "1", r#"{"id":"1"}"#)?)]).await?;
            fails("none", commit(backend, vec![WriteOp::Verify(none)]).await, ErrorKind::Conflict)?;
            fails("nothing", commit(backend, vec![WriteOp::Verify(nothing)]).await, ErrorKind::Conflict)?;
        }
        let range = KeyRange { lower: Bound::Included(Key::from("z")), upper: Bound::Included(Key::from("a")) };
        let impossible = Verify { collection: "box".to_owned(), source: Source::Primary, range, rows: vec![] };
        done(backend, vec![WriteOp::Verify(impossible.clone())]).await?;
        let row = get(backend, "box", "1").await?.map(|record| Seen::of(&record)).ok_or("missing")?;
        fails("a row where none can be", commit(backend, vec![WriteOp::Verify(Verify { rows: vec![row], ..impossible })]).await, ErrorKind::Conflict)?;
    }

    "a condition over an index sees what comes into its range and what leaves it" => |backend| {
        let person = |key: &str, name: &str| put("people", key, &format!(r#"{{"id":"{key}","name":"{name}","tags":["x","y"]}}"#)).map(WriteOp::Put);
        done(backend, vec![person("1", "Ada")?, person("2", "Bob")?, person("3", "Alan")?]).await?;
        let a = seen(backend, "people", index("name"), KeyRange::prefix("A")).await?;
        same("in the order of the index", &a.rows.iter().map(|row| row.key.to_text()).collect::<Vec<_>>().join(" ").as_str(), &"1 3")?;
        let tags = seen(backend, "people", index("tags"), KeyRange::all()).await?;
        same("each entry", &tags.rows.len(), &6)?;
        done(backend, vec![WriteOp::Verify(a.clone()), WriteOp::Verify(tags.clone()), person("2", "Zoe")?]).await?;
        done(backend, vec![WriteOp::Verify(a.clone())]).await?;
        fails("tags", commit(backend, vec![WriteOp::Verify(tags)]).await, ErrorKind::Conflict)?;
        done(backend, vec![person("2", "Abe")?]).await?;
        fails("came in", commit(backend, vec![WriteOp::Verify(a)]).await, ErrorKind::Conflict)?;
        let a = seen(backend, "people", index("name"), KeyRange::prefix("A")).await?;
        done(backend, vec![person("3", "Carl")?]).await?;
        fails("left", commit(backend, vec![WriteOp::Verify(a)]).await, ErrorKind::Conflict)?;
    }

    "a condition over the ends of lives counts what is over too" => |backend| {
        for collection in ["people", "box"] {
            let ending = |key: &str, at: f64| put(collection, key, &format!(r#"{{"id":"{key}"}}"#)).map(|put| WriteOp::Put(Put { expires: Expiry::At(at), ..put }));
            done(backend, vec![ending("1", 10.0)?, ending("2", 9e12)?]).await?;
            let ends = seen(backend, collection, Source::Expiring, KeyRange::all()).await?;
            same("rows", &ends.rows.len(), &2)?;
            done(backend, vec![WriteOp::Verify(ends.clone()), WriteOp::Put(put(collection, "3", r#"{"id":"3"}"#)?)]).await?;
            done(backend, vec![WriteOp::Verify(ends.clone()), ending("3", 20.0)?]).await?;
            fails(collection, commit(backend, vec![WriteOp::Verify(ends)]).await, ErrorKind::Conflict)?;
        }
    }

    "a condition over an index that was not declared is INVALID_QUERY" => |backend| {
        let condition = Verify { collection: "people".to_owned(), source: index("nope"), range: KeyRange::all(), rows: vec![] };
        fails("commit", commit(backend, vec![WriteOp::Put(put("box", "k", "1")?), WriteOp::Verify(condition)]).await, ErrorKind::InvalidQuery)?;
        same("nothing was written", &value(backend, "box", "k").await?, &None)?;
    }

    "of batches at the same time with conditions on what each other writes, one wins" => |backend| {
        fill(backend, "box", &["a"]).await?;
        let condition = box_seen(backend).await?;
        let mut batches = Vec::new();
        for n in 0..10 {
            batches.push(vec![WriteOp::Verify(condition.clone()), WriteOp::Put(put("box", format!("k{n}"), "1")?)]);
            batches.push(vec![WriteOp::Put(put("other", format!("k{n}"), "1")?)]);
        }
        let outcomes = join_all(batches.into_iter().map(|ops| commit(backend, ops))).await;
        same("winners", &outcomes.iter().step_by(2).filter(|outcome| outcome.is_ok()).count(), &1)?;
        for outcome in outcomes.into_iter().step_by(2).filter(Result::is_err) {
            fails("the others", outcome, ErrorKind::Conflict)?;
        }
        same("box", &count(backend, "box", Source::Primary, KeyRange::all()).await?, &2)?;
        same("those without", &count(backend, "other", Source::Primary, KeyRange::all()).await?, &10)?;
    }

    "a batch with conditions sees the commits that were made before it" => |backend| {
        fill(backend, "box", &["a"]).await?;
        let condition = box_seen(backend).await?;
        let (first, second) = futures_util::future::join(
            commit(backend, vec![WriteOp::Put(put("box", "b", "1")?)]),
            commit(backend, vec![WriteOp::Verify(condition), WriteOp::Put(put("box", "c", "1")?)]),
        ).await;
        same("first", &first.map(drop), &Ok(()))?;
        fails("second", second, ErrorKind::Conflict)?;
    }
}
