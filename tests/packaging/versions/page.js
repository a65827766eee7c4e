// One tab of an application: it opens its version of the schema and writes without pause until it is told to stop.

import { createStorage, StorageError } from "/tidekeep/index.js";

/** Versions of one application, each as it declares itself. */
const SCHEMAS = {
  older: { notes: { keyPath: "id", indexes: ["place"] }, gone: { keyPath: "id" } },
  newer: { notes: { keyPath: "id", indexes: ["*place", "&serial"] }, drafts: { keyPath: "id" }, more: { keyPath: "id" } },
  newest: { notes: { keyPath: "id", indexes: ["author"] }, drafts: { keyPath: "id", indexes: ["n"] }, other: {} },
};

/** How long a call may take before it counts as hanging, milliseconds: longer than any guard of the library. */
const PATIENCE = 45_000;

const settled = (promise) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("a call did not settle")), PATIENCE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

globalThis.tab = {
  acknowledged: [],
  refused: [],
  failures: [],
  /** Writes under keys of its own, in both a collection and a namespace that another version declares. */
  start(name, version, who) {
    this.running = true;
    this.done = (async () => {
      let n = 0;
      let store = await settled(createStorage({ name, type: "indexeddb", collections: SCHEMAS[version] }));
      while (this.running) {
        n += 1;
        const id = `${who} ${n}`;
        try {
          const note = { id, serial: id, place: n % 2 ? "x" : "y", author: who };
          await settled(store.set(id, note, { namespace: "notes" }));
          this.acknowledged.push(["notes", id]);
          await settled(store.set(id, { id, n }, { namespace: "drafts" }));
          this.acknowledged.push(["drafts", id]);
          if ((await settled(store.get(id, { namespace: "notes" })))?.id !== id) this.failures.push(`${id} was not read back`);
        } catch (error) {
          if (!(error instanceof StorageError)) this.failures.push(String(error));
          else this.refused.push(error.code);
        }
        if (n % 20 === 0) {
          await settled(store.close());
          store = await settled(createStorage({ name, type: "indexeddb", collections: SCHEMAS[version] }));
        }
      }
      await settled(store.close());
    })().catch((error) => this.failures.push(String(error?.message ?? error)));
  },
  async stop() {
    this.running = false;
    await this.done;
    return { acknowledged: this.acknowledged, refused: this.refused, failures: this.failures };
  },
};

/** Which of these entries are not there, read by a version that knows every name. */
globalThis.missing = async (name, entries) => {
  const store = await createStorage({ name, type: "indexeddb", collections: SCHEMAS.newest });
  const lost = [];
  for (const [namespace, id] of entries) if (!(await store.has(id, { namespace }))) lost.push(`${namespace}/${id}`);
  const { schemaVersion } = store.getInfo();
  await store.destroy();
  return { lost, schemaVersion };
};

/** One run: this tab and another, with two versions, both writing, and the third one opened into it. */
globalThis.run = async (round, other) => {
  const name = `versions ${round} ${Math.random().toString(36).slice(2)}`;
  tab.acknowledged = [], tab.refused = [], tab.failures = [];
  other.tab.acknowledged = [], other.tab.refused = [], other.tab.failures = [];
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  tab.start(name, "older", "here");
  await pause(10 + ((round * 37) % 60));
  other.tab.start(name, "newer", "there");
  await pause(20 + ((round * 53) % 90));
  const third = await createStorage({ name, type: "indexeddb", collections: SCHEMAS.newest });
  await third.set("third", { id: "third", serial: "third" }, { namespace: "notes" });
  await third.close();
  await pause(60);
  const [here, there] = await Promise.all([tab.stop(), other.tab.stop()]);
  const acknowledged = [...here.acknowledged, ...there.acknowledged, ["notes", "third"]];
  const { lost, schemaVersion } = await missing(name, acknowledged);
  return { acknowledged: acknowledged.length, refused: [...here.refused, ...there.refused], failures: [...here.failures, ...there.failures], lost, schemaVersion };
};

/** Opens the other tab. */
globalThis.pair = () =>
  new Promise((resolve) => {
    const other = open("/versions/index.html", "_blank");
    const look = () => (other.run && other.tab ? resolve((globalThis.other = other)) : setTimeout(look, 20));
    look();
  });

/** Many runs; what they come to. */
globalThis.runs = async (count) => {
  const other = globalThis.other ?? (await pair());
  const sum = { runs: 0, acknowledged: 0, refused: {}, failures: [], lost: [], slowest: 0 };
  for (let round = 0; round < count; round += 1) {
    const began = performance.now();
    const found = await run(round, other);
    sum.runs += 1;
    sum.acknowledged += found.acknowledged;
    for (const code of found.refused) sum.refused[code] = (sum.refused[code] ?? 0) + 1;
    sum.failures.push(...found.failures);
    sum.lost.push(...found.lost);
    sum.slowest = Math.max(sum.slowest, Math.round(performance.now() - began));
  }
  return sum;
};
