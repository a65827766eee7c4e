//! Puts the parts of the package together.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result};

use super::glue;
use super::metadata;
use crate::workspace::Workspace;

/// Fills `folder` with the package; what it held before is gone.
pub(super) fn assemble(workspace: &Workspace, compiled: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder)?;

    let manifest = &workspace.manifest;
    let facts = workspace.crate_facts()?;
    copy(&compiled.join(manifest.wasm_name()), &folder.join(manifest.wasm_name()))?;
    copy_scripts(&workspace.root.join(&manifest.package.scripts), folder)?;
    copy(&workspace.root.join(&manifest.package.types), &folder.join("types.d.ts"))?;
    place_glue(workspace, compiled, folder, &facts.name)?;
    for name in &manifest.package.documents {
        let source = workspace.root.join(name);
        if source.exists() {
            copy(&source, &folder.join(name))?;
        } else {
            println!("warning: there is no {name}; the package goes without it");
        }
    }
    let files = contents(folder)?;
    std::fs::write(folder.join("package.json"), metadata::package_json(manifest, &facts, &files)?)?;
    Ok(())
}

/// Places wasm-bindgen's module, importing the crate's scripts from beside it, and the scripts of other crates.
fn place_glue(workspace: &Workspace, compiled: &Path, folder: &Path, crate_name: &str) -> Result<()> {
    let manifest = &workspace.manifest;
    let text = std::fs::read_to_string(compiled.join(manifest.glue_name())).context("wasm-bindgen wrote no module")?;
    let own = glue::own_scripts(&text, crate_name, Path::new(&manifest.package.scripts));
    let text = glue::point_beside(&text, &own)?;
    if text.contains("./snippets/") {
        copy_tree(&compiled.join("snippets"), &folder.join("snippets"))?;
    }
    std::fs::write(folder.join(manifest.glue_name()), text)?;
    Ok(())
}

fn copy_scripts(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        if let (Some("js"), Some(name)) = (path.extension().and_then(OsStr::to_str), path.file_name()) {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

/// What the folder holds, in order of name.
fn contents(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let (source, copy_of_it) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&source, &copy_of_it)?;
        } else {
            copy(&source, &copy_of_it)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
