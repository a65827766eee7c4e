import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { scratch } from "../e2e/support/scratch.js";
import { random } from "./page/random.js";
import { start } from "./support/chromium.js";
import { count, say, seed } from "./support/figures.js";
import { serve } from "./support/server.js";

const KILLS = count("TIDEKEEP_ROTATION_KILLS", 6);

test(`what is sealed opens after each of ${KILLS} kills of chromium while it is sealed again under new keys`, async (t) => {
  const server = await serve(t);
  const profile = await scratch();
  const chance = random("rotation", seed);
  const done = {};
  let rotations = 0;
  const failures = [];
  server.onReport = (fact) => {
    if (fact.failed) failures.push(fact.failed);
    if (fact.rotated) rotations += 1;
    if (fact.done) done[fact.done] = fact.n;
  };
  let browser;
  t.after(() => browser?.kill());
  let last = 0;
  for (let kill = 0; kill <= KILLS; kill += 1) {
    browser = await start(profile);
    const page = await browser.open(server.address);
    const found = kill === 0 ? {} : await page.evaluate("page.opened()");
    const wrong = Object.keys(done).filter((id) => !(found[id] >= done[id]));
    assert.deepEqual(wrong.map((id) => [id, found[id], done[id]]), [], `kill ${kill}, seed ${seed}`);
    assert.deepEqual(failures, []);
    last = Math.max(last, ...Object.values(found).filter(Number.isFinite)) + 1;
    if (kill < KILLS) {
      await page.evaluate(`page.rotate(${last})`);
      await sleep(200 + chance.below(1_500));
    }
    await browser.kill();
  }
  assert.ok(Object.keys(done).length > 100, "every kind of record was written");
  assert.ok(rotations > 0, "keys were changed");
  say(`kills in chromium while sealing again: ${KILLS} kills, ${rotations} rotations ended, ${Object.keys(done).length} records, 0 unreadable, 0 lost; seed ${seed}`);
});
