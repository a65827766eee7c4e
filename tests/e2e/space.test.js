import assert from "node:assert/strict";
import { test } from "node:test";
import { chromium } from "playwright-core";
import { device, endpoint } from "./support/device.js";
import { scratch } from "./support/scratch.js";
import { until } from "./support/wait.js";

const MIB = 1 << 20;
const OPTIONS = {
  collections: { notes: { keyPath: "id" }, tiles: { maxEntries: 10_000 }, drafts: {} },
  sync: { enabled: false, collections: ["notes"] },
};

/** A tab of a profile on the disk: what is not on the disk is counted in another way. */
async function tab(t) {
  const place = await endpoint(t);
  const context = await chromium.launchPersistentContext(await scratch(), {
    executablePath: process.env.TIDEKEEP_CHROMIUM ?? "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  t.after(() => context.close());
  const { page, call } = await device(t, undefined, place, { context });
  const protocol = await context.newCDPSession(page);
  const quota = (quotaSize) => protocol.send("Storage.overrideQuotaForOrigin", { origin: place.gate.address, quotaSize });
  const open = async () => {
    await call("open", OPTIONS);
    await page.evaluate(() => {
      const store = device.store();
      globalThis.removed = [];
      globalThis.quotas = [];
      store.on("change", ({ type, collection, key }) => type === "delete" && removed.push(`${collection}/${key}`));
      store.on("quota", (event) => quotas.push(event));
      /** Bytes that no browser makes smaller. */
      globalThis.noise = (size) => {
        const bytes = new Uint8Array(size);
        for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
        return bytes;
      };
      /** Writes until there is no room; tells what was acknowledged, and how the last one failed. */
      globalThis.fill = async (write) => {
        const acknowledged = [];
        for (let n = 0; n < 10_000; n += 1) {
          try {
            await write(n);
            acknowledged.push(n);
          } catch (error) {
            const { code, message, context } = error;
            return { acknowledged, error: { code, message, context } };
          }
        }
        return { acknowledged };
      };
    });
  };
  // From the beginning: Chromium remembers for half a minute that there is room.
  await quota(16 * MIB);
  await open();
  return { place, page, call, quota, open };
}

/** Fills a store with some of everything, and then to the brim. */
function fillUp(page) {
  return page.evaluate(async () => {
    const store = device.store();
    const notes = store.collection("notes");
    const note = (id) => ({ id, text: btoa(String.fromCharCode(...noise(9_000))) });
    for (let n = 0; n < 10; n += 1) await notes.put(note(`synced ${n}`));
    const { pushed } = await store.sync.run();
    for (let n = 0; n < 10; n += 1) await notes.put(note(`unsynced ${n}`));
    // Another tab's sweeper is at work, as far as this one can tell: so what is over is still there.
    void navigator.locks.request("tidekeep:device:space", () => new Promise((release) => (globalThis.release = release)));
    const over = { namespace: "over", expiration: new Date(Date.now() + 1) };
    for (let n = 0; n < 10; n += 1) await store.set(n, noise(100_000), over);
    for (let n = 0; n < 20; n += 1) await store.set(n, noise(100_000), { namespace: "tiles" });
    await store.get(0, { namespace: "tiles" });
    const drafts = await fill((n) => store.set(n, noise(100_000), { namespace: "drafts" }));
    return { pushed, drafts };
  });
}

test("on a full disk what is over goes, then what is cached, and nothing else; what is to be sent still finds room", async (t) => {
  const { page, call, quota, open } = await tab(t);
  await until("the reserve is laid in", () => page.evaluate(reserve), (rows) => rows === 8);

  const { pushed, drafts } = await fillUp(page);
  const removed = await page.evaluate(() => removed);
  assert.equal(pushed, 10);
  assert.equal(drafts.error.code, "QUOTA_EXCEEDED");
  assert.match(drafts.error.message, /delete data|room/);
  assert.equal(drafts.error.context["commits waiting to be sent"], "10");
  const over = Array.from({ length: 10 }, (_, n) => `over/${n}`);
  const tiles = [...Array.from({ length: 19 }, (_, n) => `tiles/${n + 1}`), "tiles/0"];
  assert.deepEqual(removed, [...over, ...tiles], "in this order");
  t.diagnostic(`${drafts.acknowledged.length} drafts of 100 kB in 16 MiB, after ${removed.length} entries had gone`);

  // What is to be sent takes from the reserve, and settling it takes the rest.
  const more = await page.evaluate(() => fill((n) => device.store().collection("notes").put({ id: `late ${n}`, text: `${n}`.padEnd(500, ".") })));
  t.diagnostic(`${more.acknowledged.length} more notes of 500 characters on the full disk`);
  assert.ok(more.acknowledged.length >= 100, `only ${more.acknowledged.length} notes`);
  assert.equal(more.error.code, "QUOTA_EXCEEDED");
  const { report, error } = await call("run");
  assert.deepEqual([report?.pushed, error], [10 + more.acknowledged.length, undefined], "it is sent and settled");
  assert.equal((await call("pending")).length, 0);

  // Everything that was acknowledged is there after the page has come back.
  const events = await page.evaluate(() => quotas);
  // It is told again where Chromium, tidying up, had made room in between.
  assert.ok([1, 2].includes(events.length), JSON.stringify(events));
  assert.ok(events.every(({ usage, quota, unit }) => usage > quota * 0.8 && unit === "bytes"), JSON.stringify(events));
  await call("close");
  await page.reload();
  await page.waitForFunction(() => "device" in globalThis);
  await open();
  const held = await page.evaluate(async () => {
    const store = device.store();
    return { drafts: await store.keys({ namespace: "drafts" }), notes: await store.collection("notes").count() };
  });
  assert.deepEqual(held.drafts, drafts.acknowledged);
  assert.equal(held.notes, 20 + more.acknowledged.length);

  // And it goes on when room comes back.
  await quota(1000 * MIB);
  const after = await page.evaluate(async () => {
    const entries = Array.from({ length: 20 }, (_, n) => ({ key: `again ${n}`, value: noise(100_000) }));
    return (await device.store().setMany(entries)).size;
  });
  assert.equal(after, 20);
  await until("the reserve is laid in again", () => page.evaluate(reserve), (rows) => rows === 8);
});

/** How many rows of filler there are. */
async function reserve() {
  const opened = await new Promise((resolve) => (indexedDB.open("device").onsuccess = ({ target }) => resolve(target.result)));
  const count = opened.transaction("tidekeep:space").objectStore("tidekeep:space").count(IDBKeyRange.bound(["reserve"], ["reserve", []]));
  return new Promise((resolve) => (count.onsuccess = () => resolve(count.result))).finally(() => opened.close());
}
