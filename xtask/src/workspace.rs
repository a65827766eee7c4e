//! Where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::manifest::Manifest;
use crate::process;

/// The repository, its build manifest, and the folders that the commands write to.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Where `cargo install` puts its commands.
    pub cargo_home: PathBuf,
    pub manifest: Manifest,
}

/// What the crate says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct CrateFacts {
    pub name: String,
    pub version: String,
    pub description: Option<String>,
    pub license: Option<String>,
}

impl Workspace {
    pub(crate) fn locate() -> Result<Self> {
        // Asked of the cargo that runs this rather than of the one that compiled it: checkouts may share a target folder.
        let xtask = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
        let root = Path::new(&xtask).parent().context("xtask lies outside a workspace")?.to_owned();
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder));
        let cargo_home = env::var_os("CARGO_HOME")
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
            .context("neither CARGO_HOME nor HOME is set")?;
        let manifest = Manifest::read(&root.join("wasm-pack.toml"))?;
        Ok(Self { root, target, cargo_home, manifest })
    }

    /// The folder of the assembled npm package.
    pub(crate) fn package(&self) -> PathBuf {
        self.root.join(&self.manifest.package.out_dir)
    }

    /// The folder of the tools that come from npm.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// A command of the npm tools, to be run by Node.
    pub(crate) fn npm_tool(&self, name: &str) -> PathBuf {
        self.tools().join("node_modules/.bin").join(name)
    }

    /// The path of a command, if it is installed.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain([self.cargo_home.join("bin")])
            .map(|folder| folder.join(name))
            .find(|candidate| candidate.is_file())
    }

    /// A command that runs in the root of the repository and finds what `cargo install` has put in place.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
        folders.push(self.cargo_home.join("bin"));
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        if let Ok(path) = env::join_paths(folders) {
            command.env("PATH", path);
        }
        command
    }

    /// The cargo that runs this command.
    pub(crate) fn cargo(&self) -> Command {
        self.command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Whether this runs as root, for whom browsers want their sandboxes switched off.
    pub(crate) fn is_root(&self) -> bool {
        process::capture(self.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
    }

    /// The version of a dependency in Cargo.lock.
    pub(crate) fn locked_version(&self, name: &str) -> Result<String> {
        let path = self.root.join("Cargo.lock");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let lock: Lockfile = toml::from_str(&text).context("cannot understand Cargo.lock")?;
        let found = lock.package.into_iter().find(|package| package.name == name);
        Ok(found.with_context(|| format!("Cargo.lock has no {name}"))?.version)
    }

    /// Name, version, description and licence of the crate that is packaged.
    pub(crate) fn crate_facts(&self) -> Result<CrateFacts> {
        let mut cargo = self.cargo();
        cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]);
        cargo.arg(self.root.join(&self.manifest.library.path).join("Cargo.toml"));
        let metadata: Metadata = serde_json::from_str(&process::capture(&mut cargo)?)?;
        let name = &self.manifest.library.out_name;
        let found = metadata.packages.into_iter().find(|facts| facts.name == *name);
        found.with_context(|| format!("cargo knows no crate named {name}"))
    }
}

#[derive(Deserialize)]
struct Lockfile {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<CrateFacts>,
}
