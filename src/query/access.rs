//! The ways into a collection, and what each would read.

use core::ops::Bound;

use super::constraint::{Constraint, Tightness};
use super::{Field, Filter, Operand, Operator, Order, Sort};
use crate::backend::{Direction, Source};
use crate::model::{Collection, Index, Key, KeyPath, KeyRange, Scalar, distinct};

/// Beyond so many ranges, combinations of lists are not multiplied out.
const MOST_COMBINATIONS: usize = 1000;

/// A way in.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) source: Source,
    /// Sorted and disjoint.
    pub(super) ranges: Vec<KeyRange>,
    /// The places of the conjuncts that it answers exactly.
    pub(super) served: Vec<usize>,
    /// Whether it may give a record twice.
    pub(super) distinct: bool,
    pub(super) score: Score,
    /// The fields by which rows come, before their keys; none where they come in no order of fields.
    parts: Option<Vec<Field>>,
}

/// How good a way in is; the greatest is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Score {
    class: Class,
    equalities: usize,
    next: Tightness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Many,
    /// At most one record for each of a list.
    Few,
    /// At most one record, by a unique index.
    Unique,
    /// At most one record, by its key.
    Key,
    Nothing,
}

/// A question to a collection, taken apart.
pub(super) struct Question<'a> {
    pub(super) conjuncts: &'a [Filter],
    pub(super) collection: Option<&'a Collection>,
}

impl Question<'_> {
    /// Every way in that is better than reading everything, the primary first.
    fn ways(&self) -> Vec<Access> {
        let indexes = self.collection.map_or(&[] as &[Index], |collection| &collection.indexes);
        let key_path = self.collection.and_then(|collection| collection.key_path.as_ref());
        let by_parts = match key_path {
            Some(KeyPath::Compound(paths)) => self.by_parts(Source::Primary, paths, true),
            Some(KeyPath::Single(_)) | None => None,
        };
        self.by_field(Source::Primary, Field::Key, true)
            .into_iter()
            .chain(by_parts)
            .chain(indexes.iter().flat_map(|index| self.by_index(index)))
            .collect()
    }

    /// Reading everything.
    pub(super) fn everything(&self) -> Access {
        Access {
            source: Source::Primary,
            ranges: vec![KeyRange::all()],
            served: Vec::new(),
            distinct: false,
            score: Score { class: Class::Many, equalities: 0, next: Tightness::Anything },
            parts: Some(self.primary_parts()),
        }
    }

    /// The fields by which records come in the order of their keys.
    fn primary_parts(&self) -> Vec<Field> {
        match self.collection.and_then(|collection| collection.key_path.as_ref()) {
            Some(KeyPath::Compound(paths)) => paths.iter().map(|path| Field::Value(path.clone())).collect(),
            Some(KeyPath::Single(_)) | None => vec![Field::Key],
        }
    }

    /// In which direction to read so that rows come in the order asked for, if there is one.
    ///
    /// INVARIANT: an index leaves records out; every [`Access`] over one is made from conditions that those fail, but
    /// for a [leading](Self::leading) one.
    pub(super) fn direction(&self, access: &Access, sorts: &[Sort]) -> Option<Direction> {
        let last = sorts.last()?;
        let primary = access.source == Source::Primary;
        let mut wanted: Vec<(Field, Order)> = Vec::new();
        for sort in sorts {
            let field = self.canonical(&sort.field);
            if !self.is_fixed(&field) && !wanted.iter().any(|(earlier, _)| *earlier == field) {
                let over = field == Field::Key;
                wanted.push((field, sort.order));
                if over {
                    break; // no two records have one key
                }
            }
        }
        let order = match wanted.last() {
            Some((Field::Key, order)) => *order,
            _ => last.order,
        };
        if wanted.iter().any(|(_, other)| *other != order) {
            return None;
        }
        let mut wanted = wanted.into_iter().map(|(field, _)| field).peekable();
        for part in access.parts.as_ref()? {
            match wanted.peek() {
                Some(Field::Key) | None if primary => break, // the rest of a key decides as the key does
                _ if self.is_fixed(part) => {}
                Some(field) if field == part => drop(wanted.next()),
                _ => return None,
            }
        }
        let direction = match order {
            Order::Ascending => Direction::Forward,
            Order::Descending => Direction::Backward,
        };
        matches!(wanted.next(), None | Some(Field::Key)).then_some(direction)
    }

    /// The field that is the key, where its path is the collection's key path.
    fn canonical(&self, field: &Field) -> Field {
        match (field, self.collection.and_then(|collection| collection.key_path.as_ref())) {
            (Field::Value(path), Some(KeyPath::Single(key_path))) if path == key_path => Field::Key,
            _ => field.clone(),
        }
    }

    /// Whether every hit has the same value in this field.
    fn is_fixed(&self, field: &Field) -> bool {
        self.conjuncts.iter().any(|conjunct| match conjunct {
            Filter::Compare { field: other, operator: Operator::Eq, .. } => self.canonical(other) == *field,
            Filter::Compare { .. } | Filter::And(_) | Filter::Or(_) | Filter::Not(_) => false,
        })
    }

    /// Whether every record has a key in this field.
    fn is_always_there(&self, field: &Field) -> bool {
        let key_path = self.collection.and_then(|collection| collection.key_path.as_ref());
        match field {
            Field::Value(path) => key_path.is_some_and(|key_path| key_path.paths().contains(path)),
            Field::Key | Field::Created | Field::Modified | Field::Version => true,
            Field::Tags | Field::Expires | Field::Metadata(_) => false,
        }
    }

    /// The best way by itself, for these sorts; reading everything, where there is no better.
    pub(super) fn best(&self, sorts: &[Sort]) -> Access {
        let merit = |access: &Access| {
            let ordered = self.direction(access, sorts).is_some();
            (access.score, ordered, access.served.len())
        };
        let better = |best: Access, access: Access| if merit(&access) > merit(&best) { access } else { best };
        self.ways().into_iter().fold(self.everything(), better)
    }

    /// The best way by an index that gives these sorts as far as it goes, and then leaves out what comes behind all that
    /// it has: records without a key in the one field of the sort that is not fixed.
    pub(super) fn leading(&self, sorts: &[Sort]) -> Option<Access> {
        let indexes = self.collection.map_or(&[] as &[Index], |collection| &collection.indexes);
        let sortable = |index: &&Index| !index.multi_entry && !index.blind;
        let ways = indexes.iter().filter(sortable).filter_map(|index| self.leading_by(index));
        let ways = ways.filter(|access| self.direction(access, sorts).is_some());
        ways.reduce(|best, access| if access.score > best.score { access } else { best })
    }

    /// The way through an index under one key in each of its fields but the last, of which nothing is asked.
    fn leading_by(&self, index: &Index) -> Option<Access> {
        let source = Source::Index(index.name.clone());
        let parts: Vec<Field> =
            index.key_path.paths().iter().map(|path| self.canonical(&Field::indexed(path))).collect();
        let (last, fixed) = parts.split_last()?;
        if self.is_fixed(last) || self.constraint(last, &source).is_some() {
            return None;
        }
        let (mut prefix, mut served) = (Vec::new(), Vec::new());
        for field in fixed {
            let constraint = self.constraint(field, &source).filter(|_| self.is_fixed(field))?;
            let points = constraint.points()?;
            let [point] = points.as_slice() else { return None };
            prefix.push((*point).clone());
            served.extend(constraint.served);
        }
        let range = match index.key_path {
            KeyPath::Single(_) => KeyRange::all(),
            KeyPath::Compound(_) => under(&prefix, &KeyRange::all()),
        };
        let score = Score { class: Class::Many, equalities: prefix.len(), next: Tightness::Anything };
        Some(Access { source, ranges: vec![range], served, distinct: false, score, parts: Some(parts) })
    }

    fn constraint(&self, field: &Field, source: &Source) -> Option<Constraint> {
        let mut constraint = Constraint::of(self.conjuncts, &|other, _| self.canonical(other) == *field)?;
        constraint.served.retain(|at| self.conjuncts.get(*at).is_some_and(|conjunct| self.is_exact(conjunct, source)));
        Some(constraint)
    }

    /// Whether an index sees in these fields what a filter sees there. A sealed body has no fields, though its record
    /// has a key; IndexedDB indexes the lengths of strings; and in WebKit's indexes there are arrays with elements that
    /// are no keys, which only ranges of arrays can meet.
    fn is_exact(&self, filter: &Filter, source: &Source) -> bool {
        let sees = |path: &str, operator: Operator, operand: &Operand| {
            let exact = matches!(operator, Operator::Eq | Operator::In | Operator::Member);
            *source == Source::Primary || (!is_length(path) && (exact || !holds_array(operand)))
        };
        match filter {
            Filter::Compare { field: Field::Value(path), operator, value } => {
                self.collection.is_none_or(|collection| !collection.encrypted) && sees(path, *operator, value)
            }
            Filter::Compare { field: Field::Metadata(path), operator, value } => sees(path, *operator, value),
            Filter::Compare { .. } => true,
            Filter::And(filters) | Filter::Or(filters) => filters.iter().all(|filter| self.is_exact(filter, source)),
            Filter::Not(filter) => self.is_exact(filter, source),
        }
    }

    fn by_index(&self, index: &Index) -> Vec<Access> {
        let source = Source::Index(index.name.clone());
        let of_points = |access: &Access| !index.blind || access.ranges.iter().all(|range| range.single().is_some());
        let ways: Vec<Access> = match &index.key_path {
            KeyPath::Single(path) if index.multi_entry => self.by_element(&source, path, index.unique),
            KeyPath::Single(path) => {
                let field = self.canonical(&Field::indexed(path));
                self.by_field(source, field, index.unique).into_iter().collect()
            }
            KeyPath::Compound(paths) => self.by_parts(source, paths, index.unique).into_iter().collect(),
        };
        ways.into_iter().filter(of_points).collect()
    }

    fn by_field(&self, source: Source, field: Field, unique: bool) -> Option<Access> {
        let constraint = self.constraint(&field, &source)?;
        let score = Score::of(&source, unique, &constraint);
        let parts = if source == Source::Primary { self.primary_parts() } else { vec![field] };
        let Constraint { ranges, served, .. } = constraint;
        Some(Access { source, ranges, served, distinct: false, score, parts: Some(parts) })
    }

    /// The ways through a multi-entry index. Different elements may meet different conditions, so ranges of different
    /// conditions cannot be cut with each other, unless the conditions are such that only a lone value meets them.
    fn by_element(&self, source: &Source, path: &str, unique: bool) -> Vec<Access> {
        let mine = |field: &Field| *field == Field::indexed(path);
        let member = |(at, conjunct): (usize, &Filter)| {
            let keys = members(conjunct, &mine)?;
            let ranges: Vec<KeyRange> = distinct(keys).into_iter().map(KeyRange::only).collect();
            let tightness = if ranges.len() == 1 { Tightness::Point } else { Tightness::Points };
            let served = if is_length(path) { Vec::new() } else { vec![at] };
            Some(Constraint { ranges, tightness, served })
        };
        let lone = Constraint::of(self.conjuncts, &|field, operand| mine(field) && !holds_array(operand));
        // An array of such elements is in the ranges too, and is no hit: the conditions remain to be checked.
        let lone = lone.map(|constraint| Constraint { served: Vec::new(), ..constraint });
        let access = |constraint: Constraint| {
            let point = constraint.tightness == Tightness::Point;
            Access {
                source: source.clone(),
                score: Score::of(source, unique, &constraint),
                ranges: constraint.ranges,
                served: constraint.served,
                distinct: !point,
                // Under one key, rows come by their own; else by elements, and a record is no element.
                parts: point.then(Vec::new),
            }
        };
        self.conjuncts.iter().enumerate().filter_map(member).chain(lone).map(access).collect()
    }

    /// The way through keys that are arrays of fields: equalities first, then one range.
    fn by_parts(&self, source: Source, paths: &[String], unique: bool) -> Option<Access> {
        let parts: Vec<Field> = paths.iter().map(|path| self.canonical(&Field::indexed(path))).collect();
        let constraints: Vec<Option<Constraint>> = parts.iter().map(|part| self.constraint(part, &source)).collect();
        // The index leaves out a record that lacks any of its parts, so the conditions must ask for each of them.
        let asked =
            |(part, constraint): (&Field, &Option<Constraint>)| constraint.is_some() || self.is_always_there(part);
        if !parts.iter().zip(&constraints).all(asked) {
            return None;
        }
        let mut prefixes: Vec<Vec<Key>> = vec![Vec::new()];
        let (mut equalities, mut next, mut served) = (0, Tightness::Anything, Vec::new());
        let mut tail: Option<&Constraint> = None;
        for constraint in constraints.iter().map_while(Option::as_ref) {
            let points = constraint.points();
            if prefixes.len() > 1 && prefixes.len() * constraint.ranges.len() > MOST_COMBINATIONS {
                break;
            }
            if next == Tightness::Anything && constraint.tightness == Tightness::Point {
                equalities += 1;
            } else if next == Tightness::Anything {
                next = constraint.tightness.worth();
            }
            served.extend(&constraint.served);
            let Some(points) = points else {
                tail = Some(constraint);
                break;
            };
            prefixes = combined(&prefixes, &points);
        }
        if prefixes == [Vec::new()] && tail.is_none() {
            return None;
        }
        let whole = tail.is_none() && prefixes.first().is_none_or(|prefix| prefix.len() == parts.len());
        let ranges: Vec<KeyRange> = if whole {
            prefixes.into_iter().map(|prefix| KeyRange::only(Key::Array(prefix))).collect()
        } else if let Some(tail) = tail {
            prefixes.iter().flat_map(|prefix| tail.ranges.iter().map(|range| under(prefix, range))).collect()
        } else {
            prefixes.iter().map(|prefix| under(prefix, &KeyRange::all())).collect()
        };
        let tightness = match (whole, ranges.len()) {
            (true, 0 | 1) => Tightness::Point,
            (true, _) => Tightness::Points,
            (false, _) => Tightness::Anything,
        };
        let class = Class::of(&source, unique, tightness, ranges.len());
        let score = Score { class, equalities, next };
        Some(Access { source, ranges, served, distinct: false, score, parts: Some(parts) })
    }
}

impl Score {
    /// That of several ways, of which this is the worst's: they give several records.
    pub(super) fn of_several(self) -> Self {
        Self { class: self.class.min(Class::Few), ..self }
    }

    /// That of a way by one field.
    fn of(source: &Source, unique: bool, constraint: &Constraint) -> Self {
        let class = Class::of(source, unique, constraint.tightness, constraint.ranges.len());
        match constraint.tightness {
            Tightness::Point => Self { class, equalities: 1, next: Tightness::Anything },
            tightness => Self { class, equalities: 0, next: tightness.worth() },
        }
    }
}

impl Class {
    fn of(source: &Source, unique: bool, tightness: Tightness, ranges: usize) -> Self {
        match tightness {
            _ if ranges == 0 => Self::Nothing,
            Tightness::Point if *source == Source::Primary => Self::Key,
            Tightness::Point if unique => Self::Unique,
            Tightness::Points if unique => Self::Few,
            _ => Self::Many,
        }
    }
}

/// The elements of which a condition asks for one at least, if that is what it asks.
fn members(filter: &Filter, mine: &dyn Fn(&Field) -> bool) -> Option<Vec<Key>> {
    match filter {
        Filter::Compare { field, operator: Operator::Member, value: Operand::One(Scalar::Key(key)) }
            if mine(field) && key.is_valid() =>
        {
            Some(vec![key.clone()])
        }
        Filter::Or(filters) if !filters.is_empty() => {
            let each = filters.iter().map(|filter| members(filter, mine)).collect::<Option<Vec<_>>>()?;
            Some(each.into_iter().flatten().collect())
        }
        Filter::Compare { .. } | Filter::And(_) | Filter::Or(_) | Filter::Not(_) => None,
    }
}

/// Whether IndexedDB sees in this field what is no property: the length of a string.
fn is_length(path: &str) -> bool {
    path == "length" || path.ends_with(".length")
}

fn holds_array(operand: &Operand) -> bool {
    let is_array = |scalar: &Scalar| matches!(scalar, Scalar::Key(Key::Array(_)));
    match operand {
        Operand::One(scalar) => is_array(scalar),
        Operand::Many(list) => list.iter().any(is_array),
    }
}

/// Each prefix with each point after it, in order.
fn combined(prefixes: &[Vec<Key>], points: &[&Key]) -> Vec<Vec<Key>> {
    let with = |prefix: &Vec<Key>, point: &Key| prefix.iter().chain([point]).cloned().collect();
    prefixes.iter().flat_map(|prefix| points.iter().map(move |point| with(prefix, point))).collect()
}

/// The array keys that begin with `prefix` and have a key of `range` next.
fn under(prefix: &[Key], range: &KeyRange) -> KeyRange {
    let after = |next: Key| Key::Array(prefix.iter().cloned().chain([next]).collect());
    let lower = match &range.lower {
        Bound::Included(key) => after(key.clone()),
        Bound::Excluded(key) => after(key.successor()),
        Bound::Unbounded => Key::Array(prefix.to_vec()),
    };
    let upper = match (&range.upper, prefix.split_last()) {
        (Bound::Included(key), _) => Bound::Excluded(after(key.successor())),
        (Bound::Excluded(key), _) => Bound::Excluded(after(key.clone())),
        (Bound::Unbounded, Some((last, first))) => {
            Bound::Excluded(Key::Array(first.iter().cloned().chain([last.successor()]).collect()))
        }
        (Bound::Unbounded, None) => Bound::Unbounded,
    };
    KeyRange { lower: Bound::Included(lower), upper }
}
