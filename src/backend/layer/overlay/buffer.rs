//! What a transaction has written so far: a log to be committed, and what it comes to.

use std::rc::Rc;

use litemap::LiteMap;

use crate::backend::memory::{Table, copied};
use crate::backend::{Row, Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Doc, Durability, Index, Key, KeyedOp, OpReceipt, Precondition, Put, Record, Register, RowChange, Schema, WriteOp,
    apply, system,
};

/// The writes of a transaction.
#[derive(Debug)]
pub(super) struct Buffer {
    schema: Rc<Schema>,
    own: LiteMap<String, Own>,
    register: Register,
    /// For each document by its number, whether the transaction has written it.
    written: Vec<bool>,
    log: Vec<WriteOp>,
    durability: Durability,
}

/// The writes to one collection.
#[derive(Debug)]
struct Own {
    /// The records that it has written and not deleted.
    table: Table,
    /// How many it has written or deleted.
    written: usize,
    /// Whether it has deleted all others.
    cleared: bool,
}

/// What lies below a batch, read before any of it is staged.
#[derive(Debug, Default)]
pub(super) struct Below {
    register: Register,
    records: Vec<Option<Record>>,
    /// Who has a value that an operation writes into a unique index.
    owners: Vec<(usize, Key)>,
}

impl Below {
    pub(super) fn add(&mut self, doc: &Doc, record: Option<Record>) {
        if self.register.add(doc) {
            self.records.push(record);
        }
    }

    pub(super) fn knows(&self, doc: &Doc) -> bool {
        self.register.contains(doc)
    }

    pub(super) fn add_owner(&mut self, op: usize, key: Key) {
        self.owners.push((op, key));
    }

    fn record(&self, doc: &Doc) -> Option<Rc<Record>> {
        self.records.get(self.register.number(doc)?)?.clone().map(Rc::new)
    }
}

/// What is to be put back where a later operation of a batch fails.
enum Undo {
    Record { doc: Doc, old: Option<Rc<Record>>, was_written: bool },
    Cleared { collection: String, was: bool },
}

impl Buffer {
    pub(super) fn new(schema: Rc<Schema>) -> Self {
        Self {
            schema,
            own: LiteMap::new(),
            register: Register::default(),
            written: Vec::new(),
            log: Vec::new(),
            durability: Durability::Relaxed,
        }
    }

    /// How many records of a collection it has written or deleted one by one, and whether it has deleted the others.
    pub(super) fn extent(&self, collection: &str) -> (usize, bool) {
        self.own.get(collection).map_or((0, false), |own| (own.written, own.cleared))
    }

    /// The collections that it has written to.
    pub(super) fn collections(&self) -> impl Iterator<Item = &String> {
        self.own.keys()
    }

    /// Whether what there is of a document is for this buffer to say.
    pub(super) fn owns(&self, doc: &Doc) -> bool {
        self.has_written(doc) || self.extent(&doc.collection).1
    }

    fn has_written(&self, doc: &Doc) -> bool {
        self.register.number(doc).and_then(|number| self.written.get(number)).copied().unwrap_or(false)
    }

    /// A copy of what it has under a key.
    pub(super) fn get(&self, doc: &Doc) -> Result<Option<Record>> {
        self.there(doc).map(|record| copied(&record)).transpose()
    }

    fn there(&self, doc: &Doc) -> Option<Rc<Record>> {
        self.own.get(&doc.collection)?.table.get(&doc.key).cloned()
    }

    /// The record that a put would make, whatever it asks for: what stands before it in its batch may see to that.
    pub(super) fn would_be(&self, put: &Put, below: &Below) -> Option<Record> {
        let doc = Doc::new(put.collection.as_str(), put.key.clone());
        let previous = self.previous(&doc, below);
        let put = Put { precondition: Precondition::None, ..put.clone() };
        match apply(KeyedOp::Put(put), previous.as_deref(), None, 0.0).ok()?.record {
            RowChange::Write(record) => Some(record),
            RowChange::Keep | RowChange::Delete => None,
        }
    }

    /// What stands where a write goes.
    fn previous(&self, doc: &Doc, below: &Below) -> Option<Rc<Record>> {
        if self.owns(doc) { self.there(doc) } else { below.record(doc) }
    }

    /// Its own records in a run.
    pub(super) fn scan(&self, scan: &Scan) -> Result<Vec<Row>> {
        self.own.get(&scan.collection).map_or_else(|| Ok(Vec::new()), |own| own.table.scan(scan))
    }

    /// Takes what is to be committed.
    pub(super) fn take(&mut self) -> (Vec<WriteOp>, Durability) {
        let taken = core::mem::replace(self, Self::new(Rc::clone(&self.schema)));
        (taken.log, taken.durability)
    }

    /// Stages a batch, whole or not at all.
    pub(super) fn stage(
        &mut self,
        ops: Vec<WriteOp>,
        below: &Below,
        now: f64,
        durability: Durability,
    ) -> Result<Vec<OpReceipt>> {
        let (mut undo, length) = (Vec::new(), self.log.len());
        let mut receipts = Vec::with_capacity(ops.len());
        for (at, op) in ops.into_iter().enumerate() {
            match self.stage_one(at, op, below, now, &mut undo) {
                Ok(receipt) => receipts.push(receipt),
                Err(error) => {
                    self.log.truncate(length);
                    undo.into_iter().rev().for_each(|step| self.take_back(step));
                    return Err(error);
                }
            }
        }
        self.durability = self.durability.max(durability);
        Ok(receipts)
    }

    fn stage_one(
        &mut self,
        at: usize,
        mut op: WriteOp,
        below: &Below,
        now: f64,
        undo: &mut Vec<Undo>,
    ) -> Result<OpReceipt> {
        let (keyed, precondition, doc) = match &mut op {
            WriteOp::Put(put) => {
                let doc = Doc::new(put.collection.as_str(), put.key.clone());
                (KeyedOp::Put(put.clone()), &mut put.precondition, doc)
            }
            WriteOp::Delete(delete) => {
                let doc = Doc::new(delete.collection.as_str(), delete.key.clone());
                (KeyedOp::Delete(delete.clone()), &mut delete.precondition, doc)
            }
            WriteOp::Clear { collection } => {
                refuse_system(collection)?;
                let collection = collection.clone();
                self.log.push(op);
                return self.clear(&collection, undo).map(|()| OpReceipt::of_many(now, true));
            }
            // The system's own: they take effect in the commit.
            WriteOp::Append { .. } | WriteOp::Replicate(_) | WriteOp::Reseal(_) | WriteOp::Verify(_) => {
                self.log.push(op);
                return Ok(OpReceipt::of_many(now, false));
            }
        };
        refuse_system(&doc.collection)?;
        let owned = self.owns(&doc);
        let previous = self.previous(&doc, below);
        let applied = apply(keyed, previous.as_deref(), None, now)?;
        let taken = |owner: &Key| *owner != doc.key && !self.owns(&Doc::new(doc.collection.as_str(), owner.clone()));
        if below.owners.iter().any(|(op, owner)| *op == at && taken(owner)) {
            return Err(Error::new(ErrorKind::AlreadyExists, "another record has this value in a unique index")
                .with("collection", &doc.collection)
                .with("key", doc.key.to_text()));
        }
        if owned {
            // What the transaction's own writes have settled, nobody else's can change.
            *precondition = Precondition::None;
        }
        let receipt =
            OpReceipt { key: doc.key.clone(), version: applied.version, modified: now, existed: applied.existed };
        let record = match applied.record {
            RowChange::Write(record) => Some(Rc::new(record)),
            RowChange::Keep | RowChange::Delete => None,
        };
        self.replace(doc, record, undo)?;
        self.log.push(op);
        Ok(receipt)
    }

    fn own(&mut self, collection: &str) -> &mut Own {
        let schema = &self.schema;
        self.own.entry(collection.to_owned()).or_insert_with(|| Own {
            table: Table::new(&opened_indexes(schema, collection)),
            written: 0,
            cleared: false,
        })
    }

    fn replace(&mut self, doc: Doc, record: Option<Rc<Record>>, undo: &mut Vec<Undo>) -> Result<()> {
        let own = self.own(&doc.collection);
        let old = own.table.replace(&doc.key, record).map_err(|error| error.with("collection", &doc.collection))?;
        let was_written = self.mark(&doc, true);
        undo.push(Undo::Record { doc, old, was_written });
        Ok(())
    }

    fn clear(&mut self, collection: &str, undo: &mut Vec<Undo>) -> Result<()> {
        for key in self.own(collection).table.keys() {
            self.replace(Doc::new(collection, key), None, undo)?;
        }
        let was = core::mem::replace(&mut self.own(collection).cleared, true);
        undo.push(Undo::Cleared { collection: collection.to_owned(), was });
        Ok(())
    }

    /// Notes whether a document was written; gives what was noted before.
    fn mark(&mut self, doc: &Doc, written: bool) -> bool {
        let number = self.register.enter(doc);
        if number == self.written.len() {
            self.written.push(false);
        }
        let was = self.written.get_mut(number).is_some_and(|mark| core::mem::replace(mark, written));
        let own = self.own(&doc.collection);
        match (was, written) {
            (false, true) => own.written += 1,
            (true, false) => own.written -= 1,
            (true, true) | (false, false) => {}
        }
        was
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::Record { doc, old, was_written } => {
                // What stood there before fits again: it did.
                let _ = self.own(&doc.collection).table.replace(&doc.key, old);
                self.mark(&doc, was_written);
            }
            Undo::Cleared { collection, was } => self.own(&collection).cleared = was,
        }
    }
}

/// The indexes of a collection over records that are open: what is blind below the seal is not above it.
fn opened_indexes(schema: &Schema, collection: &str) -> Vec<Index> {
    let indexes = schema.get(collection).map_or(&[][..], |declared| &declared.indexes);
    indexes.iter().map(|index| Index { blind: false, ..index.clone() }).collect()
}

/// Secrets are written at once or not at all: a transaction that keeps them in memory would keep them in the clear.
fn refuse_system(collection: &str) -> Result<()> {
    if collection == system::CREDENTIALS {
        return Err(Error::new(
            ErrorKind::InvalidConfig,
            "credentials are no part of a transaction; write them beside it",
        ));
    }
    Ok(())
}
