import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch } from "./support/browser.js";
import { expected } from "./support/expected.js";
import { plainFolders } from "./support/paths.js";
import { serve } from "./support/server.js";

const STRICT = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "require-trusted-types-for": "'script'",
  "trusted-types": "'none'",
};

const header = (policy) => Object.entries(policy).map((directive) => directive.join(" ")).join("; ");

describe("under a strict Content-Security-Policy with Trusted Types", () => {
  const folders = plainFolders();
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** Runs a task in a page under a policy; returns its result and the violations. */
  async function under(t, policy, task) {
    const server = await serve(folders, {
      headers: { "content-security-policy": header(policy) },
      // The browser asks for an icon by itself, which is the page's affair.
      intercept: (path) => (path === "/favicon.ico" ? { status: 204, body: "" } : undefined),
    });
    const context = await browser.newContext();
    t.after(() => Promise.all([context.close(), server.close()]));
    const page = await context.newPage();
    await page.addInitScript(() => {
      globalThis.violations = [];
      addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
        globalThis.violations.push({ effectiveDirective, blockedURI, sample }),
      );
    });
    await page.goto(server.address);
    await page.waitForFunction(() => "places" in globalThis);
    const result = await page.evaluate(task);
    return { result, violations: await page.evaluate(() => globalThis.violations) };
  }

  test("the package runs without a violation where 'wasm-unsafe-eval' is allowed", async (t) => {
    const { result, violations } = await under(t, STRICT, () => globalThis.places.page());
    assert.deepEqual({ result, violations }, { result: { report: expected("indexeddb", "window") }, violations: [] });
  });

  test("where WebAssembly is not allowed, opening fails with a typed error", async (t) => {
    const { result } = await under(t, { ...STRICT, "script-src": "'self'" }, async () => {
      const { createStorage, StorageError } = globalThis.tidekeep;
      return createStorage({ type: "memory" }).catch((error) => [error instanceof StorageError, error.code, error.retryable]);
    });
    assert.deepEqual(result, [true, "UNSUPPORTED", false]);
  });
});
