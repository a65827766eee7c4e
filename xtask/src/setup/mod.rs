//! `setup`: installs what the commands need, and only that.

mod apt;
mod cargo;
mod need;
mod node;

use std::process::ExitCode;

use anyhow::{Result, bail};

use need::State;
pub(crate) use need::{Need, Purpose};

use crate::workspace::Workspace;

pub(crate) fn command(workspace: &Workspace, options: &[&str]) -> Result<ExitCode> {
    let mut only_report = false;
    let mut needs = Need::ALL.to_vec();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--check" => only_report = true,
            "--for" => needs = Purpose::parse(options.next().copied().unwrap_or_default())?.needs(),
            other => bail!("setup knows --check and --for build|check|test|demo, not `{other}`"),
        }
    }
    if only_report {
        return report(workspace, &needs);
    }
    install(workspace, &needs)?;
    println!("Everything is in place.");
    Ok(ExitCode::SUCCESS)
}

fn report(workspace: &Workspace, needs: &[Need]) -> Result<ExitCode> {
    let mut missing = 0;
    for need in needs {
        match need.state(workspace)? {
            State::Present(what) => println!("  ok       {need}: {what}"),
            State::Missing(why) => {
                missing += 1;
                println!("  missing  {need}: {why}");
            }
        }
    }
    if missing == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    println!("{missing} missing; `cargo xtask setup` installs what it can.");
    Ok(ExitCode::FAILURE)
}

/// Installs those of `needs` that are missing, and checks that they are then there.
pub(crate) fn install(workspace: &Workspace, needs: &[Need]) -> Result<()> {
    let mut packages = Vec::new();
    let mut missing = Vec::new();
    for need in needs {
        if let State::Missing(why) = need.state(workspace)? {
            println!("{need}: {why}; installing");
            packages.extend_from_slice(need.apt_packages());
            missing.push(*need);
        }
    }
    if !packages.is_empty() {
        apt::install(workspace, &packages)?;
    }
    for need in missing {
        need.install(workspace)?;
        if let State::Missing(why) = need.state(workspace)? {
            bail!("{need} is still missing after its installation: {why}");
        }
    }
    Ok(())
}
