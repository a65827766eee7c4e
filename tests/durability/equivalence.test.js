import assert from "node:assert/strict";
import { test } from "node:test";
import { ENGINES, inEngine } from "./support/engines.js";
import { count, say, seed } from "./support/figures.js";
import { serve } from "./support/server.js";

const OPERATIONS = count("TIDEKEEP_OPERATIONS", 20_000);

for (const engine of ENGINES) {
  const share = Math.ceil(OPERATIONS / ENGINES.length);
  test(`memory, IndexedDB and a plain model answer ${share} random calls alike in ${engine}`, async (t) => {
    const { address } = await serve(t);
    const found = await inEngine(t, engine, address, "equivalence", { seed, count: share });
    assert.ok(found.problems.length === 0, found.problems.join("\n"));
    say(`memory equals IndexedDB equals the model in ${engine}: ${found.operations} operations, ${found.refused} of them refused, 0 differences; reopened ${found.reopened} times; seed ${seed}`);
  });
}
