//! Promises about the end.

use super::support::{cases, commit, done, fails, put, same};
use crate::backend::{Scan, Source};
use crate::error::ErrorKind;
use crate::model::{Acknowledged, Durability, Key, KeyRange, WriteBatch, WriteOp};

cases! {
    "a closed backend refuses every call, and closing twice is fine" => |backend| {
        done(backend, vec![WriteOp::Put(put("box", "k", "1")?)]).await?;
        backend.close().await;
        backend.close().await;
        fails("commit", commit(backend, vec![]).await, ErrorKind::Closed)?;
        fails("get", backend.get("box", &[Key::from("k")]).await, ErrorKind::Closed)?;
        fails("scan", backend.scan(&Scan::all("box")).await, ErrorKind::Closed)?;
        fails("count", backend.count("box", &Source::Primary, &KeyRange::all()).await, ErrorKind::Closed)?;
        fails("namespaces", backend.namespaces().await, ErrorKind::Closed)?;
    }

    "what a commit has survived is named, and is no less than was asked" => |backend| {
        for durability in [Durability::Relaxed, Durability::Strict] {
            let ops = vec![WriteOp::Put(put("box", "k", "1")?)];
            let receipt = backend.commit(WriteBatch { ops, durability, now: 1.0 }).await.map_err(|e| e.to_string())?;
            let kept = match receipt.durability {
                Acknowledged::Memory => !backend.facts().persistent,
                Acknowledged::Relaxed => backend.facts().persistent && durability == Durability::Relaxed,
                Acknowledged::Strict => backend.facts().persistent,
            };
            same("as durable as asked, and no more than the backend is", &kept, &true)?;
        }
    }
}
