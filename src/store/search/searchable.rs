//! The full-text index of a collection: loaded, followed, built, and kept small.

use core::cell::RefCell;
use core::ops::Bound;
use std::rc::Rc;

use super::Told;
use crate::backend::layer::Turns;
use crate::backend::{Backend, Read, Scan, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{
    Body, Delete, Key, KeyRange, Precondition, Record, SearchField, Seen, Verify, WriteBatch, WriteOp, search_log,
    sorted_names,
};
use crate::platform::{Payload, now};
use crate::search::{Block, Index, Pace, Packing, Place, Progress, Ranked, Request, damaged, enter, search};

/// How many records of a building index are read and committed at once.
const SLICE: usize = 512;
/// How often a slice is tried again when others write what it holds.
const ATTEMPTS: usize = 64;
/// How many rows of a log are read at once.
const ROWS: usize = 32;
/// The most records that are read one by one because blocks of other fields name them; for more, the index is built.
const STRANGERS: u32 = 256;
/// The most fields of other versions of the application that a building index takes along.
const MOST_FIELDS: usize = 32;

/// A collection that can be searched.
#[derive(Debug)]
pub(in crate::store) struct Searchable {
    backend: Rc<dyn Backend>,
    collection: String,
    log: String,
    /// In the order of their names, as in the index.
    fields: Vec<SearchField>,
    loaded: RefCell<Option<Loaded>>,
    turns: Turns,
}

/// An index as far as it has followed its log.
#[derive(Debug)]
struct Loaded {
    index: Index,
    /// The last row that is in it.
    seen: Option<Key>,
    /// Whether it was found to tell of every record, or is being built so.
    checked: bool,
    /// The fields that blocks know besides.
    others: Vec<String>,
}

impl Loaded {
    fn new(fields: &[String]) -> Self {
        Self { index: Index::new(fields), seen: None, checked: false, others: Vec::new() }
    }
}

impl Searchable {
    pub(in crate::store) fn new(backend: Rc<dyn Backend>, collection: &str, fields: &[SearchField]) -> Self {
        let in_order = sorted_names(fields.iter().map(|field| field.path.clone()));
        let of = |name: &String| fields.iter().find(|field| field.path == *name).cloned();
        Self {
            backend,
            collection: collection.to_owned(),
            log: search_log(collection),
            fields: in_order.iter().filter_map(of).collect(),
            loaded: RefCell::default(),
            turns: Turns::default(),
        }
    }

    /// The collection's name.
    pub(in crate::store) fn collection(&self) -> &str {
        &self.collection
    }

    /// Its fields, in the order of the index.
    pub(super) fn fields(&self) -> &[SearchField] {
        &self.fields
    }

    fn paths(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.path.clone()).collect()
    }

    /// Ranks what is in the collection now.
    pub(super) async fn find(
        &self,
        request: &Request,
        weights: &[f64],
        after: Option<&Place>,
        limit: usize,
        told: Told<'_>,
    ) -> Result<Vec<Ranked>> {
        let _turn = self.turns.take().await;
        let loaded = self.loaded.take().filter(|loaded| !loaded.index.is_worn());
        let mut loaded = loaded.unwrap_or_else(|| Loaded::new(&self.paths()));
        self.catch_up(&mut loaded, told).await?;
        let found = search(&loaded.index, request, weights, after, limit);
        self.loaded.replace(Some(loaded));
        Ok(found)
    }

    /// Builds the index anew.
    pub(super) async fn reindex(&self, told: Told<'_>) -> Result<()> {
        let _turn = self.turns.take().await;
        self.loaded.take();
        let mut loaded = Loaded::new(&self.paths());
        let mut attempts = 0;
        while !self.begin(&loaded, &mut attempts).await? {}
        self.catch_up(&mut loaded, told).await?;
        self.loaded.replace(Some(loaded));
        Ok(())
    }

    /// Has the index hold what is in the collection.
    async fn catch_up(&self, loaded: &mut Loaded, told: Told<'_>) -> Result<()> {
        let mut attempts = 0;
        loop {
            match self.follow(loaded).await {
                // A damaged block: the index is made anew from what it was made of.
                Err(error) if error.kind() == ErrorKind::Corrupted => *loaded = Loaded::new(&self.paths()),
                outcome => {
                    outcome?;
                    if loaded.checked || self.is_complete(loaded).await? {
                        break;
                    }
                }
            }
            self.begin(loaded, &mut attempts).await?;
        }
        self.build(loaded, told).await?;
        self.read_strangers(loaded).await
    }

    /// Folds the rows that came to the log.
    async fn follow(&self, loaded: &mut Loaded) -> Result<()> {
        let mut pace = Pace::new();
        loop {
            let lower = loaded.seen.clone().map_or(Bound::Unbounded, Bound::Included);
            let range = KeyRange { lower, upper: Bound::Unbounded };
            let scan = Scan { range, read: Read::Keys, ..Scan::all(self.log.as_str()) };
            let rows = self.backend.scan(&scan).await?;
            let emptied = rows.is_empty() && loaded.seen.is_some();
            let listed = rows.len();
            let new: Vec<Key> =
                rows.into_iter().map(|row| row.key).filter(|key| Some(key) != loaded.seen.as_ref()).collect();
            let torn = loaded.seen.is_some() && new.len() == listed;
            if emptied || (torn && !self.goes_on(new.first()).await?) {
                *loaded = Loaded::new(&self.paths());
                continue;
            }
            if new.is_empty() {
                return Ok(());
            }
            for keys in new.chunks(ROWS) {
                // A row that is gone was merged into a later one.
                for record in self.backend.get(&self.log, keys).await?.into_iter().flatten() {
                    fold(loaded, &bytes_of(&record)?, &mut pace).await?;
                    loaded.seen = Some(record.key);
                    pace.breathe().await;
                }
            }
        }
    }

    /// Whether a row stands for those before it, which are gone: because they were merged into it, or are void. Else
    /// the log was emptied and has begun anew, for the last row never goes by itself.
    async fn goes_on(&self, row: Option<&Key>) -> Result<bool> {
        let records = self.backend.get(&self.log, row.map_or(&[][..], core::slice::from_ref)).await?;
        match records.into_iter().flatten().next() {
            Some(record) => Ok(record.meta.version > 1 || Block::open(&bytes_of(&record)?)?.cleared),
            None => Ok(true), // it is gone meanwhile, and will be looked for again
        }
    }

    /// Whether the log tells of every record that there is.
    ///
    /// A version of the application that does not declare the index empties its log when it writes to the collection;
    /// and whatever else may write, more or fewer records than the log tells of can be seen.
    async fn is_complete(&self, loaded: &mut Loaded) -> Result<bool> {
        loop {
            if matches!(loaded.index.progress, Progress::Building(_)) {
                loaded.checked = true; // it says itself how far it is
                return Ok(true);
            }
            let count = self.backend.count(&self.collection, &Source::Primary, &KeyRange::all()).await?;
            let (records, live) = (loaded.index.records(), loaded.index.live());
            if u64::from(records) == count {
                let complete = records - live <= STRANGERS;
                // An empty log says nothing of what comes before its first row.
                loaded.checked = complete && loaded.seen.is_some();
                return Ok(complete);
            }
            let seen = loaded.seen.clone();
            self.follow(loaded).await?;
            if loaded.seen == seen {
                return Ok(false);
            }
        }
    }

    /// Declares everything void, and the index to be built; tells whether it did. Where others write to the log
    /// meanwhile, it does nothing, so that what they wrote is not void.
    async fn begin(&self, loaded: &Loaded, attempts: &mut usize) -> Result<bool> {
        let scan = Scan { read: Read::Keys, ..Scan::all(self.log.as_str()) };
        let rows = self.backend.scan(&scan).await?;
        let lower = rows.last().map_or(Bound::Unbounded, |row| Bound::Excluded(row.key.clone()));
        let void = |key: Key| {
            let precondition = Precondition::Present;
            WriteOp::Delete(Delete { precondition, ..Delete::new(self.log.as_str(), key) })
        };
        let mut ops: Vec<WriteOp> = rows.into_iter().map(|row| void(row.key)).collect();
        ops.push(verify(&self.log, KeyRange { lower, upper: Bound::Unbounded }, Vec::new()));
        let mut empty = Index::new(&self.built_fields(loaded));
        empty.progress = Progress::Building(None);
        ops.push(self.append(&Packing::new(&mut empty, true).finish()));
        *attempts += 1;
        match self.commit(ops).await {
            Err(error) if raced(&error) && *attempts < ATTEMPTS => Ok(false),
            outcome => {
                outcome?;
                Ok(true)
            }
        }
    }

    /// Builds what is missing, slice by slice in the order of keys; where another tab does so too, the two take turns.
    async fn build(&self, loaded: &mut Loaded, told: Told<'_>) -> Result<()> {
        let (mut limit, mut attempts) = (SLICE, 0);
        while let Progress::Building(from) = loaded.index.progress.clone() {
            let total = self.backend.count(&self.collection, &Source::Primary, &KeyRange::all()).await?;
            told(u64::from(loaded.index.live()).min(total), total);
            match self.build_slice(loaded, from.as_deref(), limit).await {
                Ok(()) => (limit, attempts) = (SLICE, 0),
                Err(error) if raced(&error) && attempts < ATTEMPTS => {
                    attempts += 1;
                    limit = (limit / 2).max(1);
                }
                Err(error) => return Err(error),
            }
            self.follow(loaded).await?;
            if loaded.index.progress == Progress::Built {
                told(total, total);
            }
        }
        Ok(())
    }

    async fn build_slice(&self, loaded: &Loaded, from: Option<&str>, limit: usize) -> Result<()> {
        let lower = from.map(Key::from_text).transpose()?.map_or(Bound::Unbounded, Bound::Excluded);
        let range = KeyRange { lower, upper: Bound::Unbounded };
        let scan = Scan { range, limit: Some(limit), ..Scan::all(self.collection.as_str()) };
        let rows = self.backend.scan(&scan).await?;
        let seen = rows.iter().filter_map(|row| row.record.as_ref()).map(Seen::of).collect();
        let mut index = Index::new(&self.built_fields(loaded));
        let last = rows.last().filter(|_| rows.len() == limit).map(|row| row.key.clone());
        index.progress = last.as_ref().map_or(Progress::Built, |last| Progress::Building(Some(last.to_text())));
        let mut pace = Pace::new();
        for row in &rows {
            if let Some(record) = &row.record {
                enter(&mut index, &row.key.to_text(), &record.body, &mut pace).await;
            }
        }
        // What others write meanwhile is in the log already, and must not be covered by what was read before.
        let range = KeyRange { lower: scan.range.lower, upper: last.map_or(Bound::Unbounded, Bound::Included) };
        let block = pack(index, false, &mut pace).await;
        self.commit(vec![verify(&self.collection, range, seen), self.append(&block)]).await
    }

    /// Reads the records that blocks of other fields name.
    async fn read_strangers(&self, loaded: &mut Loaded) -> Result<()> {
        let mut pace = Pace::new();
        let unread = loaded.index.take_unread();
        let keys = unread.iter().map(|key| Key::from_text(key)).collect::<Result<Vec<_>>>()?;
        for keys in keys.chunks(SLICE) {
            for record in self.backend.get(&self.collection, keys).await?.into_iter().flatten() {
                enter(&mut loaded.index, &record.key.to_text(), &record.body, &mut pace).await;
            }
        }
        loaded.index.sort();
        Ok(())
    }

    /// The fields of a building index: those declared here, and those that other versions of the application asked
    /// for, so that each finds its own, and none builds the index anew because of another.
    fn built_fields(&self, loaded: &Loaded) -> Vec<String> {
        let own = self.paths();
        let all = sorted_names(own.iter().chain(&loaded.others).cloned());
        if all.len() <= MOST_FIELDS { all } else { own }
    }

    fn append(&self, block: &[u8]) -> WriteOp {
        WriteOp::Append { collection: self.log.clone(), body: Body::Clear(Payload::bytes(block)) }
    }

    async fn commit(&self, ops: Vec<WriteOp>) -> Result<()> {
        self.backend.commit(WriteBatch { ops, now: now(), ..WriteBatch::default() }).await.map(drop)
    }
}

fn verify(collection: &str, range: KeyRange, rows: Vec<Seen>) -> WriteOp {
    WriteOp::Verify(Verify { collection: collection.to_owned(), source: Source::Primary, range, rows })
}

/// Whether others were faster.
pub(super) fn raced(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
}

pub(super) fn bytes_of(record: &Record) -> Result<Vec<u8>> {
    match &record.body {
        Body::Clear(payload) => payload.as_bytes().ok_or_else(damaged),
        Body::Sealed(_) => Err(damaged()),
    }
}

async fn fold(loaded: &mut Loaded, bytes: &[u8], pace: &mut Pace) -> Result<()> {
    let block = Block::open(bytes)?;
    if block.cleared {
        loaded.checked = false;
        loaded.others.clear();
    }
    for field in &block.fields {
        if !loaded.others.iter().any(|known| known == field) {
            loaded.others.push((*field).to_owned());
        }
    }
    fold_block(&mut loaded.index, &block, pace).await
}

pub(super) async fn fold_block(index: &mut Index, block: &Block<'_>, pace: &mut Pace) -> Result<()> {
    let fold = index.fold(block);
    let mut terms = block.terms();
    let mut count = 0_u32;
    while let Some((word, postings)) = terms.next()? {
        index.fold_postings(&fold, word, postings);
        count += 1;
        if count.is_multiple_of(256) {
            pace.breathe().await;
        }
    }
    index.sort();
    Ok(())
}

pub(super) async fn pack(mut index: Index, first: bool, pace: &mut Pace) -> Vec<u8> {
    let mut packing = Packing::new(&mut index, first);
    while packing.step(512) {
        pace.breathe().await;
    }
    packing.finish()
}
