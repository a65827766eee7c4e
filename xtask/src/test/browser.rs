//! The crate's wasm tests in the three engines.

mod display;

use std::path::Path;

use anyhow::{Context, Result};

use super::{Count, counted};
use crate::setup::Need;
use crate::workspace::Workspace;
use display::Display;

/// How long all tests of one file may take in a browser, in seconds.
const TIME_LIMIT: &str = "300";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Browser {
    Chromium,
    Firefox,
    /// `WebKitGTK`, the engine of Safari, which answers to the same driver protocol.
    WebKit,
}

impl Browser {
    pub(super) const ALL: [Self; 3] = [Self::Chromium, Self::Firefox, Self::WebKit];

    pub(super) fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|browser| browser.name() == name);
        found.with_context(|| format!("the browsers are chrome, firefox and safari, not `{name}`"))
    }

    /// wasm-pack's word for the browser.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chrome",
            Self::Firefox => "firefox",
            Self::WebKit => "safari",
        }
    }

    fn driver(self) -> &'static str {
        match self {
            Self::Chromium => "chromedriver",
            Self::Firefox => "geckodriver",
            Self::WebKit => "WebKitWebDriver",
        }
    }

    pub(super) fn needs(self) -> &'static [Need] {
        match self {
            Self::Chromium => &[Need::WasmTarget, Need::WasmPack, Need::WasmBindgen, Need::Chromium],
            Self::Firefox => &[Need::WasmTarget, Need::WasmPack, Need::WasmBindgen, Need::Firefox, Need::Geckodriver],
            Self::WebKit => &[Need::WasmTarget, Need::WasmPack, Need::WasmBindgen, Need::WebKit, Need::Xvfb],
        }
    }

    /// Runs the crate's tests for wasm in this browser.
    pub(super) fn run(self, workspace: &Workspace) -> Result<Count> {
        let driver = workspace.find(self.driver()).with_context(|| format!("no `{}` on the path", self.driver()))?;
        let mut wasm_pack = workspace.command("wasm-pack");
        wasm_pack.args(["test", "--mode", "no-install", "--headless", &format!("--{}", self.name())]);
        // The driver's flag is named for the driver that wasm-pack knows, Safari's own.
        wasm_pack.arg(match self {
            Self::Chromium => "--chromedriver",
            Self::Firefox => "--geckodriver",
            Self::WebKit => "--safaridriver",
        });
        wasm_pack.arg(driver).arg(&workspace.root).args(["--all-features", "--lib"]);
        if has_test_files(&workspace.root)? {
            wasm_pack.args(["--test", "*"]);
        }
        // What a test says of itself, such as how many cases it ran, is shown.
        wasm_pack.args(["--", "--nocapture"]);
        wasm_pack.env("WASM_BINDGEN_TEST_TIMEOUT", TIME_LIMIT);
        if self != Self::WebKit {
            return counted(&mut wasm_pack);
        }
        let display = Display::open(workspace)?;
        wasm_pack.env("DISPLAY", display.name()).env("GDK_BACKEND", "x11");
        if workspace.is_root() {
            wasm_pack.env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1");
        }
        counted(&mut wasm_pack)
    }
}

/// Whether the crate has tests outside its sources; cargo refuses a pattern that names none.
fn has_test_files(library: &Path) -> Result<bool> {
    let tests = library.join("tests");
    if !tests.is_dir() {
        return Ok(false);
    }
    for entry in std::fs::read_dir(&tests)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file() {
            return Ok(true);
        }
    }
    Ok(false)
}
