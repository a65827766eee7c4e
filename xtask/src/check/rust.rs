//! rustfmt, clippy and rustdoc.

use anyhow::Result;

use super::cargo;
use crate::process;
use crate::workspace::Workspace;

pub(super) fn formatting(workspace: &Workspace) -> Result<()> {
    cargo(workspace, &["fmt", "--all", "--check"])
}

pub(super) fn native_lints(workspace: &Workspace) -> Result<()> {
    cargo(workspace, &["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny", "warnings"])
}

pub(super) fn wasm_lints(workspace: &Workspace) -> Result<()> {
    let target = ["clippy", "--package", "tidekeep", "--target", "wasm32-unknown-unknown"];
    let scope = ["--lib", "--tests", "--all-features", "--", "--deny", "warnings"];
    cargo(workspace, &[target.as_slice(), &scope].concat())
}

pub(super) fn documentation(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["doc", "--workspace", "--no-deps", "--all-features"]);
    process::run(cargo.env("RUSTDOCFLAGS", "--deny warnings"))
}
