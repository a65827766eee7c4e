//! A stack in which every commit is a transaction: staged, looked at, and then committed.

use core::fmt;
use std::rc::Rc;

use futures_util::lock::Mutex;

use crate::backend::layer::{Isolation, Open, Overlay};
use crate::backend::{Backend, LocalFuture, Read, Row, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Body, CommitReceipt, Record, Schema, WriteBatch, WriteOp, sorted_names};

/// A backend whose every commit is staged in a transaction first.
///
/// # Behavior
///
/// - What the transaction shows before it is committed must be what is stored after it: else `CORRUPTED`.
pub(super) struct Transacted {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    isolation: Isolation,
    turn: Mutex<()>,
}

impl Transacted {
    pub(super) fn new(inner: Rc<dyn Backend>, schema: Rc<Schema>, isolation: Isolation) -> Self {
        Self { inner, schema, isolation, turn: Mutex::new(()) }
    }

    async fn commit_staged(&self, batch: WriteBatch) -> Result<CommitReceipt> {
        // What is compared must not be changed by another meanwhile.
        let _turn = self.turn.lock().await;
        let (now, asked) = (batch.now, batch.durability);
        let opaque = |op: &WriteOp| matches!(op, WriteOp::Append { .. } | WriteOp::Replicate(_));
        let compared = if batch.ops.iter().any(opaque) { Vec::new() } else { self.views(&batch.ops) };
        let (schema, open) = (Rc::clone(&self.schema), Open::default());
        let overlay = Overlay::new(Rc::clone(&self.inner), schema, "suite".to_owned(), self.isolation, &open);
        let conditions = batch.conditions().count();
        overlay.commit(batch).await?;
        let expected = shown(&overlay, &compared).await?;
        let (ops, durability) = overlay.finish().await?;
        let own = ops.iter().filter(|op| matches!(op, WriteOp::Verify(_))).count() - conditions;
        let mut receipt = self.inner.commit(WriteBatch { ops, durability: durability.max(asked), now }).await?;
        receipt.ops.drain(..own);
        let found = shown(&*self.inner, &compared).await?;
        if expected == found {
            return Ok(receipt);
        }
        Err(Error::new(ErrorKind::Corrupted, format!("the transaction showed {expected:?}, and stored {found:?}")))
    }

    /// Every order of every collection that a batch touches.
    fn views(&self, ops: &[WriteOp]) -> Vec<Scan> {
        let names = ops.iter().filter_map(|op| match op {
            WriteOp::Put(put) => Some(put.collection.clone()),
            WriteOp::Delete(delete) => Some(delete.collection.clone()),
            WriteOp::Clear { collection } => Some(collection.clone()),
            WriteOp::Append { .. } | WriteOp::Replicate(_) | WriteOp::Reseal(_) | WriteOp::Verify(_) => None,
        });
        // The system's own have no indexes, and no ends of lives.
        let names = sorted_names(names.filter(|name| !name.contains(':')));
        let mut scans = Vec::new();
        for name in names {
            let indexes = self.schema.get(&name).map_or(&[][..], |declared| &declared.indexes);
            // Of a blind one, only single keys can be looked up.
            let sources = indexes.iter().filter(|index| !index.blind);
            let sources = sources.map(|index| Source::Index(index.name.clone()));
            let sources = sources.chain([Source::Primary, Source::Expiring]);
            scans.extend(sources.map(|source| Scan { source, ..Scan::all(name.as_str()) }));
        }
        scans
    }
}

async fn shown(backend: &dyn Backend, scans: &[Scan]) -> Result<Vec<String>> {
    let mut shown = Vec::new();
    for scan in scans {
        for Row { key, record } in backend.scan(scan).await? {
            let Some(Record { body, meta, .. }) = record else { continue };
            let text = match body {
                Body::Clear(payload) => payload.to_wire()?,
                Body::Sealed(_) => String::new(),
            };
            shown.push(format!("{:?} {} {text} {:?} {:?}", scan.source, key.to_text(), meta.tags, meta.expires));
        }
        let keys = backend.scan(&Scan { read: Read::Keys, limit: Some(2), ..scan.clone() }).await?;
        shown.extend(keys.iter().map(|row| row.key.to_text()));
        shown.push(backend.count(&scan.collection, &scan.source, &scan.range).await?.to_string());
    }
    Ok(shown)
}

impl fmt::Debug for Transacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transacted").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Transacted {
    crate::delegate!(inner: facts, get, scan, count, namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(self.commit_staged(batch))
    }
}
