import { refused, same, until } from "./check.js";

/** The timeline's entries of a store's calls while a task runs. */
async function entries(task) {
  const seen = [];
  const observer = new PerformanceObserver((list) => seen.push(...list.getEntries().filter(({ name }) => name.startsWith("tidekeep."))));
  observer.observe({ entryTypes: ["measure"] });
  try {
    await task(seen);
  } finally {
    observer.disconnect();
  }
}

export const cases = {
  "a store that is profiled measures each call, by the name that errors have, and tells the figures": async ({ open, StorageError, type }) => {
    await entries(async (seen) => {
      const store = await open({ profile: true, collections: { notes: { keyPath: "id" } } });
      const notes = store.collection("notes");
      for (let n = 0; n < 5; n += 1) await notes.put({ id: n });
      await Promise.all([store.set("k", 1), store.set("l", 2), store.namespace("other").get("k"), store.credentials.has("x")]);
      await refused(StorageError, () => store.set("k", 1, { overwrite: false }), "ALREADY_EXISTS");
      await refused(StorageError, () => notes.put({}), "INVALID_KEY");
      await notes.update(1, () => { throw undefined; }).catch(() => undefined);
      const { backend, since, operations } = store.metrics();
      same([backend, since instanceof Date], [type, true]);
      same(Object.entries(operations).map(([name, { count, errors }]) => [name, count, errors]),
        [["createStorage", 1, 0], ["credentials.has", 1, 0], ["get", 1, 0], ["put", 6, 1], ["set", 3, 1], ["update", 1, 1]]);
      for (const [name, { p50, p95, max }] of Object.entries(operations)) same(0 <= p50 && p50 <= p95 && p95 <= max, true, name);
      await until(() => seen.length >= 13, "the entries of the timeline");
      const puts = seen.filter(({ name }) => name === "tidekeep.put");
      same(puts.map(({ detail }) => detail), [...Array(5).fill({ backend: type }), { backend: type, error: "INVALID_KEY" }]);
      same(puts.every(({ duration, startTime }) => duration >= 0 && startTime > 0), true);
    });
  },

  "the timeline keeps a bounded number of entries": async ({ open }) => {
    const store = await open({ type: "memory", profile: true });
    for (let n = 0; n < 2500; n += 1) await store.has(n);
    const kept = performance.getEntriesByName("tidekeep.has", "measure").length;
    same([kept > 0 && kept <= 1000, store.metrics().operations.has.count], [true, 2500]);
    performance.clearMeasures("tidekeep.has");
  },

  "a store that is not profiled has no figures and makes no entries": async ({ open, StorageError }) => {
    await entries(async (seen) => {
      const store = await open({ profile: false });
      await store.set("k", 1);
      await refused(StorageError, async () => store.metrics(), "INVALID_CONFIG");
      same(Object.keys(store).filter((name) => typeof store[name] === "function"), []);
      await refused(StorageError, () => open({ profile: "yes" }), "INVALID_CONFIG");
      await new Promise((resolve) => setTimeout(resolve, 20));
      same(seen.filter(({ name }) => name === "tidekeep.set"), []);
    });
  },

  "a profiled store is a store like any other": async ({ open, StorageError }) => {
    const store = await open({ profile: true });
    same([Object.getPrototypeOf(store) === Object.getPrototypeOf(await open({ type: "memory" })), store.credentials === store.credentials], [true, true]);
    const told = [];
    const stop = store.on("change", (event) => told.push(event.key));
    await store.set("a", 1);
    stop();
    await store.set("b", 1);
    same([told, store.getInfo().persistent, await store.get("b")], [["a"], store.getInfo().type === "indexeddb", 1]);
    await store.close();
    await refused(StorageError, () => store.get("a"), "CLOSED");
  },
};
