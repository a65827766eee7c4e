// Measures what sealing costs: `node bench/sealing.js [bulk|large|sizes …]`, once the package is installed
// in tests/packaging (`cargo xtask test packaging` does).

import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = (path) => import(pathToFileURL(join(root, path)).href);
const wanted = process.argv.slice(2);

const { launch } = await from("tests/packaging/support/browser.js");
const { serve } = await from("tests/packaging/support/server.js");
const page = '<!doctype html><script type="module">import * as tidekeep from "/tidekeep/index.js"; import { work } from "/bench/sealing-work.js"; globalThis.run = (wanted) => work(tidekeep, wanted);</script>';
const folders = { "/": join(root, "bench"), "/bench/": join(root, "bench"), "/tidekeep/": join(root, "tests/packaging/node_modules/tidekeep") };
const server = await serve(folders, { intercept: (path) => (path === "/index.html" ? { status: 200, type: "text/html", body: page } : undefined) });
const browser = await launch();
try {
  const tab = await browser.newPage();
  await tab.goto(server.address);
  await tab.waitForFunction(() => "run" in globalThis);
  console.log("Chromium", JSON.stringify(await tab.evaluate((list) => globalThis.run(list.length ? list : undefined), wanted), null, 1));
} finally {
  await browser.close();
  await server.close();
}
