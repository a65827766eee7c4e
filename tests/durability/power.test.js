import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { random } from "./page/random.js";
import { start } from "./support/chromium.js";
import { freeze, impossible, makeDisk } from "./support/disk.js";
import { count, say, seed } from "./support/figures.js";
import { ledger } from "./support/ledger.js";
import { serve } from "./support/server.js";

const CUTS = count("TIDEKEEP_CUTS", 20);
const RELAXED_CUTS = count("TIDEKEEP_RELAXED_CUTS", Math.ceil(CUTS / 4));
/** How often one disk loses its power: what a cut leaves in a log must not spoil what is written behind it. */
const CUTS_PER_DISK = count("TIDEKEEP_CUTS_PER_DISK", 5);
/** The characters of the longest text. */
const LARGEST = count("TIDEKEEP_LARGEST", 60_000);

const skip = impossible() ?? false;
if (skip) {
  console.log(`figure: power cuts: NOT RUN: ${skip}`);
}

/** Cuts the power while pages write. */
async function cuts(t, number, ways, loses) {
  const server = await serve(t);
  const total = { acknowledged: 0, lost: 0, cutsWithLoss: 0, problems: [] };
  for (let done = 0; done < number; ) {
    const name = seed + done;
    const chance = random("power", name);
    const book = ledger(name, ways, 3, { loses, largest: LARGEST });
    server.onReport = book.report;
    let disk = makeDisk();
    let browser = await start(join(disk.folder, "profile"));
    t.after(() => browser.kill());
    let page = await browser.open(server.address);
    for (let of = 0; of < CUTS_PER_DISK && done < number; of += 1, done += 1) {
      await page.evaluate(`page.write(${JSON.stringify(book.begin())})`);
      await sleep(50 + chance.below(1500));
      await freeze(browser.pid);
      disk = await disk.cut(browser.kill);
      browser = await start(join(disk.folder, "profile"));
      page = await browser.open(server.address);
      book.check(await page.evaluate(`page.read(${JSON.stringify(ways)})`));
      assert.deepEqual(book.problems, [], `seed ${name}, cut ${of}`);
    }
    await browser.kill();
    disk.discard();
    total.acknowledged += book.acknowledged;
    total.lost += book.lost;
    total.cutsWithLoss += book.sessionsWithLoss;
  }
  return total;
}

test(`what was acknowledged as strict survives ${CUTS} power cuts`, { skip }, async (t) => {
  const { acknowledged } = await cuts(t, CUTS, ["strict", "synced"], false);
  say(`power cuts, strict: ${CUTS} cuts, ${acknowledged} operations acknowledged, 0 lost, 0 half batches; seed ${seed}`);
});

test(`relaxed acknowledgements, the comparator, in ${RELAXED_CUTS} power cuts: whole batches, some lost`, { skip }, async (t) => {
  const { acknowledged, lost, cutsWithLoss } = await cuts(t, RELAXED_CUTS, ["relaxed"], true);
  say(`power cuts, relaxed: ${RELAXED_CUTS} cuts, ${acknowledged} operations acknowledged, ${lost} lost in ${cutsWithLoss} cuts, 0 half batches; seed ${seed}`);
});
