//! The endpoint's side: the least that keeps the protocol's promises.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use futures_channel::oneshot;

use super::failure;
use crate::sync::Hlc;
use crate::sync::protocol::{
    Change, ChangesResponse, Limits, Mode, PROTOCOL, PushOp, PushRequest, PushResponse, PushResult, PushStatus,
    SnapshotEnd, SnapshotHead, SpaceStatus,
};
use crate::transport::{Answer, ChangesQuery};

/// One space of an endpoint, in memory.
pub struct Endpoint {
    now: Rc<dyn Fn() -> f64>,
    space: RefCell<Space>,
    /// What it accepts.
    pub limits: Cell<Limits>,
    /// How many changes it tells at a time.
    pub page: Cell<usize>,
    /// The token that it accepts; none is anyone.
    pub token: RefCell<Option<String>>,
    /// What it has beyond the least: `live`, `long-poll`.
    pub features: RefCell<Vec<String>>,
    /// Documents that it refuses for good, as collection and id.
    pub refused: RefCell<BTreeSet<(String, String)>>,
    /// Who waits for a change.
    pub(super) waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

#[derive(Debug, Default)]
struct Space {
    epoch: u64,
    head: u64,
    floor: u64,
    documents: BTreeMap<(String, String), Change>,
    results: BTreeMap<(String, u64), PushResult>,
    effects: BTreeMap<(String, u64), u64>,
    overwritten: Vec<(Hlc, Hlc)>,
    late: Vec<String>,
    arrived: BTreeMap<(String, u64), String>,
    stamped: BTreeMap<(String, String, Hlc), (String, u64)>,
    violations: Vec<String>,
}

impl Space {
    /// What a client must never do: number two operations alike, or one operation twice.
    fn watch(&mut self, client: &str, op: &PushOp) {
        let name = (client.to_owned(), op.mid);
        let text = line(&PushOp { base: None, ..op.clone() });
        if *self.arrived.entry(name.clone()).or_insert_with(|| text.clone()) != text {
            self.violations.push(format!("{client}: two operations have the number {}", op.mid));
        }
    }

    /// An operation that is not refused for its stamp has it for good.
    fn watch_stamp(&mut self, client: &str, op: &PushOp) {
        let name = (client.to_owned(), op.mid);
        let first = self.stamped.entry((op.c.clone(), op.id.clone(), op.hlc)).or_insert_with(|| name.clone());
        if first.0 == name.0 && *first != name {
            self.violations.push(format!("{client}: {}/{} was numbered {} and {}", op.c, op.id, first.1, op.mid));
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("space", &self.space).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// An empty space whose time is `now`.
    #[must_use]
    pub fn new(now: Rc<dyn Fn() -> f64>) -> Self {
        Self {
            now,
            space: RefCell::default(),
            limits: Cell::new(Limits::default()),
            page: Cell::new(usize::MAX),
            token: RefCell::new(None),
            features: RefCell::default(),
            refused: RefCell::default(),
            waiting: RefCell::default(),
        }
    }

    /// A document as it is here, deleted ones included.
    #[must_use]
    pub fn document(&self, collection: &str, id: &str) -> Option<Change> {
        self.space.borrow().documents.get(&(collection.to_owned(), id.to_owned())).cloned()
    }

    /// Every document, deleted ones included.
    #[must_use]
    pub fn documents(&self) -> Vec<Change> {
        self.space.borrow().documents.values().cloned().collect()
    }

    /// How often each mutation took effect, by client and number.
    #[must_use]
    pub fn effects(&self) -> Vec<((String, u64), u64)> {
        self.space.borrow().effects.iter().map(|(name, count)| (name.clone(), *count)).collect()
    }

    /// What clients did that they must never do in one history, if any did. The first rounds after a history began anew
    /// may offer a document twice.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.space.borrow().violations.clone()
    }

    /// Whether a state ever gave way to one with an earlier stamp.
    #[must_use]
    pub fn went_back(&self) -> bool {
        self.space.borrow().overwritten.iter().any(|(before, after)| before >= after)
    }

    /// Begins a new history with what `keep` keeps: what restoring an old backup looks like.
    pub fn begin_anew(&self, keep: impl Fn(&Change) -> bool) {
        let mut space = self.space.borrow_mut();
        let kept: Vec<Change> = space.documents.values().filter(|change| keep(change)).cloned().collect();
        let epoch = space.epoch + 1;
        *space = Space { epoch, ..Space::default() };
        for change in kept {
            space.head += 1;
            let seq = space.head;
            space.documents.insert((change.c.clone(), change.id.clone()), Change { seq, rev: seq, ..change });
        }
    }

    /// Whether a request is still under way that may arrive later.
    #[must_use]
    pub fn awaits(&self) -> bool {
        !self.space.borrow().late.is_empty()
    }

    /// The name of its history.
    #[must_use]
    pub fn epoch(&self) -> String {
        self.space.borrow().epoch.to_string()
    }

    /// Forgets deletions: cursors before this point must take a snapshot.
    pub fn collect_tombstones(&self) {
        let mut space = self.space.borrow_mut();
        space.documents.retain(|_, change| !change.del);
        space.floor = space.head;
    }

    /// Stores a document as another client would have, readable or not.
    pub fn plant(&self, change: Change) {
        let mut space = self.space.borrow_mut();
        space.head += 1;
        let seq = space.head;
        space.documents.insert((change.c.clone(), change.id.clone()), Change { seq, rev: seq, ..change });
        drop(space);
        self.wake();
    }

    /// Whoever waits for a change may look.
    fn wake(&self) {
        for waiting in self.waiting.take() {
            let _ = waiting.send(());
        }
    }

    pub(super) fn status(&self) -> Answer {
        let space = self.space.borrow();
        answer(&SpaceStatus {
            protocol: PROTOCOL,
            epoch: space.epoch.to_string(),
            head: space.head,
            floor: space.floor,
            server_time: self.time(),
            limits: self.limits.get(),
            features: self.features.borrow().clone(),
        })
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the clock of a test")]
    fn time(&self) -> u64 {
        (self.now)() as u64
    }

    pub(super) fn push(&self, body: &str) -> Answer {
        let limits = self.limits.get();
        if body.len() > limits.max_bytes {
            return failure(413, "too_large");
        }
        let Ok(request) = serde_json::from_str::<PushRequest>(body) else { return failure(400, "invalid") };
        if request.ops.len() > limits.max_ops {
            return failure(413, "too_large");
        }
        let mut space = self.space.borrow_mut();
        if request.epoch.as_ref().is_some_and(|epoch| *epoch != space.epoch.to_string()) {
            return failure(409, "reset");
        }
        let results = request.ops.iter().map(|op| self.operate(&mut space, &request.client, op)).collect();
        let (epoch, head) = (space.epoch.to_string(), space.head);
        drop(space);
        self.wake();
        answer(&PushResponse { epoch, head, server_time: self.time(), results })
    }

    fn operate(&self, space: &mut Space, client: &str, op: &PushOp) -> PushResult {
        space.watch(client, op);
        let name = (client.to_owned(), op.mid);
        if let Some(result) = space.results.get(&name) {
            return PushResult { dup: true, ..result.clone() };
        }
        let blank = PushResult {
            mid: op.mid,
            status: PushStatus::Ok,
            seq: None,
            rev: None,
            dup: false,
            current: None,
            code: None,
            message: None,
        };
        let rejected = |code: &str| PushResult {
            status: PushStatus::Rejected,
            code: Some(code.to_owned()),
            message: Some("refused".to_owned()),
            ..blank.clone()
        };
        let document = (op.c.clone(), op.id.clone());
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since the epoch")]
        if op.hlc.too_far_ahead(self.time() as f64) {
            return rejected("clock_ahead");
        }
        space.watch_stamp(client, op);
        if self.refused.borrow().contains(&document) {
            return rejected("invalid");
        }
        if op.body.as_ref().is_some_and(|body| body.get().len() > self.limits.get().max_doc_bytes) {
            return rejected("too_large");
        }
        let current = space.documents.get(&document).cloned();
        let outcome = match (&current, op.mode) {
            (None, Mode::Lww) => PushStatus::Ok,
            (Some(current), Mode::Lww) if op.hlc == current.hlc => {
                return PushResult { seq: Some(current.seq), rev: Some(current.rev), ..blank };
            }
            (Some(current), Mode::Lww) if op.hlc > current.hlc => PushStatus::Ok,
            (Some(_), Mode::Lww) => PushStatus::Superseded,
            (current, Mode::Cas) if current.as_ref().map(|current| current.rev) == op.base => PushStatus::Ok,
            (_, Mode::Cas) => PushStatus::Conflict,
        };
        if outcome != PushStatus::Ok {
            return PushResult { status: outcome, current, ..blank };
        }
        space.head += 1;
        let seq = space.head;
        if let Some(current) = current {
            space.overwritten.push((current.hlc, op.hlc));
        }
        let change = Change {
            c: op.c.clone(),
            id: op.id.clone(),
            seq,
            rev: seq,
            hlc: op.hlc,
            del: op.del,
            body: op.body.clone(),
        };
        space.documents.insert(document, change);
        *space.effects.entry(name.clone()).or_default() += 1;
        let result = PushResult { seq: Some(seq), rev: Some(seq), ..blank };
        space.results.insert(name, result.clone());
        result
    }

    /// Keeps a request that is to arrive once more, later.
    pub(super) fn hold(&self, body: &str) {
        self.space.borrow_mut().late.push(body.to_owned());
    }

    /// Lets a request arrive that was held.
    pub(super) fn let_go(&self) {
        let held = self.space.borrow_mut().late.pop();
        if let Some(body) = held {
            self.push(&body);
        }
    }

    pub(super) fn changes(&self, query: &ChangesQuery) -> Answer {
        let space = self.space.borrow();
        let since = match &query.since {
            None => 0,
            Some(cursor) => match cursor.split_once('.') {
                Some((epoch, seq)) if epoch == space.epoch.to_string() => seq.parse().unwrap_or(0),
                _ => return failure(409, "reset"),
            },
        };
        if since < space.floor {
            return failure(409, "reset");
        }
        let wanted = |change: &&Change| change.seq > since && query.collections.contains(&change.c);
        let mut changes: Vec<Change> = space.documents.values().filter(wanted).cloned().collect();
        changes.sort_by_key(|change| change.seq);
        let limit = query.limit.min(self.page.get());
        let more = changes.len() > limit;
        changes.truncate(limit);
        let end = if more { changes.last().map_or(since, |change| change.seq) } else { space.head };
        answer(&ChangesResponse {
            changes,
            cursor: format!("{}.{end}", space.epoch),
            more,
            head: space.head,
            server_time: self.time(),
        })
    }

    pub(super) fn snapshot(&self, collections: &[String]) -> Answer {
        let space = self.space.borrow();
        let head = SnapshotHead {
            epoch: space.epoch.to_string(),
            head: space.head,
            cursor: format!("{}.{}", space.epoch, space.head),
            server_time: self.time(),
        };
        let documents: Vec<&Change> =
            space.documents.values().filter(|change| !change.del && collections.contains(&change.c)).collect();
        let mut lines = vec![line(&head)];
        lines.extend(documents.iter().map(line));
        lines.push(line(&SnapshotEnd { count: documents.len() as u64 }));
        Answer { content_type: Some("application/x-ndjson".to_owned()), ..Answer::json(200, lines.join("\n")) }
    }
}

fn line<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn answer<T: serde::Serialize>(value: &T) -> Answer {
    Answer::json(200, line(value))
}
