//! A plan never changes a result: whatever way it chooses, the rows are those of reading and sorting everything.

use futures_executor::block_on;
use proptest::prelude::*;
use tidekeep::backend::memory::MemoryBackend;
use tidekeep::backend::{Backend, Scan};
use tidekeep::model::{Key, KeyRange, Record};
use tidekeep::query::{Extent, OrderedBy, Plan, Sort, matches, plan, sort_records};

use crate::strategies::{backend, collection, filter, records, row, sorts};

/// The keys of the rows, in their order, and how many rows were read.
fn executed(plan: &Plan, sort: &[Sort], backend: &MemoryBackend) -> (Vec<Key>, usize) {
    let mut rows: Vec<Record> = Vec::new();
    let mut led = usize::MAX;
    for branch in &plan.branches {
        for range in &branch.ranges {
            let source = branch.source.clone();
            let scan = Scan { source, range: range.clone(), direction: plan.direction, ..Scan::all("things") };
            rows.extend(block_on(backend.scan(&scan)).unwrap().into_iter().filter_map(|row| row.record));
        }
        led = led.min(rows.len());
    }
    let read = rows.len();
    let led: Vec<Key> = rows.iter().take(led).map(|record| record.key.clone()).collect();
    if plan.branches.len() > 1 || plan.branches.iter().any(|branch| branch.distinct) {
        let mut seen = Vec::new();
        rows.retain(|record| {
            !seen.contains(&record.key) && {
                seen.push(record.key.clone());
                true
            }
        });
    }
    rows.retain(|record| plan.residual.as_ref().is_none_or(|filter| matches(filter, record)));
    match plan.order {
        OrderedBy::Memory => sort_records(&mut rows, sort),
        OrderedBy::IndexThenMemory => {
            let (mut first, mut rest): (Vec<Record>, _) = rows.into_iter().partition(|row| led.contains(&row.key));
            sort_records(&mut rest, sort);
            first.append(&mut rest);
            rows = first;
        }
        OrderedBy::Index | OrderedBy::None => {}
    }
    (rows.into_iter().map(|record| record.key).collect(), read)
}

/// Whether IndexedDB takes the ranges, and each begins where the one before has ended.
fn well_formed(ranges: &[KeyRange]) -> bool {
    ranges.iter().all(|range| !range.is_empty())
        && ranges.windows(2).all(|pair| pair[0].clone().intersect(pair[1].clone()).is_empty())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_gives_what_reading_everything_gives(
        shape in 0..3usize,
        rows in prop::collection::vec(row(), 0..32),
        filter in prop::option::weighted(0.9, filter()),
        sort in sorts(),
        paged: bool,
    ) {
        let collection = collection(shape);
        let records = records(&rows, &collection);
        let backend = backend(&records, &collection);
        let extent = if paged { Extent::Page } else { Extent::All };
        let plan = plan(filter.as_ref(), &sort, Some(&collection), extent);

        let normalised = filter.as_ref().map(|filter| filter.normalised(Some(&collection)));
        let mut wanted: Vec<Record> = records
            .into_values()
            .filter(|record| normalised.as_ref().is_none_or(|filter| matches(filter, record)))
            .collect();
        sort_records(&mut wanted, &sort);
        let wanted: Vec<Key> = wanted.into_iter().map(|record| record.key).collect();

        let (mut found, read) = executed(&plan, &sort, &backend);
        if sort.is_empty() {
            prop_assert_eq!(plan.order, OrderedBy::None);
            found.sort();
        }
        prop_assert_eq!(&found, &wanted, "{:?}", plan);
        prop_assert!(plan.branches.iter().all(|branch| well_formed(&branch.ranges)), "{:?}", plan);
        if plan.is_exact() {
            prop_assert_eq!(read, found.len(), "{:?}", plan);
        }
    }
}
