import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { homedir } from "node:os";
import { installed, project } from "./support/paths.js";

const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
const files = (await readdir(installed, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

describe("the package", () => {
  test("has no dependencies and no scripts", () => {
    for (const field of ["dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies", "scripts", "bin"]) {
      assert.equal(manifest[field], undefined, field);
    }
  });

  test("holds its documents, its licences and its types", async () => {
    const names = await readdir(installed);
    for (const name of ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "types.d.ts", "index.js", "port.d.ts", "port.js", "service-worker.d.ts", "service-worker.js"]) {
      assert.ok(names.includes(name), name);
    }
    assert.equal(manifest.license, "MIT OR Apache-2.0");
  });

  test("imports nothing from outside itself", async () => {
    for (const file of files.filter((file) => file.endsWith(".js"))) {
      const text = await readFile(file, "utf8");
      for (const [, specifier] of text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s*["']([^"']+)["']/gm)) {
        assert.ok(files.includes(join(file, "..", specifier)), `${file} imports ${specifier}`);
      }
    }
  });

  test("names no folder of the machine that built it", async () => {
    const folders = [homedir(), join(project, "../..")];
    for (const file of files) {
      const text = await readFile(file, "latin1");
      for (const folder of folders) {
        assert.ok(!text.includes(`${folder}/`), `${file} names ${folder}`);
      }
    }
  });
});
