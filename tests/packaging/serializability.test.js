import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { launch } from "./support/browser.js";
import { cyclic, replay } from "./support/history.js";
import { plainFolders, project } from "./support/paths.js";
import { serve } from "./support/server.js";
import { drivers, start } from "./support/webdriver.js";

/** How many histories, from which seed on, and how many transactions each tab has in one. */
const [HISTORIES, FIRST, COUNT] = (process.env.TIDEKEEP_HISTORIES ?? "3,1,60").split(",").map(Number);

const folders = { ...plainFolders(), "/transactions/": join(project, "transactions") };
const plans = (seed, isolation) =>
  ["x", "y"].map((tab, at) => ({ name: `${isolation} ${seed}`, seed: seed * 2 + at, tab, count: COUNT, isolation }));

/** What came of one history. */
function judged(parts, { cells, counter, order }) {
  const history = parts.flatMap((part) => part.history);
  const { anomalies, places, final } = replay(history, order);
  const increments = parts.reduce((sum, part) => sum + part.increments, 0);
  return {
    transactions: history.length,
    refused: parts.reduce((sum, part) => sum + part.refused, 0),
    anomalies,
    cycles: cyclic(history, order, places),
    lost: increments - counter,
    final: { found: { cells, counter }, expected: final },
  };
}

/** Runs histories and says what was found. */
async function runs(t, place, isolation, one) {
  const sum = { transactions: 0, refused: 0, anomalies: [], cycles: 0, lost: 0 };
  for (let seed = FIRST; seed < FIRST + HISTORIES; seed += 1) {
    const found = await one(plans(seed, isolation));
    sum.transactions += found.transactions;
    sum.refused += found.refused;
    sum.anomalies.push(...found.anomalies.map((anomaly) => `seed ${seed}: ${anomaly}`));
    sum.cycles += found.cycles.length;
    sum.lost += found.lost;
    if (isolation === "serializable") {
      assert.deepEqual(found.anomalies, [], `seed ${seed}; again with TIDEKEEP_HISTORIES=1,${seed},${COUNT}`);
      assert.deepEqual(found.cycles, [], `seed ${seed}`);
      assert.deepEqual(found.final.found, found.final.expected, `seed ${seed}`);
      assert.equal(found.lost, 0, `increments lost, seed ${seed}`);
    }
  }
  const { transactions, refused, anomalies, cycles, lost } = sum;
  const said = `serializability: ${place}, ${isolation}: seeds ${FIRST} to ${FIRST + HISTORIES - 1}, ${transactions} transactions committed, ${refused} refused, ${anomalies.length} that saw what there was not, ${cycles} on cycles, ${lost} increments lost`;
  t.diagnostic(said);
  console.log(said);
  return sum;
}

describe("transactions in two tabs of Chromium", () => {
  let server, browser, context;
  before(async () => {
    [server, browser] = await Promise.all([serve(folders), launch()]);
    context = await browser.newContext();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function tab() {
    const page = await context.newPage();
    await page.goto(`${server.address}/transactions/index.html`);
    await page.waitForFunction(() => "tabs" in globalThis);
    return (call, options) => page.evaluate(([call, options]) => globalThis.tabs[call](options), [call, options]);
  }

  async function inTwoTabs([one, other]) {
    const [first, second] = [await tab(), await tab()];
    await first("prepare", one);
    const parts = await Promise.all([first("run", one), second("run", other)]);
    const found = judged(parts, await first("stored", one));
    for (const page of context.pages()) await page.close();
    return found;
  }

  test("serializable ones are serializable, and no update is lost", (t) => runs(t, "two tabs in Chromium", "serializable", inTwoTabs));

  test("and this is no wonder: read-committed ones are not", async (t) => {
    const { anomalies, cycles } = await runs(t, "two tabs in Chromium", "read-committed", inTwoTabs);
    assert.ok(anomalies.length > 0 && cycles > 0);
  });
});

for (const [name, driver] of Object.entries(drivers)) {
  test(`serializable transactions in two workers of ${name} are serializable`, async (t) => {
    const [server, browser] = await Promise.all([serve(folders), start(driver)]);
    try {
      await browser.open(`${server.address}/transactions/index.html`);
      const loaded = "(async () => { while (!globalThis.tabs) await new Promise((done) => setTimeout(done, 20)); return tabs; })()";
      const call = (name, options) => browser.evaluate(`${loaded}.then((tabs) => tabs.${name}(${JSON.stringify(options)}))`);
      await runs(t, `two workers in ${name}`, "serializable", async (options) => {
        await call("prepare", options[0]);
        return judged(await call("inWorkers", options), await call("stored", options[0]));
      });
    } finally {
      await browser.close();
      await server.close();
    }
  });
}
