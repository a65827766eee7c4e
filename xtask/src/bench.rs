//! `bench`: the same work in tidekeep, in bare IndexedDB, and in the libraries that applications use.

use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{build, npm, process};

/// Builds the package, installs it beside the others, and measures; the options are those of `bench/run.js`.
pub(crate) fn command(workspace: &Workspace, options: &[&str]) -> Result<ExitCode> {
    setup::install(workspace, &Purpose::Bench.needs())?;
    build::package(workspace)?;
    let project = workspace.root.join("bench");
    npm::install_package(workspace, &project)?;
    process::run(workspace.command("node").arg("run.js").args(options).current_dir(&project))?;
    Ok(ExitCode::SUCCESS)
}
