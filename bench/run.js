// The benchmark of all engines: `cargo xtask bench [--quick] [--rounds N] [--browsers chromium,firefox,webkit]
// [--engines raw,tidekeep,…]`. Every engine does the same works in pages of its own, in turns, in one run of a browser;
// the whole is done twice, and docs/benchmarks.md tells both; then bare IndexedDB and tidekeep do what they do over ever
// more documents. With --quick, one round in Chromium, and no report.

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { browsers, start } from "./browsers.js";
import { bundle, described, engines as known } from "./bundles.js";
import { grown, round, serveBundles } from "./round.js";
import { chart } from "./report/chart.js";
import { machine } from "./report/machine.js";
import { report } from "./report/report.js";
import { summary, Timings } from "./report/timings.js";

const { values: asked } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    browsers: { type: "string" },
    engines: { type: "string" },
  },
});
/** Over so many documents it is measured how times grow, and in these engines. */
const COUNTS = [1_000, 10_000, 100_000, 171_075];
const GROWING = ["raw", "tidekeep"];

const rounds = Number(asked.rounds ?? (asked.quick ? 1 : 3));
const runs = asked.quick ? 1 : 2;
const places = asked.browsers?.split(",") ?? (asked.quick ? ["chromium"] : ["chromium", "firefox"]);
const engines = asked.engines?.split(",") ?? known;
for (const [what, given, possible] of [["browser", places, Object.keys(browsers)], ["engine", engines, known]]) {
  const unknown = given.find((name) => !possible.includes(name));
  if (unknown) {
    throw new Error(`there is no ${what} “${unknown}”; there are ${possible.join(", ")}`);
  }
}

const facts = await bundle();
const [common, own] = await described();
const works = [["cold", "first insert on a cold page, the code's loading included"], ...common];
const results = {};
for (const place of places) {
  const timings = Array.from({ length: runs }, () => new Timings());
  results[place] = { timings, ...(await measured(place, timings)) };
  console.log(`\n${summary(place, [...works, ...own], engines, timings[0])}`);
}
if (!asked.quick) {
  const docs = join(dirname(dirname(fileURLToPath(import.meta.url))), "docs");
  for (const place of places) {
    writeFileSync(join(docs, `benchmarks-${place}.svg`), chart(works, engines, facts, results[place].timings[0]));
  }
  writeFileSync(join(docs, "benchmarks.md"), report({ facts, works, own, engines, counts: COUNTS, rounds, results, machine: machine() }));
  console.log("\nThe report is docs/benchmarks.md.");
}

/** Runs all rounds in one browser; a round goes through the engines, each time beginning with the next. */
async function measured(place, timings) {
  const server = await serveBundles();
  const browser = await start(browsers[place]);
  try {
    let number = 0;
    for (const timing of timings) {
      for (let turn = 0; turn < rounds; turn += 1) {
        for (let at = 0; at < engines.length; at += 1) {
          const engine = engines[(at + turn) % engines.length];
          number += 1;
          timing.add(engine, await round(browser, server.address, engine, number));
          process.stdout.write(`${place}: page ${number} of ${runs * rounds * engines.length} (${engine})\n`);
        }
      }
    }
    const growth = [];
    for (const count of asked.quick ? [] : COUNTS) {
      const figures = {};
      for (const engine of GROWING) figures[engine] = await grown(browser, server.address, engine, count);
      growth.push(figures);
      process.stdout.write(`${place}: ${count} documents\n`);
    }
    return { growth, version: await browser.evaluate("navigator.userAgent") };
  } finally {
    await browser.close();
    await server.close();
  }
}
