//! The choice of a way into a collection.

use super::access::{Access, Question};
use super::explain::{intervals, outline};
use super::{Filter, Sort};
use crate::backend::{Direction, Source};
use crate::model::{Collection, KeyRange};

/// How to answer a question: scan each range in turn, keep what the residual matches, sort if need be.
///
/// # Behavior
///
/// - Its rows are the records that match the filter, and no others; in the order of the sort, where there is one.
/// - Without a residual, every row that is read is a hit.
/// - Every range is one that IndexedDB takes, and none is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What to scan.
    pub source: Source,
    /// The ranges to scan, disjoint, in the order in which to scan them; none where nothing can match.
    pub ranges: Vec<KeyRange>,
    /// The direction of each scan.
    pub direction: Direction,
    /// What to check of each row, if anything.
    pub residual: Option<Filter>,
    /// What gives the order asked for.
    pub order: OrderedBy,
    /// Whether scans may give a record more than once; only its first row counts then.
    pub distinct: bool,
    /// For explaining: the index, if one is used.
    pub index: Option<String>,
    /// For explaining: the ranges. It holds operands of the filter.
    pub range: String,
    /// For explaining: the conditions of the residual, without their operands.
    pub residual_names: Vec<String>,
}

/// What gives the order asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderedBy {
    /// The scans: rows come sorted, and a limit can stop them early.
    Index,
    /// A [sort in memory](super::sort_records), once all rows are there.
    Memory,
    /// None was asked for.
    None,
}

/// Chooses how to answer a question to a collection; to none, where the namespace is undeclared.
///
/// # Behavior
///
/// - A single record by its key is best, then one by a unique index, then lists of such, then the index with the most
///   equalities; with as many, the one whose next field is held tightest: a list, a range with two ends, a prefix, a
///   range with one.
/// - Of ways that are as good, one that gives the order asked for is chosen, then one that leaves less to check.
/// - A compound index is used only where the filter asks for each of its fields, for it leaves out the records that
///   lack one.
/// - The order comes from an index only where the filter asks for a key in its field, for the same reason.
#[must_use]
pub fn plan(filter: Option<&Filter>, sort: &[Sort], collection: Option<&Collection>) -> Plan {
    let conjuncts = filter.map(|filter| filter.normalised(collection).into_conjuncts()).unwrap_or_default();
    let question = Question { conjuncts: &conjuncts, collection };
    let merit = |access: &Access| {
        let ordered = question.direction(access, sort).is_some();
        (access.score, ordered, access.served.len())
    };
    let better = |best: Access, access: Access| if merit(&access) > merit(&best) { access } else { best };
    let access = question.ways().into_iter().fold(question.everything(), better);
    let (order, direction) = match question.direction(&access, sort) {
        _ if sort.is_empty() => (OrderedBy::None, Direction::Forward),
        Some(direction) => (OrderedBy::Index, direction),
        None => (OrderedBy::Memory, Direction::Forward),
    };
    let Access { source, mut ranges, served, distinct, .. } = access;
    let range = intervals(&ranges);
    if direction == Direction::Backward {
        ranges.reverse();
    }
    let rest = conjuncts.into_iter().enumerate().filter(|(at, _)| !served.contains(at));
    let mut rest: Vec<Filter> = rest.map(|(_, conjunct)| conjunct).collect();
    let residual_names = rest.iter().map(outline).collect();
    let residual = if rest.len() > 1 { Some(Filter::And(rest)) } else { rest.pop() };
    let index = match &source {
        Source::Index(name) => Some(name.clone()),
        Source::Primary | Source::Expiring => None,
    };
    Plan { source, ranges, direction, residual, order, distinct, index, range, residual_names }
}

#[cfg(test)]
mod tests;
