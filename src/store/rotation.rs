//! Rotation: everything that is sealed is sealed again under a new data key, while reads and writes go on.

use core::ops::Bound;

use super::keys::without;
use super::{Credentials, Gate};
use crate::backend::Scan;
use crate::crypto::{AdditionalData, Envelope, KeyId};
use crate::error::{Error, ErrorKind, Result};
use crate::json::ToJson;
use crate::model::{Body, Delete, Durability, Key, KeyRange, Put, Record, Reseal, WriteBatch, WriteOp, system};
use crate::platform::{Bytes, breathe, now, random};
use crate::sync::{row_body, row_object};

/// The row of [`system::SYNC`] that says that a rotation is under way.
const MARK: &str = "rotation";
/// How many records a slice has at most.
const SLICE: usize = 200;
/// About how many bytes a slice has.
const SLICE_BYTES: usize = 1 << 20;
/// How often everything is looked through for what others sealed under a former key meanwhile.
const MOST_PASSES: usize = 16;

/// What the mark says: nothing but that it is there. What is left to do shows in the records themselves.
struct Mark;

impl ToJson for Mark {
    fn to_json(&self) -> String {
        row_object().finish()
    }
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// How many records of those are done: sealed again, or deleted or written anew by others.
    pub done: u64,
    /// How many records were sealed under another key than the current one when it began, or went on.
    pub total: u64,
}

/// A rotation under way.
struct Rotation<'a> {
    credentials: &'a Credentials,
    told: &'a dyn Fn(Rotated),
    gate: &'a Gate,
    rotated: Rotated,
    /// Why the first of the records does not open that do not.
    refused: Option<Error>,
}

impl Credentials {
    /// Makes a new data key, and seals everything again under it; where a rotation was begun before and not ended, goes
    /// on with that one.
    ///
    /// # Behavior
    ///
    /// - The new key and the mark of the rotation are stored in one commit, read back and used, before anything is sealed
    ///   under it.
    /// - Records are sealed again in slices, each in one commit that fails for nobody; a record that is written or
    ///   deleted meanwhile is left to whoever did. At the end everything is looked through again.
    /// - A crash, or calling it off, at any step loses nothing: every record opens under the key that it names. The rotation
    ///   goes on from there.
    /// - For an application no record was written: versions and times stay, and no change is told. What replicates is
    ///   sent again.
    /// - Former data keys stay, for reading: another device, tab or copy may hold records that name them.
    /// - `told` hears the state at the beginning, after each slice, and at the end. `done` never falls nor exceeds `total`;
    ///   at the end they are equal, but for records that do not open.
    ///
    /// # Errors
    ///
    /// `LOCKED`, also where the keys are locked meanwhile; `ABORTED` where it was called off; what storage fails with.
    /// Where a record does not open, everything else is done first, and then the error is that record's.
    pub async fn rotate(&self, told: &dyn Fn(Rotated), gate: &Gate) -> Result<()> {
        let rotating = async {
            gate.pass()?;
            if self.locked() {
                return Err(Error::new(ErrorKind::Locked, "the keys are locked; unlock them first"));
            }
            self.store.0.vault.learn().await?;
            if !self.rotating().await? {
                self.begin_rotation().await?;
            }
            self.seal_again(told, gate).await
        };
        rotating.await.map_err(|error| error.during("rotate"))
    }

    /// Goes on with a rotation that was begun and not ended; answers whether there was one.
    ///
    /// # Errors
    ///
    /// Those of [`rotate`](Credentials::rotate).
    pub async fn go_on_rotating(&self, gate: &Gate) -> Result<bool> {
        if self.locked() || !self.rotating().await? {
            return Ok(false);
        }
        self.store.0.vault.learn().await?;
        self.seal_again(&|_| (), gate).await.map_err(|error| error.during("rotate"))?;
        Ok(true)
    }

    /// Opens the data keys that came since the unlocking: another tab's, or by sync.
    ///
    /// # Errors
    ///
    /// What storage fails with.
    pub async fn learn_keys(&self) -> Result<()> {
        self.store.0.vault.learn().await.map(drop)
    }

    /// Whether a rotation was begun and not ended.
    pub(super) async fn rotating(&self) -> Result<bool> {
        Ok(self.store.0.backend.get(system::SYNC, &[Key::from(MARK)]).await?.iter().any(Option::is_some))
    }

    async fn begin_rotation(&self) -> Result<()> {
        let new = self.store.0.keyring.next_data_key(&mut |bytes| random(bytes))?;
        let undo = without(&new).into_iter().chain([unmark()]).collect();
        self.store.keep(new, vec![mark()?], &[], undo).await
    }

    pub(super) async fn seal_again(&self, told: &dyn Fn(Rotated), gate: &Gate) -> Result<()> {
        let mut rotation =
            Rotation { credentials: self, told, gate, rotated: Rotated { done: 0, total: 0 }, refused: None };
        rotation.run().await?;
        let batch = WriteBatch { ops: vec![unmark()], durability: Durability::Strict, now: now() };
        self.store.0.backend.commit(batch).await?;
        rotation.refused.map_or(Ok(()), Err)
    }
}

pub(super) fn mark() -> Result<WriteOp> {
    Ok(WriteOp::Put(Put::new(system::SYNC, Key::from(MARK), row_body(&Mark)?)))
}

pub(super) fn unmark() -> WriteOp {
    WriteOp::Delete(Delete::new(system::SYNC, Key::from(MARK)))
}

/// What is to be done for one slice.
struct Slice {
    records: Vec<Record>,
    /// The key of the last row; none at the end.
    last: Option<Key>,
    bytes: usize,
}

impl Rotation<'_> {
    async fn run(&mut self) -> Result<()> {
        let names = self.names().await?;
        for name in &names {
            self.rotated.total += self.each(name, Step::Count).await?;
        }
        (self.told)(self.rotated);
        let (mut passes, mut found) = (0, 1);
        while found > 0 {
            if passes == MOST_PASSES {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "others go on sealing under a former key; close other tabs, and rotate again",
                ));
            }
            (passes, found) = (passes + 1, 0);
            self.refused = None;
            for name in &names {
                found += self.each(name, Step::Seal).await?;
            }
        }
        if self.refused.is_none() {
            self.rotated.done = self.rotated.total;
        }
        (self.told)(self.rotated);
        Ok(())
    }

    /// Everything that may hold something sealed: any entry may.
    async fn names(&self) -> Result<Vec<String>> {
        let store = &self.credentials.store;
        let mut names = store.0.backend.namespaces().await?;
        names.extend(store.0.schema.collections().map(|(name, _)| name.to_owned()));
        names.push(system::CREDENTIALS.to_owned());
        Ok(names)
    }

    /// Takes a step for each record that is sealed under another key than the current one; answers how many there were.
    async fn each(&mut self, name: &str, step: Step) -> Result<u64> {
        let (mut found, mut after, mut limit) = (0, Bound::Unbounded, SLICE / 8);
        loop {
            self.gate.pass()?;
            let Some(current) = self.credentials.store.0.keyring.current() else {
                return Err(Error::new(
                    ErrorKind::Locked,
                    "the keys were locked; the rotation goes on once they are open",
                ));
            };
            let slice = self.slice(name, after, limit, current).await?;
            let Some(last) = slice.last else { return Ok(found) };
            limit = (limit * SLICE_BYTES / slice.bytes.max(1)).clamp(1, SLICE);
            after = Bound::Excluded(last);
            found += match step {
                Step::Count => slice.records.len() as u64,
                Step::Seal => self.seal(name, slice.records).await?,
            };
            breathe().await;
        }
    }

    async fn slice(&self, name: &str, after: Bound<Key>, limit: usize, current: KeyId) -> Result<Slice> {
        let range = KeyRange { lower: after, upper: Bound::Unbounded };
        let scan = Scan { range, limit: Some(limit), ..Scan::all(name) };
        let rows = self.credentials.store.0.backend.scan(&scan).await?;
        let mut slice = Slice { records: Vec::new(), last: rows.last().map(|row| row.key.clone()), bytes: 0 };
        for record in rows.into_iter().filter_map(|row| row.record) {
            let Body::Sealed(envelope) = &record.body else { continue };
            slice.bytes += envelope.len();
            if key_of(envelope) != Some(current) {
                slice.records.push(record);
            }
        }
        Ok(slice)
    }

    /// Seals records again, in one commit; answers how many there were that open.
    async fn seal(&mut self, name: &str, records: Vec<Record>) -> Result<u64> {
        if records.is_empty() {
            return Ok(0);
        }
        let store = &self.credentials.store;
        store.0.vault.count_ahead(records.len() as u64).await?;
        let mut ops = Vec::with_capacity(records.len());
        for record in &records {
            match self.sealed_again(name, record) {
                Ok(op) => ops.push(op),
                Err(error) if error.kind() == ErrorKind::KeyMissing && store.0.vault.learn().await? => {
                    ops.push(self.sealed_again(name, record)?);
                }
                Err(error) if error.kind() == ErrorKind::Locked => return Err(error),
                Err(error) => {
                    let error = error.with("collection", name).with("key", record.key.to_text());
                    self.refused.get_or_insert(error);
                }
            }
        }
        let found = ops.len() as u64;
        if found > 0 {
            let batch = WriteBatch { ops, durability: store.0.durability, now: now() };
            store.0.stack.commit(batch).await?;
        }
        let Rotated { done, total } = self.rotated;
        self.rotated.done = (done + found).min(total);
        (self.told)(self.rotated);
        Ok(found)
    }

    fn sealed_again(&self, name: &str, record: &Record) -> Result<WriteOp> {
        let Body::Sealed(envelope) = &record.body else {
            return Err(Error::new(ErrorKind::Corrupted, "what was sealed is no longer"));
        };
        let store = &self.credentials.store;
        let (database, key) = (store.facts().name, record.key.to_text());
        let place = AdditionalData { database: &database, collection: name, key: &key, field: "" };
        let opened = store.0.keyring.open(&place, &envelope.to_vec())?;
        let sealed = store.0.keyring.seal(&place, &opened, &mut |bytes| random(bytes))?;
        Ok(WriteOp::Reseal(Reseal {
            collection: name.to_owned(),
            key: record.key.clone(),
            head: envelope.first::<{ Envelope::HEADER }>().map(Vec::from).unwrap_or_default(),
            envelope: Some(sealed.into()),
            blind: None,
            replicate: false,
            keeps_base: false,
        }))
    }
}

/// The key that an envelope names; none where it is no envelope that this version knows.
fn key_of(envelope: &Bytes) -> Option<KeyId> {
    Some(Envelope::parse_head(&envelope.first::<{ Envelope::HEADER }>()?).ok()?.key_id)
}

/// What a look at everything is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// To know how much there is.
    Count,
    /// To seal it again.
    Seal,
}
