//! What comes through rustup and `cargo install`.

use anyhow::{Result, bail};

use super::need::{State, reported_version};
use crate::process;
use crate::workspace::Workspace;

pub(super) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Whether the compiler in use has the standard library of the wasm target.
pub(super) fn wasm_target(workspace: &Workspace) -> Result<State> {
    let mut rustc = workspace.command("rustc");
    let folder = process::capture(rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]))?;
    Ok(if std::path::Path::new(folder.trim()).is_dir() {
        State::Present("its standard library is installed".to_owned())
    } else {
        State::Missing("its standard library is not installed".to_owned())
    })
}

/// Whether the standard library's source is beside the compiler in use.
pub(super) fn rust_source(workspace: &Workspace) -> Result<State> {
    let sysroot = process::capture(workspace.command("rustc").args(["--print", "sysroot"]))?;
    let lock = std::path::Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock");
    Ok(if lock.is_file() {
        State::Present("it is installed".to_owned())
    } else {
        State::Missing("it is not installed".to_owned())
    })
}

/// Whether wasm-bindgen's commands are those of the crate in Cargo.lock.
pub(super) fn wasm_bindgen(workspace: &Workspace) -> Result<State> {
    let wanted = workspace.locked_version("wasm-bindgen")?;
    Ok(match reported_version(workspace, "wasm-bindgen") {
        Some(found) if found == wanted && workspace.find("wasm-bindgen-test-runner").is_some() => State::Present(found),
        Some(found) => State::Missing(format!("{found} is installed, Cargo.lock has {wanted}")),
        None => State::Missing(format!("not installed, Cargo.lock has {wanted}")),
    })
}

pub(super) fn rustup(workspace: &Workspace, words: &[&str]) -> Result<()> {
    if workspace.find("rustup").is_none() {
        bail!("there is no rustup; install what `rustup {}` would by the means that Rust came from", words.join(" "));
    }
    process::run(workspace.command("rustup").args(words))
}

pub(super) fn install(workspace: &Workspace, name: &str, version: Option<&str>) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo.args(["install", "--quiet", name]);
    if let Some(version) = version {
        cargo.args(["--version", version]);
    }
    println!("{name}: compiling, which takes a few minutes");
    process::run(&mut cargo)
}
