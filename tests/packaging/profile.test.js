import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { project } from "./support/paths.js";

const { Latencies } = await import(join(project, "../../src/js/profile.js"));

test("a percentile is that of the sorted times, to a twentieth, whatever they are", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const latencies = new Latencies();
    const times = Array.from({ length: 1 + ((seed * 37) % 400) }, (_, n) => 0.002 * Math.exp(((seed * 7919 + n * 104_729) % 1_000) / 80));
    for (const time of times) latencies.add(time);
    times.sort((a, b) => a - b);
    for (const part of [0.5, 0.95, 1]) {
      const exact = times[Math.max(0, Math.ceil(part * times.length) - 1)];
      const told = latencies.percentile(part);
      assert.ok(Math.abs(told - exact) <= exact * 0.05, `seed ${seed}: ${part} of ${times.length} is ${exact}, told ${told}`);
    }
    assert.equal(latencies.max, times.at(-1));
  }
});

test("times out of all measure are counted", () => {
  const latencies = new Latencies();
  assert.deepEqual(latencies.toJSON(), { count: 0, errors: 0, p50: 0, p95: 0, max: 0 });
  for (const time of [0, -1, 1e-9, 1e12]) latencies.add(time);
  const { count, max, p50, p95 } = latencies.toJSON();
  assert.deepEqual([count, max, p50 <= 0.001, p95 > 200_000], [4, 1e12, true, true]);
});
