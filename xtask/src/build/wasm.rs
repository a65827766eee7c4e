//! From Rust to a small wasm module.

use std::path::Path;

use anyhow::Result;

use crate::files;
use crate::process;
use crate::workspace::Workspace;

/// Compiles the crate and has wasm-bindgen write its glue, into an empty folder.
pub(super) fn compile(workspace: &Workspace, target: &Path, out: &Path) -> Result<()> {
    files::remove(out)?;
    let library = &workspace.manifest.library;
    let mut wasm_pack = workspace.command("wasm-pack");
    wasm_pack.args(["build", "--mode", "no-install", "--release", "--no-typescript", "--no-pack", "--no-gitignore"]);
    // wasm-pack would fetch a wasm-opt of its own; the one of xtask/tools runs afterwards.
    wasm_pack.args(["--no-opt", "--target", &library.target, "--out-name", &library.out_name, "--out-dir"]);
    let compiler = &workspace.manifest.compiler;
    wasm_pack.arg(out).arg(workspace.root.join(&library.path)).arg("--locked").args(&compiler.cargo);
    let flags = [compiler.rustc.clone(), remapped_paths(workspace, target)?].concat();
    // What a stable compiler keeps to itself otherwise: wasm-pack.toml says what it is asked for, and why.
    wasm_pack.env("RUSTC_BOOTSTRAP", "1");
    wasm_pack.env("CARGO_TARGET_DIR", target).env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    process::run(&mut wasm_pack)
}

/// The flags that keep this machine's folders out of the module, so that it is the same wherever it is built.
fn remapped_paths(workspace: &Workspace, target: &Path) -> Result<Vec<String>> {
    let sysroot = process::capture(workspace.command("rustc").args(["--print", "sysroot"]))?;
    let names = [
        (workspace.root.as_path(), "."),
        (target, "target"),
        (workspace.cargo_home.as_path(), "cargo"),
        (Path::new(sysroot.trim()), "rust"),
    ];
    Ok(names.map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display())).to_vec())
}

/// Whether functions keep the names that the compiler gave them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Kept,
    Dropped,
}

/// Shrinks the module in place.
pub(super) fn optimise(workspace: &Workspace, wasm: &Path, names: Names) -> Result<()> {
    let mut wasm_opt = workspace.command("node");
    wasm_opt.arg(workspace.npm_tool("wasm-opt")).args(&workspace.manifest.wasm_opt.flags);
    wasm_opt.arg(if names == Names::Kept { "--debuginfo" } else { "--strip-debug" });
    process::run(wasm_opt.arg(wasm).arg("--output").arg(wasm))
}
