//! The tags of blind indexes, made where they are missing: of records that were there before the index, and of those
//! that came from elsewhere.

use core::ops::Bound;

use super::{Collection, DataStore};
use crate::backend::layer::{blind_state, tagged};
use crate::backend::{Position, Scan, Source};
use crate::crypto::{AdditionalData, Envelope};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Body, Collection as Declared, Durability, Fields, Key, KeyRange, Record, Reseal, WriteBatch, WriteOp, system,
};
use crate::platform::{Bytes, Payload, breathe, now};
use crate::query::Plan;

/// How many records are tagged in one commit.
const SLICE: usize = 200;
/// How often the same record is looked at that others write all the time.
const MOST_SPINS: usize = 16;

/// The making of the tags of one collection.
struct Tagging<'a> {
    store: &'a DataStore,
    name: &'a str,
    declared: &'a Declared,
    /// What a record has that has its tags.
    state: Key,
    /// Whether the records of keys were read: another tab or device may have brought a store key.
    learned: bool,
}

impl Collection {
    /// Makes the tags that are missing, where a plan looks something up by tags.
    pub(super) async fn tagged_for(&self, plan: &Plan) -> Result<()> {
        let Some(declared) = self.declared() else { return Ok(()) };
        let by_tags = |source: &Source| declared.blind().any(|index| *source == Source::Index(index.name.clone()));
        if plan.branches.iter().any(|branch| by_tags(&branch.source)) {
            self.store.tag(self.name(), declared).await?;
        }
        Ok(())
    }
}

impl DataStore {
    /// Makes the tags that are missing in every collection with blind indexes.
    ///
    /// # Behavior
    ///
    /// - It goes on where it was broken off: a record that has its tags is passed over.
    /// - Nothing but tags changes, neither versions nor times, and nothing is told or sent. What lies in the clear yet is
    ///   sealed, and has its tags by that.
    ///
    /// # Errors
    ///
    /// `LOCKED`; what a record does not open with; what storage fails with.
    pub async fn tag_all(&self) -> Result<()> {
        for (name, declared) in self.0.schema.collections() {
            if declared.blind().next().is_some() {
                self.tag(name, declared).await?;
            }
        }
        Ok(())
    }

    async fn tag(&self, name: &str, declared: &Declared) -> Result<()> {
        // A transaction's view would keep the tags to itself.
        let store = self.0.parent.as_ref().unwrap_or(self);
        let state = blind_state(&store.0.keyring, name, declared)?;
        let mut tagging = Tagging { store, name, declared, state, learned: false };
        // Whoever writes here tags, so whether there are rows without a state is asked once.
        let asked = store.0.tagged.borrow().contains(&tagging.state);
        if !asked {
            tagging.unmarked().await?;
            store.0.tagged.borrow_mut().push(tagging.state.clone());
        }
        tagging.stale().await
    }
}

impl Tagging<'_> {
    /// Tags all records, where there are some that the index over states does not know.
    async fn unmarked(&mut self) -> Result<()> {
        let backend = &self.store.0.backend;
        let all = backend.count(self.name, &Source::Primary, &KeyRange::all()).await?;
        if all == backend.count(self.name, &by_state(), &KeyRange::all()).await? {
            return Ok(());
        }
        let mut after = None;
        loop {
            let records = self.slice(Scan { after, ..Scan::all(self.name) }).await?;
            let Some(last) = records.last() else { return Ok(()) };
            after = Some(Position { at: last.key.clone(), key: last.key.clone() });
            self.tag(records).await?;
        }
    }

    /// Tags the records that have other tags than those wanted, or none.
    async fn stale(&mut self) -> Result<()> {
        let (mut before, mut spins) = (None, 0);
        loop {
            let ends = [Bound::Unbounded, Bound::Excluded(self.state.clone()), Bound::Unbounded];
            let mut records = Vec::new();
            for pair in ends.windows(2) {
                if let [lower, upper] = pair
                    && records.is_empty()
                {
                    let range = KeyRange { lower: lower.clone(), upper: upper.clone() };
                    records = self.slice(Scan { source: by_state(), range, ..Scan::all(self.name) }).await?;
                }
            }
            // What was tagged is no longer among them; what is, was written meanwhile.
            let Some(first) = records.first().map(|record| record.key.clone()) else { return Ok(()) };
            spins = if before.as_ref() == Some(&first) { spins + 1 } else { 0 };
            if spins > MOST_SPINS {
                return Err(Error::new(ErrorKind::Conflict, "others write all the time what is looked for; try again")
                    .with("collection", self.name)
                    .with("key", first.to_text()));
            }
            before = Some(first);
            self.tag(records).await?;
        }
    }

    async fn slice(&self, scan: Scan) -> Result<Vec<Record>> {
        let rows = self.store.0.backend.scan(&Scan { limit: Some(SLICE), ..scan }).await?;
        Ok(rows.into_iter().filter_map(|row| row.record).collect())
    }

    async fn tag(&mut self, records: Vec<Record>) -> Result<()> {
        let store = &self.store.0;
        if !core::mem::replace(&mut self.learned, true) {
            store.vault.learn().await?;
            self.state = blind_state(&store.keyring, self.name, self.declared)?;
        }
        let (mut ops, mut clear) = (Vec::new(), false);
        for record in records {
            let state = record.meta.blind.as_ref().and_then(|tags| tags.at(system::STATE));
            match &record.body {
                _ if state.and_then(|state| state.scalar().into_key()).as_ref() == Some(&self.state) => {}
                Body::Clear(_) => clear = true,
                Body::Sealed(envelope) => {
                    let refused = |error: Error| error.with("collection", self.name).with("key", record.key.to_text());
                    let value = self.opened(&record.key, envelope).map_err(refused)?;
                    ops.push(WriteOp::Reseal(Reseal {
                        collection: self.name.to_owned(),
                        key: record.key.clone(),
                        head: envelope.first::<{ Envelope::HEADER }>().map(Vec::from).unwrap_or_default(),
                        envelope: None,
                        blind: Some(tagged(&store.keyring, self.name, self.declared, &value)?),
                        replicate: false,
                        keeps_base: false,
                    }));
                }
            }
        }
        if clear {
            self.store.seal_what_lies_clear().await?;
        }
        if !ops.is_empty() {
            store.backend.commit(WriteBatch { ops, durability: Durability::Relaxed, now: now() }).await?;
        }
        breathe().await;
        Ok(())
    }

    fn opened(&self, key: &Key, envelope: &Bytes) -> Result<Payload> {
        let (database, key) = (self.store.facts().name, key.to_text());
        let place = AdditionalData { database: &database, collection: self.name, key: &key, field: "" };
        Payload::from_plaintext(&self.store.0.keyring.open(&place, &envelope.to_vec())?)
    }
}

fn by_state() -> Source {
    Source::Index(system::BLIND.to_owned())
}
