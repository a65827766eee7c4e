//! What the engine is told.

use super::{Heard, Tally};
use crate::error::Error;
use crate::sync::Extent;
use crate::sync::outbox::Pending;
use crate::sync::state::Persisted;
use crate::sync::wishes::Wishes;
use crate::transport::Answer;

/// What happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something was written here or in another tab.
    Wrote,
    /// The network came or went.
    Online(bool),
    /// This tab became, or ceased to be, the one that sends.
    Leads(bool),
    /// Something was said at run time: what is to be followed from now on.
    Wishes(Box<Wishes>),
    /// Something was said in another tab.
    Heard,
    /// What was said in another tab cannot be read.
    Unheard(Error),
    /// The page came into view.
    Visible,
    /// Whether anyone sees the page.
    Seen(bool),
    /// What the call of this number heard.
    Live { call: u64, what: Heard },
    /// The time that was asked for has come.
    Timer,
    /// A round is asked for.
    Run { id: u64, extent: Extent },
    /// Nobody waits any more for a round that was asked for.
    CalledOff(u64),
    /// The persisted state.
    Loaded(Box<Persisted>),
    /// What is to be sent.
    Pending(Pending),
    /// A commit was made.
    Stored(Tally),
    /// Another sender was faster; nothing was written.
    Late,
    /// The endpoint answered.
    Answered(Answer),
    /// The endpoint did not answer.
    Unreachable(Error),
    /// The token could not be had.
    NoToken(Error),
    /// A read or commit failed.
    StorageFailed(Error),
}
