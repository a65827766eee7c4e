//! What a transaction sees: the stack, and what was written over it.

use core::ops::Bound;

use super::buffer::Below;
use super::merge::Order;
use super::{Overlay, SharedBuffer};
use crate::backend::memory::{check_source, is_system};
use crate::backend::{Direction, Read, Row, Scan, Source};
use crate::error::Result;
use crate::model::{Body, Content, Doc, Key, KeyRange, Precondition, Record, Seen, Verify, WriteOp, sorted_names};
use crate::platform::Payload;

impl Overlay {
    /// Reads what the operations of a batch depend on and the transaction has not written itself.
    pub(super) async fn look_below(&self, ops: &[WriteOp]) -> Result<Below> {
        let mut below = Below::default();
        let layers = self.others();
        let mut wanted: Vec<Wanted> = Vec::new();
        for op in ops {
            let (collection, key, told, whole) = match op {
                WriteOp::Put(put) => {
                    let whole = matches!(put.content, Content::Keep);
                    (&put.collection, &put.key, put.precondition != Precondition::None || whole, whole)
                }
                WriteOp::Delete(delete) => (&delete.collection, &delete.key, true, false),
                WriteOp::Clear { .. }
                | WriteOp::Append { .. }
                | WriteOp::Replicate(_)
                | WriteOp::Reseal(_)
                | WriteOp::Verify(_) => continue,
            };
            if self.own.borrow().owns(&Doc::new(collection.as_str(), key.clone())) {
                continue;
            }
            // Of what is sealed, no more is opened than is needed.
            let read = if whole || !self.schema.encrypted(collection) { Read::Records } else { Read::Meta };
            let fits = |run: &&mut Wanted| run.collection == *collection && run.told == told && run.read == read;
            match wanted.iter_mut().find(fits) {
                Some(run) => run.keys.push(key.clone()),
                None => wanted.push(Wanted { collection: collection.clone(), told, read, keys: vec![key.clone()] }),
            }
        }
        // A record that is wanted whole by one operation is so for all.
        let (whole, beside): (Vec<Wanted>, Vec<Wanted>) = wanted.into_iter().partition(|run| run.read == Read::Records);
        for Wanted { collection, told, read, keys } in whole.into_iter().chain(beside) {
            let records = match read {
                Read::Records => self.get_through(&layers, &collection, &keys, told).await?,
                Read::Meta | Read::Keys => {
                    let mut records = Vec::with_capacity(keys.len());
                    for key in &keys {
                        let scan = Scan { range: KeyRange::only(key.clone()), read, ..Scan::all(collection.as_str()) };
                        let rows = self.scan_through(&layers, &scan, told).await?;
                        let found = rows.into_iter().next().and_then(|row| row.record);
                        // What is written over it is sealed with all of the collection: to this layer it is open.
                        let body = Body::Clear(Payload::undefined());
                        records.push(found.map(|record| Record { body, ..record }));
                    }
                    records
                }
            };
            for (key, record) in keys.into_iter().zip(records) {
                let doc = Doc::new(collection.as_str(), key);
                if !below.knows(&doc) {
                    below.add(&doc, record);
                }
            }
        }
        for (at, op) in ops.iter().enumerate() {
            let WriteOp::Put(put) = op else { continue };
            let indexes = self.schema.get(&put.collection).map_or(&[][..], |declared| &declared.indexes);
            for index in indexes.iter().filter(|index| index.unique) {
                let keys = self.own.borrow().would_be(put, &below).map(|record| index.keys_of(&record));
                for key in keys.unwrap_or_default() {
                    let scan = Scan {
                        source: Source::Index(index.name.clone()),
                        range: KeyRange::only(key),
                        read: Read::Keys,
                        ..Scan::all(put.collection.as_str())
                    };
                    for owner in self.scan_through(&layers, &scan, true).await? {
                        below.add_owner(at, owner.key);
                    }
                }
            }
        }
        Ok(below)
    }

    /// The records under some keys, through some buffers. `told` says whether the transaction learns what they are.
    pub(super) async fn get_through(
        &self,
        layers: &[SharedBuffer],
        collection: &str,
        keys: &[Key],
        told: bool,
    ) -> Result<Vec<Option<Record>>> {
        let mut found = Vec::with_capacity(keys.len());
        let (mut missing, mut places) = (Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate() {
            let doc = Doc::new(collection, key.clone());
            let owner = layers.iter().rev().find(|layer| layer.borrow().owns(&doc));
            found.push(owner.map(|owner| owner.borrow().get(&doc)).transpose()?.flatten());
            if owner.is_none() {
                missing.push(key.clone());
                places.push(place);
            }
        }
        let stored = if missing.is_empty() { Vec::new() } else { self.inner.get(collection, &missing).await? };
        if told {
            self.note(|reads| {
                missing
                    .iter()
                    .zip(&stored)
                    .try_for_each(|(key, record)| reads.note(&Doc::new(collection, key.clone()), record.as_ref()))
            })?;
        }
        for (place, record) in places.into_iter().zip(stored) {
            if let Some(found) = found.get_mut(place) {
                *found = record;
            }
        }
        Ok(found)
    }

    /// A run of rows, through some buffers.
    pub(super) async fn scan_through(&self, layers: &[SharedBuffer], scan: &Scan, told: bool) -> Result<Vec<Row>> {
        check_source(&self.schema, &scan.collection, &scan.source)?;
        let extents = layers.iter().map(|layer| layer.borrow().extent(&scan.collection));
        let (written, cleared) = extents.fold((0, false), |(sum, any), (n, all)| (sum + n, any | all));
        let noted = told && self.reads.is_some();
        if written == 0 && !cleared && !noted {
            return self.inner.scan(scan).await;
        }
        let order = Order::of(scan, &self.schema);
        let wanted = scan.limit.map(|limit| limit.saturating_add(scan.offset));
        // So many are surely enough, unless a record that is hidden lies in an index many times.
        let mut limit = wanted.map(|wanted| wanted.saturating_add(written));
        loop {
            let read = match (scan.read, &scan.source) {
                (Read::Keys, Source::Index(_) | Source::Expiring) => Read::Meta, // their places are to be known
                (read, _) => read,
            };
            let run = Scan { offset: 0, limit, read, ..scan.clone() };
            let (mut rows, goes_on) = match cleared {
                true if layers.last().is_some_and(|own| own.borrow().extent(&scan.collection).1) => (Vec::new(), false),
                _ if noted => self.noted_run(&run).await?,
                _ => {
                    let rows = self.inner.scan(&run).await?;
                    let goes_on = limit.is_some_and(|limit| rows.len() >= limit);
                    (rows, goes_on)
                }
            };
            for layer in layers {
                let layer = layer.borrow();
                rows.retain(|row| !layer.owns(&Doc::new(scan.collection.as_str(), row.key.clone())));
                rows = order.merge(rows, layer.scan(&run)?, goes_on);
            }
            if goes_on && wanted.is_none_or(|wanted| rows.len() < wanted) {
                limit = None;
                continue;
            }
            let page = rows.into_iter().skip(scan.offset).take(scan.limit.unwrap_or(usize::MAX));
            return Ok(match scan.read {
                Read::Keys => page.map(|row| Row { record: None, ..row }).collect(),
                Read::Records | Read::Meta => page.collect(),
            });
        }
    }

    /// A run of stored rows, noted as a range; whether there may be more behind it.
    ///
    /// What a limit cuts off is no part of what was seen. So the first rows are asked for just to know where they end,
    /// and then everything up to there is read and noted, rows that share the last index key included.
    async fn noted_run(&self, scan: &Scan) -> Result<(Vec<Row>, bool)> {
        let order = Order::of(scan, &self.schema);
        let (mut range, mut goes_on) = (scan.remaining(), false);
        if let Some(limit) = scan.limit.filter(|_| scan.source != Source::Primary || range.single().is_none()) {
            let probe =
                Scan { read: if scan.source == Source::Primary { Read::Keys } else { Read::Meta }, ..scan.clone() };
            let first = self.inner.scan(&probe).await?;
            if first.len() >= limit {
                goes_on = true;
                let Some((last, _)) = order.placed(first).last() else { return Ok((Vec::new(), true)) };
                let up_to = match scan.direction {
                    Direction::Forward => Direction::Backward,
                    Direction::Backward => Direction::Forward,
                };
                range = range.intersect(up_to.onwards(Bound::Included(&last.at)));
            }
        }
        let read = if scan.read == Read::Records { Read::Records } else { Read::Meta };
        let whole = Scan { range: range.clone(), after: None, limit: None, read, ..scan.clone() };
        let rows = self.inner.scan(&whole).await?;
        let mut seen: Vec<Seen> = rows.iter().filter_map(|row| row.record.as_ref()).map(Seen::of).collect();
        if scan.direction == Direction::Backward {
            seen.reverse();
        }
        let (collection, source) = (scan.collection.clone(), scan.source.clone());
        self.note(|reads| match range.single() {
            Some(key) if source == Source::Primary => {
                let record = rows.first().and_then(|row| row.record.as_ref());
                reads.note(&Doc::new(collection, key.clone()), record)
            }
            _ => reads.note_range(Verify { collection, source, range, rows: seen }),
        })?;
        let Some(after) = &scan.after else { return Ok((rows, goes_on)) };
        let from_start = Order::of(&whole, &self.schema);
        let behind = from_start.placed(rows).filter(|(place, _)| order.is_behind(after, place));
        Ok((behind.map(|(_, row)| row).collect(), goes_on))
    }

    pub(super) async fn names(&self) -> Result<Vec<String>> {
        let _call = self.call()?;
        let mut names = self.inner.namespaces().await?;
        let layers = self.layers();
        let mut touched = Vec::new();
        for layer in &layers {
            touched.extend(layer.borrow().collections().cloned());
        }
        for name in sorted_names(touched) {
            if self.schema.get(&name).is_some() || is_system(&name) {
                continue;
            }
            names.retain(|there| *there != name);
            let scan = Scan { limit: Some(1), read: Read::Keys, ..Scan::all(name.as_str()) };
            if !self.scan_through(&layers, &scan, false).await?.is_empty() {
                names.push(name);
            }
        }
        Ok(sorted_names(names))
    }
}

/// Keys of one collection that are read alike.
struct Wanted {
    collection: String,
    told: bool,
    read: Read,
    keys: Vec<Key>,
}
