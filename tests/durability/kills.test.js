import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { scratch } from "../e2e/support/scratch.js";
import { random } from "./page/random.js";
import { start } from "./support/chromium.js";
import { count, say, seed } from "./support/figures.js";
import { ledger } from "./support/ledger.js";
import { serve } from "./support/server.js";

const KILLS = count("TIDEKEEP_KILLS", 100);
/** A profile is used so often; then a new one begins. */
const KILLS_PER_PROFILE = 20;
const WAYS = ["relaxed", "strict", "synced"];
const KINDS = { browser: 2, renderer: 2, worker: 1 };

test(`what was acknowledged survives ${KILLS} kills of Chromium, its pages and their workers, whole`, async (t) => {
  const server = await serve(t);
  const killed = { browser: 0, renderer: 0, worker: 0 };
  const total = { acknowledged: 0, entries: 0, durability: {} };
  for (let kills = 0; kills < KILLS; ) {
    const name = seed + kills;
    const chance = random("kills", name);
    const book = ledger(name, WAYS, 3);
    server.onReport = book.report;
    const profile = await scratch();
    let browser;
    t.after(() => browser?.kill());
    /** Reads every store in a page of its own. */
    const check = async () => {
      const page = await browser.open(server.address);
      book.check(Object.fromEntries(await Promise.all(WAYS.map(async (way) => [way, await page.evaluate(`page.read("${way}")`)]))));
      assert.deepEqual(book.problems, [], `seed ${name}`);
      return page;
    };
    for (let of = 0; of < KILLS_PER_PROFILE && kills < KILLS; of += 1, kills += 1) {
      browser ??= await start(profile);
      const page = of === 0 ? await browser.open(server.address) : await check();
      const kind = chance.weighted(KINDS);
      const task = JSON.stringify(book.begin(chance.some(WAYS, 1 + chance.below(3))));
      await page.evaluate(kind === "worker" || chance.chance(0.3) ? `page.writeInWorker(${task})` : `page.write(${task})`);
      await sleep(chance.below(600));
      killed[kind] += 1;
      if (kind === "browser") {
        await browser.kill();
        browser = undefined;
      } else if (kind === "renderer") {
        for (const pid of await browser.renderers()) process.kill(pid, "SIGKILL");
      } else {
        await page.evaluate("page.killWorker()");
        await page.close();
      }
    }
    browser ??= await start(profile);
    await check();
    await browser.kill();
    total.acknowledged += book.acknowledged;
    total.entries += book.entries;
    for (const [way, said] of Object.entries(book.durability)) {
      for (const [level, often] of Object.entries(said)) total.durability[`${way}: ${level}`] = (total.durability[`${way}: ${level}`] ?? 0) + often;
    }
  }
  const { browser, renderer, worker } = killed;
  say(`kills of Chromium: ${KILLS} (${browser} browser, ${renderer} renderer, ${worker} worker), ${total.acknowledged} operations acknowledged, 0 lost, 0 half batches; ${total.entries} index entries agree; seed ${seed}`);
  t.diagnostic(JSON.stringify(total.durability));
});
