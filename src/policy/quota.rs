//! What happens as the room runs out: who is told, what goes, and in which order.

use crate::model::{RemoteState, WriteBatch, WriteOp, system};

/// From which part of the quota on listeners are told.
const FULL: f64 = 0.8;
/// How many times what was all there was must be used before it is believed that there is more.
const MORE: f64 = 1.05;
/// How many steps take from caches: 1 entry, and then four times as many each. On an engine that gives room back late,
/// taking more would take it in vain.
const MOST_STEPS: u32 = 6;
/// How long caches are left alone after a rescue that took from them in vain, milliseconds.
const REST: f64 = 10_000.0;

/// How many rows of filler the reserve has.
pub const RESERVE_ROWS: u32 = 8;
/// How many bytes each is. A request of 1 MiB is frozen before it is sent, and what it names is written again when it
/// is settled: so what is kept for settling is more than twice that. Above 64 KiB Chromium keeps a value in a file of its own: deleting that gives the room back
/// at once, while rows in its database give it back at some later compaction.
pub const RESERVE_ROW_BYTES: usize = 384 * 1024;
/// How much of the reserve no write of the application gets: it is for settling what was sent.
const KEPT_FOR_SETTLING: u32 = 6;
/// How long after opening the reserve is laid in at the earliest, milliseconds: an application that starts has better
/// things to write.
pub const RESERVE_DELAY: f64 = 10_000.0;
/// How many times the reserve must be free before it is laid in.
const EASE: f64 = 4.0;

/// How full a store is, in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fill {
    /// How much is used.
    pub usage: f64,
    /// How much there may be.
    pub quota: f64,
}

impl Fill {
    /// Whether there is room for the reserve without crowding the application.
    #[must_use]
    pub fn at_ease(self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
        let reserve = (RESERVE_ROWS as usize * RESERVE_ROW_BYTES) as f64;
        self.quota - self.usage >= EASE * reserve
    }
}

/// Tells when a store becomes full.
///
/// # Behavior
///
/// - It tells once when usage passes 80 % of the quota, and again only after usage was below in between.
/// - Once a commit has found no room, what is used then is all that there is, whatever the browser says: Chromium tells
///   scripts of 10 GiB more than is used. That is so until more is used without trouble.
#[derive(Debug, Default)]
pub struct Gauge {
    told: bool,
    found: Option<f64>,
}

impl Gauge {
    /// A commit found no room while so much was used.
    pub const fn ran_out(&mut self, usage: f64) {
        self.found = Some(usage);
    }

    /// Reads the gauge; gives how full it is as far as is known, and whether listeners are to be told.
    pub fn read(&mut self, fill: Fill) -> (Fill, bool) {
        self.found = self.found.filter(|found| fill.usage <= found * MORE);
        let known = Fill { quota: self.found.map_or(fill.quota, |found| found.min(fill.quota)), ..fill };
        let passed = known.usage > known.quota * FULL;
        let before = core::mem::replace(&mut self.told, passed);
        (known, passed && !before)
    }
}

/// What a commit is worth where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Nothing goes for it: what housekeeping remembers, and the probe of a status.
    None,
    /// What may go goes for it; the reserve is not for it.
    Data,
    /// It is to be sent: a part of the reserve is for it.
    Outbox,
    /// It settles what was sent: the whole reserve is for it.
    Settling,
}

impl Claim {
    /// The claim of a batch.
    #[must_use]
    pub fn of(batch: &WriteBatch) -> Self {
        let (mut data, mut outbox, mut settling) = (false, false, false);
        for op in &batch.ops {
            let collection = match op {
                WriteOp::Put(put) => &put.collection,
                WriteOp::Delete(delete) => &delete.collection,
                // What comes in is data, whatever cursor comes with it.
                WriteOp::Replicate(op) if matches!(op.state, Some(RemoteState::Present { .. })) => return Self::Data,
                WriteOp::Replicate(op) => &op.collection,
                WriteOp::Append { collection, .. } | WriteOp::Clear { collection } => collection,
                WriteOp::Reseal(op) => &op.collection,
                WriteOp::Verify(_) => continue,
            };
            match collection.as_str() {
                system::SPACE => {}
                system::SYNC | system::DEAD => settling = true,
                system::OUTBOX => outbox = true,
                _ => data = true,
            }
        }
        match (settling, outbox, data) {
            (true, _, _) => Self::Settling,
            (false, true, _) => Self::Outbox,
            (false, false, true) => Self::Data,
            (false, false, false) => Self::None,
        }
    }
}

/// A step of a rescue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relief {
    /// Entries whose time is over go.
    Expired,
    /// So many cached entries go, those first that were used least recently.
    Caches(usize),
    /// The reserve is given up but for so many rows.
    Reserve(u32),
}

/// A rescue: the steps by which room is made for one commit. After each that freed something, the commit is tried again.
///
/// # Behavior
///
/// - What is over goes first, then what is cached, in steps that grow; the reserve comes last, for what has a claim to it.
/// - Nothing that the endpoint has not answered for goes, and nothing that is neither over nor cached.
#[derive(Debug)]
pub struct Rescue {
    claim: Claim,
    caches: bool,
    taken: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begun,
    Expired,
    Caches,
    Reserve,
}

impl Rescue {
    /// A rescue for a commit. Caches are left alone for a while after one that took from them in vain.
    #[must_use]
    pub fn new(claim: Claim, now: f64, took_in_vain: Option<f64>) -> Self {
        let resting = took_in_vain.is_some_and(|at| (0.0..REST).contains(&(now - at)));
        Self { claim, caches: !resting, taken: 0, stage: Stage::Begun }
    }

    /// Whether it took from caches.
    #[must_use]
    pub const fn took(&self) -> bool {
        self.taken > 0
    }

    /// The next step, given whether the last one freed anything.
    pub fn next(&mut self, freed: bool) -> Option<Relief> {
        loop {
            match self.stage {
                Stage::Begun if self.claim == Claim::None => return None,
                Stage::Begun => {
                    self.stage = Stage::Expired;
                    return Some(Relief::Expired);
                }
                Stage::Expired if self.caches => {
                    self.stage = Stage::Caches;
                    self.taken = 1;
                    return Some(Relief::Caches(1));
                }
                Stage::Caches if freed && self.taken < MOST_STEPS => {
                    let step = 1 << (2 * self.taken);
                    self.taken += 1;
                    return Some(Relief::Caches(step));
                }
                Stage::Expired | Stage::Caches => {
                    self.stage = Stage::Reserve;
                    match self.claim {
                        Claim::Outbox => return Some(Relief::Reserve(KEPT_FOR_SETTLING)),
                        Claim::Settling => return Some(Relief::Reserve(0)),
                        Claim::None | Claim::Data => {}
                    }
                }
                Stage::Reserve => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Delete, Key, Put, Replica, Replicate};
    use crate::platform::Payload;
    use crate::sync::Hlc;

    #[test]
    fn listeners_are_told_once_for_each_time_that_usage_passes_four_fifths() {
        let mut gauge = Gauge::default();
        let told: Vec<bool> = [50.0, 80.0, 81.0, 99.0, 80.0, 85.0, 85.0]
            .into_iter()
            .map(|usage| gauge.read(Fill { usage, quota: 100.0 }).1)
            .collect();
        assert_eq!(told, [false, false, true, false, false, true, false]);
    }

    #[test]
    fn where_a_commit_found_no_room_there_is_none_whatever_the_browser_says() {
        let mut gauge = Gauge::default();
        let mut read = |usage, ran_out| {
            if ran_out {
                gauge.ran_out(usage);
            }
            let (known, told) = gauge.read(Fill { usage, quota: usage + 1e10 });
            (known.quota < 1e9, told)
        };
        assert_eq!(read(1e6, false), (false, false));
        assert_eq!(read(1.2e6, true), (true, true), "full");
        assert_eq!(read(1.25e6, false), (true, false), "still");
        assert_eq!(read(0.5e6, false), (true, false), "something went");
        assert_eq!(read(1.1e6, false), (true, true), "nearly full again");
        assert_eq!(read(1.3e6, false), (false, false), "room has come back");
    }

    fn put(collection: &str) -> WriteOp {
        WriteOp::Put(Put::new(collection, Key::from("k"), Body::Clear(Payload::undefined())))
    }

    fn replicate(state: Option<RemoteState>) -> WriteOp {
        let replica = Replica { rev: Some(1), hlc: Hlc::new(1, 0, 1), dirty: false };
        let precondition = crate::model::Precondition::None;
        WriteOp::Replicate(Replicate {
            collection: "notes".into(),
            key: Key::from("k"),
            state,
            replica,
            precondition,
            base: crate::model::BaseChange::Keep,
            checksum: None,
        })
    }

    #[test]
    fn what_is_to_be_sent_or_settles_has_a_claim_to_the_reserve_and_what_comes_in_has_none() {
        let append = || WriteOp::Append { collection: system::OUTBOX.into(), body: Body::Clear(Payload::undefined()) };
        let present = RemoteState::Present {
            body: Body::Clear(Payload::undefined()),
            metadata: None,
            tags: Vec::new(),
            expires: None,
            created: 0.0,
            modified: 0.0,
        };
        for (ops, claim) in [
            (vec![put("notes")], Claim::Data),
            (vec![put("notes"), append()], Claim::Outbox),
            (
                vec![put(system::SYNC), replicate(None), WriteOp::Delete(Delete::new(system::OUTBOX, Key::from(1)))],
                Claim::Settling,
            ),
            (vec![replicate(None), put(system::SYNC)], Claim::Settling),
            (vec![replicate(Some(RemoteState::Deleted)), put(system::SYNC)], Claim::Settling),
            (vec![put(system::SYNC), replicate(Some(present))], Claim::Data),
            (vec![put(system::SPACE)], Claim::None),
            (vec![put(system::SPACE), put("notes")], Claim::Data),
            (vec![WriteOp::Clear { collection: "notes".into() }], Claim::Data),
        ] {
            assert_eq!(Claim::of(&WriteBatch { ops: ops.clone(), ..WriteBatch::default() }), claim, "{ops:?}");
        }
    }

    fn steps(claim: Claim, in_vain: Option<f64>, freed: bool) -> Vec<Relief> {
        let mut rescue = Rescue::new(claim, 20_000.0, in_vain);
        core::iter::from_fn(|| rescue.next(freed)).collect()
    }

    #[test]
    fn what_is_over_goes_first_then_caches_by_growing_steps_and_the_reserve_last() {
        let caches = [1, 4, 16, 64, 256, 1024].map(Relief::Caches);
        let with = |last: &[Relief]| [&[Relief::Expired][..], &caches, last].concat();
        assert_eq!(steps(Claim::Data, None, true), with(&[]));
        assert_eq!(steps(Claim::Outbox, None, true), with(&[Relief::Reserve(6)]));
        assert_eq!(steps(Claim::Settling, None, true), with(&[Relief::Reserve(0)]));
        assert_eq!(steps(Claim::None, None, true), []);
    }

    #[test]
    fn caches_that_have_nothing_more_are_asked_no_further() {
        assert_eq!(steps(Claim::Data, None, false), [Relief::Expired, Relief::Caches(1)]);
    }

    #[test]
    fn caches_rest_after_they_were_emptied_in_vain() {
        assert_eq!(steps(Claim::Outbox, Some(15_000.0), true), [Relief::Expired, Relief::Reserve(6)]);
        assert_eq!(steps(Claim::Data, Some(5_000.0), true).len(), 7);
        assert_eq!(steps(Claim::Data, Some(25_000.0), true).len(), 7, "the clock was set back");
    }

    #[test]
    fn the_reserve_is_laid_in_where_there_is_plenty_of_room() {
        assert!(Fill { usage: 0.0, quota: 1e9 }.at_ease());
        assert!(!Fill { usage: 1e9 - 1e7, quota: 1e9 }.at_ease());
    }
}
