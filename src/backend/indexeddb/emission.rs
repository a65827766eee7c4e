//! Writing what a group came to.

use std::vec::IntoIter;

use web_sys::{IdbObjectStore, IdbRequest, IdbTransaction};

use super::layout::{Layout, Place};
use super::lookup::Span;
use super::staging::{Appended, Staged, Staging};
use super::write::{add, clear, delete, object_store, replace};
use crate::error::{Error, Result};

/// How many rows are written in one turn. The page is held for about 20 ms by them, and the browser's own work on them
/// takes longer than that, so that it does not wait for the next.
const SLICE: usize = 256;

/// What failed, and the batch to blame, if one is.
pub(super) type Failure = (Option<usize>, Error);

/// A request that writes, for which batch; where it appends, for which of its operations.
pub(super) type Written = (IdbRequest, usize, Option<usize>);

/// What is still to be written.
pub(super) struct Emission {
    rows: IntoIter<Staged>,
    appended: IntoIter<Appended>,
    /// The collection whose row was written last, and its object store.
    store: Option<(String, IdbObjectStore)>,
}

impl Emission {
    /// Begins with what goes: whole collections, and neighbours.
    pub(super) fn begin(
        mut staging: Staging,
        spans: &[Span],
        layout: &Layout,
        transaction: &IdbTransaction,
        written: &mut Vec<Written>,
    ) -> core::result::Result<Self, Failure> {
        // An index that nobody here keeps would be wrong from now on: without its log, it will be built anew.
        let mut void: Vec<String> = Vec::new();
        {
            let mut before = "";
            let changed = staging.changed().map(|doc| &doc.collection);
            for collection in changed.chain(staging.cleared.iter().map(|(collection, _)| collection)) {
                if *collection != before {
                    before = collection;
                    let log = layout.unkept_log(collection).filter(|log| !void.iter().any(|known| known == log));
                    void.extend(log.map(str::to_owned));
                }
            }
        }
        for log in void {
            clear(&layout.place(&log), transaction).map_err(|error| (None, error))?;
        }
        for (collection, batch) in &staging.cleared {
            clear(&layout.place(collection), transaction).map_err(|error| (Some(*batch), error))?;
        }
        for span in spans {
            for sweep in span.sweeps(&mut staging) {
                let request = delete(&layout.place(&sweep.collection), transaction, &sweep.range);
                written.push((request.map_err(|error| (Some(sweep.batch), error))?, sweep.batch, None));
            }
        }
        let (rows, appended) = staging.into_parts();
        Ok(Self { rows: rows.into_iter(), appended: appended.into_iter(), store: None })
    }

    /// Writes a slice of it; answers whether there is more.
    pub(super) fn slice(
        &mut self,
        layout: &Layout,
        transaction: &IdbTransaction,
        written: &mut Vec<Written>,
    ) -> core::result::Result<bool, Failure> {
        let most = written.len() + SLICE;
        while written.len() < most {
            let Some(row) = self.rows.next() else { break };
            let Some(batch) = row.author else { continue };
            let place = layout.place(&row.doc.collection);
            let request = self.store(&row.doc.collection, &place, transaction);
            let request = request.and_then(|store| replace(&place, &store, &row.doc.key, row.record.as_ref()));
            let named = |error: Error| error.with("collection", &row.doc.collection).with("key", row.doc.key.to_text());
            written.push((request.map_err(|error| (Some(batch), named(error)))?, batch, None));
        }
        while written.len() < most {
            let Some(append) = self.appended.next() else { return Ok(false) };
            let request = add(&layout.place(&append.collection), transaction, append.body, append.now);
            written.push((request.map_err(|error| (Some(append.batch), error))?, append.batch, Some(append.op)));
        }
        Ok(true)
    }

    /// The object store of a collection; rows of one mostly follow each other.
    fn store(&mut self, collection: &str, place: &Place<'_>, transaction: &IdbTransaction) -> Result<IdbObjectStore> {
        match &self.store {
            Some((known, store)) if known == collection => Ok(store.clone()),
            _ => {
                let store = object_store(transaction, place)?;
                self.store = Some((collection.to_owned(), store.clone()));
                Ok(store)
            }
        }
    }
}
