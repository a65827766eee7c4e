//! The commands of this repository: `cargo xtask setup | build | check | size | test | demo | bench`.

mod bench;
mod build;
mod check;
mod demo;
mod files;
mod manifest;
mod npm;
mod process;
mod setup;
mod size;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <command>

  setup [--check] [--for build|check|test|demo|bench]
          installs what the commands need and is missing; --check only reports, and fails if something is
  build   makes the npm package in pkg/, as wasm-pack.toml says
  check   formatting, lints, documentation, the package's types and its size
  size    what each part of the crate weighs in the module, as a table
  test [native | browser [chrome|firefox|safari] | packaging | reproducible | durability | e2e]
          everything, or one stage
  demo    builds and serves the demo application
  bench [--quick] [--rounds N] [--browsers …] [--engines …]
          measures beside bare IndexedDB and other libraries, and writes docs/benchmarks.md
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> Result<ExitCode> {
    let Some((command, rest)) = words.split_first() else {
        bail!("no command given\n\n{USAGE}");
    };
    if matches!(*command, "help" | "--help" | "-h") {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::locate()?;
    match (*command, rest) {
        ("setup", options) => setup::command(&workspace, options),
        ("build", []) => build::command(&workspace),
        ("check", []) => check::command(&workspace),
        ("size", []) => size::command(&workspace),
        ("test", selection) => test::command(&workspace, selection),
        ("demo", []) => demo::command(&workspace),
        ("bench", options) => bench::command(&workspace, options),
        _ => bail!("`{}` is not understood\n\n{USAGE}", words.join(" ")),
    }
}
