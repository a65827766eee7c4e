import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { random } from "./page/random.js";
import { start } from "./support/chromium.js";
import { freeze, impossible, makeDisk } from "./support/disk.js";
import { count, say, seed } from "./support/figures.js";
import { ledger } from "./support/ledger.js";
import { lacksTail } from "./support/leveldb.js";
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

/**
 * Cuts the power while pages write.
 *
 * Where LevelDB had just begun a new log and not synced the old one, which its logs tell, something is missing whatever
 * a page does (docs/adr/0009-what-a-kill-leaves-in-chromium.md): such cuts are counted apart, and end their disk.
 */
async function cuts(t, number, ways, loses) {
  const server = await serve(t);
  const total = { acknowledged: 0, lost: 0, cutsWithLoss: 0, tails: 0 };
  for (let done = 0; done < number; ) {
    const name = seed + done;
    const chance = random("power", name);
    const book = ledger(name, ways, 3, { loses, largest: LARGEST });
    server.onReport = book.report;
    let disk = makeDisk();
    let browser = await start(join(disk.folder, "profile"));
    t.after(() => browser.kill());
    let page = await browser.open(server.address);
    let whole = true;
    for (let of = 0; whole && of < CUTS_PER_DISK && done < number; of += 1, done += 1) {
      await page.evaluate(`page.write(${JSON.stringify(book.begin())})`);
      await sleep(50 + chance.below(1500));
      await freeze(browser.pid);
      disk = await disk.cut(browser.kill);
      const profile = join(disk.folder, "profile");
      const lacking = lacksTail(profile);
      browser = await start(profile);
      page = await browser.open(server.address);
      book.check(await page.evaluate(`page.read(${JSON.stringify(ways)})`));
      whole = !(lacking && book.problems.length > 0);
      if (whole) assert.deepEqual(book.problems, [], `seed ${name}, cut ${of}`);
      else total.tails += 1;
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
  const { acknowledged, tails } = await cuts(t, CUTS, ["strict", "synced"], false);
  const apart = `in ${tails} cuts something, as LevelDB had not synced the end of its last log`;
  say(`power cuts, strict: ${CUTS} cuts, ${acknowledged} operations acknowledged; lost: ${apart}, 0 else; seed ${seed}`);
});

test(`relaxed acknowledgements, the comparator, in ${RELAXED_CUTS} power cuts: whole batches, some lost`, { skip }, async (t) => {
  const { acknowledged, lost, cutsWithLoss } = await cuts(t, RELAXED_CUTS, ["relaxed"], true);
  say(`power cuts, relaxed: ${RELAXED_CUTS} cuts, ${acknowledged} operations acknowledged, ${lost} lost in ${cutsWithLoss} cuts, 0 half batches; seed ${seed}`);
});
