import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES, inEngine } from "./support/engines.js";
import { count, say, seed } from "./support/figures.js";
import { serve } from "./support/server.js";

const VALUES = count("TIDEKEEP_VALUES", 20_000);
/** What each engine has of them: Firefox takes minutes over some that are huge. */
const SHARES = { chromium: 0.9, firefox: 0.05, webkit: 0.05 };

for (const engine of ENGINES) {
  const share = Math.ceil(VALUES * SHARES[engine]);
  test(`${share} hostile values come back exactly or are refused with a typed error in ${engine}`, async (t) => {
    const { address } = await serve(t);
    const found = await inEngine(t, engine, address, "hostile", { seed, count: share });
    assert.ok(found.problems.length === 0, found.problems.join("\n"));
    say(`hostile values in ${engine}: ${found.values}, ${found.stored} stored exactly, ${found.refused} refused with a typed error, 0 panics, no prototype changed; seed ${seed}`);
  });
}
