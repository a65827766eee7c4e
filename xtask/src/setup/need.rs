//! What the commands need, and how to tell whether it is there.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::{cargo, node};
use crate::process;
use crate::workspace::Workspace;

/// Something that a command cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Node,
    Rustfmt,
    Clippy,
    WasmTarget,
    /// The standard library's source, which is compiled with the crate.
    RustSource,
    WasmPack,
    /// wasm-bindgen's commands refuse a module that another version of the crate has made.
    WasmBindgen,
    /// wasm-opt and the TypeScript compiler, from npm.
    NodeTools,
    Chromium,
    Firefox,
    Geckodriver,
    WebKit,
    /// `WebKitGTK` has no headless mode.
    Xvfb,
    /// The endpoint's second database.
    Postgres,
    /// Python with `cryptography`, which opens what was sealed.
    Python,
}

/// A command's reason to need things.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Build,
    Check,
    Test,
    Demo,
    Bench,
}

/// Whether a need is met: by what, or why not.
#[derive(Debug)]
pub(crate) enum State {
    Present(String),
    Missing(String),
}

impl Purpose {
    pub(super) fn parse(word: &str) -> Result<Self> {
        Ok(match word {
            "build" => Self::Build,
            "check" => Self::Check,
            "test" => Self::Test,
            "demo" => Self::Demo,
            "bench" => Self::Bench,
            _ => bail!("--for takes build, check, test, demo or bench, not `{word}`"),
        })
    }

    /// What the command needs, in the order of installation.
    pub(crate) fn needs(self) -> Vec<Need> {
        Need::ALL.into_iter().filter(|need| need.serves(self)).collect()
    }
}

impl Need {
    /// Everything, in the order of installation.
    pub(super) const ALL: [Self; 15] = [
        Self::Node,
        Self::Rustfmt,
        Self::Clippy,
        Self::WasmTarget,
        Self::RustSource,
        Self::WasmPack,
        Self::WasmBindgen,
        Self::NodeTools,
        Self::Chromium,
        Self::Firefox,
        Self::Geckodriver,
        Self::WebKit,
        Self::Xvfb,
        Self::Postgres,
        Self::Python,
    ];

    fn serves(self, purpose: Purpose) -> bool {
        match self {
            Self::Node | Self::WasmTarget | Self::RustSource | Self::WasmPack | Self::WasmBindgen | Self::NodeTools => {
                true
            }
            Self::Rustfmt | Self::Clippy => matches!(purpose, Purpose::Check),
            Self::Chromium | Self::Firefox | Self::Geckodriver | Self::WebKit | Self::Xvfb => {
                matches!(purpose, Purpose::Test | Purpose::Bench)
            }
            Self::Postgres | Self::Python => matches!(purpose, Purpose::Test),
        }
    }

    pub(super) fn state(self, workspace: &Workspace) -> Result<State> {
        Ok(match self {
            Self::Node => node::runtime(workspace),
            Self::NodeTools => node::tools(workspace)?,
            Self::Rustfmt => command(workspace, "rustfmt"),
            Self::Clippy => command(workspace, "cargo-clippy"),
            Self::WasmTarget => cargo::wasm_target(workspace)?,
            Self::RustSource => cargo::rust_source(workspace)?,
            Self::WasmPack => command(workspace, "wasm-pack"),
            Self::WasmBindgen => cargo::wasm_bindgen(workspace)?,
            Self::Chromium => commands(workspace, &["chromium", "chromedriver"]),
            Self::Firefox => command(workspace, "firefox"),
            Self::Geckodriver => command(workspace, "geckodriver"),
            Self::WebKit => command(workspace, "WebKitWebDriver"),
            Self::Xvfb => command(workspace, "Xvfb"),
            Self::Postgres => postgres(workspace),
            Self::Python => python(workspace),
        })
    }

    /// The Debian packages that meet the need.
    pub(super) fn apt_packages(self) -> &'static [&'static str] {
        match self {
            Self::Chromium => &["chromium", "chromium-driver"],
            Self::Firefox => &["firefox-esr"],
            Self::WebKit => &["webkit2gtk-driver"],
            Self::Xvfb => &["xvfb"],
            Self::Postgres => &["postgresql"],
            Self::Python => &["python3-cryptography"],
            Self::Node
            | Self::Rustfmt
            | Self::Clippy
            | Self::WasmTarget
            | Self::RustSource
            | Self::WasmPack
            | Self::WasmBindgen
            | Self::NodeTools
            | Self::Geckodriver => &[],
        }
    }

    /// Installs what does not come from apt.
    pub(super) fn install(self, workspace: &Workspace) -> Result<()> {
        match self {
            Self::Node => bail!(
                "Node {} with npm has to be installed by hand: from the system's packages, or a version manager",
                workspace.manifest.npm.node
            ),
            Self::NodeTools => node::install_tools(workspace),
            Self::Rustfmt => cargo::rustup(workspace, &["component", "add", "rustfmt"]),
            Self::Clippy => cargo::rustup(workspace, &["component", "add", "clippy"]),
            Self::WasmTarget => cargo::rustup(workspace, &["target", "add", cargo::WASM_TARGET]),
            Self::RustSource => cargo::rustup(workspace, &["component", "add", "rust-src"]),
            Self::WasmPack => cargo::install(workspace, "wasm-pack", None),
            Self::WasmBindgen => {
                let version = workspace.locked_version("wasm-bindgen")?;
                cargo::install(workspace, "wasm-bindgen-cli", Some(&version))
            }
            Self::Geckodriver => cargo::install(workspace, "geckodriver", None),
            Self::Chromium | Self::Firefox | Self::WebKit | Self::Xvfb | Self::Postgres | Self::Python => Ok(()),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Node => "Node and npm",
            Self::Rustfmt => "rustfmt",
            Self::Clippy => "clippy",
            Self::WasmTarget => "Rust target wasm32-unknown-unknown",
            Self::RustSource => "Rust's own source",
            Self::WasmPack => "wasm-pack",
            Self::WasmBindgen => "wasm-bindgen-cli",
            Self::NodeTools => "wasm-opt and TypeScript",
            Self::Chromium => "Chromium and chromedriver",
            Self::Firefox => "Firefox",
            Self::Geckodriver => "geckodriver",
            Self::WebKit => "WebKitGTK's driver",
            Self::Xvfb => "Xvfb",
            Self::Postgres => "PostgreSQL",
            Self::Python => "Python's cryptography",
        })
    }
}

/// The first Python on the path may be another than that of the system's packages.
fn python(workspace: &Workspace) -> State {
    let has = |program: &&str| process::succeeds(workspace.command(program).args(["-c", "import cryptography"]));
    match ["python3", "/usr/bin/python3"].iter().find(|program| has(program)) {
        Some(program) => State::Present((*program).to_owned()),
        None => State::Missing("no Python that has `cryptography`".to_owned()),
    }
}

/// Debian keeps its programs off the path, by release.
fn postgres(workspace: &Workspace) -> State {
    let releases = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    match releases.map(|entry| entry.path().join("bin/initdb")).filter(|program| program.exists()).max() {
        Some(program) => State::Present(program.display().to_string()),
        None => command(workspace, "initdb"),
    }
}

fn command(workspace: &Workspace, name: &str) -> State {
    commands(workspace, &[name])
}

fn commands(workspace: &Workspace, names: &[&str]) -> State {
    let mut found: Vec<PathBuf> = Vec::new();
    for name in names {
        match workspace.find(name) {
            Some(path) => found.push(path),
            None => return State::Missing(format!("no `{name}` on the path")),
        }
    }
    State::Present(found.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "))
}

/// The version that a command reports of itself: the second word of what it prints.
pub(super) fn reported_version(workspace: &Workspace, name: &str) -> Option<String> {
    let path = workspace.find(name)?;
    let printed = process::capture(workspace.command(path).arg("--version")).ok()?;
    printed.split_whitespace().nth(1).map(str::to_owned)
}
