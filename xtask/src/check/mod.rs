//! `check`: everything that can be told without running the product.

mod rust;
mod size;
mod types;

pub(crate) use size::compressed_size;
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{build, process};

/// Something to check, by name.
type Check = (&'static str, fn(&Workspace) -> Result<()>);

const CHECKS: [Check; 7] = [
    ("formatting", rust::formatting),
    ("lints, native", rust::native_lints),
    ("lints, wasm", rust::wasm_lints),
    ("documentation", rust::documentation),
    ("package", build::package),
    ("types", types::check),
    ("size", size::check),
];

/// Makes every check, so that one run shows all that is wrong.
pub(crate) fn command(workspace: &Workspace) -> Result<ExitCode> {
    setup::install(workspace, &Purpose::Check.needs())?;
    let mut failures = Vec::new();
    for (name, check) in CHECKS {
        println!("\n== {name}");
        if let Err(error) = check(workspace) {
            println!("{name}: {error:#}");
            failures.push(name);
        }
    }
    if failures.is_empty() {
        println!("\nAll {} checks passed.", CHECKS.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!("\nFailed: {}.", failures.join("; "));
    Ok(ExitCode::FAILURE)
}

/// Runs cargo with these arguments.
fn cargo(workspace: &Workspace, words: &[&str]) -> Result<()> {
    process::run(workspace.cargo().args(words))
}
