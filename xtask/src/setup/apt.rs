//! What comes from the system's packages.

use std::io::IsTerminal;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// Installs Debian packages, refreshing the package lists where they are missing or stale.
pub(super) fn install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    let by_hand = format!("apt-get update && apt-get install -y {}", packages.join(" "));
    if workspace.find("apt-get").is_none() {
        bail!("there is no apt-get; install what Debian calls {} by the system's own means", packages.join(", "));
    }
    let Some(mut install) = as_root(workspace) else {
        bail!("installing packages needs root; run this as root, then try again:\n  {by_hand}");
    };
    install.args(["install", "-y"]).args(packages);
    if process::run(&mut install).is_ok() {
        return Ok(());
    }
    println!("The package lists may be missing or stale; refreshing them.");
    if let Some(mut update) = as_root(workspace) {
        process::run(update.arg("update"))?;
    }
    process::run(&mut install)
}

/// apt-get with the rights to install, or nothing where they cannot be had.
fn as_root(workspace: &Workspace) -> Option<Command> {
    let settings = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    if workspace.is_root() {
        let [program, rest @ ..] = settings;
        let mut command = workspace.command(program);
        command.args(rest);
        return Some(command);
    }
    let sudo = workspace.find("sudo")?;
    let mut command = workspace.command(&sudo);
    // sudo asks on the terminal itself; where there is none it must not wait for an answer.
    if !std::io::stdin().is_terminal() {
        if !process::succeeds(workspace.command(&sudo).args(["-n", "true"])) {
            return None;
        }
        command.arg("-n");
    }
    command.args(settings);
    Some(command)
}
