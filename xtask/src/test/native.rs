//! The tests that need no browser.

use anyhow::Result;

use super::{Count, counted};
use crate::workspace::Workspace;

pub(super) fn run(workspace: &Workspace) -> Result<Count> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    // What a test says of itself, such as how many cases it ran, is shown.
    counted(cargo.args(["--", "--show-output"]))
}
