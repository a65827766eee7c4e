//! The tests that need no browser.

use anyhow::Result;

use super::{Count, counted};
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Count> {
    counted(workspace.cargo().args(["test", "--workspace", "--all-features", "--no-fail-fast"]))
}
