//! The choice of a way into a collection.

use super::access::{Access, Question};
use super::explain::{intervals, outline};
use super::{Filter, Sort};
use crate::backend::{Direction, Source};
use crate::model::{Collection, KeyRange};

/// How to answer a question: scan each range of each branch in turn, keep what the residual matches, sort if need be.
///
/// # Behavior
///
/// - Its rows are the records that match the filter, and no others; in the order of the sort, where there is one.
/// - A record counts in the first branch that it lies in, and in no other.
/// - Without a residual, every row that is read is a hit, or is one again.
/// - Every range is one that IndexedDB takes, and none is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What to scan, one after the other: one branch, or one for each index that serves a part of an `or`.
    pub branches: Vec<Branch>,
    /// The direction of each scan.
    pub direction: Direction,
    /// What to check of each row of a branch that is not exact, if anything.
    pub residual: Option<Filter>,
    /// What gives the order asked for.
    pub order: OrderedBy,
    /// For explaining: the index, if one is used; where several are, each, joined.
    pub index: Option<String>,
    /// For explaining: the ranges. It holds operands of the filter.
    pub range: String,
    /// For explaining: the conditions of the residual, without their operands.
    pub residual_names: Vec<String>,
}

/// The part of a plan that scans one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// What to scan.
    pub source: Source,
    /// The ranges to scan, disjoint, in the order in which to scan them; none where nothing can match.
    pub ranges: Vec<KeyRange>,
    /// Whether scans may give a record more than once; only its first row counts then.
    pub distinct: bool,
    /// Whether every row is a hit: the scans give what matches the filter, each record once, and nothing else.
    pub exact: bool,
}

impl Plan {
    /// Whether the scans give every hit once, and nothing else.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(self.branches.as_slice(), [Branch { exact: true, .. }])
    }
}

/// What gives the order asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderedBy {
    /// The scans: rows come sorted, and a limit can stop them early.
    Index,
    /// The scans of the first branch, as far as its index goes; the others give what it leaves out, which comes behind
    /// it, [sorted in memory](super::sort_records).
    IndexThenMemory,
    /// A [sort in memory](super::sort_records), once all rows are there.
    Memory,
    /// None was asked for.
    None,
}

/// How much of the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    All,
    /// A page at a time.
    Page,
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
/// - An `or` over several fields is a union of ways, each over another index, where every branch has one, and the worst
///   of them is better than the best single way. Its order is made in memory.
/// - The order comes from an index where the filter asks for a key in its field, for the same reason; and for a page,
///   also where it does not: then what the index leaves out comes behind it.
#[must_use]
pub fn plan(filter: Option<&Filter>, sort: &[Sort], collection: Option<&Collection>, extent: Extent) -> Plan {
    let conjuncts = filter.map(|filter| filter.normalised(collection).into_conjuncts()).unwrap_or_default();
    let question = Question { conjuncts: &conjuncts, collection };
    let access = question.best(sort);
    let union = question.union().filter(|union| union.score > access.score);
    let ordered = question.direction(&access, sort);
    let leading = match (extent, ordered, &union) {
        (Extent::Page, None, None) => question.leading(sort),
        _ => None,
    };
    // One that answers less of the filter may have to go through far more rows than it saves sorting.
    let narrow =
        |leading: &Access| leading.score >= access.score && access.served.iter().all(|at| leading.served.contains(at));
    let leading = leading.filter(narrow);
    let everything_served = |access: &Access| !access.distinct && access.served.len() == conjuncts.len();
    let (ways, exact, served, (order, direction)) = if let Some(leading) = leading {
        let served = access.served.iter().copied().filter(|at| leading.served.contains(at)).collect();
        let direction = question.direction(&leading, sort).unwrap_or(Direction::Forward);
        let exact = everything_served(&leading);
        (vec![leading, access], exact, served, (OrderedBy::IndexThenMemory, direction))
    } else if let Some(union) = union {
        (union.ways, false, union.served, in_order(sort, None))
    } else {
        let (exact, served) = (everything_served(&access), access.served.clone());
        (vec![access], exact, served, in_order(sort, ordered))
    };
    let (index, range) = match order {
        OrderedBy::IndexThenMemory => told(ways.get(..1).unwrap_or_default()),
        OrderedBy::Index | OrderedBy::Memory | OrderedBy::None => told(&ways),
    };
    let branch = |(at, Access { source, mut ranges, distinct, .. }): (usize, Access)| {
        if direction == Direction::Backward {
            ranges.reverse();
        }
        Branch { source, ranges, distinct, exact: exact && at == 0 }
    };
    let branches = ways.into_iter().enumerate().map(branch).collect();
    let rest = conjuncts.into_iter().enumerate().filter(|(at, _)| !served.contains(at));
    let mut rest: Vec<Filter> = rest.map(|(_, conjunct)| conjunct).collect();
    let residual_names = if exact { Vec::new() } else { rest.iter().map(outline).collect() };
    let residual = if rest.len() > 1 { Some(Filter::And(rest)) } else { rest.pop() };
    Plan { branches, direction, residual, order, index, range, residual_names }
}

/// What gives the order, where the scans come in it in one direction, or in none.
fn in_order(sort: &[Sort], found: Option<Direction>) -> (OrderedBy, Direction) {
    match found {
        _ if sort.is_empty() => (OrderedBy::None, Direction::Forward),
        Some(direction) => (OrderedBy::Index, direction),
        None => (OrderedBy::Memory, Direction::Forward),
    }
}

/// The names and the ranges of the indexes; in a union, each range behind its name, and the key's is `$key`.
fn told(ways: &[Access]) -> (Option<String>, String) {
    let name = |way: &Access| match &way.source {
        Source::Index(name) => Some(name.clone()),
        Source::Primary | Source::Expiring => None,
    };
    if let [way] = ways {
        return (name(way), intervals(&way.ranges));
    }
    let names: Vec<String> = ways.iter().map(|way| name(way).unwrap_or_else(|| "$key".to_owned())).collect();
    let ranges: Vec<String> =
        ways.iter().zip(&names).map(|(way, name)| format!("{name} {}", intervals(&way.ranges))).collect();
    (Some(names.join(OR)), ranges.join(OR))
}

/// Between the branches of a union.
const OR: &str = " or ";

#[cfg(test)]
mod tests;
