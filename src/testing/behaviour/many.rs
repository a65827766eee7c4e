//! Promises about batches of many rows.

use super::support::{cases, commit, commit_at, count, delete, done, fails, get, put, same, value};
use crate::backend::{Backend, Source};
use crate::error::ErrorKind;
use crate::model::{KeyRange, WriteOp};

/// More rows than are written in one turn.
const MANY: u32 = 600;

fn id(number: u32) -> String {
    format!("r{number:04}")
}

/// Puts of some numbers into both kinds of store, those that carry their keys and those that do not.
fn puts(collection: &str, numbers: impl IntoIterator<Item = u32>, name: &str) -> Result<Vec<WriteOp>, String> {
    let put = |number| put(collection, id(number), &format!(r#"{{"id":"{}","name":"{name}"}}"#, id(number)));
    numbers.into_iter().map(|number| put(number).map(WriteOp::Put)).collect()
}

async fn held(backend: &dyn Backend, collection: &str) -> Result<u64, String> {
    count(backend, collection, Source::Primary, KeyRange::all()).await
}

cases! {
    "of many rows, those that were there are written over and the others are new" => |backend| {
        for collection in ["people", "box", "loose"] {
            let third = (0..MANY).filter(|number| number.is_multiple_of(3));
            commit_at(backend, 10.0, puts(collection, third, "A")?).await.map_err(|e| e.to_string())?;
            let receipt = done(backend, puts(collection, (0..MANY).rev(), "B")?).await?;
            for (op, number) in receipt.ops.iter().zip((0..MANY).rev()) {
                let was = number.is_multiple_of(3);
                same("existed", &(op.existed, op.version), &(was, if was { 2 } else { 1 }))?;
            }
            let old = get(backend, collection, id(300)).await?.ok_or("it is gone")?;
            same("created", &old.meta.created, &10.0)?;
            same("modified", &old.meta.modified, &1000.0)?;
            same("held", &held(backend, collection).await?, &u64::from(MANY))?;
        }
    }

    "many rows among more that are none of theirs are written by themselves" => |backend| {
        done(backend, puts("people", 0..MANY, "A")?).await?;
        let few: Vec<u32> = (0..MANY).step_by(15).collect();
        let receipt = done(backend, puts("people", few.iter().copied(), "B")?).await?;
        same("versions", &receipt.ops.iter().all(|op| op.version == 2), &true)?;
        let half: Vec<u32> = (0..MANY).filter(|number| number % 5 < 3).collect();
        let receipt = done(backend, puts("people", half.iter().copied(), "C")?).await?;
        let counted = receipt.ops.iter().zip(&half).all(|(op, number)| op.version == 2 + u64::from(few.contains(number)));
        same("versions", &counted, &true)?;
        let untouched = value(backend, "people", id(4)).await?;
        same("another", &untouched.as_deref(), &Some(r#"{"id":"r0004","name":"A"}"#))?;
    }

    "of many rows, those are deleted that are named, and what lies between them stays" => |backend| {
        for collection in ["people", "box"] {
            done(backend, puts(collection, 0..MANY, "A")?).await?;
            let stays = |number: u32| number.is_multiple_of(100) || number == 251;
            let gone = (0..MANY + 50).filter(|number| !stays(*number));
            let receipt = done(backend, gone.clone().map(|number| delete(collection, id(number))).collect()).await?;
            let right = receipt.ops.iter().zip(gone).all(|(op, number)| op.existed == (number < MANY));
            same("existed", &right, &true)?;
            same("held", &held(backend, collection).await?, &7)?;
            same("one that stays", &value(backend, collection, id(251)).await?.is_some(), &true)?;
        }
    }

    "many rows are deleted, and some of them written anew, in one batch" => |backend| {
        done(backend, puts("people", 0..MANY, "A")?).await?;
        let mut ops: Vec<WriteOp> = (0..MANY).map(|number| delete("people", id(number))).collect();
        ops.extend(puts("people", 100..110, "B")?);
        let receipt = done(backend, ops).await?;
        same("existed", &receipt.ops.last().map(|op| op.existed), &Some(false))?;
        same("held", &held(backend, "people").await?, &10)?;
    }

    "a unique index that refuses one of many rows leaves none of them" => |backend| {
        let taken = put("people", "taken", r#"{"id":"taken","email":"e"}"#)?;
        done(backend, vec![WriteOp::Put(taken)]).await?;
        for refused in [0, 300, MANY - 1] {
            let mut ops = puts("people", 0..MANY, "A")?;
            if let Some(op) = ops.get_mut(refused as usize) {
                *op = WriteOp::Put(put("people", id(refused), &format!(r#"{{"id":"{}","email":"e"}}"#, id(refused)))?);
            }
            fails("commit", commit(backend, ops).await, ErrorKind::AlreadyExists)?;
            same("held", &held(backend, "people").await?, &1)?;
        }
    }
}
