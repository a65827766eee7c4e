//! The endpoint as a program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tidekeep_server::{Arguments, Config, Running, init_log, start};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    init_log(arguments.log);
    let config = match Config::try_from(arguments) {
        Ok(config) => config,
        Err(error) => return fail(&error.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start its threads: {error}")),
    };
    runtime.block_on(async {
        match start(config).await {
            Ok(running) => run(running).await,
            Err(error) => fail(&error.to_string()),
        }
    })
}

/// Says where it listens, on one line that scripts can read, and runs until it is told to stop.
async fn run(running: Running) -> ExitCode {
    let mut stdout = std::io::stdout();
    let told = writeln!(stdout, "listening on http://{}", running.address()).and_then(|()| stdout.flush());
    if told.is_err() {
        tracing::warn!("standard output is closed");
    }
    match asked_to_stop().await {
        Ok(()) => {
            running.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => fail(&format!("cannot wait for signals: {error}")),
    }
}

#[cfg(unix)]
async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn fail(message: &str) -> ExitCode {
    // Nothing is left to do where standard error is closed as well.
    drop(writeln!(std::io::stderr(), "tidekeep-server: {message}"));
    ExitCode::FAILURE
}
