import assert from "node:assert/strict";
import { test } from "node:test";
import { scratch } from "../e2e/support/scratch.js";
import { start } from "./support/chromium.js";
import { count, say, seed } from "./support/figures.js";
import { serve } from "./support/server.js";

const OPERATIONS = count("TIDEKEEP_LOAD", 100_000);
const MIB = 1024 * 1024;
/** Level means: no more than this is added by any number of operations after the first tenth, linear and of JavaScript. */
const SLACK = { linear: MIB, heap: 2 * MIB, listeners: 20 };

test(`memory stays level over ${OPERATIONS} operations, below 32 MiB of linear memory`, async (t) => {
  const { address } = await serve(t);
  const browser = await start(await scratch());
  t.after(browser.kill);
  const page = await browser.open(address);
  /** Works so much, and measures after a collection. */
  const after = async (check, task) => {
    const { linear } = await page.evaluate(`page.${check}(${JSON.stringify({ seed, ...task })})`);
    await page.ask("HeapProfiler.collectGarbage");
    await page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
    await page.ask("HeapProfiler.collectGarbage");
    const { usedSize: heap } = await page.ask("Runtime.getHeapUsage");
    const { jsEventListeners: listeners } = await page.ask("Memory.getDOMCounters");
    return { linear, heap, listeners };
  };
  const level = (what, before, now) => {
    for (const [of, slack] of Object.entries(SLACK)) {
      assert.ok(now[of] - before[of] <= slack, `${what}: ${of} grew from ${before[of]} to ${now[of]}`);
    }
  };
  const warm = await after("load", { from: 0, count: OPERATIONS / 10 });
  const end = await after("load", { from: OPERATIONS / 10, count: OPERATIONS - OPERATIONS / 10 });
  level("operations", warm, end);
  assert.ok(end.linear <= 32 * MIB, `${end.linear} bytes of linear memory`);

  const opened = await after("reopen", { count: 20 });
  const reopened = await after("reopen", { count: 200 });
  level("opening and closing 200 times", opened, reopened);
  await page.evaluate("page.unload()");

  const mib = (bytes) => (bytes / MIB).toFixed(2);
  say(`memory over ${OPERATIONS} operations in chromium: linear ${mib(warm.linear)} MiB after a tenth, ${mib(end.linear)} at the end; JavaScript heap ${mib(warm.heap)} and ${mib(end.heap)}; listeners ${warm.listeners} and ${end.listeners}; after 200 openings ${mib(reopened.linear)}, ${mib(reopened.heap)}, ${reopened.listeners}`);
});
