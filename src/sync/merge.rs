//! What becomes of a document when the endpoint's state meets ours.

use super::{Hlc, Policy};
use crate::model::{Record, Replica};

/// What the endpoint's state is compared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// Its revisions continue the ones that we know.
    Continued,
    /// Its history began anew: the revisions that we know mean nothing, and what it acknowledged it may have lost.
    Anew,
}

/// Where a document stands here: a record's or a tombstone's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) replica: Replica,
    /// Whether it is deleted.
    pub(crate) deleted: bool,
}

impl Local {
    /// Reads it off a record, or off the tombstone of one that is deleted. One that was written before its collection replicated counts as changed
    /// when it was last written.
    pub(crate) fn of(record: &Record, deleted: bool) -> Self {
        let replica = record.meta.replica.unwrap_or_else(|| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
            let millis = record.meta.modified.clamp(0.0, 281_474_976_710_655.0) as u64;
            Replica { rev: None, hlc: Hlc::new(millis, 0, 0), dirty: true }
        });
        Self { replica, deleted }
    }
}

/// The endpoint's state of a document, without its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) rev: u64,
    pub(crate) hlc: Hlc,
    pub(crate) deleted: bool,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The endpoint's state becomes ours.
    TakeRemote,
    /// Ours stays and is still to be sent, now on the endpoint's revision.
    KeepLocal(Replica),
    /// The endpoint's state is what we sent: note its revision.
    Echo(Replica),
    /// We have it, or something later that is based on it.
    Known,
    /// Both have changed, and the stamps do not decide.
    Conflict,
}

impl Decision {
    /// Whether one of two states was chosen.
    pub(crate) const fn is_choice(self) -> bool {
        matches!(self, Self::TakeRemote | Self::KeepLocal(_))
    }
}

/// Decides, given what is here.
///
/// # Behavior
///
/// - What is not pending gives way to any newer revision.
/// - What is pending, under the policy that the later stamp wins, stays if that is its own, and is based on the endpoint's
///   revision from then on. Under every other policy it is a conflict.
/// - Where the endpoint's history began anew, the later stamp wins under every policy: what it has lost looks no other
///   than what it never had.
/// - A state with our own stamp is our own write coming back, and never a conflict; nor is an earlier one of this device,
///   which a later write was made on. What a snapshot did not have was deleted at a time that is not known, and has the
///   stamp that it had while it was there: where it is there again, nothing of ours comes back.
pub(crate) fn decide(local: Option<Local>, remote: Remote, policy: Policy, history: History) -> Decision {
    let Some(Local { replica, deleted }) = local else { return Decision::TakeRemote };
    let based = Replica { rev: Some(remote.rev), ..replica };
    if history == History::Continued && replica.rev.is_some_and(|rev| rev >= remote.rev) {
        return Decision::Known;
    }
    let same = deleted == remote.deleted;
    if replica.hlc == remote.hlc && same && !mutant!("an-echo-is-a-conflict") {
        return Decision::Echo(Replica { dirty: false, ..based });
    }
    if (!replica.dirty || mutant!("what-is-pending-gives-way")) && history == History::Continued {
        return Decision::TakeRemote;
    }
    let own_earlier = replica.hlc.device() == remote.hlc.device() && replica.hlc > remote.hlc;
    if policy != Policy::Latest && history == History::Continued && !own_earlier {
        return Decision::Conflict;
    }
    if mutant!("what-is-kept-counts-as-sent") {
        return Decision::Echo(Replica { dirty: false, ..based });
    }
    if replica.hlc > remote.hlc {
        return Decision::KeepLocal(Replica { dirty: true, ..based });
    }
    Decision::TakeRemote
}

/// What our document's standing is once the endpoint has taken the operation stamped `sent`.
///
/// A later write that was made in the meantime stays pending, on the new revision; a later state of the endpoint that
/// was taken in the meantime stays as it is.
pub(crate) fn acknowledge(replica: Replica, sent: Hlc, rev: Option<u64>) -> Option<Replica> {
    let rev = replica.rev.max(rev);
    if replica.hlc == sent || mutant!("an-answer-cleans-a-later-write") {
        return Some(Replica { rev, dirty: false, ..replica });
    }
    replica.dirty.then_some(Replica { rev, ..replica })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp(n: u64) -> Hlc {
        Hlc::new(n, 0, n % 3)
    }

    fn local(rev: Option<u64>, hlc: u64, dirty: bool) -> Local {
        Local { replica: Replica { rev, hlc: stamp(hlc), dirty }, deleted: false }
    }

    fn remote(rev: u64, hlc: u64) -> Remote {
        Remote { rev, hlc: stamp(hlc), deleted: false }
    }

    fn latest(local: impl Into<Option<Local>>, remote: Remote) -> Decision {
        decide(local.into(), remote, Policy::Latest, History::Continued)
    }

    #[test]
    fn what_is_not_here_is_taken() {
        assert_eq!(latest(None, remote(1, 1)), Decision::TakeRemote);
    }

    #[test]
    fn what_is_clean_gives_way_to_a_newer_revision_and_to_no_older_one() {
        assert_eq!(latest(local(Some(3), 9, false), remote(4, 1)), Decision::TakeRemote);
        assert_eq!(latest(local(Some(3), 9, false), remote(3, 10)), Decision::Known);
    }

    #[test]
    fn what_is_pending_and_later_stays_on_the_new_revision() {
        let kept = Replica { rev: Some(4), hlc: stamp(9), dirty: true };
        assert_eq!(latest(local(Some(3), 9, true), remote(4, 8)), Decision::KeepLocal(kept));
    }

    #[test]
    fn our_own_write_coming_back_is_no_conflict() {
        let clean = Replica { rev: Some(4), hlc: stamp(9), dirty: false };
        assert_eq!(latest(local(Some(3), 9, true), remote(4, 9)), Decision::Echo(clean));
        assert_eq!(latest(local(None, 9, false), remote(4, 9)), Decision::Echo(clean));
    }

    #[test]
    fn what_a_snapshot_did_not_have_and_is_there_again_is_taken() {
        let gone = Local { deleted: true, ..local(Some(3), 9, false) };
        assert_eq!(latest(gone, remote(7, 9)), Decision::TakeRemote);
        assert_eq!(
            latest(gone, Remote { deleted: true, ..remote(7, 9) }),
            Decision::Echo(Replica { rev: Some(7), ..gone.replica })
        );
    }

    #[test]
    fn what_an_endpoint_lost_with_its_history_is_offered_again() {
        let decision = decide(Some(local(Some(30), 9, false)), remote(4, 8), Policy::Latest, History::Anew);
        assert_eq!(decision, Decision::KeepLocal(Replica { rev: Some(4), hlc: stamp(9), dirty: true }));
        let decision = decide(Some(local(Some(30), 7, false)), remote(4, 8), Policy::Latest, History::Anew);
        assert_eq!(decision, Decision::TakeRemote);
    }

    proptest! {
        #[test]
        fn two_devices_that_hear_the_same_states_end_with_the_same(
            mine in (any::<bool>(), 0..20u64), theirs in (any::<bool>(), 20..40u64), heard in prop::collection::vec(0..60u64, 1..6),
        ) {
            // Each device then sends what it still has pending, and the endpoint keeps the later stamp.
            let mut heard: Vec<u64> = heard;
            heard.sort_unstable();
            heard.dedup();
            let settle = |(dirty, hlc): (bool, u64)| {
                let mut replica = Replica { rev: Some(0), hlc: stamp(hlc), dirty };
                for (rev, hlc) in (1u64..).zip(&heard) {
                    match latest(Local { replica, deleted: false }, remote(rev, *hlc)) {
                        Decision::TakeRemote => replica = Replica { rev: Some(rev), hlc: stamp(*hlc), dirty: false },
                        Decision::KeepLocal(next) | Decision::Echo(next) => replica = next,
                        Decision::Known | Decision::Conflict => {}
                    }
                }
                replica
            };
            let (a, b) = (settle(mine), settle(theirs));
            let last = heard.len() as u64;
            for replica in [a, b] {
                prop_assert_eq!(replica.rev, Some(last));
                prop_assert!(replica.dirty || replica.hlc == stamp(*heard.last().unwrap()));
                prop_assert!(!replica.dirty || replica.hlc > stamp(*heard.last().unwrap()));
            }
        }

        #[test]
        fn hearing_a_state_twice_changes_nothing(rev in prop::option::of(0..9u64), hlc in 0..9u64, dirty: bool, state in (0..9u64, 0..9u64)) {
            let remote = remote(state.0, state.1);
            let after = match latest(local(rev, hlc, dirty), remote) {
                Decision::TakeRemote => Replica { rev: Some(remote.rev), hlc: remote.hlc, dirty: false },
                Decision::KeepLocal(next) | Decision::Echo(next) => next,
                Decision::Known | Decision::Conflict => return Ok(()),
            };
            prop_assert_eq!(latest(Local { replica: after, deleted: false }, remote), Decision::Known);
        }

        #[test]
        fn a_write_made_during_the_sending_stays_pending(sent in 0..9u64, later in 10..20u64, rev in prop::option::of(1..9u64)) {
            let written = Replica { rev: None, hlc: stamp(later), dirty: true };
            let after = acknowledge(written, stamp(sent), rev).unwrap();
            prop_assert!(after.dirty && after.hlc == stamp(later) && after.rev == rev);
        }
    }

    #[test]
    fn an_acknowledged_write_is_clean_and_a_state_taken_since_is_left_alone() {
        let sent = Replica { rev: Some(1), hlc: stamp(5), dirty: true };
        assert_eq!(acknowledge(sent, stamp(5), Some(2)), Some(Replica { rev: Some(2), dirty: false, ..sent }));
        assert_eq!(acknowledge(sent, stamp(5), None), Some(Replica { dirty: false, ..sent }));
        let taken = Replica { rev: Some(7), hlc: stamp(6), dirty: false };
        assert_eq!(acknowledge(taken, stamp(5), Some(2)), None);
    }
}
