//! The decisions of a group, made on what was read, before anything is written.

use crate::error::Result;
use crate::model::{Body, Doc, Key, KeyedOp, OpReceipt, Record, Register, RowChange, WriteOp, apply, system};

/// A row of a log.
#[derive(Debug)]
pub(super) struct Appended {
    pub(super) collection: String,
    pub(super) body: Body,
    pub(super) now: f64,
    pub(super) batch: usize,
    pub(super) op: usize,
}

/// A row that operations touch: as it was read, and then as it became.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) doc: Doc,
    pub(super) record: Option<Record>,
    /// The batch that changed it last, if one did.
    pub(super) author: Option<usize>,
}

/// What a group comes to: the last state of each row, whichever batch made it.
#[derive(Debug, Default)]
pub(super) struct Staging {
    register: Register,
    rows: Vec<Staged>,
    /// Whether tombstones are among the rows.
    buried: bool,
    /// The collections that were cleared, each with the batch that did.
    pub(super) cleared: Vec<(String, usize)>,
    pub(super) appended: Vec<Appended>,
}

/// What a batch has done, to be taken back where a later operation of it fails.
#[derive(Default)]
struct Undo {
    rows: Vec<(usize, Option<Record>, Option<usize>)>,
    cleared: usize,
    appended: usize,
}

impl Staging {
    /// The rows of these documents, under their numbers in the register; what is there of them is said by
    /// [`read`](Staging::read).
    pub(super) fn over(docs: Vec<Doc>, register: Register) -> Self {
        let buried = docs.iter().any(|doc| doc.collection == system::TOMBSTONES);
        let rows = docs.into_iter().map(|doc| Staged { doc, record: None, author: None }).collect();
        Self { register, rows, buried, ..Self::default() }
    }

    /// Takes note of what was read.
    pub(super) fn read(&mut self, number: usize, record: Record) {
        if let Some(row) = self.rows.get_mut(number) {
            row.record = Some(record);
        }
    }

    /// Whether none of the rows is there.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.iter().all(|row| row.record.is_none())
    }

    /// The document of a number.
    pub(super) fn doc(&self, number: usize) -> Option<&Doc> {
        self.rows.get(number).map(|row| &row.doc)
    }

    /// The batch that deleted a row, if one did.
    pub(super) fn deleted_by(&self, number: usize) -> Option<usize> {
        self.rows.get(number).filter(|row| row.record.is_none()).and_then(|row| row.author)
    }

    /// Whether a row was written.
    pub(super) fn is_written(&self, number: usize) -> bool {
        self.rows.get(number).is_some_and(|row| row.record.is_some() && row.author.is_some())
    }

    /// A row needs no request of its own.
    pub(super) fn is_seen_to(&mut self, number: usize) {
        if let Some(row) = self.rows.get_mut(number) {
            row.author = None;
        }
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

    /// The rows that changed, in the order in which they were first touched.
    pub(super) fn changed(&self) -> impl Iterator<Item = &Doc> {
        self.rows.iter().filter(|row| row.author.is_some()).map(|row| &row.doc)
    }

    /// Every row.
    pub(super) fn into_parts(self) -> (Vec<Staged>, Vec<Appended>) {
        (self.rows, self.appended)
    }

    fn apply_one(&mut self, batch: usize, at: usize, op: WriteOp, now: f64, undo: &mut Undo) -> Result<OpReceipt> {
        let (doc, op) = match op {
            WriteOp::Put(op) => (Doc::new(op.collection.as_str(), op.key.clone()), KeyedOp::Put(op)),
            WriteOp::Delete(op) => (Doc::new(op.collection.as_str(), op.key.clone()), KeyedOp::Delete(op)),
            WriteOp::Replicate(op) => (Doc::new(op.collection.as_str(), op.key.clone()), KeyedOp::Replicate(op)),
            WriteOp::Reseal(op) => (Doc::new(op.collection.as_str(), op.key.clone()), KeyedOp::Reseal(op)),
            WriteOp::Clear { collection } => {
                self.clear(batch, collection, undo);
                return Ok(OpReceipt::of_many(now, true));
            }
            // Checked before anything was decided.
            WriteOp::Verify(_) => return Ok(OpReceipt::of_many(now, false)),
            WriteOp::Append { collection, body } => {
                self.appended.push(Appended { collection, body, now, batch, op: at });
                undo.appended += 1;
                // The browser gives the number; it is filled in once it has.
                return Ok(OpReceipt { key: Key::Array(Vec::new()), version: 1, modified: now, existed: false });
            }
        };
        let buried = self.buried.then(|| self.there(&doc.tombstone())).flatten();
        let applied = apply(op, self.there(&doc), buried, now)?;
        let key = doc.key.clone();
        if !matches!(applied.tombstone, RowChange::Keep) {
            self.buried = true;
            self.change(batch, doc.tombstone(), applied.tombstone, undo);
        }
        self.change(batch, doc, applied.record, undo);
        Ok(OpReceipt { key, version: applied.version, modified: now, existed: applied.existed })
    }

    fn there(&self, doc: &Doc) -> Option<&Record> {
        self.rows.get(self.register.number(doc)?)?.record.as_ref()
    }

    fn change(&mut self, batch: usize, doc: Doc, change: RowChange, undo: &mut Undo) {
        let record = match change {
            RowChange::Keep => return,
            RowChange::Write(record) => Some(record),
            RowChange::Delete => None,
        };
        let number = self.register.enter(&doc);
        if number == self.rows.len() {
            self.rows.push(Staged { doc, record: None, author: None });
        }
        if let Some(row) = self.rows.get_mut(number) {
            undo.rows.push((number, core::mem::replace(&mut row.record, record), row.author.replace(batch)));
        }
    }

    fn clear(&mut self, batch: usize, collection: String, undo: &mut Undo) {
        for (number, row) in self.rows.iter_mut().enumerate().filter(|(_, row)| row.doc.collection == collection) {
            undo.rows.push((number, row.record.take(), row.author.replace(batch)));
        }
        self.cleared.push((collection, batch));
        undo.cleared += 1;
    }

    fn take_back(&mut self, undo: Undo) {
        for (number, record, author) in undo.rows.into_iter().rev() {
            if let Some(row) = self.rows.get_mut(number) {
                (row.record, row.author) = (record, author);
            }
        }
        self.cleared.truncate(self.cleared.len() - undo.cleared);
        self.appended.truncate(self.appended.len() - undo.appended);
    }
}
