import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES, inEngine } from "./support/engines.js";
import { count, say, seed } from "./support/figures.js";
import { serve } from "./support/server.js";

const BATCHES = count("TIDEKEEP_BATCHES", 2000);

for (const engine of ENGINES) {
  test(`${BATCHES} batches, three of four with a bad item somewhere, happen as a whole or not at all in ${engine}`, async (t) => {
    const { address } = await serve(t);
    const { problems, refused, batches, entries } = await inEngine(t, engine, address, "batches", { seed, count: BATCHES });
    assert.deepEqual(problems, []);
    say(`batches in ${engine}: ${batches}, ${refused} refused, 0 partial; ${entries} index entries compared, 0 differences; seed ${seed}`);
  });
}
