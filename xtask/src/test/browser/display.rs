//! A display that nobody sees, for the browser without a headless mode.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workspace::Workspace;

/// An X server of its own, which ends with this value.
#[derive(Debug)]
pub(super) struct Display {
    server: Child,
    number: u32,
}

impl Display {
    /// Starts a server on the first free number, and waits until it is ready.
    pub(super) fn open(workspace: &Workspace) -> Result<Self> {
        let mut command = workspace.command("Xvfb");
        // The server picks the number itself and says it once it listens: no race with others.
        command.args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        process::announce(&command);
        let mut server = command.spawn().context("cannot start Xvfb")?;
        let mut line = String::new();
        if let Some(stdout) = server.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Ok(number) = line.trim().parse() else {
            let status = server.wait()?;
            bail!("Xvfb stopped before it had a display: {status}");
        };
        Ok(Self { server, number })
    }

    /// What the variable DISPLAY has to say.
    pub(super) fn name(&self) -> String {
        format!(":{}", self.number)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
