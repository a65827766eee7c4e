//! What an application has to download.

use std::path::Path;

use anyhow::{Result, bail};

use crate::files;
use crate::workspace::Workspace;

/// Compares the compressed size of the wasm and the scripts with the budget.
pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let budget = workspace.manifest.budget.gzip_kilobytes * 1000;
    let mut total = 0;
    for name in files::below(&workspace.package())? {
        let path = workspace.package().join(&name);
        if path.extension().is_some_and(|extension| extension == "wasm" || extension == "js") {
            let (plain, compressed) = (std::fs::metadata(&path)?.len(), compressed_size(workspace, &path)?);
            println!("{:>60}  {plain:>8} B  {compressed:>7} B gzip", name.display().to_string());
            total += compressed;
        }
    }
    println!("{:>60}  {:>8}    {total:>7} B gzip of {budget} B allowed", "together", "");
    let goal = workspace.manifest.budget.goal_gzip_kilobytes * 1000;
    if total > goal {
        println!("{:>60}  {} B above the goal of {goal} B", "", total - goal);
    }
    if total > budget {
        bail!("wasm and scripts are {} B over the budget of wasm-pack.toml", total - budget);
    }
    Ok(())
}

/// What `gzip -9` makes of a file.
pub(crate) fn compressed_size(workspace: &Workspace, path: &Path) -> Result<u64> {
    let output = workspace.command("gzip").args(["-9", "--no-name", "--stdout"]).arg(path).output()?;
    if !output.status.success() {
        bail!("gzip failed on {}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(u64::try_from(output.stdout.len())?)
}
