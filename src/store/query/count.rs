//! Counting what a filter finds.

use core::ops::Bound;

use super::reading::{Reading, Wanted};
use crate::backend::{Direction, Source};
use crate::error::Result;
use crate::model::{Key, KeyRange};
use crate::platform::now;
use crate::query::{Branch, Extent, Filter, OrderedBy, Plan, check_blind, plan};
use crate::store::Collection;

impl Collection {
    /// How many live entries a filter finds.
    ///
    /// # Behavior
    ///
    /// - Where an index answers the filter whole, keys are counted, and no value is read but those of entries whose time
    ///   is over and that are still there.
    /// - Otherwise entries are read in batches and not held: those in the ranges of the indexes, if some serve.
    pub async fn count_matching(&self, filter: &Filter) -> Result<u64> {
        self.counted(filter).await.map_err(|error| error.during("count"))
    }

    async fn counted(&self, filter: &Filter) -> Result<u64> {
        let now = now();
        check_blind(Some(filter), &[], self.declared())?;
        let plan = plan(Some(filter), &[], self.declared(), Extent::All);
        self.tagged_for(&plan).await?;
        if !plan.is_exact() {
            return all_hits(Reading::new(self, &plan, now)).await;
        }
        let dead = over(now, filter.normalised(self.declared()));
        let mut over = all_hits(Reading::new(self, &dead, now).of(Wanted::Stored)).await?;
        loop {
            let mut stored = 0;
            for branch in &plan.branches {
                for range in &branch.ranges {
                    stored += self.stack().count(self.name(), &branch.source, range).await?;
                }
            }
            let still_over = all_hits(Reading::new(self, &dead, now).of(Wanted::Stored)).await?;
            if over == still_over {
                return Ok(stored.saturating_sub(over));
            }
            over = still_over; // some were removed meanwhile, before or after the rest was counted
        }
    }
}

/// The plan of what a filter finds among entries whose time is over.
fn over(now: f64, filter: Filter) -> Plan {
    Plan {
        branches: vec![Branch {
            source: Source::Expiring,
            ranges: vec![KeyRange { lower: Bound::Unbounded, upper: Bound::Included(Key::Number(now)) }],
            distinct: false,
            exact: false,
        }],
        direction: Direction::Forward,
        residual: Some(filter),
        order: OrderedBy::None,
        index: None,
        range: String::new(),
        residual_names: Vec::new(),
    }
}

async fn all_hits(mut reading: Reading<'_>) -> Result<u64> {
    let mut count = 0;
    while let Some(hits) = reading.next_batch().await? {
        count += hits.len() as u64;
    }
    Ok(count)
}
