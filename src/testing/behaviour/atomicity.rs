//! Promises about batches, and about batches at the same time.

use futures_util::future::join_all;

use super::support::{cases, commit, delete, done, fails, keys, put, put_if, same, value};
use crate::backend::Scan;
use crate::error::ErrorKind;
use crate::model::{Precondition, WriteOp};

cases! {
    "a batch with one bad operation leaves nothing, wherever it stands" => |backend| {
        done(backend, vec![put_if(Precondition::None, "box", "old", "0")?]).await?;
        for position in 0..4 {
            let mut ops = vec![
                put_if(Precondition::None, "box", "new", "1")?,
                put_if(Precondition::None, "people", "1", r#"{"id":"1","email":"e"}"#)?,
                delete("box", "old"),
            ];
            ops.insert(position, put_if(Precondition::Version(99), "box", "old", "2")?);
            fails("batch", commit(backend, ops).await, ErrorKind::Conflict)?;
            same("new", &value(backend, "box", "new").await?, &None)?;
            same("people", &value(backend, "people", "1").await?, &None)?;
            same("old", &value(backend, "box", "old").await?.as_deref(), &Some("0"))?;
        }
    }

    "a unique index that refuses the last of a batch leaves nothing of the first" => |backend| {
        done(backend, vec![put_if(Precondition::None, "people", "1", r#"{"id":"1","email":"e"}"#)?]).await?;
        let ops = vec![
            put_if(Precondition::None, "box", "k", "1")?,
            put_if(Precondition::None, "people", "2", r#"{"id":"2","name":"B"}"#)?,
            put_if(Precondition::None, "people", "3", r#"{"id":"3","email":"e"}"#)?,
        ];
        fails("batch", commit(backend, ops).await, ErrorKind::AlreadyExists)?;
        same("box", &value(backend, "box", "k").await?, &None)?;
        same("people", &keys(backend, Scan::all("people")).await?.as_str(), &"1")?;
    }

    "an operation sees the effect of the ones before it in its batch" => |backend| {
        let receipt = done(backend, vec![
            put_if(Precondition::Absent, "box", "k", "1")?,
            put_if(Precondition::Version(1), "box", "k", "2")?,
            delete("box", "k"),
            put_if(Precondition::Absent, "box", "k", "3")?,
        ]).await?;
        same("existed", &receipt.ops.iter().map(|op| op.existed).collect::<Vec<_>>(), &vec![false, true, true, false])?;
        same("value", &value(backend, "box", "k").await?.as_deref(), &Some("3"))?;
    }

    "batches at the same time each have their own outcome" => |backend| {
        done(backend, vec![put_if(Precondition::None, "box", "taken", "0")?]).await?;
        let mut batches = Vec::new();
        for n in 0..40 {
            let own = put_if(Precondition::None, "box", format!("k{n:02}"), &n.to_string())?;
            batches.push(match n % 4 {
                1 => vec![own, put_if(Precondition::Absent, "box", "taken", "1")?],
                2 => vec![own, put_if(Precondition::None, "people", format!("p{n}"), &format!(r#"{{"id":"p{n}","email":"same"}}"#))?],
                _ => vec![own],
            });
        }
        let outcomes = join_all(batches.into_iter().map(|ops| commit(backend, ops))).await;
        let mut unique_winners = 0;
        for (n, outcome) in outcomes.into_iter().enumerate() {
            let stored = value(backend, "box", format!("k{n:02}")).await?.is_some();
            same("what resolved is stored, what was refused is not", &stored, &outcome.is_ok())?;
            match n % 4 {
                1 => fails("precondition", outcome, ErrorKind::AlreadyExists)?,
                2 if outcome.is_ok() => unique_winners += 1,
                2 => fails("unique", outcome, ErrorKind::AlreadyExists)?,
                _ => same("success", &outcome.map(|_| ()), &Ok(()))?,
            }
        }
        same("one record has the unique value", &unique_winners, &1)?;
    }

    "of writers that ask for the same version at the same time, one wins" => |backend| {
        done(backend, vec![put_if(Precondition::None, "box", "k", "0")?]).await?;
        let ops = (0..10).map(|n| put_if(Precondition::Version(1), "box", "k", &n.to_string())).collect::<Result<Vec<_>, _>>()?;
        let outcomes = join_all(ops.into_iter().map(|op| commit(backend, vec![op]))).await;
        same("winners", &outcomes.iter().filter(|outcome| outcome.is_ok()).count(), &1)?;
    }

    "commits take effect in the order they were made" => |backend| {
        let ops = (0..20).map(|n| put("box", "k", &n.to_string())).collect::<Result<Vec<_>, _>>()?;
        let outcomes = join_all(ops.into_iter().map(|op| commit(backend, vec![WriteOp::Put(op)]))).await;
        let versions: Vec<u64> = outcomes.into_iter().flatten().filter_map(|r| r.ops.first().map(|op| op.version)).collect();
        same("versions", &versions, &(1..=20).collect::<Vec<u64>>())?;
        same("value", &value(backend, "box", "k").await?.as_deref(), &Some("19"))?;
    }

    "batches that follow failing ones at the same time keep their order" => |backend| {
        done(backend, vec![put_if(Precondition::None, "people", "0", r#"{"id":"0","email":"same"}"#)?]).await?;
        let mut batches = Vec::new();
        for n in 1..30 {
            batches.push(match n % 2 {
                0 => put_if(Precondition::None, "people", format!("{n}"), &format!(r#"{{"id":"{n}","email":"same"}}"#))?,
                _ => put_if(Precondition::None, "box", "k", &n.to_string())?,
            });
        }
        let outcomes = join_all(batches.into_iter().map(|op| commit(backend, vec![op]))).await;
        let versions: Vec<u64> = outcomes.into_iter().flatten().filter_map(|r| r.ops.first().map(|op| op.version)).collect();
        same("versions", &versions, &(1..=15).collect::<Vec<u64>>())?;
        same("value", &value(backend, "box", "k").await?.as_deref(), &Some("29"))?;
    }

    "an empty batch commits" => |backend| {
        same("receipts", &done(backend, vec![]).await?.ops.len(), &0)?;
    }
}
