//! Commits: each operation is applied, and taken back where a later one fails.

use std::rc::Rc;

use litemap::LiteMap;

use super::table::{Table, check_source, is_system};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Acknowledged, CommitReceipt, Key, KeyedOp, Meta, OpReceipt, Record, RowChange, Schema, Verify, WriteBatch, WriteOp,
    apply, system, tombstone_key,
};

type Tables = LiteMap<String, Table>;
/// What stood where, to be put back in reverse.
type Undo = Vec<(String, Key, Option<Rc<Record>>)>;

pub(super) fn commit(tables: &mut Tables, schema: &Schema, capacity: u64, batch: WriteBatch) -> Result<CommitReceipt> {
    for wanted in batch.conditions() {
        verify(tables, schema, wanted)?;
    }
    let mut undo = Undo::new();
    let mut ops = Vec::with_capacity(batch.ops.len());
    let mut work = Work { tables, schema, undo: &mut undo };
    let mut outcome = Ok(());
    for op in batch.ops {
        match work.run(op, batch.now) {
            Ok(receipt) => ops.push(receipt),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    if outcome.is_ok() && !undo.is_empty() {
        outcome = check_capacity(tables, capacity, &undo);
    }
    if let Err(error) = outcome {
        for (collection, key, record) in undo.into_iter().rev() {
            if let Some(table) = tables.get_mut(&collection) {
                // What stood there before fits again: it did.
                let _ = table.replace(&key, record);
            }
        }
        return Err(error);
    }
    Ok(CommitReceipt { ops, durability: Acknowledged::Memory })
}

fn verify(tables: &Tables, schema: &Schema, wanted: &Verify) -> Result<()> {
    check_source(schema, &wanted.collection, &wanted.source)?;
    let table = tables.get(&wanted.collection);
    wanted.check(&table.map(|table| table.seen(&wanted.source, &wanted.range)).unwrap_or_default())
}

struct Work<'a> {
    tables: &'a mut Tables,
    schema: &'a Schema,
    undo: &'a mut Undo,
}

impl Work<'_> {
    fn run(&mut self, op: WriteOp, now: f64) -> Result<OpReceipt> {
        match op {
            WriteOp::Put(put) => self.keyed(&put.collection.clone(), put.key.clone(), KeyedOp::Put(put), now),
            WriteOp::Delete(op) => self.keyed(&op.collection.clone(), op.key.clone(), KeyedOp::Delete(op), now),
            WriteOp::Replicate(op) => self.keyed(&op.collection.clone(), op.key.clone(), KeyedOp::Replicate(op), now),
            WriteOp::Reseal(op) => self.keyed(&op.collection.clone(), op.key.clone(), KeyedOp::Reseal(op), now),
            WriteOp::Clear { collection } => {
                let keys = self.table(&collection).keys();
                let existed = !keys.is_empty();
                for key in keys {
                    self.set(&collection, &key, None)?;
                }
                Ok(OpReceipt::of_many(now, existed))
            }
            // Checked before anything was written.
            WriteOp::Verify(_) => Ok(OpReceipt::of_many(now, false)),
            WriteOp::Append { collection, body } => {
                let key = self.table(&collection).next_number();
                let meta = Meta { version: 1, created: now, modified: now, ..Meta::default() };
                self.set(&collection, &key, Some(Record { key: key.clone(), body, meta }))?;
                Ok(OpReceipt { key, version: 1, modified: now, existed: false })
            }
        }
    }

    fn keyed(&mut self, collection: &str, key: Key, op: KeyedOp, now: f64) -> Result<OpReceipt> {
        let buried = tombstone_key(collection, &key);
        let applied = {
            let record = self.tables.get(collection).and_then(|table| table.get(&key)).map(Rc::as_ref);
            let tombstone = self.tables.get(system::TOMBSTONES).and_then(|table| table.get(&buried)).map(Rc::as_ref);
            apply(op, record, tombstone, now)?
        };
        self.change(collection, &key, applied.record)?;
        self.change(system::TOMBSTONES, &buried, applied.tombstone)?;
        Ok(OpReceipt { key, version: applied.version, modified: now, existed: applied.existed })
    }

    fn change(&mut self, collection: &str, key: &Key, change: RowChange) -> Result<()> {
        match change {
            RowChange::Keep => Ok(()),
            RowChange::Write(record) => self.set(collection, key, Some(record)),
            RowChange::Delete => self.set(collection, key, None),
        }
    }

    fn set(&mut self, collection: &str, key: &Key, record: Option<Record>) -> Result<()> {
        let old = self
            .table(collection)
            .replace(key, record.map(Rc::new))
            .map_err(|error| error.with("collection", collection))?;
        self.undo.push((collection.to_owned(), key.clone(), old));
        Ok(())
    }

    fn table(&mut self, collection: &str) -> &mut Table {
        let schema = self.schema;
        self.tables
            .entry(collection.to_owned())
            .or_insert_with(|| Table::new(schema.get(collection).map_or(&[][..], |declared| &declared.indexes)))
    }
}

/// The application's records count, the system's do not: what waits to be sent is never refused for room.
fn check_capacity(tables: &Tables, capacity: u64, undo: &Undo) -> Result<()> {
    let grew = undo.iter().any(|(collection, _, old)| old.is_none() && !is_system(collection));
    let held: usize = tables.iter().filter(|(name, _)| !is_system(name)).map(|(_, table)| table.len()).sum();
    if !grew || held as u64 <= capacity {
        return Ok(());
    }
    Err(Error::new(ErrorKind::QuotaExceeded, "the memory backend is full; delete entries or raise its capacity")
        .with("capacity", capacity))
}
