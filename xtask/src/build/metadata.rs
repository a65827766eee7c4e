//! The package's package.json.

use anyhow::Result;
use serde::Serialize;

use crate::manifest::Manifest;
use crate::workspace::CrateFacts;

/// Fields in the order of the file; a map would sort the conditions of `exports`, whose order has a meaning.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    version: &'a str,
    description: Option<&'a str>,
    keywords: &'a [String],
    license: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    /// Importing the package does nothing by itself, so what an application does not use can be left out.
    side_effects: bool,
    main: &'static str,
    types: &'static str,
    exports: Exports,
    files: &'a [String],
    engines: Engines<'a>,
}

#[derive(Serialize)]
struct Exports {
    #[serde(rename = ".")]
    entry: Conditions,
    #[serde(rename = "./port")]
    port: Conditions,
    #[serde(rename = "./service-worker")]
    service_worker: Conditions,
    #[serde(rename = "./wasm")]
    wasm: String,
    #[serde(rename = "./package.json")]
    package: &'static str,
}

/// What an import resolves to: the first that fits, so `default` comes last.
#[derive(Serialize)]
struct Conditions {
    types: &'static str,
    default: &'static str,
}

#[derive(Serialize)]
struct Engines<'a> {
    node: &'a str,
}

/// Writes package.json for a package of these files.
pub(super) fn package_json(manifest: &Manifest, facts: &CrateFacts, files: &[String]) -> Result<String> {
    let metadata = Metadata {
        name: &facts.name,
        version: &facts.version,
        description: facts.description.as_deref(),
        keywords: &manifest.npm.keywords,
        license: facts.license.as_deref(),
        kind: "module",
        side_effects: false,
        main: "./index.js",
        types: "./types.d.ts",
        exports: Exports {
            entry: Conditions { types: "./types.d.ts", default: "./index.js" },
            port: Conditions { types: "./port.d.ts", default: "./port.js" },
            service_worker: Conditions { types: "./service-worker.d.ts", default: "./service-worker.js" },
            wasm: format!("./{}", manifest.wasm_name()),
            package: "./package.json",
        },
        files,
        engines: Engines { node: &manifest.npm.node },
    };
    Ok(format!("{}\n", serde_json::to_string_pretty(&metadata)?))
}
