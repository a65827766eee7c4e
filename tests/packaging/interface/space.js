import { refused, same, until } from "./check.js";

/** Hears of what is removed. */
function removals(store, collection) {
  const removed = [];
  store.on("change", (change) => {
    if (change.type === "delete" && change.collection === collection) removed.push(change.key);
  });
  return removed;
}

/** Yields to timers, so that what is to be done in the background is. */
const settled = (ms = 60) => new Promise((resolve) => setTimeout(resolve, ms));

const cache = (maxEntries) => ({ collections: { cache: { maxEntries }, notes: { keyPath: "id", ttl: 30 } } });

export const cases = {
  "an entry whose life has ended is removed, and listeners are told once": async ({ open, type, rows }) => {
    const store = await open(cache(5));
    const [ended, ended2] = [removals(store, "default"), removals(store, "notes")];
    await store.set("short", 1, { ttl: 30 });
    await store.set("long", 1, { ttl: 1e9 });
    await store.collection("notes").put({ id: "n" });
    await until(() => ended.length > 0 && ended2.length > 0, "the end");
    await store.set("again", 1, { ttl: 1 });
    await until(() => ended.length > 1, "the second end");
    same([ended, ended2, await store.keys()], [["short", "again"], ["n"], ["long"]]);
    if (type === "indexeddb") same([(await rows("notes")).length, (await rows("tidekeep:entries")).length], [0, 1], "rows");
  },

  "an entry that is written anew lives on, and its deletion is told of once": async ({ open }) => {
    const store = await open();
    const ended = removals(store, "default");
    await store.set("kept", 1, { ttl: 20 });
    await store.set("deleted", 1, { ttl: 1e9 });
    await store.set("ends", 1, { ttl: 20 });
    await store.set("kept", 2);
    await store.delete("deleted");
    await until(() => ended.includes("ends"), "the end");
    same([ended, await store.get("kept")], [["deleted", "ends"], 2]);
  },

  "what ended while the store was closed is removed soon after it opens": async ({ open, reopen, type, rows }) => {
    if (type === "memory") return;
    const first = await open();
    await first.setMany(Array.from({ length: 450 }, (_, n) => ({ key: n, value: n })), { ttl: 1 });
    await first.close();
    await settled(5);
    const ended = removals(await reopen(), "default");
    await until(() => ended.length === 450, "the end of all");
    same((await rows("tidekeep:entries")).length, 0);
  },

  "past maxEntries the least recently used go, and no more": async ({ open }) => {
    const store = await open(cache(5));
    const evicted = removals(store, "cache");
    const tiles = store.collection("cache");
    for (let n = 0; n < 5; n += 1) await store.set(n, `tile ${n}`, { namespace: "cache" });
    await tiles.get(0);
    await tiles.getMany([1, 9]);
    await tiles.query([]);
    await store.set(5, "tile 5", { namespace: "cache" });
    await until(() => evicted.length > 0, "an eviction");
    await store.set(6, "tile 6", { namespace: "cache" });
    await until(() => evicted.length > 1, "another");
    await settled();
    same([evicted, await tiles.keys()], [[2, 3], [0, 1, 4, 5, 6]]);
    await store.setMany(Array.from({ length: 300 }, (_, n) => ({ key: 100 + n, value: n })), { namespace: "cache" });
    await until(() => evicted.length === 302, "the rest");
    same(await tiles.keys(), [395, 396, 397, 398, 399]);
    await store.setMany(Array.from({ length: 300 }, (_, n) => ({ key: n, value: n })));
    same(await store.count(), 300, "a namespace has no limit");
  },

  "when entries were read outlives the store, and a lower limit holds from the next opening": async ({ open, reopen, type }) => {
    if (type === "memory") return;
    const first = await open(cache(4));
    for (const key of ["a", "b", "c", "d"]) await first.set(key, key, { namespace: "cache" });
    await first.get("a", { namespace: "cache" });
    await first.close();
    const second = await reopen(cache(2));
    const evicted = removals(second, "cache");
    await until(() => evicted.length > 1, "an eviction");
    same([evicted, await second.keys({ namespace: "cache" })], [["b", "c"], ["a", "d"]]);
  },

  "maxEntries is a whole number above 0": async ({ open, StorageError }) => {
    for (const maxEntries of [0, -1, 1.5, NaN, "many", {}]) {
      await refused(StorageError, () => open({ collections: { cache: { maxEntries } } }), "INVALID_CONFIG");
    }
  },

  "a store tells how full it is, and whether it is protected": async ({ open, type }) => {
    const store = await open({ ...cache(5), ...(type === "memory" && { capacity: 50 }) });
    await store.set("a", 1);
    await store.set("b", 1, { namespace: "elsewhere" });
    const space = await store.estimate();
    if (type === "memory") {
      same(space, { usage: 2, quota: 50, unit: "entries", persisted: false });
      same(await store.persist(), false);
    } else {
      same(space.unit, "bytes");
      same([space.usage, space.quota].every((bytes) => bytes === undefined || bytes >= 0), true);
      same(["boolean", "undefined"].includes(typeof space.persisted), true);
      same(typeof globalThis.navigator?.storage?.persist === "function" || (await store.persist()) === false, true);
    }
    same((await store.getStatus()).healthy, true);
  },

  "in memory the event quota comes once at four fifths of the capacity, and again after usage was below": async ({ open, type }) => {
    if (type !== "memory") return;
    const store = await open({ capacity: 10 });
    const told = [];
    store.on("quota", (event) => told.push(event));
    for (let n = 0; n < 8; n += 1) await store.set(n, n);
    await settled(1200);
    same(told, [], "eight of ten");
    await store.set(8, 8);
    await until(() => told.length > 0, "the event");
    await store.set(9, 9);
    await settled(1200);
    same(told, [{ usage: 9, quota: 10, unit: "entries" }], "once");
    await store.deleteMany([0, 1, 2]);
    await settled(1200);
    await store.setMany([{ key: 0, value: 0 }, { key: 1, value: 1 }]);
    await until(() => told.length > 1, "the event again");
    same(told[1].usage, 9);
  },

  "a memory that is full lets go of what is over, then of caches, then refuses": async ({ open, type, StorageError }) => {
    if (type !== "memory") return;
    const store = await open({ ...cache(100), capacity: 10 });
    for (let n = 0; n < 4; n += 1) await store.set(n, n, { namespace: "cache" });
    for (let n = 0; n < 5; n += 1) await store.set(n, n);
    await store.set("over", 1, { expiration: new Date(0) });
    await store.get(0, { namespace: "cache" });
    await store.set(5, 5);
    same(await store.keys({ namespace: "cache" }), [0, 1, 2, 3], "what is over was enough");
    await store.set(6, 6);
    same(await store.keys({ namespace: "cache" }), [0, 2, 3], "the least recently used");
    await store.setMany([7, 8, 9].map((key) => ({ key, value: key })));
    const full = await refused(StorageError, () => store.set(10, 10), "QUOTA_EXCEEDED");
    same([full.retryable, /capacity|delete/.test(full.message)], [full.retryable, true]);
    same([await store.count(), await store.count({ namespace: "cache" })], [10, 0]);
    await store.delete(9);
    await store.set(10, 10);
  },

  "a closed store removes nothing and holds nothing up": async ({ open, type, rows }) => {
    const store = await open();
    const ended = removals(store, "default");
    await store.set("short", 1, { ttl: 20 });
    await store.close();
    await settled(700);
    same(ended, []);
    if (type === "indexeddb") same((await rows("tidekeep:entries")).length, 1);
  },
};
