import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { createStorage } from "tidekeep";
import { launch } from "./support/browser.js";
import { installed, project } from "./support/paths.js";
import { python } from "./support/python.js";
import { serve } from "./support/server.js";
import { drivers, start } from "./support/webdriver.js";

// What other programs make of sealed values, by the documentation alone: docs/examples/open.html and open.py.

/** How many values go each way. */
const ROUND_TRIPS = Number(process.env.TIDEKEEP_ROUND_TRIPS ?? 1000);
const examples = join(project, "../../docs/examples");
const passphrase = "caf\u00e9, correct horse";
const folders = { "/": project, "/tidekeep/": installed, "/examples/": examples };

const sealed = (...words) => `new Promise((done, failed) => {
  const look = () => ("seal" in globalThis ? globalThis.seal(${words.map((word) => JSON.stringify(word)).join()}).then(done, failed) : setTimeout(look, 20));
  look();
})`;
const shown = `new Promise((done) => {
  const look = () => (document.querySelector("output").textContent ? done(document.querySelector("output").textContent) : setTimeout(look, 20));
  look();
})`;

/** Seals in the page of the package, and opens in the page that has nothing of it. */
async function openedBare({ address }, { visit, evaluate }) {
  const [database, secret] = [`bare ${randomInt(1e9)}`, randomBytes(20).toString("hex")];
  await visit(`${address}/others/index.html`);
  await evaluate(sealed(database, passphrase, secret));
  await visit(`${address}/examples/open.html#${new URLSearchParams({ database, service: "maps", passphrase })}`);
  assert.equal(await evaluate(shown), secret);
}

test("a page with bare Web Crypto opens a secret in Chromium", async (t) => {
  const [server, browser] = await Promise.all([serve(folders), launch()]);
  t.after(() => Promise.all([browser.close(), server.close()]));
  const page = await browser.newPage();
  await openedBare(server, { visit: (url) => page.goto(url), evaluate: (expression) => page.evaluate(expression) });
});

for (const [name, driver] of Object.entries(drivers)) {
  test(`a page with bare Web Crypto opens a secret in ${name}`, async (t) => {
    const [server, browser] = await Promise.all([serve(folders), start(driver)]);
    t.after(() => Promise.all([browser.close(), server.close()]));
    await openedBare(server, { visit: browser.open, evaluate: browser.evaluate });
  });
}

/** A text of up to a mebibyte, each order of magnitude as likely, of letters of every length in UTF-8. */
function randomText(most) {
  const length = randomInt(2 ** randomInt(most + 1) + 1);
  const letters = ["a", "\"", "\\", "\u00e9", "\u2603", "\u{1F600}", "0", " "];
  return Array.from(randomBytes(length), (byte) => letters[byte % letters.length]).join("");
}

test("Python's cryptography opens what is sealed here, and what it seals is opened here", async () => {
  await import("fake-indexeddb/auto");
  const name = `python ${randomText(4)}`;
  const store = await createStorage({ name, type: "indexeddb" });
  await store.credentials.unlock({ passphrase });
  const secrets = new Map(Array.from({ length: ROUND_TRIPS }, (_, at) => [`${at} ${randomText(6)}`, randomText(at === 0 ? 0 : 18)]));
  for (const [service, secret] of secrets) await store.credentials.set(service, secret);

  const settled = (request) => new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
  const database = await settled(indexedDB.open(name));
  const rows = (of) => settled(database.transaction(of).objectStore(of).getAll());
  const stored = await rows("credentials");
  const hex = (bytes) => Buffer.from(bytes).toString("hex");
  const theirs = stored.map(({ service }) => ["credentials", service, randomText(18)]);
  const input = JSON.stringify({
    database: name,
    passphrase: passphrase.normalize("NFD"),
    keys: (await rows("tidekeep:keys")).map(({ value }) => hex(value)),
    open: stored.map(({ service, _tidekeep: { sealed } }) => ["credentials", service, hex(sealed)]),
    seal: theirs,
  });
  const { status, stdout, stderr } = spawnSync(python(), [join(examples, "open.py")], { input, maxBuffer: 2 ** 30, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const { opened, sealed } = JSON.parse(stdout);
  assert.deepEqual(opened, stored.map(({ service }) => secrets.get(service)));

  const writing = database.transaction("credentials", "readwrite").objectStore("credentials");
  await Promise.all(stored.map((row, at) => {
    row._tidekeep.sealed = new Uint8Array(Buffer.from(sealed[at], "hex"));
    return settled(writing.put(row));
  }));
  for (const [, service, secret] of theirs) assert.equal(await store.credentials.get(service), secret);
  database.close();
  await store.close();
  console.log(`figure: sealed here and by Python, each opened by the other: ${2 * stored.length} round trips, 0 mismatches`);
});
