//! Queries: pages of rows, counts, and how they were served.

mod count;
mod reading;

use super::{Collection, Entry};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Record;
use crate::platform::now;
use crate::query::{Best, Extent, Filter, Fingerprint, Mark, OrderedBy, Plan, Sort, check_blind, plan};
use reading::Reading;

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
    /// Behind the last row of an earlier page, whose cursor this is.
    pub after: Option<String>,
}

/// Some rows of a query.
#[derive(Debug, Clone)]
pub struct Page {
    /// The rows.
    pub entries: Vec<Entry>,
    /// The cursor of the page after this one; none where there are no more rows.
    pub next: Option<String>,
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

/// Whether to read one row more than is wanted, to know whether there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LookAhead {
    Yes,
    No,
}

impl Collection {
    /// The live entries that a query finds.
    pub async fn query(&self, query: &Query) -> Result<Vec<Entry>> {
        Ok(self.page(query).await?.entries)
    }

    /// The live entries that a query finds, and where it goes on.
    ///
    /// # Behavior
    ///
    /// - Rows that come in the order of the scan are read in batches and not held; behind a cursor, reading begins at
    ///   its place, so that a page costs the same wherever it is.
    /// - A sort in memory holds no more rows than are wanted, and one.
    /// - A page in the order of an index reads its own rows, wherever it is; only where the index has too few are those
    ///   looked for that it leaves out.
    /// - Pages go on rightly while others write: a row that stays where it is in the order comes once.
    /// - What is read at once is consistent; where several batches are read, each is as it is when it is read.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` for a cursor that is not one of this query, and for one together with an offset.
    pub async fn page(&self, query: &Query) -> Result<Page> {
        let (records, next, _) = self.run(query, LookAhead::Yes).await.map_err(|error| error.during("query"))?;
        let entries = records.into_iter().map(Entry::of).collect::<Result<_>>()?;
        Ok(Page { entries, next })
    }

    /// Runs a query and tells how it was served. It does not look for a page behind.
    pub async fn explain(&self, query: &Query) -> Result<Explanation> {
        let (_, _, explanation) = self.run(query, LookAhead::No).await.map_err(|error| error.during("explain"))?;
        Ok(explanation)
    }

    async fn run(&self, query: &Query, ahead: LookAhead) -> Result<(Vec<Record>, Option<String>, Explanation)> {
        check_blind(query.filter.as_ref(), &query.sort, self.declared())?;
        let extent = if query.limit.is_some() || query.after.is_some() { Extent::Page } else { Extent::All };
        let plan = plan(query.filter.as_ref(), &query.sort, self.declared(), extent);
        self.tagged_for(&plan).await?;
        let fingerprint = Fingerprint::of(self.name(), query.filter.as_ref(), &query.sort, &plan);
        let after = match &query.after {
            Some(_) if query.offset > 0 => {
                return Err(Error::new(ErrorKind::InvalidQuery, "offset and after exclude each other; give one"));
            }
            Some(text) => Some(Mark::from_cursor(text, fingerprint)?),
            None => None,
        };
        let more = usize::from(ahead == LookAhead::Yes);
        let wanted = query.limit.map(|limit| if limit == 0 { 0 } else { limit.saturating_add(more) });
        let mut reading = Reading::new(self, &plan, now());
        let mut records = match plan.order {
            OrderedBy::Memory => reading.best(query, query.offset, wanted, after).await?,
            OrderedBy::Index | OrderedBy::None => {
                reading.begin_behind(after)?;
                reading.first(query.offset, wanted).await?.records
            }
            OrderedBy::IndexThenMemory => reading.first_then_best(query, wanted, after).await?,
        };
        let rows_read = reading.read();
        let limit = query.limit.unwrap_or(usize::MAX);
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).and_then(|last| match plan.order {
            OrderedBy::Memory => Some(Mark::of(last, &query.sort)),
            OrderedBy::Index | OrderedBy::None => reading.mark(last),
            OrderedBy::IndexThenMemory => Some(reading.mark_or_sorted(last, &query.sort)),
        });
        let next = next.map(|mark| mark.to_cursor(fingerprint));
        let Plan { index, range, residual_names: residual, order: sorted, .. } = plan;
        Ok((records, next, Explanation { index, range, residual, sorted, rows_read }))
    }
}

/// The first hits in the order of the scan.
struct First {
    records: Vec<Record>,
    /// How many are still to be passed over, where there were too few.
    skip: usize,
}

impl Reading<'_> {
    async fn first(&mut self, offset: usize, wanted: Option<usize>) -> Result<First> {
        let mut first = First { records: Vec::new(), skip: offset };
        loop {
            let missing = wanted.map(|wanted| wanted - first.records.len());
            if missing == Some(0) {
                return Ok(first);
            }
            let Some(hits) = self.next(missing.map(|missing| missing.saturating_add(first.skip))).await? else {
                return Ok(first);
            };
            let passed = first.skip.min(hits.len());
            first.skip -= passed;
            first.records.extend(hits.into_iter().skip(passed).take(missing.unwrap_or(usize::MAX)));
        }
    }

    /// The first hits in the order of a sort.
    async fn best(
        &mut self,
        query: &Query,
        offset: usize,
        wanted: Option<usize>,
        after: Option<Mark>,
    ) -> Result<Vec<Record>> {
        if wanted == Some(0) {
            return Ok(Vec::new());
        }
        let most = wanted.map(|wanted| wanted.saturating_add(offset));
        let mut best = Best::new(&query.sort, most, after);
        while let Some(hits) = self.next_batch().await? {
            for record in hits {
                best.take(record);
            }
        }
        Ok(best.into_sorted().into_iter().skip(offset).collect())
    }

    /// The first hits in the order of the index, and behind them, in the order of the sort, those that it leaves out.
    async fn first_then_best(
        &mut self,
        query: &Query,
        wanted: Option<usize>,
        after: Option<Mark>,
    ) -> Result<Vec<Record>> {
        let sorted_after = self.begin_behind_or_sorted(after)?;
        let First { mut records, skip } = match &sorted_after {
            None => self.within_first_branch().first(query.offset, wanted).await?,
            Some(_) => First { records: Vec::new(), skip: query.offset },
        };
        let missing = wanted.map(|wanted| wanted - records.len());
        self.beyond_first_branch();
        records.extend(self.best(query, skip, missing, sorted_after).await?);
        Ok(records)
    }
}
