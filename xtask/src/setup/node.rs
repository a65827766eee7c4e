//! Node itself, and the tools that come from npm.

use std::path::PathBuf;

use anyhow::{Context, Result};

use super::need::State;
use crate::workspace::Workspace;
use crate::{npm, process};

/// Whether there is a Node that is new enough, and npm.
pub(super) fn runtime(workspace: &Workspace) -> State {
    let Ok(printed) = process::capture(workspace.command("node").arg("--version")) else {
        return State::Missing("no `node` on the path".to_owned());
    };
    if workspace.find("npm").is_none() {
        return State::Missing("no `npm` on the path".to_owned());
    }
    let found = printed.trim().trim_start_matches('v');
    let wanted = workspace.manifest.npm.node.trim_start_matches(">=");
    if release(found) >= release(wanted) {
        State::Present(found.to_owned())
    } else {
        State::Missing(format!("Node {found} is installed, {wanted} is needed"))
    }
}

/// Major and minor number of a version.
fn release(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Whether the tools are those of the lockfile.
pub(super) fn tools(workspace: &Workspace) -> Result<State> {
    let tools = workspace.tools();
    let wanted = std::fs::read(source(workspace).join("package-lock.json")).context("the tools have no lockfile")?;
    let current = std::fs::read(tools.join("package-lock.json")).is_ok_and(|found| found == wanted);
    Ok(if current && npm::is_installed(&tools) && workspace.npm_tool("wasm-opt").exists() {
        State::Present(tools.display().to_string())
    } else {
        State::Missing("not installed in the version of xtask/tools".to_owned())
    })
}

pub(super) fn install_tools(workspace: &Workspace) -> Result<()> {
    let tools = workspace.tools();
    std::fs::create_dir_all(&tools)?;
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        std::fs::copy(source(workspace).join(name), tools.join(name))?;
    }
    npm::install_locked(workspace, &tools)
}

fn source(workspace: &Workspace) -> PathBuf {
    workspace.root.join("xtask/tools")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_minor_release_satisfies_an_older_one_and_not_the_reverse() {
        assert!(release("20.20.2") >= release("20.16"));
        assert!(release("20.9.0") < release("20.16"));
        assert!(release("22.0.0") >= release("20.16"));
    }
}
