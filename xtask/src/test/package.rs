//! The tests of the built package.

use std::path::Path;

use anyhow::{Context, Result};

use super::{Count, counted};
use crate::workspace::Workspace;
use crate::{build, demo, files, npm, process};

/// How long one file of the package's tests may take, in milliseconds: Node holds a file to the limit of a test.
const TIME_LIMIT: &str = "--test-timeout=900000";

/// Two builds that share nothing make the same package.
pub(super) fn reproducible(workspace: &Workspace) -> Result<Count> {
    let scratch = workspace.target.join("reproducible");
    files::remove(&scratch)?;
    build::package(workspace)?;
    let again = scratch.join("package");
    build::package_into(workspace, &scratch, &again)?;
    let differing = differing_files(&workspace.package(), &again)?;
    files::remove(&scratch)?;
    if differing.is_empty() {
        println!("A second build from nothing made the same package.");
        return Ok(Count::HELD);
    }
    println!("A second build from nothing made another {}.", differing.join(", "));
    Ok(Count::BROKEN)
}

/// A strict TypeScript project installs the packed package, and runs it wherever it should run.
pub(super) fn packaging(workspace: &Workspace) -> Result<Count> {
    build::package(workspace)?;
    let project = workspace.root.join("tests/packaging");
    npm::install_package(workspace, &project)?;
    run_tests(workspace, &project)
}

/// The package under kills, power cuts, bad items and hostile values, in the engines.
pub(super) fn durability(workspace: &Workspace) -> Result<Count> {
    build::package(workspace)?;
    let project = workspace.root.join("tests/durability");
    npm::install_package(workspace, &project)?;
    run_tests(workspace, &project)
}

/// Whether there are end-to-end tests.
pub(super) fn has_end_to_end(workspace: &Workspace) -> bool {
    workspace.root.join("tests/e2e/package.json").is_file()
}

/// The demo application, the real server and a real browser.
pub(super) fn end_to_end(workspace: &Workspace) -> Result<Count> {
    build::package(workspace)?;
    demo::build_app(workspace)?;
    process::run(workspace.cargo().args(["build", "--package", "tidekeep-server"]))?;
    let project = workspace.root.join("tests/e2e");
    npm::install_package(workspace, &project)?;
    run_tests(workspace, &project)
}

/// Runs a project's tests, telling them where the parts are.
fn run_tests(workspace: &Workspace, project: &Path) -> Result<Count> {
    let chromium = workspace.find("chromium").context("no `chromium` on the path")?;
    let mut node = workspace.command("node");
    node.args(["--test", "--test-reporter=spec", TIME_LIMIT]).current_dir(project);
    node.env("TIDEKEEP_CHROMIUM", chromium);
    node.env("TIDEKEEP_SERVER", workspace.target.join("debug/tidekeep-server"));
    node.env("TIDEKEEP_APP", workspace.root.join("www/dist"));
    counted(&mut node)
}

/// The files that are not the same in both folders.
fn differing_files(first: &Path, second: &Path) -> Result<Vec<String>> {
    let mut paths = files::below(first)?;
    paths.extend(files::below(second)?);
    paths.sort();
    paths.dedup();
    paths.retain(|path| std::fs::read(first.join(path)).ok() != std::fs::read(second.join(path)).ok());
    Ok(paths.iter().map(|path| path.display().to_string()).collect())
}
