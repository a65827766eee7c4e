// Measures what sealing costs: `node bench/sealing.js [firefox|webkit] [bulk|large|sizes|unlock|restarts …]`, in Chromium where
// no other is asked for, once the package is installed in tests/packaging (`cargo xtask test packaging` does). `restarts`
// unlocks one store in one Firefox after the other.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = (path) => import(pathToFileURL(join(root, path)).href);
const words = process.argv.slice(2);
const engine = words.find((word) => ["firefox", "webkit"].includes(word)) ?? "chromium";
const wanted = words.filter((word) => word !== engine);

const { drivers, start } = await from("tests/packaging/support/webdriver.js");
const { launchOn } = await from("tests/packaging/support/browser.js");
const { serve } = await from("tests/packaging/support/server.js");
const page = '<!doctype html><script type="module">import * as tidekeep from "/tidekeep/index.js"; import { work } from "/bench/sealing-work.js"; globalThis.run = (wanted) => work(tidekeep, wanted);</script>';
const folders = { "/": join(root, "bench"), "/bench/": join(root, "bench"), "/tidekeep/": join(root, "tests/packaging/node_modules/tidekeep") };
const server = await serve(folders, { intercept: (path) => (path === "/index.html" ? { status: 200, type: "text/html", body: page } : undefined) });
const work = `globalThis.run(${wanted.length ? JSON.stringify(wanted) : ""})`;
try {
  const figures = await (wanted.includes("restarts") ? restarts(7) : engine === "chromium" ? inChromium() : driven(drivers[engine], work));
  console.log(engine, JSON.stringify(figures, null, 1));
} finally {
  await server.close();
}

async function inChromium() {
  // On a disk: in memory, IndexedDB of Chromium is another, in which a row of more than about 430 bytes costs 40 µs more.
  const folder = mkdtempSync(join(tmpdir(), "tidekeep-sealing-"));
  const browser = await launchOn(folder);
  try {
    const tab = await browser.newPage();
    await tab.goto(server.address);
    await tab.waitForFunction(() => "run" in globalThis);
    return await tab.evaluate(work);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function driven(driver, work) {
  const browser = await start(driver);
  try {
    await browser.open(server.address);
    return await browser.evaluate(work);
  } finally {
    await browser.close();
  }
}

async function restarts(times) {
  const profile = mkdtempSync(join(tmpdir(), "tidekeep-unlocking-"));
  const options = { args: ["-headless", "-profile", profile] };
  const found = [];
  try {
    for (let at = 0; at <= times; at += 1) {
      const figures = await driven({ ...drivers.firefox, capabilities: { "moz:firefoxOptions": options } }, `globalThis.run(["once"])`);
      found.push(Object.values(figures)[0]);
    }
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  }
  const [first, ...again] = found;
  return { first, again };
}
