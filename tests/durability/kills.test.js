import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { scratch } from "../e2e/support/scratch.js";
import { random } from "./page/random.js";
import { ENGINES, start } from "./support/engines.js";
import { count, say, seed } from "./support/figures.js";
import { ledger } from "./support/ledger.js";
import { serve } from "./support/server.js";

/** A profile is used so often; then a new one begins. */
const KILLS_PER_PROFILE = 20;
const WAYS = ["relaxed", "strict", "synced"];

/**
 * What is killed, by weight: the browser; the process of its pages; a worker; a page, by going elsewhere.
 *
 * Driven, WebKitGTK keeps its storage in memory, so that its browser must live. A worker that is ended in the middle of a
 * transaction holds on to it there, in bare IndexedDB too, and no other page gets at those object stores.
 */
const PLANS = {
  chromium: { kills: count("TIDEKEEP_KILLS", 96), kinds: { browser: 3, renderer: 3, worker: 2, page: 2 } },
  firefox: { kills: count("TIDEKEEP_KILLS_FIREFOX", 4), kinds: { browser: 2, worker: 1, page: 1 } },
  webkit: { kills: count("TIDEKEEP_KILLS_WEBKIT", 20), kinds: { page: 1 } },
};

/** The engines that freeze a page that is left, and its workers with it: these are not told, and hold on to what is under way. */
const FREEZES = ["firefox", "webkit"];
/** How long such an engine may take to end a worker, milliseconds: its page must not be frozen before. */
const ENDING_MS = 300;

/** Kills a profile's writers again and again; gives what was acknowledged, and that nothing was wrong. */
async function killedProfile(t, server, engine, name, kills, kinds, killed, ways = WAYS) {
  const chance = random("kills", name);
  const book = ledger(name, ways, 3);
  server.onReport = book.report;
  const profile = await scratch();
  let browser;
  t.after(() => browser?.kill());
  /** Reads every store in a page of its own. */
  const check = async () => {
    const page = await browser.open(server.address);
    book.check(await page.evaluate(`page.read(${JSON.stringify(ways)})`));
    assert.deepEqual(book.problems, [], `seed ${name}`);
    return page;
  };
  for (let done = 0; done < kills; done += 1) {
    browser ??= await start(engine, profile);
    const page = done === 0 ? await browser.open(server.address) : await check();
    const kind = chance.weighted(kinds);
    const task = book.begin(chance.some(ways, 1 + chance.below(ways.length)));
    // Now and then, a worker writes to the same stores beside the page.
    const share = kind === "page" && FREEZES.includes(engine) ? 0 : chance.pick([0, 0, 0.5, 1]);
    const inWorker = task.lanes.filter(() => kind === "worker" || chance.chance(share));
    const inPage = task.lanes.filter((lane) => !inWorker.includes(lane));
    if (inWorker.length > 0) await page.evaluate(`page.writeInWorker(${JSON.stringify({ ...task, lanes: inWorker })})`);
    if (inPage.length > 0) await page.evaluate(`page.write(${JSON.stringify({ ...task, lanes: inPage })})`);
    await sleep(chance.below(600));
    killed[kind] = (killed[kind] ?? 0) + 1;
    if (kind === "browser") {
      await browser.kill();
      browser = undefined;
    } else if (kind === "renderer") {
      await browser.killRenderers();
    } else {
      if (kind === "worker") {
        await page.evaluate("page.killWorker()");
        if (FREEZES.includes(engine)) await sleep(ENDING_MS);
      }
      await page.close();
    }
  }
  browser ??= await start(engine, profile);
  await check();
  await browser.kill();
  browser = undefined;
  return book;
}

for (const engine of ENGINES.filter((engine) => engine in PLANS)) {
  const { kills, kinds } = PLANS[engine];
  test(`what was acknowledged survives ${kills} kills in ${engine}, whole: ${Object.keys(kinds).join(", ")}`, async (t) => {
    const server = await serve(t);
    const killed = {};
    const total = { acknowledged: 0, entries: 0, told: 0 };
    const durability = {};
    for (let done = 0; done < kills; done += KILLS_PER_PROFILE) {
      const now = Math.min(KILLS_PER_PROFILE, kills - done);
      const book = await killedProfile(t, server, engine, seed + done, now, kinds, killed);
      total.acknowledged += book.acknowledged;
      total.entries += book.entries;
      total.told += book.told;
      for (const [way, said] of Object.entries(book.durability)) {
        for (const [level, often] of Object.entries(said)) durability[`${way}: ${level}`] = (durability[`${way}: ${level}`] ?? 0) + often;
      }
    }
    const kindsOf = Object.entries(killed).map(([kind, often]) => `${often} ${kind}`).join(", ");
    say(`kills in ${engine}: ${kills} (${kindsOf}), ${total.acknowledged} operations acknowledged, 0 lost, 0 half batches, ${total.told} stores found empty and told of; ${total.entries} index entries agree; seed ${seed}`);
    t.diagnostic(`acknowledged as ${JSON.stringify(durability)}`);
  });
}

const BARE = count("TIDEKEEP_BARE_KILLS", 0);

test(`bare IndexedDB in ${BARE} kills of chromium, the comparator`, { skip: BARE === 0 && "TIDEKEEP_BARE_KILLS=100 runs it" }, async (t) => {
  const server = await serve(t);
  const killed = {};
  let lost = 0;
  for (let done = 0; done < BARE; done = killed.browser) {
    const now = Math.min(KILLS_PER_PROFILE, BARE - done);
    try {
      await killedProfile(t, server, "chromium", seed + done, now, { browser: 1 }, killed, ["bare-relaxed", "bare-strict"]);
    } catch (error) {
      if (error.code !== "ERR_ASSERTION") throw error;
      // This profile is of no more use.
      lost += 1;
    }
  }
  say(`bare IndexedDB in chromium: ${killed.browser} kills of the browser, every database lost in ${lost} of them; seed ${seed}`);
});
