//! A full disk: room is made in the order that the policy says, and the commit is tried again.

use super::Space;
use crate::backend::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{CommitReceipt, KeyRange, WriteBatch, system};
use crate::policy::{Claim, Relief, Rescue};

/// What rescues leave for those that come after them.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// For what the last one found no room, if it did not.
    failed: Option<Claim>,
    /// When caches were taken from in vain.
    took_in_vain: Option<f64>,
}

impl Space {
    /// Makes room for a batch that found none, and commits it.
    ///
    /// # Errors
    ///
    /// `QUOTA_EXCEEDED` where nothing more may go, with how many commits wait to be sent.
    pub(super) async fn rescue(&self, batch: WriteBatch, error: Error, seen: u64) -> Result<CommitReceipt> {
        let claim = Claim::of(&batch);
        let never_fits = self.inner.facts().capacity.is_some_and(|capacity| batch.ops.len() as u64 > capacity);
        if claim == Claim::None || never_fits {
            return Err(error);
        }
        // One at a time: who comes later has the room that was made.
        let mut turn = self.turn.lock().await;
        let shared = if self.rescues.get() == seen { None } else { Some(self.attempt(&batch).await?) };
        let outcome = match shared {
            Some(Some(receipt)) => Ok(receipt),
            Some(None) if turn.failed.is_some_and(|failed| claim <= failed) => Err(error),
            Some(None) | None => self.make_room(&batch, claim, error, &mut turn).await,
        };
        drop(turn);
        match outcome {
            Ok(receipt) => Ok(receipt),
            Err(error) => Err(self.with_what_waits(error).await),
        }
    }

    /// Commits; none where there is still no room.
    async fn attempt(&self, batch: &WriteBatch) -> Result<Option<CommitReceipt>> {
        match self.inner.commit(batch.clone()).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(error) if error.kind() == ErrorKind::QuotaExceeded => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn make_room(
        &self,
        batch: &WriteBatch,
        claim: Claim,
        error: Error,
        turn: &mut Turn,
    ) -> Result<CommitReceipt> {
        self.ran_out().await;
        let mut rescue = Rescue::new(claim, batch.now, turn.took_in_vain);
        let mut freed = false;
        let mut outcome = Ok(None);
        while let Some(step) = rescue.next(freed) {
            // A step that fails has freed nothing; the next may.
            freed = self.free(step, batch.now).await.is_ok_and(|freed| freed > 0);
            if freed {
                outcome = self.attempt(batch).await;
            }
            if !matches!(outcome, Ok(None)) {
                break;
            }
        }
        self.rescues.set(self.rescues.get() + 1);
        let found = outcome?;
        turn.failed = found.is_none().then_some(claim);
        turn.took_in_vain =
            if found.is_some() { None } else { rescue.took().then_some(batch.now).or(turn.took_in_vain) };
        found.ok_or(error)
    }

    /// Carries a step out; answers how many rows went.
    async fn free(&self, step: Relief, now: f64) -> Result<usize> {
        match step {
            Relief::Expired => self.sweep(now).await,
            Relief::Caches(count) => self.evict_cached(count, now).await,
            Relief::Reserve(kept) => self.release(kept, now).await,
        }
    }

    async fn with_what_waits(&self, error: Error) -> Error {
        if !self.replicates {
            return error;
        }
        match self.inner.count(system::OUTBOX, &Source::Primary, &KeyRange::all()).await {
            Ok(waiting) => error.with("commits waiting to be sent", waiting),
            Err(_) => error,
        }
    }
}
