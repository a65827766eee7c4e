//! The package's package.json.

use anyhow::Result;
use serde_json::json;

use crate::manifest::Manifest;
use crate::workspace::CrateFacts;

/// Writes package.json for a package of these files.
pub(super) fn package_json(manifest: &Manifest, facts: &CrateFacts, files: &[String]) -> Result<String> {
    let package = json!({
        "name": facts.name,
        "version": facts.version,
        "description": facts.description,
        "keywords": manifest.npm.keywords,
        "license": facts.license,
        "type": "module",
        "main": "./index.js",
        "types": "./types.d.ts",
        "exports": {
            ".": { "types": "./types.d.ts", "default": "./index.js" },
            "./wasm": format!("./{}", manifest.wasm_name()),
            "./package.json": "./package.json",
        },
        "files": files,
        // Importing the package does nothing by itself, so what an application does not use can be left out.
        "sideEffects": false,
        "engines": { "node": manifest.npm.node },
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&package)?))
}
