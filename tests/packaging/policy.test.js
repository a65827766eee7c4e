import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch } from "./support/browser.js";
import { expected } from "./support/expected.js";
import { plainFolders } from "./support/paths.js";
import { STRICT, withPolicy } from "./support/policy.js";
import { serve } from "./support/server.js";

describe("under a strict Content-Security-Policy with Trusted Types", () => {
  const folders = plainFolders();
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** Runs a task in a page under a policy. */
  async function under(t, policy, task) {
    const server = await serve(folders, withPolicy(policy));
    const context = await browser.newContext();
    t.after(() => Promise.all([context.close(), server.close()]));
    const page = await context.newPage();
    await page.goto(server.address);
    await page.waitForFunction(() => "places" in globalThis);
    return page.evaluate(task);
  }

  test("the package runs without a violation where 'wasm-unsafe-eval' is allowed", async (t) => {
    const { violations, ...answer } = await under(t, STRICT, async () => ({
      ...(await globalThis.places.page()),
      violations: await globalThis.violations(),
    }));
    assert.deepEqual({ answer, violations }, { answer: { report: expected("indexeddb", "window") }, violations: [] });
  });

  test("a violation would be seen", async (t) => {
    const violations = await under(t, STRICT, async () => {
      await fetch("https://example.org/").catch(() => undefined);
      return globalThis.violations();
    });
    assert.equal(violations.length, 1);
  });

  test("where WebAssembly is not allowed, opening fails with a typed error", async (t) => {
    const outcome = await under(t, { ...STRICT, "script-src": "'self'" }, async () => {
      const { createStorage, StorageError } = globalThis.tidekeep;
      return createStorage({ type: "memory" }).catch((error) => [error instanceof StorageError, error.code, error.retryable]);
    });
    assert.deepEqual(outcome, [true, "UNSUPPORTED", false]);
  });
});
