//! What a run of rows in the order of their sequence is, in whichever database.

use tidekeep::sync::protocol::Change;

/// Whether deleted documents are among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Existing,
}

/// Rows, and whether there are no more.
pub(super) struct Run {
    pub(super) changes: Vec<Change>,
    pub(super) complete: Complete,
}

/// Whether there are no more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Complete {
    Yes,
    No,
}
