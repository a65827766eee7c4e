use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::SECRET;

/// The program that is shipped, on a free port.
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// Starts it and waits until it says where it listens.
    pub(crate) async fn start(database: &Path, more: &[&str]) -> Self {
        Self::from(Self::command(database, more)).await
    }

    pub(crate) async fn from(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).await.unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("the line that scripts read");
        Self { address: address.parse().unwrap(), child }
    }

    pub(crate) fn command(database: &Path, more: &[&str]) -> Command {
        let mut command = Self::bare();
        command.args(["--listen", "127.0.0.1:0", "--database"]).arg(database).args(more);
        command
    }

    /// Without any argument.
    pub(crate) fn bare() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidekeep-server"));
        command
            .env("TIDEKEEP_SECRET", SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and answers with its log and whether it ended well.
    pub(crate) async fn stop(mut self) -> (String, bool) {
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status().await.unwrap();
        assert!(asked.success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
        (log, self.child.wait().await.unwrap().success())
    }
}
