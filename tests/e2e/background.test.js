import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { start as startChromium } from "../durability/support/chromium.js";
import { start } from "../durability/support/engines.js";
import { endpoint } from "./support/device.js";
import { faults } from "./support/gate.js";
import { scratch } from "./support/scratch.js";
import { until } from "./support/wait.js";

const NOTES = Array.from({ length: 20 }, (_, n) => ({ id: `n${n}`, text: `text ${n}` }));
const TAG = "tidekeep:device";
const json = JSON.stringify;

/** How many effects the endpoint has, and of what. */
async function effects({ server, token }) {
  const response = await fetch(`${server.address}/v1/team/changes`, { headers: { authorization: `Bearer ${token}` } });
  const { changes, head } = await response.json();
  return { ids: changes.map(({ id }) => id).sort(), head };
}

const EACH_ONCE = { ids: NOTES.map(({ id }) => id).sort(), head: NOTES.length };

/** Opens the page with the store; with a service worker that has the two lines. */
async function opened(browser, { gate, token }, { worker = true } = {}) {
  const page = await browser.open(gate.address);
  if (worker) {
    await page.evaluate("navigator.serviceWorker.register('/sw.js', { type: 'module' }).then(() => navigator.serviceWorker.ready).then(() => true)");
  }
  await page.evaluate(`page.bear(${json(token)})`);
  await page.evaluate("page.open()");
  return page;
}

/** What the browser says of its service worker. */
async function registration(browser, page) {
  await page.ask("ServiceWorker.enable");
  return until("the worker", () => browser.events.findLast(({ method }) => method === "ServiceWorker.workerRegistrationUpdated")?.params.registrations.at(-1));
}

describe("with the page closed, in Chromium", { concurrency: 2 }, () => {
  test("what was written without a network is sent by the service worker, each once", async (t) => {
    const place = await endpoint(t);
    const browser = await startChromium(await scratch());
    t.after(browser.kill);
    const page = await opened(browser, place);
    assert.equal(await page.evaluate("page.store().getCapabilities().backgroundSync"), true);
    await until("the page sends", () => page.evaluate("page.status()"), ({ lastSyncTime }) => lastSyncTime);
    const found = await registration(browser, page);
    place.gate.fault = faults.isGone();
    await page.evaluate(`page.write(${json(NOTES)})`);
    const asked = "navigator.serviceWorker.ready.then(({ sync }) => sync.getTags())";
    const tags = await until("the page asks for the event", () => page.evaluate(asked), (tags) => tags.length > 0);
    assert.deepEqual(tags, [TAG]);
    const other = await browser.open(`${place.gate.address}/plant.html`);
    await page.close();
    assert.equal((await effects(place)).head, 0);
    place.gate.fault = undefined;
    const began = performance.now();
    // The event that the browser sends when it finds the network again.
    await other.ask("ServiceWorker.enable");
    await other.ask("ServiceWorker.dispatchSyncEvent", { origin: place.gate.address, registrationId: found.registrationId, tag: TAG, lastChance: false });
    await until("everything is there", () => effects(place), ({ head }) => head === NOTES.length);
    t.diagnostic(`sent ${Math.round(performance.now() - began)} ms after the event`);
    assert.deepEqual(await effects(place), EACH_ONCE);
  });

  test("what was written without a network is sent after the browser was killed and started again", async (t) => {
    const place = await endpoint(t);
    const profile = await scratch();
    const first = await startChromium(profile);
    t.after(first.kill);
    const page = await opened(first, place);
    await until("the page sends", () => page.evaluate("page.status()"), ({ lastSyncTime }) => lastSyncTime);
    place.gate.fault = faults.isGone();
    await page.evaluate(`page.write(${json(NOTES)})`);
    const asked = "navigator.serviceWorker.ready.then(({ sync }) => sync.getTags())";
    await until("the page asks for the event", () => page.evaluate(asked), (tags) => tags.length > 0);
    await page.close();
    // Its databases are written behind.
    await sleep(3000);
    await first.kill();
    place.gate.fault = undefined;
    const second = await startChromium(profile);
    t.after(second.kill);
    const began = performance.now();
    await until("everything is there", () => effects(place), ({ head }) => head === NOTES.length);
    t.diagnostic(`sent ${Math.round(performance.now() - began)} ms after the start, no page open`);
    assert.deepEqual(await effects(place), EACH_ONCE);
  });

  test("without Background Sync, a page sends what waits within five seconds of being online", async (t) => {
    const place = await endpoint(t);
    const browser = await startChromium(await scratch());
    t.after(browser.kill);
    const page = await browser.open(place.gate.address);
    await page.evaluate("delete globalThis.SyncManager, delete ServiceWorkerRegistration.prototype.sync");
    await page.evaluate(`page.bear(${json(place.token)})`);
    await page.evaluate("page.open()");
    assert.equal(await page.evaluate("page.store().getCapabilities().backgroundSync"), false);
    await page.ask("Network.enable");
    const network = (offline) => page.ask("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await network(true);
    await until("it is offline", () => page.evaluate("page.status()"), ({ online }) => !online);
    await page.evaluate(`page.write(${json(NOTES)})`);
    await sleep(1000);
    assert.equal((await effects(place)).head, 0);
    await network(false);
    const began = performance.now();
    await until("everything is there", () => effects(place), ({ head }) => head === NOTES.length, 5000);
    t.diagnostic(`sent ${Math.round(performance.now() - began)} ms after being online`);
    assert.deepEqual(await effects(place), EACH_ONCE);
  });
});

for (const engine of ["firefox", "webkit"]) {
  test(`what was written without a network is sent at the next start of ${engine}, each once`, async (t) => {
    const place = await endpoint(t);
    const profile = await scratch();
    // The profile of a driven WebKitGTK ends with it, so that there only the page is closed.
    const kept = engine === "webkit" ? await start(engine, profile) : undefined;
    const visit = async (task) => {
      const browser = kept ?? (await start(engine, profile));
      t.after(browser.close);
      const page = await opened(browser, place, { worker: false });
      assert.equal(await page.evaluate("page.store().getCapabilities().backgroundSync"), false);
      await task(page);
      await (kept ? page.close() : browser.close());
    };
    await visit(async (page) => {
      place.gate.fault = faults.isGone();
      await page.evaluate(`page.write(${json(NOTES)})`);
    });
    place.gate.fault = undefined;
    assert.equal((await effects(place)).head, 0);
    await visit(() => until("everything is there", () => effects(place), ({ head }) => head === NOTES.length));
    assert.deepEqual(await effects(place), EACH_ONCE);
  });
}
