//! The order of records.

use core::cmp::Ordering;
use std::collections::BinaryHeap;

use super::evaluate::Found;
use super::{Field, Mark};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Record, Scalar};

/// One field of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// What is compared.
    pub field: Field,
    /// Which way.
    pub order: Order,
}

/// Which way an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The least first.
    #[default]
    Ascending,
    /// The greatest first.
    Descending,
}

impl Order {
    /// Reads the public name: `asc` or `desc`.
    ///
    /// # Errors
    ///
    /// `INVALID_QUERY` for any other text.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "asc" => Ok(Self::Ascending),
            "desc" => Ok(Self::Descending),
            _ => Err(Error::new(ErrorKind::InvalidQuery, "an order is “asc” or “desc”").with("order", text)),
        }
    }

    pub(super) fn turn(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

/// Compares what two records have in a field, by the rules of the [module](super).
#[must_use]
pub fn compare(a: &Scalar, b: &Scalar, order: Order) -> Ordering {
    match (a, b) {
        (Scalar::Missing, Scalar::Missing) => Ordering::Equal,
        (Scalar::Boolean(a), Scalar::Boolean(b)) => order.turn(a.cmp(b)),
        (Scalar::Key(a), Scalar::Key(b)) => order.turn(a.cmp(b)),
        _ => place(a, order).cmp(&place(b, order)),
    }
}

/// Where values of a kind are: what an index can hold before what it cannot, whichever way the order goes.
fn place(scalar: &Scalar, order: Order) -> u8 {
    let between = match scalar {
        Scalar::Key(_) => return 0,
        Scalar::Missing => return 4,
        Scalar::Null => 1,
        Scalar::Boolean(_) => 2,
        Scalar::Other => 3,
    };
    match order {
        Order::Ascending => between,
        Order::Descending => 4 - between,
    }
}

/// Sorts records, by the rules of the [module](super).
///
/// # Behavior
///
/// - Each field of each record is read once.
/// - Without fields to sort by, the records stay as they are.
pub fn sort_records(records: &mut Vec<Record>, sorts: &[Sort]) {
    if sorts.is_empty() {
        return;
    }
    let mut best = Best::new(sorts, None, None);
    records.drain(..).for_each(|record| best.take(record));
    records.extend(best.into_sorted());
}

/// The first of the records that it is given, in an order; never holding more than are wanted, and one.
pub struct Best<'a> {
    sorts: &'a [Sort],
    most: Option<usize>,
    after: Option<Mark>,
    heap: BinaryHeap<Ranked<'a>>,
}

impl core::fmt::Debug for Best<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Best").field("sorts", &self.sorts).finish_non_exhaustive()
    }
}

impl<'a> Best<'a> {
    /// The first `most` behind a place; all and from the beginning, without.
    #[must_use]
    pub fn new(sorts: &'a [Sort], most: Option<usize>, after: Option<Mark>) -> Self {
        Self { sorts, most, after, heap: BinaryHeap::new() }
    }

    /// Looks at a record, and keeps it if it is among the first.
    pub fn take(&mut self, record: Record) {
        let ranked = Ranked { mark: Mark::of(&record, self.sorts), record, sorts: self.sorts };
        if self.after.as_ref().is_some_and(|after| compare_marks(&ranked.mark, after, self.sorts).is_le()) {
            return;
        }
        self.heap.push(ranked);
        if self.most.is_some_and(|most| self.heap.len() > most) {
            self.heap.pop();
        }
    }

    /// What was kept, in order.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Record> {
        self.heap.into_sorted_vec().into_iter().map(|ranked| ranked.record).collect()
    }
}

impl Mark {
    /// The place of a record in an order.
    #[must_use]
    pub fn of(record: &Record, sorts: &[Sort]) -> Self {
        let fields = sorts.iter().map(|sort| Found::of(&sort.field, record).scalar()).collect();
        Self { fields, key: record.key.clone() }
    }
}

/// Compares places in an order. No two records have one place: the key decides last.
fn compare_marks(a: &Mark, b: &Mark, sorts: &[Sort]) -> Ordering {
    let fields = sorts.iter().zip(a.fields.iter().zip(&b.fields));
    let by_fields = fields.map(|(sort, (a, b))| compare(a, b, sort.order)).fold(Ordering::Equal, Ordering::then);
    let order = sorts.last().map(|last| last.order).unwrap_or_default();
    by_fields.then_with(|| order.turn(a.key.cmp(&b.key)))
}

/// A record among others in an order.
struct Ranked<'a> {
    record: Record,
    mark: Mark,
    sorts: &'a [Sort],
}

impl Ord for Ranked<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_marks(&self.mark, &other.mark, self.sorts)
    }
}

impl PartialOrd for Ranked<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ranked<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Key, Meta};
    use crate::platform::Payload;

    fn sorted(values: &[&str], sorts: &[(&str, &str)]) -> String {
        let record = |(at, json): (usize, &&str)| Record {
            key: Key::from(u32::try_from(at).unwrap()),
            body: Body::Clear(Payload::from_wire(json).unwrap()),
            meta: Meta::default(),
        };
        let mut records: Vec<Record> = values.iter().enumerate().map(record).collect();
        let sorts: Vec<Sort> = sorts
            .iter()
            .map(|(field, order)| Sort { field: Field::parse(field).unwrap(), order: Order::parse(order).unwrap() })
            .collect();
        sort_records(&mut records, &sorts);
        records.iter().map(|record| record.key.to_text().replace('~', "")).collect::<Vec<_>>().join(" ")
    }

    const MIXED: [&str; 8] = [
        r#"{"a":{}}"#,
        r#"{"a":"x"}"#,
        "{}",
        r#"{"a":2}"#,
        r#"{"a":true}"#,
        r#"{"a":null}"#,
        r#"{"a":{"$":"date","v":0}}"#,
        r#"{"a":false}"#,
    ];

    #[test]
    fn keys_come_before_null_before_booleans_before_the_rest() {
        assert_eq!(sorted(&MIXED, &[("a", "asc")]), "3 6 1 5 7 4 0 2");
    }

    #[test]
    fn keys_come_first_and_a_missing_field_last_both_ways() {
        assert_eq!(sorted(&MIXED, &[("a", "desc")]), "1 6 3 0 4 7 5 2");
    }

    #[test]
    fn ties_come_by_key_in_the_direction_of_the_last_field() {
        let values = [r#"{"a":1,"b":1}"#, r#"{"a":1,"b":1}"#, r#"{"a":0,"b":1}"#];
        assert_eq!(sorted(&values, &[("a", "asc")]), "2 0 1");
        assert_eq!(sorted(&values, &[("a", "desc")]), "1 0 2");
        assert_eq!(sorted(&values, &[("b", "desc"), ("a", "asc")]), "2 0 1");
        assert_eq!(sorted(&values, &[("$key", "desc")]), "2 1 0");
    }

    #[test]
    fn nothing_to_sort_by_changes_nothing() {
        assert_eq!(sorted(&["{}", "{}"], &[]), "0 1");
    }

    #[test]
    fn an_unknown_order_is_refused() {
        assert_eq!(Order::parse("up").unwrap_err().kind(), ErrorKind::InvalidQuery);
    }
}
