//! Promises about reading.

use core::ops::Bound;

use super::support::{cases, count, done, get, keys, put, rows, same, text};
use crate::backend::{Direction, Read, Scan, Source};
use crate::model::{Expiry, Key, KeyRange, Put, WriteOp};

cases! {
    "many keys are read in the order asked for, holes included" => |backend| {
        done(backend, vec![WriteOp::Put(put("box", "a", "1")?), WriteOp::Put(put("box", "c", "3")?)]).await?;
        let asked = [Key::from("c"), Key::from("b"), Key::from("a")];
        let found = backend.get("box", &asked).await.map_err(|e| e.to_string())?;
        let found: Vec<Option<String>> = found.iter().map(|r| r.as_ref().map(text).transpose()).collect::<Result<_, _>>()?;
        same("values", &found, &vec![Some("3".to_owned()), None, Some("1".to_owned())])?;
    }

    "reading from what was never written finds nothing" => |backend| {
        for collection in ["nowhere", "people"] {
            same("get", &get(backend, collection, "k").await?.is_none(), &true)?;
            same("scan", &rows(backend, Scan::all(collection)).await?.len(), &0)?;
            same("count", &count(backend, collection, Source::Primary, KeyRange::all()).await?, &0)?;
        }
    }

    "rows come in IndexedDB's key order" => |backend| {
        let sorted = [Key::Number(-1.0), Key::Number(10.0), Key::Date(0.0), Key::from("Z"), Key::from("a"),
            Key::from("\u{1F600}"), Key::from("\u{FFFD}"), Key::Binary(vec![0]), Key::Array(vec![]), Key::Array(vec![Key::from("a")])];
        for key in sorted.iter().rev() {
            done(backend, vec![WriteOp::Put(put("box", key.clone(), "1")?)]).await?;
        }
        let found: Vec<Key> = rows(backend, Scan::all("box")).await?.into_iter().map(|row| row.key).collect();
        same("order", &found, &sorted.to_vec())?;
    }

    "a scan keeps to its range, direction, offset and limit" => |backend| {
        for collection in ["box", "loose"] {
            let ops = (0..10).map(|n| put(collection, format!("k{n}"), "1").map(WriteOp::Put)).collect::<Result<_, _>>()?;
            done(backend, ops).await?;
            let range = KeyRange { lower: Bound::Excluded(Key::from("k1")), upper: Bound::Included(Key::from("k6")) };
            let scan = Scan { range: range.clone(), ..Scan::all(collection) };
            same("forward", &keys(backend, scan.clone()).await?.as_str(), &"k2 k3 k4 k5 k6")?;
            same("limit", &keys(backend, Scan { limit: Some(2), ..scan.clone() }).await?.as_str(), &"k2 k3")?;
            same("limit 0", &keys(backend, Scan { limit: Some(0), ..scan.clone() }).await?.as_str(), &"")?;
            same("offset", &keys(backend, Scan { offset: 3, limit: Some(9), ..scan.clone() }).await?.as_str(), &"k5 k6")?;
            same("past the end", &keys(backend, Scan { offset: 30, ..scan.clone() }).await?.as_str(), &"")?;
            let back = Scan { direction: Direction::Backward, ..scan };
            same("backward", &keys(backend, Scan { offset: 1, limit: Some(2), ..back.clone() }).await?.as_str(), &"k5 k4")?;
            same("keys alone", &keys(backend, Scan { read: Read::Keys, ..back }).await?.as_str(), &"k6 k5 k4 k3 k2")?;
            same("count", &count(backend, collection, Source::Primary, range).await?, &5)?;
        }
    }

    "a range that cannot hold a key finds nothing" => |backend| {
        done(backend, vec![WriteOp::Put(put("box", "k", "1")?)]).await?;
        let range = KeyRange { lower: Bound::Included(Key::from("z")), upper: Bound::Included(Key::from("a")) };
        same("scan", &keys(backend, Scan { range: range.clone(), ..Scan::all("box") }).await?.as_str(), &"")?;
        same("count", &count(backend, "box", Source::Primary, range).await?, &0)?;
    }

    "keys alone come without records, records with their meta" => |backend| {
        done(backend, vec![WriteOp::Put(put("people", "1", r#"{"id":"1","name":"Ada"}"#)?)]).await?;
        let keys = rows(backend, Scan { read: Read::Keys, ..Scan::all("people") }).await?;
        same("keys", &keys.iter().map(|row| row.record.is_some()).collect::<Vec<_>>(), &vec![false])?;
        let records = rows(backend, Scan::all("people")).await?;
        let record = records.first().and_then(|row| row.record.as_ref()).ok_or("no record")?;
        same("version", &record.meta.version, &1)?;
        same("value", &text(record)?.as_str(), &r#"{"id":"1","name":"Ada"}"#)?;
    }

    "one namespace does not see the keys of another" => |backend| {
        done(backend, vec![WriteOp::Put(put("a", "k", "1")?), WriteOp::Put(put("ab", "k", "2")?), WriteOp::Put(put("b", "k", "3")?)]).await?;
        for (namespace, wanted) in [("a", "1"), ("ab", "2"), ("b", "3")] {
            let found = rows(backend, Scan::all(namespace)).await?;
            let texts: Vec<String> = found.iter().filter_map(|row| row.record.as_ref()).map(text).collect::<Result<_, _>>()?;
            same(namespace, &texts, &vec![wanted.to_owned()])?;
        }
    }

    "namespaces are listed while they hold a row" => |backend| {
        same("none", &backend.namespaces().await.map_err(|e| e.to_string())?, &vec![])?;
        let names = ["b", "a", "a\u{0}", "ä"];
        for name in names {
            done(backend, vec![WriteOp::Put(put(name, "k", "1")?), WriteOp::Put(put(name, 1, "1")?)]).await?;
        }
        done(backend, vec![WriteOp::Put(put("people", "1", r#"{"id":"1"}"#)?)]).await?;
        let listed = backend.namespaces().await.map_err(|e| e.to_string())?;
        same("listed", &listed, &vec!["a".to_owned(), "a\u{0}".to_owned(), "b".to_owned(), "ä".to_owned()])?;
        done(backend, vec![WriteOp::Clear { collection: "a".to_owned() }]).await?;
        same("after clear", &backend.namespaces().await.map_err(|e| e.to_string())?.len(), &3)?;
    }

    "records with an end are found by it" => |backend| {
        for collection in ["people", "box", "boxes"] {
            for (key, end) in [("1", Expiry::At(3000.0)), ("2", Expiry::Never), ("3", Expiry::At(2000.0)), ("4", Expiry::At(9000.0))] {
                let text = format!(r#"{{"id":"{key}"}}"#);
                done(backend, vec![WriteOp::Put(Put { expires: end, ..put(collection, key, &text)? })]).await?;
            }
        }
        for collection in ["people", "box"] {
            let range = KeyRange { lower: Bound::Unbounded, upper: Bound::Included(Key::Number(3000.0)) };
            same("count", &count(backend, collection, Source::Expiring, range.clone()).await?, &2)?;
            let scan = Scan { source: Source::Expiring, range, read: Read::Keys, ..Scan::all(collection) };
            same("keys", &keys(backend, scan).await?.as_str(), &"3 1")?;
            done(backend, vec![WriteOp::Put(Put { expires: Expiry::Never, ..put(collection, "3", r#"{"id":"3"}"#)? })]).await?;
            same("after", &count(backend, collection, Source::Expiring, KeyRange::all()).await?, &2)?;
        }
    }
}
