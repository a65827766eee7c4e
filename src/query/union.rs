//! Several ways in at once: an `or` whose branches are served by different indexes.

use super::Filter;
use super::access::{Access, Question, Score};
use super::constraint::unite;
use crate::backend::Source;

/// More branches than this are not looked at: each is a scan, and each row is held against those before its own.
const MOST_BRANCHES: usize = 32;

/// Ways that together give every record that meets an `or`.
#[derive(Debug)]
pub(super) struct Union {
    /// Each over another source, two at least.
    pub(super) ways: Vec<Access>,
    /// The places of the conjuncts that they answer exactly.
    pub(super) served: Vec<usize>,
    /// That of the worst of them.
    pub(super) score: Score,
}

impl Question<'_> {
    /// The best union over one of the conjuncts, if there is one that needs no branch to read everything.
    pub(super) fn union(&self) -> Option<Union> {
        let over = |(at, conjunct): (usize, &Filter)| match conjunct {
            Filter::Or(filters) => self.union_over(at, filters),
            Filter::Compare { .. } | Filter::And(_) | Filter::Not(_) => None,
        };
        let unions = self.conjuncts.iter().enumerate().filter_map(over);
        unions.reduce(|best, union| if union.score > best.score { union } else { best })
    }

    fn union_over(&self, or: usize, filters: &[Filter]) -> Option<Union> {
        let mut branches = Vec::new();
        flatten(filters, &mut branches);
        if branches.len() > MOST_BRANCHES {
            return None;
        }
        let (mut ways, mut score) = (Vec::<Access>::new(), None::<Score>);
        // The conjuncts that every branch serves; the `or` itself, where every branch serves all that is its own.
        let mut served: Vec<usize> = (0..self.conjuncts.len()).collect();
        for branch in branches {
            // What meets the branch and the rest: of such rows the way of the branch leaves none out.
            let mut conjuncts = branch.clone().into_conjuncts();
            let own = conjuncts.len();
            conjuncts.extend(self.conjuncts.iter().cloned());
            let question = Question { conjuncts: &conjuncts, collection: self.collection };
            let way = question.best(&[]);
            if way.score <= question.everything().score {
                return None;
            }
            let answers = |at: usize| way.served.contains(&at);
            let whole = (0..own).all(answers);
            served.retain(|at| if *at == or { whole } else { answers(own + at) });
            score = Some(score.map_or(way.score, |score| score.min(way.score)));
            match ways.iter_mut().find(|earlier| earlier.source == way.source) {
                Some(earlier) => {
                    earlier.ranges = unite(core::mem::take(&mut earlier.ranges), way.ranges);
                    earlier.distinct |= way.distinct || self.is_multi_entry(&way.source);
                }
                None => ways.push(way),
            }
        }
        let score = score?.of_several();
        (ways.len() > 1).then_some(Union { ways, served, score })
    }

    fn is_multi_entry(&self, source: &Source) -> bool {
        let indexes = self.collection.map_or(&[] as &[_], |collection| &collection.indexes);
        indexes.iter().any(|index| index.multi_entry && matches!(source, Source::Index(name) if *name == index.name))
    }
}

/// The branches of an `or`, those of an `or` inside it among them.
fn flatten<'a>(filters: &'a [Filter], branches: &mut Vec<&'a Filter>) {
    for filter in filters {
        match filter {
            Filter::Or(inner) => flatten(inner, branches),
            Filter::Compare { .. } | Filter::And(_) | Filter::Not(_) => branches.push(filter),
        }
    }
}
