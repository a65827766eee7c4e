import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { search, searchBytes } from "./support/canaries.js";
import { scratch } from "./support/scratch.js";

test("the search finds a text in every form, at every alignment, and cut in two", async () => {
  const folder = await scratch();
  const secret = `sk-${randomBytes(20).toString("hex")}`;
  const swapped = Buffer.from(secret, "utf16le").swap16();
  const hidden = {
    raw: secret,
    utf16le: Buffer.from(secret, "utf16le"),
    utf16be: swapped,
    hex: Buffer.from(secret).toString("hex"),
    HEX: Buffer.from(secret).toString("hex").toUpperCase(),
    "hex of utf16": swapped.toString("hex"),
    "base64 at 0": Buffer.from(`${secret}.`).toString("base64"),
    "base64 at 1": Buffer.from(`a${secret}.`).toString("base64"),
    "base64 at 2": Buffer.from(`ab${secret}.`).toString("base64url"),
    "base64 of utf16": Buffer.from(secret, "utf16le").toString("base64"),
    half: secret.slice(0, secret.length / 2),
    "other half": secret.slice(secret.length / 2),
  };
  await mkdir(join(folder, "below"));
  for (const [name, content] of Object.entries(hidden)) {
    const noise = randomBytes(1000);
    await writeFile(join(folder, "below", name), Buffer.concat([noise, Buffer.from(content), noise]));
  }
  const { hits, files } = await search(folder, { secret });
  for (const name of Object.keys(hidden)) {
    assert.ok(hits.some((hit) => hit.endsWith(` in below/${name}`)), name);
  }
  assert.equal(files, Object.keys(hidden).length);
  assert.deepEqual((await search(folder, { other: `sk-${randomBytes(20).toString("hex")}` })).hits, []);
  assert.equal(searchBytes(Buffer.from(`{"key":"${secret}"}`), { secret }).length > 0, true);
});
