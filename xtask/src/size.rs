//! `size`: what each part of the crate weighs in the module that applications download.
//!
//! The module is built as `build` does, except that functions keep their names. A function counts for the part whose
//! path its name has first: what a library's generic code was compiled into for a part counts for that part.

mod names;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::build;
use crate::check::compressed_size;
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use names::Function;

/// The parts, by the paths of their modules; of several that fit, the longest counts.
const PARTS: [(&str, &[&str]); 14] = [
    ("IndexedDB backend", &["backend::indexeddb", "policy::upgrade"]),
    ("memory backend", &["backend::memory"]),
    ("replication", &["sync", "js::sync", "transport", "backend::layer::journal"]),
    (
        "sealing and secrets",
        &[
            "crypto",
            "backend::layer::seal",
            "backend::layer::vault",
            "store::autolock",
            "store::blind",
            "store::credentials",
            "store::keys",
            "store::rotation",
            "store::unlockers",
            "js::autolock",
            "js::credentials",
            "js::passkey",
            "js::rotation",
            "js::unlock",
            "js::unlockers",
        ],
    ),
    ("search", &["search", "store::search", "js::search", "backend::layer::postings"]),
    ("queries", &["query", "store::query", "js::query"]),
    ("watching", &["query::live", "store::watch", "js::watch"]),
    ("transactions", &["backend::layer::overlay", "store::transaction", "js::transaction"]),
    ("space, lifetimes", &["store::space", "js::space", "policy"]),
    ("checksums, verification", &["backend::layer::checksum", "store::verify", "js::verify"]),
    ("records, keys, batches", &["model", "json"]),
    ("collections, events, tabs", &["store"]),
    ("boundary to JavaScript", &["js", "platform"]),
    ("the rest of tidekeep", &[""]),
];

/// What no part of ours is named in.
const OTHERS: &str = "other crates, by themselves";

pub(crate) fn command(workspace: &Workspace) -> Result<ExitCode> {
    setup::install(workspace, &Purpose::Build.needs())?;
    let module = build::module_with_names(workspace)?;
    let bytes = std::fs::read(&module)?;
    let functions = names::functions(&bytes)?;
    let crate_name = &workspace.manifest.library.out_name;
    let mut rows = Vec::new();
    for part in PARTS.iter().map(|(part, _)| *part).chain([OTHERS]) {
        let own = functions.iter().filter(|function| part_of(function, crate_name) == part);
        let code: Vec<&[u8]> = own.map(|function| function.code).collect();
        let compressed = compressed(workspace, &module, &code.concat())?;
        rows.push((part, code.len(), code.concat().len(), compressed));
    }
    rows.sort_by_key(|&(.., compressed)| std::cmp::Reverse(compressed));
    println!("\n| part | functions | bytes | compressed by itself |\n|---|--:|--:|--:|");
    for (part, count, plain, compressed) in rows {
        println!("| {part} | {count} | {plain} | {compressed} |");
    }
    Ok(ExitCode::SUCCESS)
}

/// The part that a function counts for.
fn part_of(function: &Function<'_>, crate_name: &str) -> &'static str {
    let Some(path) = names::path_in(function.name, crate_name) else { return OTHERS };
    let fitting = |prefix: &str| {
        prefix.is_empty() || path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let longest = |prefixes: &[&str]| prefixes.iter().filter(|prefix| fitting(prefix)).map(|prefix| prefix.len()).max();
    PARTS.iter().max_by_key(|(_, prefixes)| longest(prefixes)).map_or(OTHERS, |(part, _)| part)
}

fn compressed(workspace: &Workspace, beside: &Path, code: &[u8]) -> Result<u64> {
    let path = beside.with_extension("part");
    std::fs::write(&path, code)?;
    let size = compressed_size(workspace, &path);
    std::fs::remove_file(&path)?;
    size
}
