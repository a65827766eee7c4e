//! What the transaction of a group needs: the rows to know, and the object stores to be in.

use super::layout::Layout;
use super::mark::COMMITS;
use crate::model::{Doc, Register, Verify, WriteBatch, WriteOp, system};

/// Every row that the operations need to know, each once, and their numbers.
pub(super) fn touched(batches: &[WriteBatch]) -> (Vec<Doc>, Register) {
    let mut register = Register::default();
    let mut touched = Vec::new();
    let mut touch = |doc: Doc| {
        if register.add(&doc) {
            touched.push(doc);
        }
    };
    for op in batches.iter().flat_map(|batch| &batch.ops) {
        let doc = match op {
            WriteOp::Put(put) => {
                let doc = Doc::new(put.collection.as_str(), put.key.clone());
                if put.replicate.is_some() {
                    // What is made anew goes on where its deletion left off.
                    touch(doc.tombstone());
                }
                doc
            }
            WriteOp::Delete(delete) => Doc::new(delete.collection.as_str(), delete.key.clone()),
            WriteOp::Replicate(replicate) => {
                let doc = Doc::new(replicate.collection.as_str(), replicate.key.clone());
                touch(doc.tombstone());
                doc
            }
            WriteOp::Reseal(reseal) => Doc::new(reseal.collection.as_str(), reseal.key.clone()),
            WriteOp::Clear { .. } | WriteOp::Append { .. } | WriteOp::Verify(_) => continue,
        };
        touch(doc);
    }
    (touched, register)
}

/// The object stores that the operations read and write.
pub(super) fn stores<'a>(layout: &'a Layout, touched: &'a [Doc], batches: &'a [WriteBatch]) -> Vec<&'a str> {
    let mut stores = vec![COMMITS];
    let mut add = |store: &'a str| {
        if !stores.contains(&store) {
            stores.push(store);
        }
    };
    let cleared = |op: &'a WriteOp| if let WriteOp::Clear { collection } = op { Some(collection) } else { None };
    let cleared = batches.iter().flat_map(|batch| &batch.ops).filter_map(cleared);
    for collection in touched.iter().map(|doc| &doc.collection).chain(cleared) {
        add(layout.place(collection).store());
        layout.unkept_log(collection).into_iter().for_each(&mut add);
    }
    for op in batches.iter().flat_map(|batch| &batch.ops) {
        match op {
            WriteOp::Clear { .. } | WriteOp::Reseal(_) => {}
            WriteOp::Append { collection, .. } | WriteOp::Verify(Verify { collection, .. }) => {
                add(layout.place(collection).store());
            }
            WriteOp::Put(put) if put.replicate.is_none() => {}
            WriteOp::Delete(delete) if delete.replicate.is_none() => {}
            WriteOp::Put(_) | WriteOp::Delete(_) | WriteOp::Replicate(_) => add(system::TOMBSTONES),
        }
    }
    stores
}
