import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { search, searchBytes } from "./support/canaries.js";
import { start } from "./support/chromium.js";
import { device, endpoint } from "./support/device.js";
import { scratch } from "./support/scratch.js";
import { until } from "./support/wait.js";

const CANARIES = 510;
const COLLECTIONS = { collections: { notes: { keyPath: "id" }, vault: { keyPath: "id", encrypted: true } } };

const random = (length) => randomBytes(length).toString("base64url").replaceAll(/[-_]/g, "x").slice(0, length);

test("of what is sealed nothing is found in the profile, in the endpoint's files and in what was sent", async (t) => {
  const place = await endpoint(t);
  const folder = await scratch();
  // All canaries begin alike, so that one search finds any of them.
  const canary = random(12);
  const canaries = Array.from({ length: CANARIES }, () => `${canary}${random(20)}`).sort();
  const marker = random(12);
  const passphrase = random(24);

  const first = await start(t, join(folder, "a"));
  const a = await device(t, undefined, place, { context: first.context });
  await a.call("open", COLLECTIONS);
  await a.call("unlock", passphrase);
  await a.call("seal", canaries);
  await a.call("write", [{ id: "marker", text: marker }]);
  assert.deepEqual(await a.call("unsealed"), canaries);
  await until("everything is sent", () => a.call("status"), ({ pending, failed }) => pending + failed === 0);

  const second = await start(t, join(folder, "b"));
  const b = await device(t, undefined, place, { context: second.context });
  await b.call("open", COLLECTIONS);
  await b.call("run");
  await b.call("unlock", passphrase);
  assert.deepEqual(await b.call("unsealed"), canaries);

  await Promise.all([first.kill(), second.kill(), place.server.kill()]);
  const secrets = { canary, passphrase };
  for (const [what, where] of [["the endpoint's folder", place.folder], ["the profiles", folder]]) {
    assert.ok((await search(where, { marker })).hits.length > 0, `the search is blind in ${what}`);
    const { hits, files, bytes } = await search(where, secrets);
    const size = `${files} files, ${(bytes / 1e6).toFixed(1)} MB`;
    t.diagnostic(`${CANARIES} canaries in ${what}: ${hits.length} hits in ${size}`);
    assert.deepEqual(hits, []);
  }
  const sent = Buffer.concat(place.gate.bodies);
  assert.ok(searchBytes(sent, { marker }).length > 0, "the search is blind in what was sent");
  assert.deepEqual(searchBytes(sent, secrets), []);
  t.diagnostic(`${CANARIES} canaries in what was sent: 0 hits in ${(sent.length / 1e6).toFixed(2)} MB`);
});
