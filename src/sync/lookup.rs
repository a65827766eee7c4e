//! Where documents stand: their records, or their tombstones.

use super::merge::Local;
use crate::backend::Backend;
use crate::error::Result;
use crate::model::{Doc, Key, Precondition, Record, Replica};

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
    /// The record, or the tombstone's.
    pub(crate) fn record(&self) -> Option<&Record> {
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
        self.record().map(|record| Local::of(record, matches!(self, Self::Deleted(_))))
    }

    /// What must hold for it to be as it was read.
    pub(crate) fn precondition(&self) -> Precondition {
        if mutant!("a-merge-has-no-precondition") {
            return Precondition::None;
        }
        self.record().map_or(Precondition::Absent, |record| {
            let version = record.meta.version;
            match record.meta.replica {
                Some(replica) => Precondition::Unmoved { version, stamp: replica.hlc },
                None => Precondition::Version(version),
            }
        })
    }
}

/// Reads documents, in their order.
pub(crate) async fn lookup(backend: &dyn Backend, docs: &[Doc]) -> Result<Vec<Standing>> {
    let live = read(backend, docs).await?;
    let missing: Vec<Doc> =
        docs.iter().zip(&live).filter(|(_, found)| found.is_none()).map(|(doc, _)| doc.tombstone()).collect();
    let mut tombstones = read(backend, &missing).await?.into_iter();
    let standing = |live: Option<Record>| match live {
        Some(record) => Standing::Live(record),
        None => tombstones.next().flatten().map_or(Standing::Absent, Standing::Deleted),
    };
    Ok(live.into_iter().map(standing).collect())
}

/// Reads records, in the order of the documents; those of one collection at once.
async fn read(backend: &dyn Backend, docs: &[Doc]) -> Result<Vec<Option<Record>>> {
    let mut found: Vec<Option<Record>> = docs.iter().map(|_| None).collect();
    let mut collections: Vec<&str> = Vec::new();
    for doc in docs {
        if collections.contains(&doc.collection.as_str()) {
            continue;
        }
        collections.push(&doc.collection);
        let of_it = |other: &&Doc| other.collection == doc.collection;
        let keys: Vec<Key> = docs.iter().filter(of_it).map(|doc| doc.key.clone()).collect();
        let mut records = backend.get(&doc.collection, &keys).await?.into_iter();
        for (_, slot) in docs.iter().zip(&mut found).filter(|(doc, _)| of_it(doc)) {
            *slot = records.next().flatten();
        }
    }
    Ok(found)
}
