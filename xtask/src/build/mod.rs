//! `build`: the npm package, from the crate and the scripts beside it.

mod assemble;
mod metadata;
mod wasm;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Purpose};
use crate::workspace::Workspace;

pub(crate) fn command(workspace: &Workspace) -> Result<ExitCode> {
    setup::install(workspace, &Purpose::Build.needs())?;
    package(workspace)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the package in its folder.
pub(crate) fn package(workspace: &Workspace) -> Result<()> {
    package_into(workspace, &workspace.target, &workspace.package())
}

/// Makes the package in another folder, compiling in a target folder of its own.
pub(crate) fn package_into(workspace: &Workspace, target: &Path, folder: &Path) -> Result<()> {
    let compiled = target.join("wasm-pack");
    wasm::compile(workspace, target, &compiled)?;
    wasm::optimise(workspace, &compiled.join(workspace.manifest.wasm_name()))?;
    assemble::assemble(workspace, &compiled, folder)?;
    println!("The package is in {}.", folder.display());
    Ok(())
}
