//! Limits: a collection that holds too many entries loses those that were used least recently.

use super::Space;
use super::sweep::answered;
use crate::backend::{Position, Read, Scan, Source};
use crate::error::{ErrorKind, Result};
use crate::json;
use crate::model::{Body, Key, KeyRange, Put, Record, WriteBatch, WriteOp, system};
use crate::platform::Payload;
use crate::policy::{Moment, Recency, SLICE, Survey, survey_size};

/// How many rows a pass over a collection reads at a time.
const PAGE: usize = 500;
/// How often a collection is passed over for one step, where what was found was used meanwhile.
const MOST_PASSES: usize = 2;

/// A collection with a limit.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) name: String,
    pub(super) most: u64,
    pub(super) recency: Recency,
    /// Whether more may have come than there is room for.
    pub(super) crowded: bool,
    /// What goes next, the first of it last.
    queue: Vec<(Moment, Key)>,
    /// Whether what was written down was read.
    loaded: bool,
}

impl Cache {
    pub(super) fn new(name: &str, most: u64) -> Self {
        // Limits may have been lowered since the store was open last.
        Self {
            name: name.to_owned(),
            most,
            recency: Recency::default(),
            crowded: true,
            queue: Vec::new(),
            loaded: false,
        }
    }
}

/// The key of the packed row that says when the entries of a collection were used.
fn row_key(collection: &str) -> Key {
    Key::Array(vec![Key::from("used"), Key::from(collection)])
}

impl Space {
    /// Brings the collections that hold too much within their limits.
    pub(super) async fn evict(&self, now: f64) -> Result<()> {
        let names = |caches: &Vec<Cache>| caches.iter().map(|cache| (cache.name.clone(), cache.most)).collect();
        let caches: Vec<(String, u64)> = names(&self.caches.borrow());
        for (at, (name, most)) in caches.into_iter().enumerate() {
            let crowded = self.cache(at, |cache| core::mem::take(&mut cache.crowded)).unwrap_or(false);
            if crowded && !self.relieve(at, &name, most, now).await? {
                self.cache(at, |cache| cache.crowded = true);
                self.plan(|agenda| agenda.stuck(now));
            }
        }
        Ok(())
    }

    fn cache<T>(&self, at: usize, task: impl FnOnce(&mut Cache) -> T) -> Option<T> {
        self.caches.borrow_mut().get_mut(at).map(task)
    }

    /// Brings one collection within its limit, and no further; answers whether that is done.
    async fn relieve(&self, at: usize, name: &str, most: u64, now: f64) -> Result<bool> {
        let mut swept = false;
        loop {
            let held = self.inner.count(name, &Source::Primary, &KeyRange::all()).await?;
            let excess = held.saturating_sub(most);
            if excess == 0 {
                return Ok(true);
            }
            // What is over takes no place from what lives.
            if !core::mem::replace(&mut swept, true) && self.sweep_collection(name, now).await? > 0 {
                continue;
            }
            let step = usize::try_from(excess).unwrap_or(SLICE).min(SLICE);
            let survey = survey_size(most, excess);
            if self.evict_oldest(at, name, step, survey, now).await? == 0 {
                return Ok(false);
            }
            self.pause().await;
        }
    }

    /// Removes so many of a collection, those first that were used least recently; answers how many there were.
    async fn evict_oldest(&self, at: usize, name: &str, count: usize, survey: usize, now: f64) -> Result<usize> {
        let mut passes = 0;
        loop {
            if self.cache(at, |cache| cache.queue.is_empty()).unwrap_or(false) {
                if passes == MOST_PASSES {
                    return Ok(0);
                }
                passes += 1;
                self.survey(at, name, survey).await?;
            }
            let next = |cache: &mut Cache| cache.queue.split_off(cache.queue.len().saturating_sub(count));
            let mut next = self.cache(at, next).unwrap_or_default();
            next.reverse();
            if next.is_empty() {
                return Ok(0);
            }
            let keys: Vec<Key> = next.iter().map(|(_, key)| key.clone()).collect();
            let found = self.inner.get(name, &keys).await?;
            let unused = |((moment, _), record): (&(Moment, Key), Option<Record>)| {
                record.filter(|record| {
                    let used = self.cache(at, |cache| cache.recency.of(&record.key, record.meta.modified));
                    used == Some(*moment) && answered(record)
                })
            };
            let going: Vec<Record> = next.iter().zip(found).filter_map(unused).collect();
            match self.remove(name, &going, now).await {
                Ok(()) if going.is_empty() => {}
                Ok(()) => return Ok(going.len()),
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    // One of them was used meanwhile: what goes next is to be found anew.
                    drop(self.cache(at, |cache| core::mem::take(&mut cache.queue)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Finds what is to go next in a collection.
    async fn survey(&self, at: usize, name: &str, size: usize) -> Result<()> {
        self.load(at, name).await?;
        let mut survey = Survey::new(size);
        let mut after = None;
        loop {
            let scan = Scan { read: Read::Meta, limit: Some(PAGE), after, ..Scan::all(name) };
            let rows = self.inner.scan(&scan).await?;
            let last = rows.last().map(|row| Position { at: row.key.clone(), key: row.key.clone() });
            let more = rows.len() == PAGE;
            for record in rows.into_iter().filter_map(|row| row.record).filter(answered) {
                let used = self.cache(at, |cache| cache.recency.of(&record.key, record.meta.modified));
                survey.meet(used.unwrap_or(0), &record.key);
            }
            if !more {
                break;
            }
            after = last;
            self.pause().await;
        }
        self.cache(at, |cache| cache.queue = survey.finish());
        Ok(())
    }

    /// Removes so many cached entries, across collections by when they were used; answers how many there were.
    pub(super) async fn evict_cached(&self, count: usize, now: f64) -> Result<usize> {
        let names: Vec<String> = self.caches.borrow().iter().map(|cache| cache.name.clone()).collect();
        let (mut evicted, mut surveyed) = (0, false);
        while evicted < count {
            let Some((at, run)) = self.next_run((count - evicted).min(SLICE)) else {
                if core::mem::replace(&mut surveyed, true) {
                    break;
                }
                for (at, name) in names.iter().enumerate() {
                    self.survey(at, name, count.max(SLICE)).await?;
                }
                continue;
            };
            let Some(name) = names.get(at) else { break };
            evicted += self.evict_oldest(at, name, run, count.max(SLICE), now).await?;
        }
        Ok(evicted)
    }

    /// In which collection the entry is that goes next, and how many of it go before another's turn comes.
    fn next_run(&self, most: usize) -> Option<(usize, usize)> {
        let caches = self.caches.borrow();
        let first = |cache: &Cache| cache.queue.last().map(|(moment, _)| *moment);
        let heads = || caches.iter().enumerate().filter_map(|(at, cache)| Some((first(cache)?, at)));
        let (_, at) = heads().min()?;
        let others = heads().filter(|(_, other)| *other != at).min().map_or(Moment::MAX, |(moment, _)| moment);
        let run = caches.get(at)?.queue.iter().rev().take_while(|(moment, _)| *moment <= others).count();
        Some((at, run.clamp(1, most)))
    }

    /// Reads once what was written down.
    async fn load(&self, at: usize, name: &str) -> Result<()> {
        if self.cache(at, |cache| core::mem::replace(&mut cache.loaded, true)) == Some(false) {
            let stored = self.stored(name).await?;
            self.cache(at, |cache| cache.recency.merge(stored));
        }
        Ok(())
    }

    /// What was written down, by this tab or another. What cannot be read is as good as nothing.
    async fn stored(&self, name: &str) -> Result<Recency> {
        let rows = self.inner.get(system::SPACE, &[row_key(name)]).await?;
        let body = rows.into_iter().next().flatten().map(|record| record.body);
        let Some(Body::Clear(payload)) = body else { return Ok(Recency::default()) };
        let text = payload.to_wire().unwrap_or_default();
        Ok(json::read(&text).unwrap_or_default())
    }

    /// Writes down when entries were used: one row for each collection of which that is not written yet.
    pub(super) async fn save(&self, now: f64) -> Result<()> {
        let caches = self.caches.borrow().len();
        for at in 0..caches {
            let changed = |cache: &mut Cache| cache.recency.take_changed().then(|| cache.name.clone());
            let Some(name) = self.cache(at, changed).flatten() else { continue };
            let stored = self.stored(&name).await?;
            let text = self.cache(at, |cache| {
                cache.recency.merge(stored);
                json::ToJson::to_json(&cache.recency)
            });
            let body = Body::Clear(Payload::from_wire(&text.unwrap_or_default())?);
            let op = WriteOp::Put(Put::new(system::SPACE, row_key(&name), body));
            self.inner.commit(WriteBatch { ops: vec![op], now, ..WriteBatch::default() }).await?;
        }
        Ok(())
    }
}
