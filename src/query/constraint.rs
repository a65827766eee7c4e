//! What the conditions on one field leave of its keys, as ranges.

use core::cmp::Ordering;
use core::ops::Bound;

use super::{Field, Filter, Operand, Operator};
use crate::model::{Key, KeyRange, Scalar, distinct};

/// What some conditions leave of a field's keys.
///
/// Only conditions that nothing but a key can meet make one, so a record that meets them is in an index on the field.
#[derive(Debug, Clone)]
pub(super) struct Constraint {
    /// Sorted and disjoint, none of them empty; none at all where the conditions exclude each other.
    pub(super) ranges: Vec<KeyRange>,
    pub(super) tightness: Tightness,
    /// The places, among the conjuncts, of the conditions that the ranges answer exactly.
    pub(super) served: Vec<usize>,
}

/// How little a constraint leaves, from the most to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tightness {
    Anything,
    Type,
    HalfOpen,
    Prefix,
    Closed,
    Points,
    Point,
}

impl Tightness {
    /// What it is worth: to read all strings through an index is no better than to read everything.
    pub(super) fn worth(self) -> Self {
        if self == Self::Type { Self::Anything } else { self }
    }
}

/// Which conditions are meant, by their field and operand.
pub(super) type Concerns<'a> = dyn Fn(&Field, &Operand) -> bool + 'a;

/// The ranges of one condition.
struct Part {
    ranges: Vec<KeyRange>,
    end: End,
    exact: bool,
}

/// Which ends of its ranges a condition gives.
#[derive(PartialEq, Eq)]
enum End {
    Neither,
    Lower,
    Upper,
    Both,
    Prefix,
}

impl Constraint {
    /// What those conjuncts leave that `concerns` chooses; none where none of them makes a range.
    pub(super) fn of(conjuncts: &[Filter], concerns: &Concerns<'_>) -> Option<Self> {
        let (mut lower, mut upper, mut prefix) = (false, false, false);
        let mut served = Vec::new();
        let mut ranges: Option<Vec<KeyRange>> = None;
        for (at, conjunct) in conjuncts.iter().enumerate() {
            let Some(part) = part_of(conjunct, concerns) else { continue };
            lower |= matches!(part.end, End::Lower | End::Both);
            upper |= matches!(part.end, End::Upper | End::Both);
            prefix |= part.end == End::Prefix;
            if part.exact {
                served.push(at);
            }
            ranges = Some(match ranges {
                None => part.ranges,
                Some(ranges) => intersect(&ranges, &part.ranges),
            });
        }
        let ranges = ranges?;
        let tightness = match ranges.as_slice() {
            [] => Tightness::Point,
            [range] if range.single().is_some() => Tightness::Point,
            _ if ranges.iter().all(|range| range.single().is_some()) => Tightness::Points,
            _ if lower && upper => Tightness::Closed,
            _ if prefix => Tightness::Prefix,
            _ if lower || upper => Tightness::HalfOpen,
            _ => Tightness::Type,
        };
        Some(Self { ranges, tightness, served })
    }

    /// The keys, where the ranges hold one key each.
    pub(super) fn points(&self) -> Option<Vec<&Key>> {
        self.ranges.iter().map(KeyRange::single).collect()
    }
}

/// The ranges of a condition, or of conditions joined, if keys alone can meet it.
fn part_of(filter: &Filter, concerns: &Concerns<'_>) -> Option<Part> {
    match filter {
        Filter::Compare { field, operator, value } if concerns(field, value) => part(*operator, value),
        Filter::Or(filters) => {
            let parts = filters.iter().map(|filter| part_of(filter, concerns)).collect::<Option<Vec<_>>>()?;
            parts.into_iter().reduce(|a, b| Part {
                ranges: unite(a.ranges, b.ranges),
                end: if a.end == b.end { a.end } else { End::Neither },
                exact: a.exact && b.exact,
            })
        }
        Filter::And(filters) => {
            let all = filters.len();
            let parts: Vec<Part> = filters.iter().filter_map(|filter| part_of(filter, concerns)).collect();
            let whole = parts.len() == all;
            let part = parts.into_iter().reduce(|a, b| Part {
                ranges: intersect(&a.ranges, &b.ranges),
                end: match (a.end, b.end) {
                    (End::Lower, End::Upper) | (End::Upper, End::Lower) => End::Both,
                    (End::Neither, end) | (end, _) => end,
                },
                exact: a.exact && b.exact,
            })?;
            Some(Part { exact: part.exact && whole, ..part })
        }
        Filter::Compare { .. } | Filter::Not(_) => None,
    }
}

/// The ranges of a condition, if keys alone can meet it.
fn part(operator: Operator, operand: &Operand) -> Option<Part> {
    let part = |range: KeyRange, end: End| {
        let ranges = if range.is_empty() { Vec::new() } else { vec![range] };
        Some(Part { ranges, end, exact: true })
    };
    let key = match operand {
        Operand::One(Scalar::Key(key)) if key.is_valid() => key,
        Operand::One(_) => return None,
        Operand::Many(list) => {
            let keys = list.iter().map(|item| match item {
                Scalar::Key(key) if key.is_valid() => Some(key),
                Scalar::Missing | Scalar::Null | Scalar::Boolean(_) | Scalar::Other | Scalar::Key(_) => None,
            });
            let keys: Vec<&Key> = keys.collect::<Option<_>>()?;
            return match (operator, keys.as_slice()) {
                (Operator::In, _) => {
                    let keys = distinct(keys.into_iter().cloned().collect());
                    let ranges = keys.into_iter().map(KeyRange::only).collect();
                    Some(Part { ranges, end: End::Both, exact: true })
                }
                (Operator::Between, [from, to]) if from.same_type(to) => {
                    let (lower, upper) = (Bound::Included((*from).clone()), Bound::Included((*to).clone()));
                    part(KeyRange { lower, upper }, End::Both)
                }
                _ => None,
            };
        }
    };
    let within = |lower, upper| KeyRange { lower, upper }.intersect(KeyRange::of_type(key));
    let own = || key.clone();
    match operator {
        Operator::Eq => part(KeyRange::only(own()), End::Both),
        Operator::Gt => part(within(Bound::Excluded(own()), Bound::Unbounded), End::Lower),
        Operator::Gte => part(within(Bound::Included(own()), Bound::Unbounded), End::Lower),
        Operator::Lt => part(within(Bound::Unbounded, Bound::Excluded(own())), End::Upper),
        Operator::Lte => part(within(Bound::Unbounded, Bound::Included(own())), End::Upper),
        Operator::StartsWith => match key {
            Key::String(text) => part(KeyRange::prefix(text), End::Prefix),
            _ => None,
        },
        Operator::EndsWith => match key {
            Key::String(_) => Some(Part { ranges: vec![KeyRange::of_type(key)], end: End::Neither, exact: false }),
            _ => None,
        },
        Operator::Ne
        | Operator::In
        | Operator::Nin
        | Operator::Between
        | Operator::Contains
        | Operator::Member
        | Operator::Exists => None,
    }
}

/// What two sorted unions of disjoint ranges hold together; again such a union.
pub(super) fn unite(a: Vec<KeyRange>, b: Vec<KeyRange>) -> Vec<KeyRange> {
    let (mut a, mut b) = (a.into_iter().peekable(), b.into_iter().peekable());
    let mut united: Vec<KeyRange> = Vec::new();
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(left), Some(right)) if compare_beginnings(&right.lower, &left.lower).is_lt() => b.next(),
            (Some(_), _) => a.next(),
            (None, _) => b.next(),
        };
        let Some(next) = next else { return united };
        match united.last_mut() {
            Some(last) if !last.clone().intersect(next.clone()).is_empty() => {
                if compare_ends(&last.upper, &next.upper).is_lt() {
                    last.upper = next.upper;
                }
            }
            _ => united.push(next),
        }
    }
}

/// What two sorted unions of disjoint ranges share.
fn intersect(a: &[KeyRange], b: &[KeyRange]) -> Vec<KeyRange> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut shared = Vec::new();
    while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
        let both = (*left).clone().intersect((*right).clone());
        let order = compare_ends(&left.upper, &right.upper);
        if !both.is_empty() {
            shared.push(both);
        }
        if order.is_le() {
            a.next();
        } else {
            b.next();
        }
    }
    shared
}

fn compare_beginnings(a: &Bound<Key>, b: &Bound<Key>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Less,
        (_, Bound::Unbounded) => Ordering::Greater,
        (Bound::Included(a), Bound::Included(b)) | (Bound::Excluded(a), Bound::Excluded(b)) => a.cmp(b),
        (Bound::Included(a), Bound::Excluded(b)) => a.cmp(b).then(Ordering::Less),
        (Bound::Excluded(a), Bound::Included(b)) => a.cmp(b).then(Ordering::Greater),
    }
}

fn compare_ends(a: &Bound<Key>, b: &Bound<Key>) -> Ordering {
    match (a, b) {
        (Bound::Unbounded, Bound::Unbounded) => Ordering::Equal,
        (Bound::Unbounded, _) => Ordering::Greater,
        (_, Bound::Unbounded) => Ordering::Less,
        (Bound::Included(a), Bound::Included(b)) | (Bound::Excluded(a), Bound::Excluded(b)) => a.cmp(b),
        (Bound::Included(a), Bound::Excluded(b)) => a.cmp(b).then(Ordering::Greater),
        (Bound::Excluded(a), Bound::Included(b)) => a.cmp(b).then(Ordering::Less),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Payload;

    fn constraint(conditions: &[(&str, &str)]) -> Option<Constraint> {
        let made = |(operator, json): &(&str, &str)| {
            let value = Payload::from_wire(json).unwrap();
            Filter::compare_with(Field::Key, Operator::parse(operator).unwrap(), &value).unwrap()
        };
        let conjuncts: Vec<Filter> = conditions.iter().map(made).collect();
        Constraint::of(&conjuncts, &|_, _| true)
    }

    fn tightness(conditions: &[(&str, &str)]) -> Tightness {
        constraint(conditions).unwrap().tightness
    }

    #[test]
    fn conditions_tighten_each_other() {
        assert_eq!(tightness(&[("gt", "1")]), Tightness::HalfOpen);
        assert_eq!(tightness(&[("gt", "1"), ("lte", "5")]), Tightness::Closed);
        assert_eq!(tightness(&[("gte", "5"), ("lte", "5")]), Tightness::Point);
        assert_eq!(tightness(&[("startsWith", "\"a\"")]), Tightness::Prefix);
        assert_eq!(tightness(&[("endsWith", "\"a\"")]), Tightness::Type);
        assert_eq!(tightness(&[("in", "[1,2,2]")]), Tightness::Points);
        assert_eq!(
            constraint(&[("in", "[3,1,3,7]"), ("lt", "7"), ("gt", "1")]).unwrap().ranges,
            [KeyRange::only(Key::from(3))]
        );
    }

    #[test]
    fn conditions_that_exclude_each_other_leave_nothing() {
        for conditions in [
            [("gt", "5"), ("lt", "5")],
            [("gt", "1"), ("lt", "\"a\"")],
            [("eq", "1"), ("eq", "2")],
            [("in", "[]"), ("gt", "1")],
            [("between", "[3,2]"), ("gt", "1")],
        ] {
            assert!(constraint(&conditions).unwrap().ranges.is_empty(), "{conditions:?}");
        }
    }

    #[test]
    fn what_no_key_meets_or_more_than_keys_meet_makes_no_range() {
        for condition in
            [("eq", "null"), ("eq", "true"), ("ne", "1"), ("nin", "[1]"), ("in", "[1,null]"), ("contains", "1")]
        {
            assert!(constraint(&[condition]).is_none(), "{condition:?}");
        }
    }

    #[test]
    fn only_what_the_ranges_answer_exactly_counts_as_served() {
        assert_eq!(constraint(&[("endsWith", "\"a\""), ("gt", "\"a\""), ("ne", "\"b\"")]).unwrap().served, [1]);
    }
}
