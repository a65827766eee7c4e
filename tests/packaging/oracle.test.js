// Random questions to random records: what the store says, in every engine, is what two oracles say that share no code
// with it. TIDEKEEP_ORACLE_PROGRAMS asks for more of them, TIDEKEEP_ORACLE_SEED for those of a seed again.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { join } from "node:path";
import { Query } from "mingo";
import * as tidekeep from "tidekeep";
import { run } from "./oracle/run.js";
import { launch } from "./support/browser.js";
import { plainFolders, project } from "./support/paths.js";
import { serve } from "./support/server.js";
import { drivers, start } from "./support/webdriver.js";

const programs = Number(process.env.TIDEKEEP_ORACLE_PROGRAMS ?? 2000);
const seed = Number(process.env.TIDEKEEP_ORACLE_SEED ?? Math.floor(Math.random() * 2 ** 31));

function agreed(place, { failure, ...report }) {
  console.log(`oracle: ${report.programs} programs ${place}, ${report.byMingo} of them by mingo too, ${report.hits} hits, ${report.unions} unions of indexes, seed ${report.seed}`);
  assert.equal(failure, undefined);
  assert.equal(report.programs, programs);
  assert.ok(report.hits > programs / 10, "hardly anything was found");
  assert.ok(report.unions > programs / 100, "hardly ever did several indexes serve at once");
}

const folders = { ...plainFolders(), "/oracle/": join(project, "oracle"), "/mingo/": join(project, "node_modules/mingo/dist") };
const found = `new Promise((resolve) => {
  const look = () => ("found" in globalThis ? globalThis.found.then(resolve, (error) => resolve([{ failure: String(error) }])) : setTimeout(look, 20));
  look();
})`;
const page = (types) => `/oracle/index.html?programs=${programs}&seed=${seed}&types=${types}`;

describe("what a query finds is what the oracles find", () => {
  test("in Node, in memory", async () => agreed("in Node, in memory", await run(tidekeep, Query, { type: "memory", programs, seed })));

  test("in Chromium", async () => {
    const [server, browser] = await Promise.all([serve(folders), launch()]);
    try {
      const tab = await browser.newPage();
      tab.setDefaultTimeout(0);
      await tab.goto(server.address + page("memory,indexeddb"));
      const [memory, indexeddb] = await tab.evaluate(found);
      agreed("in Chromium, in memory", memory);
      agreed("in Chromium, in IndexedDB", indexeddb);
    } finally {
      await browser.close();
      await server.close();
    }
  });

  for (const [name, driver] of Object.entries(drivers)) {
    test(`in ${name}`, async () => {
      const [server, browser] = await Promise.all([serve(folders), start(driver)]);
      try {
        await browser.open(server.address + page("indexeddb"));
        const [indexeddb] = await browser.evaluate(found);
        agreed(`in ${name}, in IndexedDB`, indexeddb);
      } finally {
        await browser.close();
        await server.close();
      }
    });
  }
});
