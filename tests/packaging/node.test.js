import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { spawnSync } from "node:child_process";
import * as tidekeep from "tidekeep";
import { expected } from "./support/expected.js";
import { compiledScenario, project } from "./support/paths.js";

describe("in Node", () => {
  let scenario;
  before(async () => {
    ({ scenario } = await import(pathToFileURL(join(compiledScenario(), "scenario.js")).href));
  });

  test("the package runs in memory", async () => {
    assert.deepEqual(await scenario(tidekeep, "memory"), expected("memory", "node"));
  });

  test("the package uses whatever IndexedDB globalThis offers", async () => {
    await import("fake-indexeddb/auto");
    assert.deepEqual(await scenario(tidekeep, "indexeddb"), expected("indexeddb", "node"));
  });

  test("the package has a subpath for its WebAssembly, which init() takes as path and as bytes", async () => {
    const path = createRequire(import.meta.url).resolve("tidekeep/wasm");
    for (const source of ["path", "bytes"]) {
      const program = `
        import { readFile } from "node:fs/promises";
        import { init } from "tidekeep";
        await init(process.argv[1] === "path" ? process.argv[2] : await readFile(process.argv[2]));
        console.log("loaded");`;
      const args = ["--input-type=module", "--eval", program, source, path];
      const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
      assert.equal(stdout.trim(), "loaded", stderr);
    }
    assert.equal((await readFile(path)).subarray(0, 4).toString("latin1"), "\0asm");
  });

  test("importing the package loads nothing and opens nothing", () => {
    const program = `import "tidekeep"; console.log(process.getActiveResourcesInfo().length);`;
    const args = ["--input-type=module", "--eval", program];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: "utf8" });
    assert.equal(stderr, "");
    assert.ok(Number(stdout) <= 2, stdout);
  });
});
