//! Puts the parts of the package together.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Context, Result};

use super::metadata;
use crate::files::{self, copy};
use crate::workspace::Workspace;

/// Fills `folder` with the package; what it held before is gone.
pub(super) fn assemble(workspace: &Workspace, compiled: &Path, folder: &Path) -> Result<()> {
    files::remove(folder)?;
    std::fs::create_dir_all(folder)?;

    let manifest = &workspace.manifest;
    for name in [manifest.wasm_name(), manifest.glue_name()] {
        copy(&compiled.join(&name), &folder.join(&name))?;
    }
    let snippets = compiled.join("snippets");
    if snippets.is_dir() {
        for path in files::below(&snippets)? {
            copy(&snippets.join(&path), &folder.join("snippets").join(&path))?;
        }
    }
    place_scripts(workspace, folder)?;
    place_types(workspace, folder)?;
    for name in &manifest.package.documents {
        let source = workspace.root.join(name);
        if source.exists() {
            copy(&source, &folder.join(name))?;
        } else {
            println!("warning: there is no {name}; the package goes without it");
        }
    }
    let facts = workspace.crate_facts()?;
    let files = contents(folder)?;
    std::fs::write(folder.join("package.json"), metadata::package_json(manifest, &facts, &files)?)?;
    Ok(())
}

/// Places the package's own scripts.
///
/// A script that Rust imports is there already, in wasm-bindgen's copy. A second copy would be a second module, whose
/// classes are not those that Rust throws; so such a script only passes on what wasm-bindgen's copy exports.
fn place_scripts(workspace: &Workspace, folder: &Path) -> Result<()> {
    let scripts = Path::new(&workspace.manifest.package.scripts);
    let from = workspace.root.join(scripts);
    for entry in std::fs::read_dir(&from).with_context(|| format!("cannot read {}", from.display()))? {
        let path = entry?.path();
        let (Some("js"), Some(name)) = (path.extension().and_then(OsStr::to_str), path.file_name()) else { continue };
        match snippet(folder, &scripts.join(name))? {
            Some(snippet) => std::fs::write(folder.join(name), format!("export * from \"./{snippet}\";\n"))?,
            None => copy(&path, &folder.join(name))?,
        }
    }
    Ok(())
}

/// Places the types, which lie among the scripts in the folders that they have in the package.
fn place_types(workspace: &Workspace, folder: &Path) -> Result<()> {
    let from = workspace.root.join(&workspace.manifest.package.scripts);
    for path in files::below(&from)? {
        if path.to_string_lossy().ends_with(".d.ts") {
            copy(&from.join(&path), &folder.join(&path))?;
        }
    }
    Ok(())
}

/// The path in the package of wasm-bindgen's copy of a script, if it has made one.
fn snippet(folder: &Path, script: &Path) -> Result<Option<String>> {
    let snippets = folder.join("snippets");
    if !snippets.is_dir() {
        return Ok(None);
    }
    for entry in std::fs::read_dir(snippets)? {
        let library = entry?.file_name();
        let path = Path::new("snippets").join(library).join(script);
        if folder.join(&path).is_file() {
            return Ok(Some(path.display().to_string()));
        }
    }
    Ok(None)
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
