import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { launch } from "./support/browser.js";
import { plainFolders, project } from "./support/paths.js";
import { serve } from "./support/server.js";

const RUNS = Number(process.env.TIDEKEEP_VERSION_RUNS ?? 30);
const PAGE = "/versions/index.html";

const engines = {
  chromium: async () => {
    const browser = await launch();
    const page = await (await browser.newContext()).newPage();
    return { open: (url) => page.goto(url), evaluate: (text) => page.evaluate(text), close: () => browser.close() };
  },
};

for (const [name, begin] of Object.entries(engines)) {
  test(`an older and a newer version in two tabs of ${name}, both writing through upgrades: nothing hangs, nothing is lost`, async (t) => {
    const server = await serve({ ...plainFolders(), "/versions/": join(project, "versions") });
    t.after(() => server.close());
    const browser = await begin();
    t.after(() => browser.close());
    await browser.open(server.address + PAGE);
    await browser.evaluate(`new Promise((resolve) => { const look = () => ("runs" in globalThis ? resolve() : setTimeout(look, 20)); look(); })`);
    let done = { runs: 0, acknowledged: 0, slowest: 0 };
    const refused = {};
    // A driver gives an expression some minutes.
    while (done.runs < RUNS) {
      const found = await browser.evaluate(`runs(${Math.min(10, RUNS - done.runs)})`);
      assert.deepEqual([found.failures, found.lost], [[], []]);
      for (const [code, count] of Object.entries(found.refused)) refused[code] = (refused[code] ?? 0) + count;
      done = { runs: done.runs + found.runs, acknowledged: done.acknowledged + found.acknowledged, slowest: Math.max(done.slowest, found.slowest) };
    }
    t.diagnostic(`${done.runs} runs, ${done.acknowledged} acknowledged writes, 0 lost, 0 hung, slowest run ${done.slowest} ms, refused ${JSON.stringify(refused)}`);
    assert.deepEqual(Object.keys(refused).filter((code) => !["VERSION_ERROR", "BLOCKED"].includes(code)), []);
  });
}
