import { refused, same, until } from "./check.js";
import { withEndpoint } from "./endpoint.js";

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

  "a store that is profiled tells how long rounds of sync took, and how many conflicts they met": ({ open }) =>
    withEndpoint(async (place) => {
      const sync = { endpoint: place.url, enabled: false, conflict: "merge" };
      const store = await open({ profile: true, collections: { notes: { keyPath: "id" } }, sync });
      const sums = () => {
        const { rounds, pushed, pulled, conflicts, failed } = store.metrics().sync;
        return [rounds, pushed, pulled, conflicts, failed];
      };
      same(sums(), [0, 0, 0, 0, 0]);
      await store.collection("notes").put({ id: "1", a: 1, b: 1 });
      await store.sync.run();
      await until(() => sums()[0] === 1, "the first round");
      place.plant("notes", "1", { id: "1", a: 1, b: 2 });
      await store.collection("notes").put({ id: "1", a: 2, b: 1 });
      await store.sync.run();
      await store.sync.status();
      await until(() => sums()[0] === 2, "the second round");
      for (let n = 0; n < 3; n += 1) await store.sync.setInterval(60 + n);
      same(sums(), [2, 2, 0, 1, 0]);
      const { p50, p95, max } = store.metrics().sync;
      same(0 <= p50 && p50 <= p95 && p95 <= max, true, "the times");
      const { lastReport } = await store.sync.status();
      same([lastReport.at instanceof Date, lastReport.conflicts], [true, 1]);
    }),

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
