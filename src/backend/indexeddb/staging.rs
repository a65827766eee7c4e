//! The decisions of a group, made on what was read, before anything is written.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::model::{Body, Key, KeyedOp, OpReceipt, Record, RowChange, WriteOp, apply, system, tombstone_key};

/// A row that an operation touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Touched {
    pub(super) collection: String,
    pub(super) key: Key,
}

impl Touched {
    pub(super) fn new(collection: impl Into<String>, key: Key) -> Self {
        Self { collection: collection.into(), key }
    }
}

/// A row of a log.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) collection: String,
    pub(super) body: Body,
    pub(super) now: f64,
    pub(super) batch: usize,
    pub(super) op: usize,
}

/// What a group comes to: the last state of each row, whichever batch made it.
#[derive(Debug)]
pub(super) struct Staging {
    rows: BTreeMap<Touched, Option<Record>>,
    changes: BTreeMap<Touched, usize>,
    pub(super) cleared: BTreeMap<String, usize>,
    pub(super) changed: Vec<(Touched, Option<Record>, usize)>,
    pub(super) appended: Vec<Appended>,
}

/// What a batch has done, to be taken back where a later operation of it fails.
#[derive(Default)]
struct Undo {
    rows: Vec<(Touched, Option<Record>, Option<usize>)>,
    cleared: Vec<String>,
    appended: usize,
}

impl Staging {
    /// Begins with what was read.
    pub(super) fn new(rows: BTreeMap<Touched, Option<Record>>) -> Self {
        Self { rows, changes: BTreeMap::new(), cleared: BTreeMap::new(), changed: Vec::new(), appended: Vec::new() }
    }

    /// Applies a batch, whole or not at all.
    pub(super) fn apply(&mut self, batch: usize, ops: Vec<WriteOp>, now: f64) -> Result<Vec<OpReceipt>> {
        let mut undo = Undo::default();
        let mut receipts = Vec::with_capacity(ops.len());
        for (at, op) in ops.into_iter().enumerate() {
            match self.apply_one(batch, at, op, now, &mut undo) {
                Ok(receipt) => receipts.push(receipt),
                Err(error) => {
                    self.take_back(undo);
                    return Err(error.during("commit"));
                }
            }
        }
        Ok(receipts)
    }

    /// Lists what changed, once every batch is applied.
    pub(super) fn finished(mut self) -> Self {
        for (row, batch) in core::mem::take(&mut self.changes) {
            if let Some(record) = self.rows.remove(&row) {
                self.changed.push((row, record, batch));
            }
        }
        self
    }

    fn apply_one(&mut self, batch: usize, at: usize, op: WriteOp, now: f64, undo: &mut Undo) -> Result<OpReceipt> {
        let (row, op) = match op {
            WriteOp::Put(op) => (Touched::new(op.collection.clone(), op.key.clone()), KeyedOp::Put(op)),
            WriteOp::Delete(op) => (Touched::new(op.collection.clone(), op.key.clone()), KeyedOp::Delete(op)),
            WriteOp::Replicate(op) => (Touched::new(op.collection.clone(), op.key.clone()), KeyedOp::Replicate(op)),
            WriteOp::Clear { collection } => {
                self.clear(batch, &collection, undo);
                return Ok(OpReceipt { key: Key::Array(Vec::new()), version: 0, modified: now, existed: true });
            }
            WriteOp::Append { collection, body } => {
                self.appended.push(Appended { collection, body, now, batch, op: at });
                undo.appended += 1;
                // The browser gives the number; it is filled in once it has.
                return Ok(OpReceipt { key: Key::Array(Vec::new()), version: 1, modified: now, existed: false });
            }
        };
        let buried = Touched::new(system::TOMBSTONES, tombstone_key(&row.collection, &row.key));
        let there = |row: &Touched| self.rows.get(row).and_then(Option::as_ref);
        let applied = apply(op, there(&row), there(&buried), now)?;
        let key = row.key.clone();
        self.change(batch, row, applied.record, undo);
        self.change(batch, buried, applied.tombstone, undo);
        Ok(OpReceipt { key, version: applied.version, modified: now, existed: applied.existed })
    }

    fn change(&mut self, batch: usize, row: Touched, change: RowChange, undo: &mut Undo) {
        let record = match change {
            RowChange::Keep => return,
            RowChange::Write(record) => Some(record),
            RowChange::Delete => None,
        };
        let before = self.rows.insert(row.clone(), record).flatten();
        let author = self.changes.insert(row.clone(), batch);
        undo.rows.push((row, before, author));
    }

    fn clear(&mut self, batch: usize, collection: &str, undo: &mut Undo) {
        let touched: Vec<Touched> = self.rows.keys().filter(|row| row.collection == collection).cloned().collect();
        for row in touched {
            self.change(batch, row, RowChange::Delete, undo);
        }
        if self.cleared.insert(collection.to_owned(), batch).is_none() {
            undo.cleared.push(collection.to_owned());
        }
    }

    fn take_back(&mut self, undo: Undo) {
        for (row, before, author) in undo.rows.into_iter().rev() {
            match author {
                Some(author) => self.changes.insert(row.clone(), author),
                None => self.changes.remove(&row),
            };
            self.rows.insert(row, before);
        }
        for collection in undo.cleared {
            self.cleared.remove(&collection);
        }
        self.appended.truncate(self.appended.len() - undo.appended);
    }
}
