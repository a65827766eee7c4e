//! What a serializable transaction has seen.

use crate::backend::Source;
use crate::error::Result;
use crate::model::{Doc, KeyRange, Record, Register, Seen, Verify, WriteOp};

/// The reads of a transaction, to be found again in its commit.
///
/// # Behavior
///
/// - What is read again must be as it was: else `CONFLICT`, at once.
#[derive(Debug, Default)]
pub(super) struct Reads {
    register: Register,
    /// The documents by their numbers.
    docs: Vec<Noted>,
    ranges: Vec<Verify>,
}

#[derive(Debug)]
struct Noted {
    doc: Doc,
    state: Option<Seen>,
    /// Whether it was asked for by itself, and not only as a row of a range.
    single: bool,
}

impl Reads {
    /// Takes note of one document.
    pub(super) fn note(&mut self, doc: &Doc, record: Option<&Record>) -> Result<()> {
        self.note_state(doc, record.map(Seen::of), true)
    }

    /// Takes note of every row of a range, in order.
    pub(super) fn note_range(&mut self, range: Verify) -> Result<()> {
        for row in &range.rows {
            self.note_state(&Doc::new(range.collection.as_str(), row.key.clone()), Some(row.clone()), false)?;
        }
        let same = |known: &&Verify| {
            known.source == range.source && known.range == range.range && known.collection == range.collection
        };
        if let Some(known) = self.ranges.iter().find(same) {
            return known.check(&range.rows);
        }
        self.ranges.push(range);
        Ok(())
    }

    fn note_state(&mut self, doc: &Doc, state: Option<Seen>, single: bool) -> Result<()> {
        let known = self.register.number(doc);
        let before = match known.and_then(|number| self.docs.get(number)) {
            Some(noted) => noted.state.clone(),
            // A range that has no such row has shown that there is no such record.
            None if self.in_known_range(doc) => None,
            None => state.clone(),
        };
        if before != state {
            return only(doc, before).check(&state.into_iter().collect::<Vec<_>>());
        }
        if let Some(noted) = known.and_then(|number| self.docs.get_mut(number)) {
            noted.single |= single;
            return Ok(());
        }
        self.register.enter(doc);
        self.docs.push(Noted { doc: doc.clone(), state, single });
        Ok(())
    }

    fn in_known_range(&self, doc: &Doc) -> bool {
        self.ranges.iter().any(|known| {
            known.source == Source::Primary && known.collection == doc.collection && known.range.contains(&doc.key)
        })
    }

    /// Takes the conditions under which the transaction may commit.
    pub(super) fn conditions(&mut self) -> Vec<WriteOp> {
        let Self { docs, ranges, .. } = core::mem::take(self);
        let single = docs.into_iter().filter(|noted| noted.single);
        ranges.into_iter().chain(single.map(|noted| only(&noted.doc, noted.state))).map(WriteOp::Verify).collect()
    }
}

fn only(doc: &Doc, state: Option<Seen>) -> Verify {
    Verify {
        collection: doc.collection.clone(),
        source: Source::Primary,
        range: KeyRange::only(doc.key.clone()),
        rows: state.into_iter().collect(),
    }
}
