//! npm: exact installs from lockfiles, and the package as applications get it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::Workspace;

/// Installs a project's locked dependencies, and beside them the built package as npm would publish it.
pub(crate) fn install_package(workspace: &Workspace, project: &Path) -> Result<()> {
    let tarball = pack(workspace)?;
    install_locked(workspace, project)?;
    install_tarball(workspace, project, &tarball)
}

/// Installs exactly what the folder's lockfile says. Without a lockfile that has changed, nothing happens.
pub(crate) fn install_locked(workspace: &Workspace, folder: &Path) -> Result<()> {
    if is_installed(folder) {
        return Ok(());
    }
    process::run(workspace.command("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))?;
    // A project without dependencies has no such folder yet.
    std::fs::create_dir_all(folder.join("node_modules"))?;
    std::fs::copy(folder.join("package-lock.json"), installed_lock(folder))?;
    Ok(())
}

/// Whether the folder holds what its lockfile says.
pub(crate) fn is_installed(folder: &Path) -> bool {
    let wanted = std::fs::read(folder.join("package-lock.json")).ok();
    wanted.is_some() && wanted == std::fs::read(installed_lock(folder)).ok()
}

fn installed_lock(folder: &Path) -> PathBuf {
    folder.join("node_modules/.installed-lock.json")
}

/// Packs the built package and returns the tarball.
fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("npm");
    std::fs::create_dir_all(&folder)?;
    let mut npm = workspace.command("npm");
    npm.args(["pack", "--silent", "--pack-destination"]).arg(&folder).current_dir(workspace.package());
    process::announce(&npm);
    let printed = process::capture(&mut npm)?;
    let name = printed.lines().last().context("npm pack names no file")?;
    Ok(folder.join(name.trim()))
}

/// Installs the tarball into a project whose own dependencies are installed, leaving its manifest alone.
fn install_tarball(workspace: &Workspace, folder: &Path, tarball: &Path) -> Result<()> {
    let mut npm = workspace.command("npm");
    npm.args(["install", "--no-save", "--no-package-lock", "--prefer-offline", "--no-audit", "--no-fund"]);
    process::run(npm.arg(OsString::from(tarball)).current_dir(folder))
}
