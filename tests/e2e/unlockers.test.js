import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { start } from "../durability/support/engines.js";
import { endpoint } from "./support/device.js";
import { scratch } from "./support/scratch.js";
import { until } from "./support/wait.js";

const COLLECTIONS = { collections: { notes: { keyPath: "id" }, vault: { keyPath: "id", encrypted: true } } };
const SECRETS = ["harbour", "meadow", "orchard", "quarry"];

/** Two devices of one user, of which the first has sealed the secrets, and the second has opened them. */
async function twoDevices(t) {
  const place = await endpoint(t);
  const folder = await scratch();
  const device = async (name) => {
    const profile = join(folder, name);
    await mkdir(profile);
    const browser = await start("chromium", profile);
    t.after(() => browser.kill());
    const page = await browser.open(`${place.gate.address}/`);
    const run = (call, ...words) => page.evaluate(`Promise.resolve(device.${call}(${words.map((word) => JSON.stringify(word)).join()})).then((it) => it ?? null)`);
    await run("bear", place.token);
    await run("open", COLLECTIONS);
    return run;
  };
  const sent = (run) => until("everything is sent", () => run("status"), ({ pending, failed }) => pending + failed === 0);
  const a = await device("a");
  await a("unlock", "the first passphrase");
  await a("seal", SECRETS);
  await sent(a);
  const b = await device("b");
  await b("run");
  assert.equal(await b("tryUnlocking", "the first passphrase"), "open");
  assert.deepEqual(await b("unsealed"), SECRETS);
  return { a, b, sent };
}

test("a passphrase that is changed on one device is the other's, too", async (t) => {
  const { a, b, sent } = await twoDevices(t);
  await a("changePassphrase", "the second passphrase");
  await sent(a);
  await b("run");
  await b("lock");
  assert.equal(await b("tryUnlocking", "the first passphrase"), "AUTHENTICATION_FAILED");
  assert.equal(await b("tryUnlocking", "the second passphrase"), "open");
  assert.deepEqual(await b("unsealed"), SECRETS);
});

test("a new store key locks the other device, and what is kept opens everything there", async (t) => {
  const { a, b, sent } = await twoDevices(t);
  await a("addPassphrase", "the recovery code");
  await sent(a);
  await b("run");
  assert.equal(await a("newStoreKey", "the first passphrase"), 1);
  await sent(a);
  await b("run");
  await until("it is locked", () => b("locked"), (locked) => locked);
  assert.equal(await b("tryUnlocking", "the recovery code"), "AUTHENTICATION_FAILED");
  assert.equal(await b("tryUnlocking", "the first passphrase"), "open");
  assert.deepEqual(await b("unsealed"), SECRETS);
});

test("two devices that each remove what the other keeps are told, and add an unlocker while their keys are open", async (t) => {
  const { a, b, sent } = await twoDevices(t);
  await a("addPassphrase", "the recovery code");
  await sent(a);
  await b("run");
  const [one, other] = await b("unlockers");
  await Promise.all([a("enable", false), b("enable", false)]);
  await a("removeUnlocker", one);
  await b("removeUnlocker", other);
  await Promise.all([a("enable", true), b("enable", true)]);
  for (const run of [a, b, a]) await run("run");
  assert.deepEqual([await a("unlockers"), await b("unlockers")], [[], []]);
  await until("it is told", () => a("heard"), (heard) => heard.some((text) => text.includes("KEY_MISSING")));
  assert.deepEqual(await a("unsealed"), SECRETS);
  await a("addPassphrase", "the third passphrase");
  await sent(a);
  await b("run");
  await b("lock");
  assert.equal(await b("tryUnlocking", "the third passphrase"), "open");
  assert.deepEqual(await b("unsealed"), SECRETS);
});
