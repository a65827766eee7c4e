//! What goes first.

use super::super::protocol::Limits;

/// What goes first, where more waits than a request holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Before the others.
    High,
    /// In its turn.
    Normal,
    /// After the others.
    Low,
}

impl Priority {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// How much of a request may be taken up to this priority. The rest is for those below: however much comes in above
    /// them, they get on.
    pub(super) fn share(self, limits: Limits) -> Limits {
        let part = |all: usize| match self {
            Self::High => all - all / 4,
            Self::Normal => all - all / 8,
            Self::Low => all,
        };
        Limits { max_ops: part(limits.max_ops), max_bytes: part(limits.max_bytes), ..limits }
    }
}
