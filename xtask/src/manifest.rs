//! `wasm-pack.toml`, the recipe of the npm package.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Manifest {
    #[serde(rename = "crate")]
    pub library: Library,
    pub package: Package,
    pub compiler: Compiler,
    pub npm: Npm,
    pub wasm_opt: WasmOpt,
    pub budget: Budget,
}

/// What is compiled, and for which of wasm-pack's targets.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Library {
    pub path: String,
    pub out_name: String,
    pub target: String,
}

/// What cargo and rustc are asked for besides.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Compiler {
    pub cargo: Vec<String>,
    pub rustc: Vec<String>,
}

/// What is put beside the wasm, and where.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Package {
    pub out_dir: String,
    pub scripts: String,
    pub documents: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Npm {
    pub keywords: Vec<String>,
    pub node: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct WasmOpt {
    pub flags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Budget {
    pub gzip_kilobytes: u64,
    /// What it is to come down to, in thousands of bytes.
    pub goal_gzip_kilobytes: u64,
}

impl Manifest {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    /// The file name of the wasm module.
    pub(crate) fn wasm_name(&self) -> String {
        format!("{}_bg.wasm", self.library.out_name)
    }

    /// The file name of the module that wasm-bindgen writes.
    pub(crate) fn glue_name(&self) -> String {
        format!("{}.js", self.library.out_name)
    }
}
