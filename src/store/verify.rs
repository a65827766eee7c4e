//! Verifying: every record is read, and what the system keeps beside records is compared with them.

use core::fmt;
use core::ops::Bound;

use super::{DataStore, Gate};
use crate::backend::{LocalFuture, Position, Read, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Body, Delete, Doc, Durability, Index, Key, KeyRange, Precondition, Record, WriteBatch, WriteOp, sorted_names,
    system,
};
use crate::platform::now;
use crate::sync::outbox;

/// How many records are read at a time.
const SLICE: usize = 256;

/// How a walk over every record goes.
pub struct Walk<'a> {
    /// Whether it is still wanted.
    pub gate: &'a Gate,
    /// Told how many records of how many were read.
    pub progress: &'a dyn Fn(u64, u64),
    /// Lets others have a turn, between slices.
    pub pause: &'a dyn Fn() -> LocalFuture<'static, ()>,
}

impl fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("gate", &self.gate).finish_non_exhaustive()
    }
}

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Of each collection and namespace, and of the secrets.
    pub collections: Vec<Inspected>,
    /// Rows of the outbox.
    pub outbox: u64,
    /// Rows of the outbox that name nothing that waits to be sent.
    pub orphaned: u64,
    /// Rows of the outbox that cannot be read.
    pub damaged: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Tombstones of records that are there.
    pub beside_live: u64,
    /// What was done about it, where that was asked for.
    pub repaired: Option<Repaired>,
}

/// What verifying found of one collection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inspected {
    /// Its name.
    pub name: String,
    /// How many records it has, those whose time is over among them.
    pub records: u64,
    /// The records that are not what was written.
    pub corrupted: Vec<Key>,
    /// How many sealed records were not opened, for want of their key.
    pub unopened: u64,
    /// How many are over and not yet removed.
    pub expired: u64,
    /// The indexes that disagree with the records.
    pub indexes: Vec<Disagreement>,
}

/// An index that disagrees with the records of its collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Its name.
    pub name: String,
    /// How many entries it has.
    pub entries: u64,
    /// How many the records ask for.
    pub wanted: u64,
}

/// What a repair did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Records removed since their time was over.
    pub expired: u64,
    /// Rows of the outbox dropped that named nothing that waits to be sent.
    pub orphaned: u64,
    /// Tombstones dropped of records that are there.
    pub tombstones: u64,
}

impl Findings {
    /// Whether nothing is wrong. Records that are over are not: they wait for the sweeper.
    #[must_use]
    pub fn sound(&self) -> bool {
        let collections = self.collections.iter().all(|one| one.corrupted.is_empty() && one.indexes.is_empty());
        collections && self.orphaned == 0 && self.damaged == 0 && self.beside_live == 0
    }
}

/// Whether a failure to read is one record's own.
fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupted | ErrorKind::DecryptionFailed | ErrorKind::SerializationError)
}

/// Whether a failure to read is that of a key which is not here.
fn is_unopened(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Locked | ErrorKind::KeyMissing)
}

impl DataStore {
    /// Reads every record, slice by slice, and tells what does not fit together.
    ///
    /// # Behavior
    ///
    /// - What was written stays: nothing is changed by verifying.
    /// - Records are written meanwhile as ever. What seems to disagree is looked at twice.
    ///
    /// # Errors
    ///
    /// `ABORTED` at the gate; what the backend fails with, but for damage, which is a finding.
    pub async fn verify(&self, walk: &Walk<'_>) -> Result<Findings> {
        let mut names = self.list_namespaces().await?;
        names.push(system::CREDENTIALS.to_owned());
        let mut total = 0;
        for name in &names {
            total += self.0.backend.count(name, &Source::Primary, &KeyRange::all()).await?;
        }
        (walk.progress)(0, total);
        let (mut findings, mut done) = (Findings::default(), 0);
        for name in sorted_names(names) {
            let mut inspected = self.inspect(&name, walk, &|read| (walk.progress)(done + read, total)).await?;
            if !inspected.indexes.is_empty() {
                inspected = self.inspect(&name, walk, &|_| ()).await?;
            }
            done += inspected.records;
            findings.collections.push(inspected);
        }
        let audit = outbox::audit(&*self.0.backend).await?;
        (findings.outbox, findings.damaged, findings.orphaned) =
            (audit.rows, audit.damaged, audit.orphaned.len() as u64);
        let beside_live = self.tombstones_beside_live(&mut findings.tombstones).await?;
        findings.beside_live = beside_live.len() as u64;
        Ok(findings)
    }

    /// Verifies, and mends what can be mended without losing anything: removes what is over, drops rows of the outbox
    /// that name nothing pending, and tombstones of records that are there. A corrupted record stays, and is told.
    ///
    /// # Errors
    ///
    /// As [`DataStore::verify`].
    pub async fn repair(&self, walk: &Walk<'_>) -> Result<Findings> {
        let mut findings = self.verify(walk).await?;
        walk.gate.pass()?;
        let mut repaired = Repaired { expired: self.0.space.sweep(now()).await? as u64, ..Repaired::default() };
        let rows = outbox::audit(&*self.0.backend).await?.orphaned;
        for rows in rows.chunks(SLICE) {
            self.mend(rows.iter().map(|row| outbox::remove(*row)).collect()).await?;
            repaired.orphaned += rows.len() as u64;
        }
        let mut seen = 0;
        for tombstone in self.tombstones_beside_live(&mut seen).await? {
            let delete = Delete {
                precondition: Precondition::Version(tombstone.meta.version),
                ..Delete::new(system::TOMBSTONES, tombstone.key)
            };
            match self.mend(vec![WriteOp::Delete(delete)]).await {
                Ok(()) => repaired.tombstones += 1,
                // The record was deleted again meanwhile: then the tombstone is right.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        findings.repaired = Some(repaired);
        Ok(findings)
    }

    async fn mend(&self, ops: Vec<WriteOp>) -> Result<()> {
        let batch = WriteBatch { ops, durability: Durability::Strict, now: now() };
        self.0.backend.commit(batch).await.map(drop)
    }

    /// Reads a whole collection.
    async fn inspect(&self, name: &str, walk: &Walk<'_>, progress: &dyn Fn(u64)) -> Result<Inspected> {
        let declared = self.0.schema.get(name);
        let indexes: &[Index] = declared.map_or(&[], |declared| &declared.indexes);
        let guarded = self.0.schema.encrypted(name) || declared.is_some_and(|declared| declared.checksum);
        let mut found = Inspected { name: name.to_owned(), ..Inspected::default() };
        let mut wanted: Vec<u64> = indexes.iter().map(|_| 0).collect();
        let (mut after, mut whole) = (None, true);
        loop {
            walk.gate.pass()?;
            let scan = Scan { after: after.clone(), limit: Some(SLICE), read: Read::Keys, ..Scan::all(name) };
            let keys: Vec<Key> = self.0.backend.scan(&scan).await?.into_iter().map(|row| row.key).collect();
            let Some(last) = keys.last().cloned() else { break };
            for record in self.readable(name, &keys, &mut found.corrupted).await? {
                whole &= record.is_some();
                let Some(record) = record else { continue };
                for (index, wanted) in indexes.iter().zip(&mut wanted) {
                    *wanted += index.entries_of(&record).len() as u64;
                }
            }
            if guarded {
                self.open(name, &keys, &mut found).await?;
            }
            found.records += keys.len() as u64;
            progress(found.records);
            if keys.len() < SLICE {
                break;
            }
            after = Some(Position { at: last.clone(), key: last });
            (walk.pause)().await;
        }
        let over = KeyRange { lower: Bound::Unbounded, upper: Bound::Included(Key::Number(now())) };
        found.expired = self.0.backend.count(name, &Source::Expiring, &over).await?;
        // What cannot be read asks for entries that nobody knows.
        for (index, wanted) in indexes.iter().zip(wanted).filter(|_| whole) {
            let entries = self.0.backend.count(name, &Source::Index(index.name.clone()), &KeyRange::all()).await?;
            if entries != wanted {
                found.indexes.push(Disagreement { name: index.name.clone(), entries, wanted });
            }
        }
        Ok(found)
    }

    /// The rows of some keys as they lie; none where a row cannot be read, whose key is then noted, or is gone.
    async fn readable(&self, name: &str, keys: &[Key], corrupted: &mut Vec<Key>) -> Result<Vec<Option<Record>>> {
        match self.0.backend.get(name, keys).await {
            Err(error) if is_damage(&error) => {}
            read => return read,
        }
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            match self.0.backend.get(name, core::slice::from_ref(key)).await {
                Ok(mut read) => records.push(read.pop().flatten()),
                Err(error) if is_damage(&error) => {
                    corrupted.push(key.clone());
                    records.push(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }

    /// Reads records as the application does, to see whether they open and fit their checksums.
    async fn open(&self, name: &str, keys: &[Key], found: &mut Inspected) -> Result<()> {
        match self.0.stack.get(name, keys).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Locked => {
                found.unopened += keys.len() as u64;
                return Ok(());
            }
            Err(error) if is_damage(&error) || is_unopened(&error) => {}
            Err(error) => return Err(error),
        }
        for key in keys.iter().filter(|key| !found.corrupted.contains(key)).cloned().collect::<Vec<_>>() {
            match self.0.stack.get(name, core::slice::from_ref(&key)).await {
                Ok(_) => {}
                Err(error) if is_unopened(&error) => found.unopened += 1,
                Err(error) if is_damage(&error) => found.corrupted.push(key),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The tombstones of records that are there; `seen` counts all.
    async fn tombstones_beside_live(&self, seen: &mut u64) -> Result<Vec<Record>> {
        let (mut beside, mut after) = (Vec::new(), None);
        loop {
            let scan = Scan { after, limit: Some(SLICE), read: Read::Meta, ..Scan::all(system::TOMBSTONES) };
            let rows = self.0.backend.scan(&scan).await?;
            let more = rows.len() == SLICE;
            after = rows.last().map(|row| Position { at: row.key.clone(), key: row.key.clone() });
            for tombstone in rows.into_iter().filter_map(|row| row.record) {
                *seen += 1;
                if let Some(doc) = buried(&tombstone.key)
                    && !self.0.backend.scan(&only(&doc)).await?.is_empty()
                {
                    beside.push(Record { body: Body::Sealed(Vec::new().into()), ..tombstone });
                }
            }
            if !more {
                return Ok(beside);
            }
        }
    }
}

/// The record whose tombstone this is the key of.
fn buried(key: &Key) -> Option<Doc> {
    let Key::Array(parts) = key else { return None };
    let [Key::String(collection), key] = parts.as_slice() else { return None };
    Some(Doc::new(collection.as_str(), key.clone()))
}

fn only(doc: &Doc) -> Scan {
    Scan { range: KeyRange::only(doc.key.clone()), limit: Some(1), read: Read::Keys, ..Scan::all(&*doc.collection) }
}
