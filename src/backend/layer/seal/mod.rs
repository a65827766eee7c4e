//! Seals the records of encrypted collections on their way down, and opens them on their way up.

mod blind;
#[cfg(test)]
mod tests;
mod value;

pub(crate) use blind::{state, tagged};

use core::cell::RefCell;
use core::fmt;
use std::borrow::Cow;
use std::rc::Rc;

use super::turns::Turns;

use crate::backend::{Backend, LocalFuture, Read, Row, Scan, Source};
use crate::crypto::Keyring;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Body, CommitReceipt, Content, Doc, Key, KeyRange, Put, Record, Register, Schema, Secrecy, Verify, WriteBatch,
    WriteOp, system, would_bare,
};
use crate::platform::Payload;
use blind::Lookup;

/// A backend that keeps encrypted collections sealed.
///
/// # Behavior
///
/// - What is sealed is bound to its database, collection and key: swapped rows do not open.
/// - A secret that was put there unsealed is refused.
/// - Sealing happens before the backend is called, so no transaction waits for it.
/// - Commits reach the backend in the order in which they were made, however long sealing takes; and what is called
///   after them, closing too, comes after them.
/// - An entry of another collection is sealed where its write says so. A later write that says nothing leaves it sealed:
///   the backend refuses, in its own transaction, to put a clear value in the place of a sealed one, and this layer seals
///   the value then and commits again.
/// - Keys, tags, times and metadata stay in the clear.
/// - A scan for [`Read::Meta`] opens nothing, and so needs no key, unless it is of a blind index.
/// - With what is sealed go its tags in the blind indexes of its collection. Of such an index one key at a time can be
///   looked up: its tag is, and the records found are opened.
///
/// # Errors
///
/// `INVALID_QUERY` for a range of a blind index; `LOCKED` without an open key; `KEY_MISSING`, `DECRYPTION_FAILED`, `CORRUPTED` for what does not open.
pub struct Seal {
    inner: Rc<dyn Backend>,
    schema: Rc<Schema>,
    keyring: Rc<Keyring>,
    database: String,
    turns: Turns,
    /// The collections in which a write met a sealed entry and did not say what is to become of it.
    mixed: RefCell<Vec<String>>,
}

/// How often a write is made again that meets sealed entries while others seal them.
const ATTEMPTS: usize = 16;

impl Seal {
    /// Seals what goes into `inner` under the keys of `keyring`.
    #[must_use]
    pub fn new(inner: Rc<dyn Backend>, schema: Rc<Schema>, keyring: Rc<Keyring>) -> Self {
        let database = inner.facts().name;
        Self { inner, schema, keyring, database, turns: Turns::default(), mixed: RefCell::default() }
    }

    fn is_to_seal(&self, op: &WriteOp) -> bool {
        match op {
            WriteOp::Put(Put { collection, secrecy, content: Content::Replace(Body::Clear(_)), .. }) => {
                *secrecy == Secrecy::Sealed || self.schema.encrypted(collection)
            }
            _ => false,
        }
    }

    /// Whether a write may meet an entry that is sealed, and is to leave it so.
    fn may_meet_sealed(&self, op: &WriteOp) -> bool {
        let WriteOp::Put(put) = op else { return false };
        put.secrecy == Secrecy::Kept
            && matches!(put.content, Content::Replace(Body::Clear(_)))
            && !system::is_own(&put.collection)
            && !self.schema.encrypted(&put.collection)
    }

    fn is_mixed(&self, op: &WriteOp) -> bool {
        self.mixed.borrow().iter().any(|collection| collection == op.collection())
    }

    /// Seals what is to be sealed, and commits, in the order of the calls.
    async fn commit_sealed(&self, mut batch: WriteBatch) -> Result<CommitReceipt> {
        let waits = |op: &WriteOp| self.is_to_seal(op) || self.is_mixed(op) || self.is_of_tags(op);
        let again = batch.ops.iter().any(|op| self.may_meet_sealed(op)).then(|| batch.clone());
        let outcome = if self.turns.are_free() && !batch.ops.iter().any(waits) {
            self.inner.commit(batch).await
        } else {
            let turn = self.turns.take().await;
            let follows = batch.ops.iter().any(|op| self.may_meet_sealed(op) && self.is_mixed(op));
            let follows = follows && self.follow(&mut batch, None).await?;
            self.seal(&mut batch).await.map_err(|error| error.during("commit"))?;
            if follows {
                // It may have to be made again, before the next.
                let outcome = self.inner.commit(batch).await;
                drop(turn);
                outcome
            } else {
                turn.begin(self.inner.commit(batch)).await
            }
        };
        match (outcome, again) {
            (Err(error), Some(again)) if would_bare(&error) => self.commit_again(again, error).await,
            (outcome, _) => outcome,
        }
    }

    /// Commits what was refused since it met sealed entries and did not say what is to become of them: they stay sealed.
    async fn commit_again(&self, batch: WriteBatch, mut refused: Error) -> Result<CommitReceipt> {
        let _turn = self.turns.take().await;
        for _ in 0..ATTEMPTS {
            let told =
                |name| refused.context().iter().find(|(other, _)| *other == name).map(|(_, value)| value.clone());
            let met = told("collection").zip(told("key"));
            if let Some((collection, _)) = &met {
                let mut mixed = self.mixed.borrow_mut();
                if !mixed.contains(collection) {
                    mixed.push(collection.clone());
                }
            }
            let mut attempt = batch.clone();
            self.follow(&mut attempt, met).await?;
            self.seal(&mut attempt).await.map_err(|error| error.during("commit"))?;
            match self.inner.commit(attempt).await {
                Err(error) if would_bare(&error) => refused = error,
                outcome => return outcome,
            }
        }
        Err(refused)
    }

    /// Has the writes to sealed entries that do not say otherwise seal them again, and to the one that was `met`.
    /// Answers whether there are any.
    async fn follow(&self, batch: &mut WriteBatch, met: Option<(String, String)>) -> Result<bool> {
        let (mut register, mut sealed) = (Register::default(), Vec::<bool>::new());
        for op in batch.ops.iter().filter(|op| self.may_meet_sealed(op)) {
            let WriteOp::Put(put) = op else { continue };
            if register.add(&Doc::new(put.collection.as_str(), put.key.clone())) {
                let found = self.inner.get(&put.collection, core::slice::from_ref(&put.key)).await?;
                let stored = found.first().and_then(Option::as_ref);
                let known = met
                    .as_ref()
                    .is_some_and(|(collection, key)| *collection == put.collection && *key == put.key.to_text());
                sealed.push(known || stored.is_some_and(|record| matches!(record.body, Body::Sealed(_))));
            }
        }
        let mut follows = false;
        for op in &mut batch.ops {
            let (doc, becomes) = match op {
                WriteOp::Put(put) => (Doc::new(put.collection.as_str(), put.key.clone()), put.secrecy),
                WriteOp::Delete(delete) => (Doc::new(delete.collection.as_str(), delete.key.clone()), Secrecy::Clear),
                _ => continue,
            };
            let Some(state) = register.number(&doc).and_then(|number| sealed.get_mut(number)) else { continue };
            match (becomes, op) {
                (Secrecy::Kept, WriteOp::Put(put)) if *state && matches!(put.content, Content::Replace(_)) => {
                    (put.secrecy, follows) = (Secrecy::Sealed, true);
                }
                (Secrecy::Kept, _) => {}
                (becomes, _) => *state = becomes == Secrecy::Sealed,
            }
        }
        Ok(follows)
    }

    async fn seal(&self, batch: &mut WriteBatch) -> Result<()> {
        let mut values = Vec::new();
        for op in batch.ops.iter().filter(|op| self.is_to_seal(op)) {
            if let WriteOp::Put(Put { collection, key, content: Content::Replace(Body::Clear(payload)), .. }) = op {
                values.push((value::place(&self.database, collection, &key.to_text())?, payload));
            }
        }
        let sealed = value::seal_all(&self.keyring, &values).await?;
        let mut sealed = sealed.into_iter();
        let mut untagged = Vec::new();
        for op in &mut batch.ops {
            if let WriteOp::Verify(Verify { collection, source, range, .. }) = op {
                if let Some(lookup) = Lookup::of(&self.keyring, &self.schema, collection, source) {
                    *range = lookup.range(range)?;
                    untagged.push(lookup.none_untagged());
                }
            } else if self.is_to_seal(op)
                && let (WriteOp::Put(put), Some(envelope)) = (op, sealed.next())
            {
                put.blind = self.tags_of(put)?;
                put.content = Content::Replace(Body::Sealed(envelope));
            }
        }
        batch.ops.append(&mut untagged);
        Ok(())
    }

    /// The tags of what a put writes, where its collection has blind indexes.
    fn tags_of(&self, put: &Put) -> Result<Option<Payload>> {
        let declared = self.schema.get(&put.collection).filter(|declared| declared.blind().next().is_some());
        match (declared, &put.content) {
            (Some(declared), Content::Replace(Body::Clear(value))) => {
                tagged(&self.keyring, &put.collection, declared, value).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn is_of_tags(&self, op: &WriteOp) -> bool {
        matches!(op, WriteOp::Verify(Verify { collection, source, .. })
            if Lookup::of(&self.keyring, &self.schema, collection, source).is_some())
    }

    /// Opens the records that are sealed; a secret that is not is refused, for nobody who has the keys wrote it.
    async fn open<'a>(&self, collection: &str, records: impl Iterator<Item = &'a mut Record>) -> Result<()> {
        let sealed = |record: &&mut Record| collection == system::CREDENTIALS || matches!(record.body, Body::Sealed(_));
        let mut records: Vec<&mut Record> = records.filter(sealed).collect();
        let mut envelopes = Vec::with_capacity(records.len());
        for record in &records {
            let Body::Sealed(envelope) = &record.body else {
                return Err(forged().with("collection", collection).with("key", record.key.to_text()));
            };
            envelopes.push((value::place(&self.database, collection, &record.key.to_text())?, envelope));
        }
        let opened = value::open_all(&self.keyring, &envelopes).await.map_err(|(place, error)| {
            let key = records.get(place).map(|record| record.key.to_text()).unwrap_or_default();
            error.with("collection", collection).with("key", key)
        })?;
        let secret = !self.schema.encrypted(collection);
        for (record, value) in records.iter_mut().zip(opened) {
            record.body = Body::Clear(value);
            record.meta.secret = secret;
        }
        Ok(())
    }
}

fn forged() -> Error {
    Error::new(ErrorKind::Corrupted, "the secret lies there unsealed, so somebody else put it there; set it again")
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl Backend for Seal {
    crate::delegate!(inner: facts);
    crate::delegate!(inner after turns: namespaces, close, destroy);

    fn commit(&self, batch: WriteBatch) -> LocalFuture<'_, Result<CommitReceipt>> {
        Box::pin(async move {
            let asked = batch.ops.len();
            let mut receipt = self.commit_sealed(batch).await?;
            receipt.ops.truncate(asked);
            Ok(receipt)
        })
    }

    fn get<'a>(&'a self, collection: &'a str, keys: &'a [Key]) -> LocalFuture<'a, Result<Vec<Option<Record>>>> {
        Box::pin(async move {
            self.turns.over().await;
            let mut records = self.inner.get(collection, keys).await?;
            let found = records.iter_mut().flatten();
            self.open(collection, found).await.map_err(|error| error.during("get"))?;
            Ok(records)
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> LocalFuture<'a, Result<Vec<Row>>> {
        Box::pin(async move {
            self.turns.over().await;
            let lookup = Lookup::of(&self.keyring, &self.schema, &scan.collection, &scan.source);
            let below = match &lookup {
                Some(lookup) => Cow::Owned(lookup.scan(scan).map_err(|error| error.during("scan"))?),
                None => Cow::Borrowed(scan),
            };
            let mut rows = self.inner.scan(&below).await?;
            // Where a record stands in a blind index shows once it is open.
            if scan.read == Read::Records || (scan.read == Read::Meta && lookup.is_some()) {
                let found = rows.iter_mut().filter_map(|row| row.record.as_mut());
                self.open(&scan.collection, found).await.map_err(|error| error.during("scan"))?;
            }
            Ok(rows)
        })
    }

    fn count<'a>(
        &'a self,
        collection: &'a str,
        source: &'a Source,
        range: &'a KeyRange,
    ) -> LocalFuture<'a, Result<u64>> {
        Box::pin(async move {
            self.turns.over().await;
            match Lookup::of(&self.keyring, &self.schema, collection, source) {
                None => self.inner.count(collection, source, range).await,
                Some(lookup) => {
                    let range = lookup.range(range).map_err(|error| error.during("count"))?;
                    self.inner.count(collection, source, &range).await
                }
            }
        })
    }
}
