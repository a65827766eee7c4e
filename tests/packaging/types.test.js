import assert from "node:assert/strict";
import { test } from "node:test";
import { tsc } from "./support/paths.js";

for (const compiler of ["typescript", "typescript-5"]) {
  test(`a strict project compiles with ${compiler}, and names that the schema lacks do not`, () => {
    const { ok, output } = tsc(compiler, "--project", "tsconfig.json");
    assert.ok(ok, output);
  });
}
