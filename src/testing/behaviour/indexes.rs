//! Promises about indexes.

use core::ops::Bound;

use super::support::{cases, commit, count, delete, done, fails, index, keys, put, same, value};
use crate::backend::{Backend, Direction, Scan};
use crate::error::ErrorKind;
use crate::model::{Key, KeyRange, WriteOp};

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
}
