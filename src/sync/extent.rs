//! How much of a round is asked for.

use core::fmt;
use std::rc::Rc;

use super::Direction;

/// How much of a round is asked for, and until when.
#[derive(Clone, Default)]
pub struct Extent {
    /// Which way it goes.
    pub direction: Direction,
    /// Of which collections; of all that replicate where none are named.
    pub collections: Option<Vec<String>>,
    /// Says that nobody waits for it any more.
    pub called_off: Option<Rc<dyn Fn() -> bool>>,
}

impl Extent {
    /// Whether nobody waits for it any more.
    pub(crate) fn is_called_off(&self) -> bool {
        self.called_off.as_ref().is_some_and(|called_off| called_off())
    }
}

impl From<Direction> for Extent {
    fn from(direction: Direction) -> Self {
        Self { direction, ..Self::default() }
    }
}

impl fmt::Debug for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, collections, .. } = self;
        f.debug_struct("Extent").field("direction", direction).field("collections", collections).finish_non_exhaustive()
    }
}
