//! Promises about indexes.

use core::ops::Bound;

use super::support::{cases, commit, count, delete, done, fails, index, keys, put, same, value};
use crate::backend::{Backend, Direction, Position, Read, Scan, Source};
use crate::error::ErrorKind;
use crate::model::{Expiry, Key, KeyRange, Put, WriteOp};

async fn people(backend: &dyn Backend) -> Result<(), String> {
    let texts = [
        (
            "1",
            r#"{"id":"1","name":"Ada","tags":["math","code"],"email":"ada@x","city":"London","born":1815,"address":{"zip":"N1"}}"#,
        ),
        ("2", r#"{"id":"2","name":"Alan","tags":["code","code"],"email":"alan@x","city":"London","born":1912}"#),
        ("3", r#"{"id":"3","name":"Grace","tags":"navy","city":"New York","born":1906}"#),
        ("4", r#"{"id":"4","name":null,"tags":[null,true],"city":"Rome"}"#),
    ];
    let ops = texts.iter().map(|(key, text)| put("people", *key, text).map(WriteOp::Put)).collect::<Result<_, _>>()?;
    done(backend, ops).await.map(|_| ())
}

async fn by(backend: &dyn Backend, name: &str, range: KeyRange) -> Result<String, String> {
    keys(backend, Scan { source: index(name), range, ..Scan::all("people") }).await
}

fn behind(scan: &Scan, at: impl Into<Key>, key: impl Into<Key>) -> Scan {
    Scan { after: Some(Position { at: at.into(), key: key.into() }), ..scan.clone() }
}

cases! {
    "an index orders by its field and leaves out what has no key there" => |backend| {
        people(backend).await?;
        same("name", &by(backend, "name", KeyRange::all()).await?.as_str(), &"1 2 3")?;
        same("prefix", &by(backend, "name", KeyRange::prefix("A")).await?.as_str(), &"1 2")?;
        let scan = Scan { source: index("name"), direction: Direction::Backward, offset: 1, limit: Some(1), ..Scan::all("people") };
        same("backward", &keys(backend, scan).await?.as_str(), &"2")?;
        same("count", &count(backend, "people", index("name"), KeyRange::prefix("A")).await?, &2)?;
    }

    "a multi-entry index has an entry for each element, once" => |backend| {
        people(backend).await?;
        same("code", &by(backend, "tags", KeyRange::only(Key::from("code"))).await?.as_str(), &"1 2")?;
        same("a lone string", &by(backend, "tags", KeyRange::only(Key::from("navy"))).await?.as_str(), &"3")?;
        same("all", &by(backend, "tags", KeyRange::all()).await?.as_str(), &"1 2 1 3")?;
    }

    "a compound index orders by its fields in turn" => |backend| {
        people(backend).await?;
        let pair = |city: &str, born: f64| Key::Array(vec![Key::from(city), Key::Number(born)]);
        same("all", &by(backend, "[city+born]", KeyRange::all()).await?.as_str(), &"1 2 3")?;
        let range = KeyRange { lower: Bound::Excluded(pair("London", 1815.0)), upper: Bound::Included(pair("London", 1999.0)) };
        same("range", &by(backend, "[city+born]", range).await?.as_str(), &"2")?;
    }

    "a nested path is indexed" => |backend| {
        people(backend).await?;
        same("zip", &by(backend, "address.zip", KeyRange::all()).await?.as_str(), &"1")?;
    }

    "a unique index refuses a second record with its key" => |backend| {
        people(backend).await?;
        let taken = put("people", "9", r#"{"id":"9","email":"ada@x"}"#)?;
        fails("taken", commit(backend, vec![WriteOp::Put(taken.clone())]).await, ErrorKind::AlreadyExists)?;
        same("nothing was written", &value(backend, "people", "9").await?, &None)?;
        let own = put("people", "1", r#"{"id":"1","email":"ada@x"}"#)?;
        done(backend, vec![WriteOp::Put(own)]).await?;
        done(backend, vec![delete("people", "1"), WriteOp::Put(taken)]).await?;
        same("freed", &by(backend, "email", KeyRange::only(Key::from("ada@x"))).await?.as_str(), &"9")?;
    }

    "an index follows updates and deletions" => |backend| {
        people(backend).await?;
        done(backend, vec![WriteOp::Put(put("people", "1", r#"{"id":"1","name":"Zoe"}"#)?), delete("people", "2")]).await?;
        same("name", &by(backend, "name", KeyRange::all()).await?.as_str(), &"3 1")?;
        same("tags", &by(backend, "tags", KeyRange::all()).await?.as_str(), &"3")?;
        done(backend, vec![WriteOp::Clear { collection: "people".to_owned() }]).await?;
        same("cleared", &by(backend, "name", KeyRange::all()).await?.as_str(), &"")?;
    }

    "an index that was not declared is INVALID_QUERY" => |backend| {
        for collection in ["people", "box"] {
            let scan = Scan { source: index("nope"), ..Scan::all(collection) };
            fails("scan", backend.scan(&scan).await, ErrorKind::InvalidQuery)?;
            fails("count", backend.count(collection, &index("nope"), &KeyRange::all()).await, ErrorKind::InvalidQuery)?;
        }
    }

    "a scan goes on behind a position, whether or not a row is there" => |backend| {
        for collection in ["people", "box", "loose"] {
            let ops = [1, 2, 4, 5].map(|n| put(collection, n, &format!(r#"{{"id":{n}}}"#)).map(WriteOp::Put));
            done(backend, ops.into_iter().collect::<Result<_, _>>()?).await?;
            let all = Scan::all(collection);
            same("behind a row", &keys(backend, behind(&all, 2, 2)).await?.as_str(), &"~4 ~5")?;
            same("behind none", &keys(backend, behind(&all, 3, 3)).await?.as_str(), &"~4 ~5")?;
            let some = Scan { offset: 1, limit: Some(1), ..behind(&all, 1, 1) };
            same("offset and limit", &keys(backend, some).await?.as_str(), &"~4")?;
            let back = Scan { direction: Direction::Backward, ..all };
            same("backward", &keys(backend, behind(&back, 4, 4)).await?.as_str(), &"~2 ~1")?;
            same("backward, limited", &keys(backend, Scan { limit: Some(1), ..behind(&back, 3, 3) }).await?.as_str(), &"~2")?;
            let range = KeyRange { lower: Bound::Included(Key::from(2)), upper: Bound::Excluded(Key::from(5)) };
            let within = Scan { range, ..back };
            same("within a range", &keys(backend, behind(&within, 4, 4)).await?.as_str(), &"~2")?;
            same("from above a range", &keys(backend, behind(&within, 9, 9)).await?.as_str(), &"~4 ~2")?;
            same("from below it", &keys(backend, behind(&within, 1, 1)).await?.as_str(), &"")?;
        }
    }

    "a scan goes on amid the rows of one index key" => |backend| {
        let people = [(1, "a"), (2, "b"), (3, "b"), (4, "b"), (5, "c"), (6, "c")];
        let people = people.map(|(id, name)| put("people", id, &format!(r#"{{"id":{id},"name":"{name}"}}"#)).map(WriteOp::Put));
        done(backend, people.into_iter().collect::<Result<_, _>>()?).await?;
        for read in [Read::Keys, Read::Records] {
            let scan = Scan { source: index("name"), read, ..Scan::all("people") };
            same("forward", &keys(backend, behind(&scan, "b", 2)).await?.as_str(), &"~3 ~4 ~5 ~6")?;
            same("its last", &keys(backend, behind(&scan, "b", 4)).await?.as_str(), &"~5 ~6")?;
            same("above its last", &keys(backend, behind(&scan, "b", 9)).await?.as_str(), &"~5 ~6")?;
            same("below its first", &keys(backend, behind(&scan, "b", 0)).await?.as_str(), &"~2 ~3 ~4 ~5 ~6")?;
            same("of no index key", &keys(backend, behind(&scan, "bb", 3)).await?.as_str(), &"~5 ~6")?;
            same("the very last", &keys(backend, behind(&scan, "c", 6)).await?.as_str(), &"")?;
            for (limit, wanted) in [(1, "~3"), (2, "~3 ~4"), (3, "~3 ~4 ~5"), (9, "~3 ~4 ~5 ~6")] {
                let some = Scan { limit: Some(limit), ..behind(&scan, "b", 2) };
                same("limit", &keys(backend, some).await?.as_str(), &wanted)?;
            }
            let passed = Scan { offset: 1, limit: Some(2), ..behind(&scan, "b", 2) };
            same("offset", &keys(backend, passed).await?.as_str(), &"~4 ~5")?;
            let only = Scan { range: KeyRange::only(Key::from("b")), ..scan.clone() };
            same("one index key", &keys(backend, behind(&only, "b", 2)).await?.as_str(), &"~3 ~4")?;
            let back = Scan { direction: Direction::Backward, ..scan };
            same("backward", &keys(backend, behind(&back, "b", 3)).await?.as_str(), &"~2 ~1")?;
            same("backward, none there", &keys(backend, behind(&back, "b", 9)).await?.as_str(), &"~4 ~3 ~2 ~1")?;
            same("backward, limited", &keys(backend, Scan { limit: Some(2), ..behind(&back, "c", 6) }).await?.as_str(), &"~5 ~4")?;
            same("backward, passing over", &keys(backend, Scan { offset: 1, limit: Some(2), ..behind(&back, "c", 6) }).await?.as_str(), &"~4 ~3")?;
        }
    }

    "a scan of a multi-entry index goes on behind an element's row" => |backend| {
        people(backend).await?;
        let scan = Scan { source: index("tags"), ..Scan::all("people") };
        same("forward", &keys(backend, behind(&scan, "code", "1")).await?.as_str(), &"2 1 3")?;
        same("limited", &keys(backend, Scan { limit: Some(2), ..behind(&scan, "code", "1") }).await?.as_str(), &"2 1")?;
        let back = Scan { direction: Direction::Backward, ..scan };
        same("backward", &keys(backend, behind(&back, "math", "1")).await?.as_str(), &"2 1")?;
        done(backend, vec![delete("people", "1")]).await?;
        same("a row that is gone", &keys(backend, behind(&back, "math", "1")).await?.as_str(), &"2")?;
    }

    "a scan by the ends of lives goes on behind a position, in a shared store too" => |backend| {
        for collection in ["people", "box", "boxes"] {
            for (key, end) in [("1", 10.0), ("2", 20.0), ("3", 20.0), ("4", 30.0)] {
                let text = format!(r#"{{"id":"{key}"}}"#);
                done(backend, vec![WriteOp::Put(Put { expires: Expiry::At(end), ..put(collection, key, &text)? })]).await?;
            }
        }
        for collection in ["people", "box"] {
            let scan = Scan { source: Source::Expiring, read: Read::Keys, ..Scan::all(collection) };
            same("forward", &keys(backend, behind(&scan, 20, "2")).await?.as_str(), &"3 4")?;
            let back = Scan { direction: Direction::Backward, limit: Some(2), ..scan };
            same("backward", &keys(backend, behind(&back, 20, "3")).await?.as_str(), &"2 1")?;
        }
    }
}
