import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { build, createServer } from "vite";
import { launch, runIn } from "./support/browser.js";
import { expected } from "./support/expected.js";
import { project } from "./support/paths.js";
import { serve } from "./support/server.js";

const places = [
  ["page", "window", []],
  ["worker", "worker", []],
];

describe("in an application built by Vite, the package runs", () => {
  let browser;
  let server;
  before(async () => {
    await build({ root: project, logLevel: "warn" });
    server = await serve({ "/": join(project, "dist/vite") });
    browser = await launch();
  });
  after(() => Promise.all([browser?.close(), server?.close()]));

  for (const [place, context, args] of [...places, ["serviceWorker", "service-worker", ["/service-worker.js"]]]) {
    test(`in a ${context}`, async () => {
      const { report, error, trouble } = await runIn(browser, server.address, place, ...args);
      assert.deepEqual({ report, error, trouble }, { report: expected("indexeddb", context), error: undefined, trouble: [] });
    });
  }
});

describe("on Vite's development server, the package runs", () => {
  let browser;
  let server;
  let address;
  before(async () => {
    // Vite keeps what it made of a package until the version changes, which it does not from build to build.
    await rm(join(project, "dist/vite-cache"), { recursive: true, force: true });
    server = await createServer({ root: project, logLevel: "warn", cacheDir: "dist/vite-cache", server: { port: 0 } });
    await server.listen();
    address = `http://localhost:${server.httpServer.address().port}/`;
    browser = await launch();
  });
  after(() => Promise.all([browser?.close(), server?.close()]));

  for (const [place, context, args] of places) {
    test(`in a ${context}`, async () => {
      const { report, error } = await runIn(browser, address, place, ...args);
      assert.deepEqual({ report, error }, { report: expected("indexeddb", context), error: undefined });
    });
  }
});
