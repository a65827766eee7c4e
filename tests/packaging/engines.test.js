import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { expected } from "./support/expected.js";
import { plainFolders } from "./support/paths.js";
import { STRICT, withPolicy } from "./support/policy.js";
import { serve } from "./support/server.js";
import { drivers, start } from "./support/webdriver.js";

const started = `new Promise((resolve) => {
  const look = () => ("places" in globalThis ? resolve() : setTimeout(look, 20));
  look();
})`;

for (const [name, driver] of Object.entries(drivers)) {
  describe(`in ${name}`, () => {
    const folders = plainFolders();
    let browser;
    before(async () => {
      browser = await start(driver);
    });
    after(() => browser?.close());

    /** Opens the page of a server and runs an expression in it. */
    async function evaluated(t, options, expression) {
      const server = await serve(folders, options);
      t.after(() => server.close());
      await browser.open(server.address);
      await browser.evaluate(started);
      return browser.evaluate(expression);
    }

    for (const [place, context, argument] of [
      ["page", "window", ""],
      ["worker", "worker", ""],
      ["serviceWorker", "service-worker", '"/service-worker.js"'],
    ]) {
      test(`the package runs in a ${context}`, async (t) => {
        const answer = await evaluated(t, {}, `places.${place}(${argument})`);
        assert.deepEqual(answer, { report: expected("indexeddb", context) });
      });
    }

    test("the package runs under a strict policy without a violation", async (t) => {
      const expression = "places.page().then(async (answer) => ({ ...answer, violations: await violations() }))";
      const answer = await evaluated(t, withPolicy(STRICT), expression);
      assert.deepEqual(answer, { report: expected("indexeddb", "window"), violations: [] });
    });

    test("where WebAssembly is not allowed, opening fails with a typed error", async (t) => {
      const expression = `tidekeep.createStorage({ type: "memory" }).then(
        () => "opened",
        (error) => [error instanceof tidekeep.StorageError, error.code, error.retryable],
      )`;
      const outcome = await evaluated(t, withPolicy({ ...STRICT, "script-src": "'self'" }), expression);
      assert.deepEqual(outcome, [true, "UNSUPPORTED", false]);
    });
  });
}
