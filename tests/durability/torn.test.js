import assert from "node:assert/strict";
import { test } from "node:test";
import { scratch } from "../e2e/support/scratch.js";
import { start } from "./support/chromium.js";
import { count, say } from "./support/figures.js";
import { serve } from "./support/server.js";
import { ENDS, tear } from "./support/torn.js";

// Two ways in which a kill costs Chromium every database of an origin, made to happen each time:
// docs/adr/0009-what-a-kill-leaves-in-chromium.md.

const TEARS = count("TIDEKEEP_TEARS", 5);
const RECORDS = 20;

/** Lives of Chromium on one profile, each of which ends with a kill. */
async function lives(t) {
  const { address } = await serve(t);
  const profile = await scratch();
  let browser;
  t.after(() => browser?.kill());
  return {
    profile,
    /** Asks a page in a life of its own; gives the last answer. */
    async life(...asked) {
      browser = await start(profile);
      const page = await browser.open(address);
      let answer;
      for (const question of asked) answer = await page.evaluate(question);
      await browser.kill();
      return answer;
    },
  };
}

for (const [what, end] of Object.entries(ENDS)) {
  test(`what was acknowledged survives what ${what} leaves in chromium's log, ${TEARS} times`, async (t) => {
    const { profile, life } = await lives(t);
    for (let at = 0; at <= TEARS; at += 1) {
      await life(`page.fill(${RECORDS}, ${at * RECORDS})`);
      tear(profile, end);
    }
    const all = (TEARS + 1) * RECORDS;
    assert.deepEqual(await life("page.survey()"), { held: all, byIndex: all, byPlaces: all, said: [] });
    say(`what ${what} leaves in chromium's log, ${TEARS} times: 0 of ${all} records lost`);
  });

  test(`what ${what} leaves in chromium's log, in bare IndexedDB, the comparator`, async (t) => {
    const { profile, life } = await lives(t);
    await life("page.bare(0)");
    tear(profile, end);
    await life("page.bare(1)");
    say(`what ${what} leaves in chromium's log, in bare IndexedDB: ${await life("page.bare()")} of 2 records are there`);
  });
}

test("what was acknowledged survives a kill of chromium while a page and a worker write to different collections", async (t) => {
  const { life } = await lives(t);
  const lanes = ["relaxed0", "relaxed1"].map((lane) => ({ way: "relaxed", lane, from: 0 }));
  const [inPage, inWorker] = lanes.map((lane, seed) => JSON.stringify({ session: 0, seed, largest: 60_000, lanes: [lane] }));
  await life(`page.fill(${RECORDS})`, `page.writeInWorker(${inWorker})`, `page.write(${inPage})`, "page.wait(300)");
  assert.equal((await life("page.survey()")).held, RECORDS);
});

test("a kill of bare IndexedDB with two unfinished transactions over different object stores, the comparator", async (t) => {
  const { life } = await lives(t);
  await life("page.bare(0)", "page.bareBoth()");
  say(`bare IndexedDB killed with two unfinished transactions over different object stores: ${await life("page.bare()")} of 1 record is there`);
});
