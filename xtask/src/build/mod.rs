//! `build`: the npm package, from the crate and the scripts beside it.

mod assemble;
mod metadata;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;

use wasm::Names;

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

/// Makes the module alone, with the names of its functions.
pub(crate) fn module_with_names(workspace: &Workspace) -> Result<PathBuf> {
    let compiled = workspace.target.join("wasm-names");
    wasm::compile(workspace, &workspace.target, &compiled)?;
    let module = compiled.join(workspace.manifest.wasm_name());
    wasm::optimise(workspace, &module, Names::Kept)?;
    Ok(module)
}

/// Makes the package in another folder, compiling in a target folder of its own.
pub(crate) fn package_into(workspace: &Workspace, target: &Path, folder: &Path) -> Result<()> {
    let compiled = target.join("wasm-pack");
    wasm::compile(workspace, target, &compiled)?;
    wasm::optimise(workspace, &compiled.join(workspace.manifest.wasm_name()), Names::Dropped)?;
    assemble::assemble(workspace, &compiled, folder)?;
    println!("The package is in {}.", folder.display());
    Ok(())
}
