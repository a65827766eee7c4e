//! Where documents stand: their records, or their tombstones.

use std::collections::BTreeMap;

use super::merge::Local;
use crate::backend::Backend;
use crate::error::Result;
use crate::model::{Key, Precondition, Record, Replica, system, tombstone_key};

/// A document: a collection and a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Doc {
    pub(crate) collection: String,
    pub(crate) key: Key,
}

impl Doc {
    pub(crate) fn new(collection: impl Into<String>, key: Key) -> Self {
        Self { collection: collection.into(), key }
    }

    /// Its name in the public interface.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.collection, self.key.to_text())
    }
}

/// What is here of a document.
#[derive(Debug, Clone)]
pub(crate) enum Standing {
    /// A record.
    Live(Record),
    /// A tombstone.
    Deleted(Record),
    /// Nothing.
    Absent,
}

impl Standing {
    fn record(&self) -> Option<&Record> {
        match self {
            Self::Live(record) | Self::Deleted(record) => Some(record),
            Self::Absent => None,
        }
    }

    /// The record, where it is one.
    pub(crate) fn live(&self) -> Option<&Record> {
        match self {
            Self::Live(record) => Some(record),
            Self::Deleted(_) | Self::Absent => None,
        }
    }

    /// Where it stands in replication.
    pub(crate) fn replica(&self) -> Option<Replica> {
        self.record().and_then(|record| record.meta.replica)
    }

    /// The same, standing elsewhere in replication.
    pub(crate) fn with(&self, replica: Replica) -> Self {
        let mut other = self.clone();
        if let Self::Live(record) | Self::Deleted(record) = &mut other {
            record.meta.replica = Some(replica);
        }
        other
    }

    /// How it is merged.
    pub(crate) fn local(&self) -> Option<Local> {
        self.record().map(Local::of)
    }

    /// What must hold for it to be as it was read.
    pub(crate) fn precondition(&self) -> Precondition {
        self.record().map_or(Precondition::Absent, |record| Precondition::Version(record.meta.version))
    }
}

/// Reads documents, in their order.
pub(crate) async fn lookup(backend: &dyn Backend, docs: &[Doc]) -> Result<Vec<Standing>> {
    let mut by_collection: BTreeMap<&str, (Vec<usize>, Vec<Key>)> = BTreeMap::new();
    for (at, doc) in docs.iter().enumerate() {
        let (places, keys) = by_collection.entry(&doc.collection).or_default();
        places.push(at);
        keys.push(doc.key.clone());
    }
    let mut found: Vec<Standing> = docs.iter().map(|_| Standing::Absent).collect();
    for (collection, (places, keys)) in by_collection {
        let records = backend.get(collection, &keys).await?;
        for (place, record) in places.into_iter().zip(records) {
            if let (Some(slot), Some(record)) = (found.get_mut(place), record) {
                *slot = Standing::Live(record);
            }
        }
    }
    let missing: Vec<(usize, Key)> = docs
        .iter()
        .enumerate()
        .filter(|(at, _)| matches!(found.get(*at), Some(Standing::Absent)))
        .map(|(at, doc)| (at, tombstone_key(&doc.collection, &doc.key)))
        .collect();
    if missing.is_empty() {
        return Ok(found);
    }
    let keys: Vec<Key> = missing.iter().map(|(_, key)| key.clone()).collect();
    let tombstones = backend.get(system::TOMBSTONES, &keys).await?;
    for ((place, _), tombstone) in missing.into_iter().zip(tombstones) {
        if let (Some(slot), Some(tombstone)) = (found.get_mut(place), tombstone) {
            *slot = Standing::Deleted(tombstone);
        }
    }
    Ok(found)
}
