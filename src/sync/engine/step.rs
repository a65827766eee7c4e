//! Where a round stands, and how it goes on.

use super::Action;
use crate::error::Error;

/// Where what a round takes comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Endpoint,
    /// The endpoint told it unasked.
    Told,
}

/// What the round is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Push,
    Snapshot,
    Pull,
}

/// What the last action was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaiting {
    State,
    Status,
    Pending,
    /// A commit, after which the state is loaded anew.
    Commit,
    Push,
    Changes,
    Snapshot,
    /// The end of a wait before the next try.
    Rest,
}

/// How a round goes on.
#[derive(Debug)]
pub(super) enum Step {
    Do(Vec<Action>),
    Done(Vec<Action>),
    /// It ends, and nothing is said of it.
    Quit,
    /// It ends, and is begun again after a growing wait.
    Fail(Error),
    /// It tries the same again after a short wait, unless it has tried often enough.
    Again(Error),
    /// It ends, until there is a reason for another.
    GiveUp(Error),
    /// It ends, and nothing is tried before the endpoint's own time.
    Busy(Error, f64),
    /// It ends, and waits to be told to go on.
    Pause(Error),
}
