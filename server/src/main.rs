//! The endpoint as a program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tidekeep_server::{Arguments, Config, Running, init_log, renew, start};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    init_log(arguments.log);
    let renewing = arguments.new_epoch;
    let config = match Config::try_from(arguments) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start its threads: {error}")),
    };
    runtime.block_on(async {
        if renewing {
            return begin_anew(&config).await;
        }
        match start(config).await {
            Ok(running) => run(running).await,
            Err(error) => fail(&error.to_string()),
        }
    })
}

/// Gives every space a new epoch and says so.
async fn begin_anew(config: &Config) -> ExitCode {
    match renew(config).await {
        Ok(count) => {
            // Done is done, whether anybody reads it or not.
            drop(writeln!(std::io::stdout(), "{count} spaces have a new epoch; their clients begin from the snapshot"));
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error.to_string()),
    }
}

/// Says where it listens, on one line that scripts can read, and runs until it is told to stop.
async fn run(running: Running) -> ExitCode {
    // Before the line is out: whoever reads it may ask to stop at once.
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return fail(&format!("cannot listen for signals: {error}")),
    };
    let mut stdout = std::io::stdout();
    let told = writeln!(stdout, "listening on http://{}", running.address()).and_then(|()| stdout.flush());
    if told.is_err() {
        tracing::warn!("standard output is closed");
    }
    stop.asked().await;
    running.stop().await;
    ExitCode::SUCCESS
}

/// The signals that ask the program to stop.
#[cfg(unix)]
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The signal that asks the program to stop.
#[cfg(windows)]
struct Stop(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Stop {
    fn listen() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn asked(mut self) {
        // Nothing comes where the console is gone, and then there is nobody to ask.
        let _asked = self.0.recv().await;
    }
}

fn fail(message: &str) -> ExitCode {
    // Nothing is left to do where standard error is closed as well.
    drop(writeln!(std::io::stderr(), "tidekeep-server: {message}"));
    ExitCode::FAILURE
}
