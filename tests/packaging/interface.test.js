import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as tidekeep from "tidekeep";
import { promises, runAll } from "./interface/index.js";
import { launch } from "./support/browser.js";
import { plainFolders, project } from "./support/paths.js";
import { serve } from "./support/server.js";
import { drivers, start } from "./support/webdriver.js";

// The page runs the cases itself: what a driver evaluates may live in a realm of its own, with other classes.
const PAGE = "/interface/index.html";
const found = `new Promise((resolve) => {
  const look = () => ("found" in globalThis ? globalThis.found.then(resolve) : setTimeout(look, 20));
  look();
})`;

/** One test for each promise; the cases of a place run together, before the first is looked at. */
function held(place, run) {
  describe(`the interface ${place}`, () => {
    let outcomes;
    before(async () => {
      outcomes = await run();
    });
    for (const promise of promises) {
      test(promise, () => assert.equal(outcomes[promise], null));
    }
    after(() => console.log(`interface: ${promises.length} cases ${place}`));
  });
}

const vectors = join(project, "../vectors");
const [values, words, database] = await Promise.all(
  ["values", "words", "database"].map(async (name) => JSON.parse(await readFile(join(vectors, `${name}-v1.json`), "utf8"))),
);
const golden = { values, database };

held("in Node, in memory", () => runAll(tidekeep, "memory", golden, words));

held("in Node, over an IndexedDB of another", async () => {
  await import("fake-indexeddb/auto");
  return runAll(tidekeep, "indexeddb", golden, words);
});

const folders = { ...plainFolders(), "/interface/": join(project, "interface"), "/vectors/": vectors };

held("in Chromium", async () => {
  const [server, browser] = await Promise.all([serve(folders), launch()]);
  try {
    const page = await browser.newPage();
    await page.goto(server.address + PAGE);
    return await page.evaluate(found);
  } finally {
    await browser.close();
    await server.close();
  }
});

for (const [name, driver] of Object.entries(drivers)) {
  held(`in ${name}`, async () => {
    const [server, browser] = await Promise.all([serve(folders), start(driver)]);
    try {
      await browser.open(server.address + PAGE);
      return await browser.evaluate(found);
    } finally {
      await browser.close();
      await server.close();
    }
  });
}
