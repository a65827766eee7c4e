import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, runIn } from "./support/browser.js";
import { expected } from "./support/expected.js";
import { plainFolders } from "./support/paths.js";
import { serve } from "./support/server.js";

const WASM = "/tidekeep/tidekeep_bg.wasm";

describe("without a bundler", () => {
  const folders = plainFolders();
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** Serves the page for the time of one test. */
  async function served(t, options) {
    const server = await serve(folders, options);
    t.after(() => server.close());
    return server;
  }

  /** Opens the page and runs a function in it. */
  async function evaluated(t, server, task) {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.goto(server.address);
    await page.waitForFunction(() => "places" in globalThis);
    return page.evaluate(task);
  }

  for (const [place, context, args] of [
    ["page", "window", []],
    ["worker", "worker", []],
    ["serviceWorker", "service-worker", ["/service-worker.js"]],
  ]) {
    test(`the package runs in a ${context}, and loads its WebAssembly once`, async (t) => {
      const server = await served(t);
      const { report, error } = await runIn(browser, server.address, place, ...args);
      assert.deepEqual({ report, error }, { report: expected("indexeddb", context), error: undefined });
      assert.equal(server.requests.filter((path) => path === WASM).length, 1);
    });
  }

  test("a server that does not know the type of WebAssembly does no harm", async (t) => {
    for (const type of ["application/octet-stream", "text/plain", "application/wasm; charset=utf-8"]) {
      const server = await served(t, { intercept: (path) => (path === WASM ? { type } : undefined) });
      const { report, error } = await runIn(browser, server.address, "page");
      assert.deepEqual({ report, error }, { report: expected("indexeddb", "window"), error: undefined }, type);
    }
  });

  const faults = {
    "a missing file": { status: 404 },
    "a server's page for unknown addresses": { type: "text/html", body: "<!doctype html><title>Home</title>" },
    "a server that fails": { status: 503, body: "" },
  };
  for (const [fault, answer] of Object.entries(faults)) {
    test(`${fault} in place of the WebAssembly is a typed error, and a later call tries again`, async (t) => {
      let broken = true;
      const server = await served(t, { intercept: (path) => (path === WASM && broken ? answer : undefined) });
      const context = await browser.newContext();
      t.after(() => context.close());
      const page = await context.newPage();
      await page.goto(server.address);
      await page.waitForFunction(() => "places" in globalThis);
      const attempt = () =>
        page.evaluate(async () => {
          const { createStorage, StorageError } = globalThis.tidekeep;
          const outcomes = await Promise.allSettled([createStorage({ type: "memory" }), createStorage({ type: "memory" })]);
          return outcomes.map(({ status, reason }) => ({
            status,
            ...(reason && { typed: reason instanceof StorageError, code: reason.code, retryable: reason.retryable }),
          }));
        });
      const failed = { status: "rejected", typed: true, code: "NETWORK_ERROR", retryable: true };
      assert.deepEqual(await attempt(), [failed, failed]);
      broken = false;
      assert.deepEqual(await attempt(), [{ status: "fulfilled" }, { status: "fulfilled" }]);
    });
  }

  test("init() takes an address, an answer of fetch, bytes, and a compiled module", async (t) => {
    const server = await served(t);
    const sources = {
      address: () => globalThis.tidekeep.init("/tidekeep/tidekeep_bg.wasm"),
      url: () => globalThis.tidekeep.init(new URL("/tidekeep/tidekeep_bg.wasm", location.href)),
      response: async () => globalThis.tidekeep.init(await fetch("/tidekeep/tidekeep_bg.wasm")),
      bytes: async () => globalThis.tidekeep.init(await (await fetch("/tidekeep/tidekeep_bg.wasm")).arrayBuffer()),
      view: async () =>
        globalThis.tidekeep.init(new Uint8Array(await (await fetch("/tidekeep/tidekeep_bg.wasm")).arrayBuffer())),
      module: async () =>
        globalThis.tidekeep.init(await WebAssembly.compileStreaming(fetch("/tidekeep/tidekeep_bg.wasm"))),
    };
    for (const [name, source] of Object.entries(sources)) {
      server.requests.length = 0;
      await evaluated(t, server, source);
      assert.equal(server.requests.filter((path) => path === WASM).length, 1, name);
    }
  });

  test("init() refuses what is no module with a typed error", async (t) => {
    const server = await served(t);
    const codes = await evaluated(t, server, async () => {
      const { init, StorageError } = globalThis.tidekeep;
      const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
      const outcomes = [];
      for (const source of [42, null, {}, new Uint8Array(), new Uint8Array([1, 2, 3, 4]), "http://", empty.subarray(0, 6)]) {
        const outcome = await init(source).catch((error) => (error instanceof StorageError ? error.code : String(error)));
        outcomes.push(outcome);
      }
      outcomes.push(await init(await WebAssembly.compile(empty)).then(() => "loaded", (error) => error.code));
      return outcomes;
    });
    const config = "INVALID_CONFIG";
    assert.deepEqual(codes, [config, config, config, config, config, config, "UNSUPPORTED", config]);
  });
});
