import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { start } from "../durability/support/chromium.js";
import { site } from "./support/gate.js";
import { scratch } from "./support/scratch.js";

/** How many seals each tab makes in each session. */
const SEALS = Number(process.env.TIDEKEEP_COPIED_SEALS ?? 500);
const passphrase = "correct horse battery staple";

test("no nonce comes twice where a profile is copied and both copies go on sealing, two tabs each", async (t) => {
  const address = `${await site(t)}/nonces.html`;
  const folder = await scratch();
  const profile = (name) => join(folder, name);

  /** Seals in two tabs at once, the second time until the browser is killed; then what lies in the rows. */
  const go = async (name, when) => {
    for (const end of ["close", "kill"]) {
      const browser = await start(profile(name));
      t.after(() => browser.kill());
      const tabs = [await browser.open(address), await browser.open(address)];
      for (const tab of tabs) await tab.evaluate(`page.open(${JSON.stringify(passphrase)})`);
      const seal = (tab, what) => tabs[tab].evaluate(`page.seal(${JSON.stringify(`${when} ${end} ${tab} ${what}`)}, ${SEALS})`);
      await Promise.all([seal(0, "first"), seal(1, "first")]);
      const more = Promise.allSettled([seal(0, "more"), seal(1, "more")]);
      if (end === "kill") await new Promise((resolve) => setTimeout(resolve, 100));
      else await more;
      await browser[end]();
      await more;
    }
    const browser = await start(profile(name));
    const tab = await browser.open(address);
    const found = await tab.evaluate("page.envelopes()");
    await browser.close();
    return found;
  };

  const before = await go("original", "before");
  await cp(profile("original"), profile("copy"), { recursive: true });
  const [original, copy] = [await go("original", "original"), await go("copy", "copy")];

  const known = new Map(before.map(([place, , nonce]) => [place, nonce]));
  const since = (envelopes) => {
    const kept = envelopes.filter(([place, , nonce]) => known.get(place) === nonce);
    assert.equal(kept.length, before.length, "what was sealed before the copy lies there as it was");
    return envelopes.filter(([place]) => !known.has(place));
  };
  const all = [...before, ...since(original), ...since(copy)];
  assert.ok(since(copy).length >= 6 * SEALS, "what was acknowledged is there");
  assert.equal(new Set(all.map(([, key]) => key)).size, 1, "all are sealed under one data key");
  assert.equal(new Set(all.map(([, , nonce]) => nonce)).size, all.length, "a nonce came twice");
  const counts = [before, since(original), since(copy)].map(({ length }) => length).join(", ");
  console.log(`figure: ${all.length} envelopes under one key (before the copy, since in the original, since in the copy: ${counts}): 0 nonces twice`);
});
