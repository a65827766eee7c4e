//! Running a plan: scans, checks, sorts, and stops at the limit.

use super::{Collection, Entry};
use crate::backend::{Read, Scan};
use crate::error::Result;
use crate::model::{Doc, Key, Record, Register};
use crate::platform::now;
use crate::query::{Filter, OrderedBy, Plan, Sort, matches, plan, sort_records};

/// How many records a scan with conditions reads at once.
const BATCH: usize = 256;

/// What to find.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Which records; all, without.
    pub filter: Option<Filter>,
    /// In which order; that of what serves the query, without.
    pub sort: Vec<Sort>,
    /// Passing over so many first.
    pub offset: usize,
    /// At the most so many.
    pub limit: Option<usize>,
}

/// How a query was served.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The index, or none where the records' own order served.
    pub index: Option<String>,
    /// The ranges that were scanned.
    pub range: String,
    /// What was checked of each row.
    pub residual: Vec<String>,
    /// What gave the order.
    pub sorted: OrderedBy,
    /// How many records were read.
    pub rows_read: usize,
}

impl Collection {
    /// The live entries that a query finds.
    pub async fn query(&self, query: &Query) -> Result<Vec<Entry>> {
        let (records, _) = self.run(query).await.map_err(|error| error.during("query"))?;
        records.into_iter().map(Entry::of).collect()
    }

    /// Runs a query and tells how it was served.
    pub async fn explain(&self, query: &Query) -> Result<Explanation> {
        let (_, explanation) = self.run(query).await.map_err(|error| error.during("explain"))?;
        Ok(explanation)
    }

    /// How many live entries a filter finds.
    pub async fn count_matching(&self, filter: Filter) -> Result<usize> {
        let query = Query { filter: Some(filter), ..Query::default() };
        let (records, _) = self.run(&query).await.map_err(|error| error.during("count"))?;
        Ok(records.len())
    }

    async fn run(&self, query: &Query) -> Result<(Vec<Record>, Explanation)> {
        let plan = plan(query.filter.as_ref(), &query.sort, self.declared());
        let wanted = query.limit.map(|limit| limit.saturating_add(query.offset));
        let early = if plan.order == OrderedBy::Memory { None } else { wanted };
        let mut reading = Reading { collection: self, plan: &plan, now: now(), seen: Register::default(), read: 0 };
        let mut records = reading.records(early).await?;
        let rows_read = reading.read;
        if plan.order == OrderedBy::Memory {
            sort_records(&mut records, &query.sort);
        }
        let page = records.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX)).collect();
        let Plan { index, range, residual_names: residual, order: sorted, .. } = plan;
        Ok((page, Explanation { index, range, residual, sorted, rows_read }))
    }
}

/// A plan under way.
struct Reading<'a> {
    collection: &'a Collection,
    plan: &'a Plan,
    now: f64,
    seen: Register,
    read: usize,
}

impl Reading<'_> {
    /// The hits, in the order of the scans; no more than `wanted`.
    async fn records(&mut self, wanted: Option<usize>) -> Result<Vec<Record>> {
        let mut hits = Vec::new();
        for range in &self.plan.ranges {
            let missing = wanted.map(|wanted| wanted - hits.len());
            if missing == Some(0) {
                break;
            }
            let scan = Scan {
                source: self.plan.source.clone(),
                range: range.clone(),
                direction: self.plan.direction,
                ..Scan::all(self.collection.name())
            };
            match missing {
                None => {
                    let rows = self.collection.stack().scan(&scan).await?;
                    self.take(rows.into_iter().filter_map(|row| row.record), None, &mut hits);
                }
                Some(missing) if self.plan.residual.is_none() && !self.plan.distinct => {
                    self.whole_runs(scan, missing, &mut hits).await?;
                }
                Some(missing) => self.in_batches(scan, missing, &mut hits).await?,
            }
        }
        Ok(hits)
    }

    /// Every row is a hit, unless its time is over: then a little more is read.
    async fn whole_runs(&mut self, scan: Scan, missing: usize, hits: &mut Vec<Record>) -> Result<()> {
        let target = hits.len() + missing;
        let mut offset = 0;
        while hits.len() < target {
            let limit = target - hits.len();
            let page = Scan { offset, limit: Some(limit), ..scan.clone() };
            let rows = self.collection.stack().scan(&page).await?;
            let found = rows.len();
            self.take(rows.into_iter().filter_map(|row| row.record), Some(target), hits);
            if found < limit {
                break;
            }
            offset += found;
        }
        Ok(())
    }

    /// Lists the keys once, and reads records until enough of them are hits.
    async fn in_batches(&mut self, scan: Scan, missing: usize, hits: &mut Vec<Record>) -> Result<()> {
        let target = hits.len() + missing;
        let listing = Scan { read: Read::Keys, ..scan };
        let keys: Vec<Key> = self.collection.stack().scan(&listing).await?.into_iter().map(|row| row.key).collect();
        for batch in keys.chunks(BATCH) {
            let records = self.collection.stack().get(self.collection.name(), batch).await?;
            self.take(records.into_iter().flatten(), Some(target), hits);
            if hits.len() >= target {
                break;
            }
        }
        Ok(())
    }

    /// Keeps what is live, new and matches.
    fn take(&mut self, records: impl Iterator<Item = Record>, target: Option<usize>, hits: &mut Vec<Record>) {
        for record in records {
            self.read += 1;
            if target.is_some_and(|target| hits.len() >= target) {
                continue;
            }
            let wanted = !record.meta.expired(self.now)
                && self.plan.residual.as_ref().is_none_or(|residual| matches(residual, &record))
                && (!self.plan.distinct || self.seen.add(&Doc::new(self.collection.name(), record.key.clone())));
            if wanted {
                hits.push(record);
            }
        }
    }
}
