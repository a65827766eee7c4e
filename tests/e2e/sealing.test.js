import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { startOn } from "../durability/support/engines.js";
import { search, searchBytes } from "./support/canaries.js";
import { endpoint } from "./support/device.js";
import { scratch } from "./support/scratch.js";
import { until } from "./support/wait.js";

/** How many secrets there are. */
const CANARIES = Number(process.env.TIDEKEEP_CANARIES ?? 510);
const COLLECTIONS = { collections: { notes: { keyPath: "id" }, vault: { keyPath: "id", encrypted: true, indexes: [{ name: "text", keyPath: "text", blind: true }] } } };

const random = (length) => randomBytes(length).toString("base64url").replaceAll(/[-_]/g, "x").slice(0, length);

for (const engine of ["chromium", "firefox", "webkit"]) {
  test(`of what is sealed in ${engine} nothing is found in the profile, in the endpoint's files, in what was sent, in messages`, async (t) => {
    const place = await endpoint(t);
    const folder = await scratch();
    // All canaries begin alike, so that one search finds any of them.
    const canary = random(12);
    const canaries = Array.from({ length: CANARIES }, () => `${canary}${random(20)}`).sort();
    const marker = random(12);
    const passphrase = random(24);

    const devices = [];
    const device = async (name) => {
      const profile = join(folder, name);
      await mkdir(profile);
      const browser = await startOn(engine, profile);
      t.after(() => browser.kill());
      devices.push(browser);
      const page = await browser.open(`${place.gate.address}/`);
      const run = (call, ...words) => page.evaluate(`Promise.resolve(device.${call}(${words.map((word) => JSON.stringify(word)).join()})).then((it) => it ?? null)`);
      await run("bear", place.token);
      return run;
    };
    const a = await device("a");
    await a("open", COLLECTIONS);
    await a("unlock", passphrase);
    await a("seal", canaries);
    await a("write", [{ id: "marker", text: marker }]);
    assert.deepEqual(await a("unsealed"), canaries);
    await until("everything is sent", () => a("status"), ({ pending, failed }) => pending + failed === 0);

    const b = await device("b");
    await b("open", COLLECTIONS);
    await b("run");
    await b("unlock", passphrase);
    assert.deepEqual(await b("unsealed"), canaries);
    assert.deepEqual(await b("lookUp", canaries[0]), ["v0"]);

    const failures = await b("provoke", canaries[0]);
    assert.ok(!failures.includes("nothing failed"), `attempt ${failures.indexOf("nothing failed")} did not fail`);
    failures.forEach((failure, at) => assert.deepEqual(searchBytes(Buffer.from(failure), { canary, passphrase }), [], `attempt ${at}: ${failure}`));
    const said = Buffer.from(JSON.stringify([failures, await a("heard"), await b("heard")]));
    assert.ok(failures.every((failure) => failure.includes("StorageError")), "a failure is not typed");

    await Promise.all([...devices.map((browser) => browser.kill()), place.server.kill()]);
    const secrets = { canary, passphrase };
    for (const [what, where] of [["the endpoint's folder", place.folder], ["the profiles", folder]]) {
      assert.ok((await search(where, { marker })).hits.length > 0, `the search is blind in ${what}`);
      const { hits, files, bytes } = await search(where, secrets);
      const size = `${files} files, ${(bytes / 1e6).toFixed(1)} MB`;
      console.log(`figure: ${CANARIES} canaries in ${what}, ${engine}: ${hits.length} hits in ${size}`);
      assert.deepEqual(hits, []);
    }
    const sent = Buffer.concat(place.gate.bodies);
    assert.ok(searchBytes(sent, { marker }).length > 0, "the search is blind in what was sent");
    assert.deepEqual(searchBytes(sent, { ...secrets, tags: "$state" }), []);
    assert.deepEqual(searchBytes(said, secrets), []);
    console.log(`figure: ${CANARIES} canaries, ${engine}: 0 hits in ${(sent.length / 1e6).toFixed(2)} MB sent, in ${failures.length} errors and in the console`);
  });
}
