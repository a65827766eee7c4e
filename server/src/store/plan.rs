//! What a push does to a space, given what is known of it. Pure: every store applies alike.

use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;
use tidekeep::sync::Hlc;
use tidekeep::sync::protocol::{Change, PushOp, PushResult, PushStatus};

use super::{Changed, Push, Pushed, SpaceState, StoreError};
use crate::decide::{Decision, Standing, decide};
use crate::limits::Refusal;

/// Results that are kept of each client; older ones fall below the watermark.
pub(super) const KEPT_RESULTS: i64 = 1000;
/// Bytes of documents in one answer.
const MAX_ANSWER_BYTES: usize = 8 << 20;

/// Which document: its collection and its id.
pub(super) type DocumentKey = (String, String);

/// A document as it is stored, without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outline {
    /// The sequence of its last change.
    pub(super) seq: u64,
    /// When that was made.
    pub(super) hlc: Hlc,
    /// The bytes of its body; none where it is deleted.
    pub(super) bytes: Option<usize>,
}

/// A mutation that took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) seq: u64,
    pub(super) c: String,
    pub(super) id: String,
    pub(super) hlc: Hlc,
}

/// What a store knows before it applies a push. The space is locked from then on.
#[derive(Debug)]
pub(super) struct Known {
    /// The space.
    pub(super) state: SpaceState,
    /// The client's last mutation that took effect.
    pub(super) last: u64,
    /// Its mutations up to here took effect, and nothing else is known of them.
    pub(super) watermark: u64,
    /// Those of the push's mutations that took effect before.
    pub(super) earlier: HashMap<u64, Earlier>,
    /// Those of the push's documents that there are.
    pub(super) documents: HashMap<DocumentKey, Outline>,
    /// Mutations whose document is stored with their stamp and the very bytes of their body.
    pub(super) same: HashSet<u64>,
}

/// What is to be written and answered.
#[derive(Debug)]
pub(super) struct Plan {
    /// The space afterwards.
    pub(super) state: SpaceState,
    /// The client's last mutation that took effect, afterwards.
    pub(super) last: u64,
    /// Those operations that take effect, by their place in the push, each with its sequence.
    pub(super) effects: Vec<(usize, u64)>,
    /// Documents that the answer shows as they are stored before anything is written.
    pub(super) shown: Vec<DocumentKey>,
    results: Vec<PushResult>,
    /// Which results show which of them.
    showing: Vec<(usize, DocumentKey)>,
}

impl Plan {
    /// Whether anything is to be written to documents.
    pub(super) fn changed(&self) -> Changed {
        if self.effects.is_empty() { Changed::No } else { Changed::Yes }
    }

    /// The effects that remain: of one document, the last alone.
    pub(super) fn last_effects(&self, push: &Push) -> Vec<(usize, u64)> {
        let mut seen: HashSet<(&str, &str)> = HashSet::new();
        let mut last: Vec<(usize, u64)> = self
            .effects
            .iter()
            .rev()
            .filter(|(at, _)| push.ops.get(*at).is_some_and(|(op, _)| seen.insert((&op.c, &op.id))))
            .copied()
            .collect();
        last.reverse();
        last
    }

    /// The answer, given the documents of [`shown`](Self::shown).
    pub(super) fn answer(mut self, stored: &HashMap<DocumentKey, Change>) -> Pushed {
        let changed = self.changed();
        for (at, key) in &self.showing {
            if let Some(result) = self.results.get_mut(*at) {
                result.current = stored.get(key).cloned();
            }
        }
        Pushed { state: self.state, changed, results: self.results }
    }
}

/// Decides on every operation of a push, in order.
///
/// # Errors
///
/// [`StoreError::Reset`] for another epoch, [`StoreError::AnswerTooLarge`].
pub(super) fn plan(push: &Push, known: &Known) -> Result<Plan, StoreError> {
    if push.epoch.as_ref().is_some_and(|epoch| *epoch != known.state.epoch) {
        return Err(StoreError::Reset);
    }
    let mut planner = Planner {
        known,
        written: HashMap::new(),
        bytes: 0,
        plan: Plan {
            state: known.state.clone(),
            last: known.last,
            effects: Vec::new(),
            shown: Vec::new(),
            results: Vec::with_capacity(push.ops.len()),
            showing: Vec::new(),
        },
    };
    for (at, (op, refusal)) in push.ops.iter().enumerate() {
        let result = planner.result(at, op, *refusal);
        planner.plan.results.push(result);
        if planner.bytes > MAX_ANSWER_BYTES {
            return Err(StoreError::AnswerTooLarge);
        }
    }
    Ok(planner.plan)
}

struct Planner<'a> {
    known: &'a Known,
    /// What this push has written so far.
    written: HashMap<(&'a str, &'a str), Change>,
    bytes: usize,
    plan: Plan,
}

impl<'a> Planner<'a> {
    /// What becomes of one operation.
    ///
    /// # Behavior
    ///
    /// - What took effect is answered as it was, whatever has happened to the document since.
    /// - A number that is not greater than the last that took effect never takes effect itself: it is late, or its
    ///   client's counter went back, and what the client did since must not be undone.
    fn result(&mut self, at: usize, op: &'a PushOp, refusal: Option<Refusal>) -> PushResult {
        if op.mid <= self.known.watermark {
            return repeat(op.mid, 0);
        }
        if let Some(earlier) = self.known.earlier.get(&op.mid) {
            let same = earlier.hlc == op.hlc && earlier.c == op.c && earlier.id == op.id;
            return if same { repeat(op.mid, earlier.seq) } else { self.shown(at, op, PushStatus::Conflict) };
        }
        if let Some(refusal) = refusal {
            return refused(op.mid, refusal);
        }
        let standing = self.standing(op);
        match decide(standing, op) {
            Decision::Write if op.mid <= self.plan.last => self.shown(at, op, PushStatus::Conflict),
            Decision::Write => self.write(at, op),
            Decision::Same => repeat(op.mid, standing.map_or(0, |standing| standing.rev)),
            Decision::Conflict => self.shown(at, op, PushStatus::Conflict),
            Decision::Superseded => self.shown(at, op, PushStatus::Superseded),
        }
    }

    fn standing(&self, op: &PushOp) -> Option<Standing> {
        if let Some(change) = self.written.get(&(op.c.as_str(), op.id.as_str())) {
            let same = change.hlc == op.hlc && body(change.body.as_deref()) == body(op.body.as_deref());
            return Some(Standing { rev: change.rev, hlc: change.hlc, del: change.del, same });
        }
        let outline = self.known.documents.get(&key(op))?;
        Some(Standing {
            rev: outline.seq,
            hlc: outline.hlc,
            del: outline.bytes.is_none(),
            same: self.known.same.contains(&op.mid),
        })
    }

    fn write(&mut self, at: usize, op: &'a PushOp) -> PushResult {
        let seq = self.plan.state.head + 1;
        self.plan.state.head = seq;
        self.plan.last = op.mid;
        self.plan.effects.push((at, seq));
        let change = Change {
            c: op.c.clone(),
            id: op.id.clone(),
            seq,
            rev: seq,
            hlc: op.hlc,
            del: op.del,
            body: op.body.clone(),
        };
        self.written.insert((&op.c, &op.id), change);
        PushResult { seq: Some(seq), rev: Some(seq), ..bare(op.mid, PushStatus::Ok) }
    }

    /// A result that shows the document.
    fn shown(&mut self, at: usize, op: &PushOp, status: PushStatus) -> PushResult {
        let mut result = bare(op.mid, status);
        if let Some(change) = self.written.get(&(op.c.as_str(), op.id.as_str())) {
            self.bytes += change.body.as_ref().map_or(0, |body| body.get().len());
            result.current = Some(change.clone());
        } else if let Some(outline) = self.known.documents.get(&key(op)) {
            self.bytes += outline.bytes.unwrap_or(0);
            self.plan.shown.push(key(op));
            self.plan.showing.push((at, key(op)));
        }
        result
    }
}

fn body(body: Option<&RawValue>) -> Option<&str> {
    body.map(RawValue::get)
}

fn key(op: &PushOp) -> DocumentKey {
    (op.c.clone(), op.id.clone())
}

fn bare(mid: u64, status: PushStatus) -> PushResult {
    PushResult { mid, status, seq: None, rev: None, dup: false, current: None, code: None, message: None }
}

fn repeat(mid: u64, seq: u64) -> PushResult {
    PushResult { seq: Some(seq), rev: Some(seq), dup: true, ..bare(mid, PushStatus::Ok) }
}

fn refused(mid: u64, refusal: Refusal) -> PushResult {
    PushResult {
        code: Some(refusal.code.to_owned()),
        message: Some(refusal.message.to_owned()),
        ..bare(mid, PushStatus::Rejected)
    }
}
