//! `test`: everything, or one stage of it, with a summary at the end.

mod browser;
mod count;
mod native;
mod package;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use browser::Browser;
pub(crate) use count::Count;

use crate::setup::{self, Need, Purpose};
use crate::workspace::Workspace;

/// A part of the tests that can be run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Native,
    Browser(Browser),
    Reproducible,
    Packaging,
    Durability,
    EndToEnd,
}

/// How a stage went.
struct Outcome {
    stage: Stage,
    count: Count,
    took: Duration,
}

pub(crate) fn command(workspace: &Workspace, selection: &[&str]) -> Result<ExitCode> {
    let stages = select(workspace, selection)?;
    setup::install(workspace, &needs(&stages))?;
    let mut outcomes = Vec::new();
    for stage in stages {
        println!("\n== {}", stage.name());
        let started = Instant::now();
        let count = stage.run(workspace).unwrap_or_else(|error| {
            println!("{}: {error:#}", stage.name());
            Count::BROKEN
        });
        outcomes.push(Outcome { stage, count, took: started.elapsed() });
    }
    Ok(summarise(&outcomes))
}

fn select(workspace: &Workspace, selection: &[&str]) -> Result<Vec<Stage>> {
    let browsers = || Browser::ALL.map(Stage::Browser).to_vec();
    Ok(match selection {
        [] => {
            let mut stages = vec![Stage::Native];
            stages.extend(browsers());
            stages.extend([Stage::Reproducible, Stage::Packaging, Stage::Durability]);
            if package::has_end_to_end(workspace) {
                stages.push(Stage::EndToEnd);
            }
            stages
        }
        ["native"] => vec![Stage::Native],
        ["browser"] => browsers(),
        ["browser", name] => vec![Stage::Browser(Browser::parse(name)?)],
        ["reproducible"] => vec![Stage::Reproducible],
        ["packaging"] => vec![Stage::Packaging],
        ["durability"] => vec![Stage::Durability],
        ["e2e"] => vec![Stage::EndToEnd],
        other => bail!("there is no stage `{}`; see `cargo xtask help`", other.join(" ")),
    })
}

/// What the stages need, in the order of installation.
fn needs(stages: &[Stage]) -> Vec<Need> {
    let mut needs = Purpose::Test.needs();
    needs.retain(|need| stages.iter().any(|stage| stage.needs(*need)));
    needs
}

impl Stage {
    fn name(self) -> String {
        match self {
            Self::Native => "native".to_owned(),
            Self::Browser(browser) => format!("browser {}", browser.name()),
            Self::Reproducible => "reproducible".to_owned(),
            Self::Packaging => "packaging".to_owned(),
            Self::Durability => "durability".to_owned(),
            Self::EndToEnd => "e2e".to_owned(),
        }
    }

    fn needs(self, need: Need) -> bool {
        match self {
            Self::Native => need == Need::Postgres,
            Self::Browser(browser) => browser.needs().contains(&need),
            Self::Reproducible => Purpose::Build.needs().contains(&need),
            Self::Packaging | Self::Durability => need != Need::Postgres,
            Self::EndToEnd => {
                matches!(need, Need::Chromium | Need::Firefox | Need::Geckodriver | Need::WebKit | Need::Xvfb)
                    || Purpose::Build.needs().contains(&need)
            }
        }
    }

    fn run(self, workspace: &Workspace) -> Result<Count> {
        match self {
            Self::Native => native::run(workspace),
            Self::Browser(browser) => browser.run(workspace),
            Self::Reproducible => package::reproducible(workspace),
            Self::Packaging => package::packaging(workspace),
            Self::Durability => package::durability(workspace),
            Self::EndToEnd => package::end_to_end(workspace),
        }
    }
}

/// Runs a test command and counts what it reports.
fn counted(command: &mut Command) -> Result<Count> {
    let mut count = Count::default();
    let succeeded = crate::process::watch(command, |line| count.read(line))?;
    // A command may also fail without a failed test: one that does not compile, or a browser that does not start.
    if !succeeded && count.failed == 0 {
        count.failed = 1;
    }
    Ok(count)
}

fn summarise(outcomes: &[Outcome]) -> ExitCode {
    println!("\n{:<18} {:>7} {:>7} {:>9}", "stage", "passed", "failed", "time");
    for Outcome { stage, count, took } in outcomes {
        println!("{:<18} {:>7} {:>7} {:>7.1} s", stage.name(), count.passed, count.failed, took.as_secs_f64());
        for cases in &count.behaviour {
            println!("  behaviour suite: {cases}");
        }
        for figure in &count.figures {
            println!("  {figure}");
        }
    }
    let passed: u64 = outcomes.iter().map(|outcome| outcome.count.passed).sum();
    let failed: u64 = outcomes.iter().map(|outcome| outcome.count.failed).sum();
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
