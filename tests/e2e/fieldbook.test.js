import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { search, searchBytes } from "./support/canaries.js";
import { start } from "./support/chromium.js";
import { fieldbook, watchLongTasks } from "./support/fieldbook.js";
import { scratch } from "./support/scratch.js";
import { serve } from "./support/server.js";
import { until } from "./support/wait.js";

const PLACES = 171_075;
const NOTES = 50;
const CHANGED = 10;
const IMPORT_PATIENCE = 400_000;
const SPACE = "expedition";

const random = () => randomBytes(18).toString("base64url").replaceAll(/[-_]/g, "x");

test("notes taken offline and a sealed key survive kill -9 and reach a second device, and back", async (t) => {
  const folder = await scratch();
  const serverFolder = await scratch();
  const server = await serve(t, serverFolder);
  const secrets = { key: `sk-${random()}`, passphrase: `${random()} ${random()}` };
  // In a note, and so in the clear: it must be found wherever the secrets must not.
  const marker = random();
  const messages = [];
  const listen = (context) =>
    context.on("request", (request) => messages.push(request.url(), request.postData() ?? ""));
  const note = (index) => `Note ${String(index).padStart(2, "0")} ${marker}`;
  const taken = Array.from({ length: NOTES }, (_, index) => note(index));
  const edited = (text) => `${text}, edited elsewhere`;

  // Device A imports the world.
  const profileA = join(folder, "a");
  let chromium = await start(t, profileA);
  t.diagnostic(`Chromium ${chromium.version}`);
  listen(chromium.context);
  await watchLongTasks(chromium.page);
  let a = fieldbook(chromium.page, server.address);
  await a.open(SPACE, "ada");
  await a.shell();
  const began = performance.now();
  const from = await chromium.page.evaluate(() => performance.now());
  await a.importPlaces(IMPORT_PATIENCE);
  const took = performance.now() - began;
  const tasks = await chromium.page.evaluate((from) => longTasks.filter(({ startTime }) => startTime >= from), from);
  const longest = Math.max(0, ...tasks.map(({ duration }) => duration));
  t.diagnostic(
    `import of ${PLACES} places: ${(took / 1000).toFixed(1)} s; on the page's main thread, by PerformanceObserver ` +
      `“longtask”: ${tasks.length} tasks above 50 ms, the longest ${longest.toFixed(0)} ms`,
  );
  assert.equal((await a.counts()).Places, "171,075");

  // A prefix query reads its hits and nothing else; a scan of all rows by bare IndexedDB finds the same.
  for (const [prefix, country] of [["saint et", "FR"], ["reykj", "IS"], ["nuuk", "GL"]]) {
    const found = await a.find(prefix, country);
    t.diagnostic(`prefix “${prefix}” in ${country}: ${found.line}`);
    assert.equal(found.index, "[country+search]");
    assert.ok(found.hits > 0);
    assert.equal(found.rowsRead, found.hits);
    assert.equal(await chromium.page.evaluate(scan, [`fieldbook-${SPACE}`, prefix, country]), found.hits);
  }

  // Words are found wherever they stand in the name, the region or the country.
  for (const words of ["francisco california", "reykjavik", "étienne fra"]) {
    const { line, places } = await a.findByWords(words);
    t.diagnostic(`words “${words}”: ${places.length} places, the first ${places[0]?.join(", ")} · ${line}`);
    assert.ok(places.length > 0);
  }
  assert.equal((await a.findByWords("san francisco california")).places[0][0], "San Francisco");

  // The server is killed and the network gone: notes are taken, a key is sealed.
  await a.waitForState("synced");
  await server.kill();
  await chromium.context.setOffline(true);
  await a.waitForState("offline");
  for (let place = 0; place < 10; place += 1) {
    await a.find("saint et", "FR");
    await a.openResult(place);
    for (const text of taken.filter((_, index) => index % 10 === place)) {
      await a.note(text);
    }
  }
  await a.waitForPending(NOTES);
  await a.sealKey(secrets.passphrase, secrets.key);
  await until("the key waits, and what opens it", a.pending, (count) => count > NOTES);
  assert.deepEqual(a.trouble, []);

  // Killed, and started again on what was left: nothing serves the page but its service worker.
  await chromium.kill();
  chromium = await start(t, profileA);
  listen(chromium.context);
  await chromium.context.setOffline(true);
  a = fieldbook(chromium.page, server.address);
  assert.equal(await a.open(SPACE, "ada"), true);
  await a.waitForState("offline");
  await a.expectNotes(taken);
  await until("all of it waits", a.pending, (count) => count > NOTES);
  assert.equal((await a.counts()).Places, "171,075");
  await a.askForKey();
  await a.enterPassphrase(secrets.passphrase);
  assert.equal(await a.revealKey(), secrets.key);

  // Back online, everything is sent.
  await server.start();
  const online = performance.now();
  await chromium.context.setOffline(false);
  await a.waitForPending(0);
  t.diagnostic(`drained ${((performance.now() - online) / 1000).toFixed(1)} s after coming online`);
  await a.waitForState("synced");

  // Another window of the same browser shows what is written in this one.
  const beside = fieldbook(await chromium.context.newPage(), server.address);
  await beside.open(SPACE, "ada");
  await beside.expectNotes(taken);
  await a.find("reykj", "IS");
  await a.openResult(0);
  const live = note(NOTES);
  await a.note(live);
  const written = performance.now();
  taken.push(live);
  await beside.expectNotes(taken);
  t.diagnostic(`shown in the other window ${Math.round(performance.now() - written)} ms after this one`);
  await beside.go("sync");
  await until("the room is told", () => beside.id("room").textContent(), (text) => / used of .* may have/.test(text));
  assert.deepEqual(beside.trouble, []);
  await beside.page.close();

  // Device B is new: it has all notes, and the key for who knows the passphrase.
  const second = await start(t, join(folder, "b"));
  listen(second.context);
  const b = fieldbook(second.page, server.address);
  await b.open(SPACE, "ben");
  await b.expectNotes(taken);
  await b.askForKey();
  await b.enterPassphrase(`${secrets.passphrase}?`);
  await b.id("passphrase-error").getByText("not the passphrase").waitFor();
  await b.enterPassphrase(secrets.passphrase);
  assert.equal(await b.revealKey(), secrets.key);

  // What B deletes and edits reaches A by itself.
  for (const text of taken.slice(0, CHANGED)) {
    await b.remove(text);
  }
  for (const text of taken.slice(CHANGED, 2 * CHANGED)) {
    await b.edit(text, edited(text));
  }
  const expected = taken.slice(CHANGED).map((text, index) => (index < CHANGED ? edited(text) : text));
  await b.expectNotes(expected);
  await a.expectNotes(expected);
  await Promise.all([a.waitForPending(0), b.waitForPending(0)]);
  assert.deepEqual([...a.trouble, ...b.trouble], []);

  // Nothing at rest or on the way holds the secrets.
  await Promise.all([chromium.kill(), second.kill(), server.kill()]);
  for (const [what, where] of [["the server's folder", serverFolder], ["the profiles", folder]]) {
    const control = await search(where, { marker });
    assert.ok(control.hits.some((hit) => hit.startsWith("marker as raw")), `the search is blind in ${what}`);
    const { hits, files, bytes } = await search(where, secrets);
    t.diagnostic(`secrets in ${what}: ${hits.length} hits in ${files} files, ${(bytes / 1e6).toFixed(1)} MB`);
    assert.deepEqual(hits, []);
  }
  const sent = Buffer.from(messages.join("\n"));
  assert.ok(searchBytes(sent, { marker }).length > 0, "the search is blind in messages");
  assert.deepEqual(searchBytes(sent, secrets), []);
  t.diagnostic(`secrets in ${messages.length / 2} requests: 0 hits`);
});

test("the switch of the application works offline and online again, at once", async (t) => {
  const folder = await scratch();
  const server = await serve(t, folder);
  const { page } = await start(t, join(folder, "profile"));
  const app = fieldbook(page, server.address);
  await app.open(SPACE, "ada");
  await app.waitForState("synced");
  await app.go("sync");
  await app.id("online-switch").click();
  await app.waitForState("offline");
  await app.sealKey(random(), random());
  // The key, the data key that seals it, and what unlocks that.
  await app.waitForPending(3);
  await app.waitForState("offline");
  await page.reload();
  await app.waitForState("offline");
  await app.waitForPending(3);
  await app.go("sync");
  await app.id("online-switch").click();
  await app.waitForState("synced");
  await app.waitForPending(0);
  assert.deepEqual(app.trouble, []);
});

/** Counts, in the page, a country's places whose folded name begins so, with nothing but IndexedDB and a loop. */
async function scan([name, prefix, code]) {
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const database = await settled(indexedDB.open(name));
  try {
    const records = await settled(database.transaction("places").objectStore("places").getAll());
    return records.filter(({ search, country }) => country === code && search.startsWith(prefix)).length;
  } finally {
    database.close();
  }
}
