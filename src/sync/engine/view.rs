//! What can be seen of the engine.

use super::Engine;
#[cfg(test)]
use super::round::Round;
use crate::error::Error;

impl Engine {
    pub(crate) fn running(&self) -> bool {
        self.round.is_some()
    }

    /// Whether the round that is under way waits before its next try.
    #[cfg(test)]
    pub(crate) fn rests(&self) -> bool {
        self.round.as_ref().is_some_and(Round::rests)
    }

    pub(crate) fn online(&self) -> bool {
        self.online
    }

    pub(crate) fn progress(&self) -> Option<(u64, u64)> {
        self.progress
    }

    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    pub(crate) fn enabled(&self) -> bool {
        self.wishes.enabled
    }

    /// How often the flight has failed in a row.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn last_success(&self) -> Option<f64> {
        self.last_success
    }

    pub(crate) fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }
}
