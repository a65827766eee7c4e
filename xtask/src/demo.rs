//! `demo`: the demo application over the built package, served by the reference endpoint.

use std::net::TcpStream;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::setup::Purpose;
use crate::workspace::Workspace;
use crate::{build, npm, process, setup};

const ADDRESS: &str = "127.0.0.1:8787";
/// The same by a name: browsers have no passkeys for pages by an IP address.
const NAMED: &str = "localhost:8787";
const STARTS_WITHIN: Duration = Duration::from_secs(30);

pub(crate) fn command(workspace: &Workspace) -> Result<ExitCode> {
    setup::install(workspace, &Purpose::Demo.needs())?;
    build::package(workspace)?;
    build_app(workspace)?;
    process::run(workspace.cargo().args(["build", "--package", "tidekeep-server"]))?;
    serve(workspace)
}

/// Builds the demo application on the packed package.
pub(crate) fn build_app(workspace: &Workspace) -> Result<()> {
    let app = workspace.root.join("www");
    npm::install_package(workspace, &app)?;
    process::run(workspace.command("npm").args(["run", "build"]).current_dir(&app))
}

fn serve(workspace: &Workspace) -> Result<ExitCode> {
    if TcpStream::connect(ADDRESS).is_ok() {
        bail!("something else already listens on {ADDRESS}; stop it and try again");
    }
    let mut server = workspace.command(workspace.target.join("debug/tidekeep-server"));
    server.args(["--listen", ADDRESS, "--dev", "--static"]).arg(workspace.root.join("www/dist"));
    server.arg("--database").arg(workspace.target.join("demo.sqlite")).stdin(Stdio::null());
    process::announce(&server);
    let mut child = server.spawn()?;
    let started = Instant::now();
    while TcpStream::connect(ADDRESS).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("the server stopped before it listened: {status}");
        }
        if started.elapsed() > STARTS_WITHIN {
            child.kill()?;
            bail!("the server did not listen on {ADDRESS} within {} s", STARTS_WITHIN.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!("\nThe demo is at http://{NAMED}/ (Ctrl-C stops it).");
    let status = child.wait()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
