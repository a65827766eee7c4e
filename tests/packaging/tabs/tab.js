// What a tab, a frame and a worker do alike.

import { createStorage } from "/tidekeep/index.js";

/** Milliseconds by a clock that all places of a machine share. */
const clock = () => performance.timeOrigin + performance.now();

const store = { current: undefined };
const heard = [];
const results = [];
const stale = [];
const locks = [];

export const tab = {
  async open(options) {
    store.current = await createStorage({ name: "tabs", collections: { notes: { keyPath: "id" } }, ...options });
    store.current.on("change", ({ key, source }) => heard.push({ key, source, at: clock() }));
    return store.current.getCapabilities().crossTab;
  },
  /** Writes a note; gives when it was acknowledged. */
  async put(id, n = 0) {
    await store.current.collection("notes").put({ id, n });
    return clock();
  },
  putMany: (prefix, count) =>
    store.current.collection("notes").putMany(Array.from({ length: count }, (_, n) => ({ id: `${prefix}${n}`, n }))).then(() => clock()),
  get: (id) => store.current.collection("notes").get(id).then((note) => note?.n),
  heard: () => heard,
  watch() {
    store.current.collection("notes").watch(undefined, ({ rows, added }) => results.push({ rows: rows.length, added, at: clock() }));
  },
  results: () => results,
  /** From now on, reads what is told to have changed, and keeps what was older than what was told. */
  check(id) {
    let told = 0;
    store.current.on("change", async ({ key, source }) => {
      if (key !== id || source !== "tab") return;
      const least = (told += 1);
      const found = await tab.get(id);
      if (found < least) stale.push([found, least]);
    });
  },
  stale: () => stale,
  close: () => store.current.close(),
  /** Opens the keys, and keeps a secret. */
  async unlock() {
    store.current.on("lock", ({ locked, reason }) => locks.push({ locked, reason, at: clock() }));
    await store.current.credentials.unlock({ passphrase: "correct horse battery staple" });
    await store.current.credentials.set("maps", "k");
  },
  /** Locks; gives when. */
  lock() {
    store.current.credentials.lock();
    return clock();
  },
  locks: () => locks,
  secret: () => store.current.credentials.get("maps").catch((error) => error.code),
  /** Reads in turn, again and again; how long that takes in all, milliseconds: by this store, and by IndexedDB alone. */
  async timed(count) {
    await tab.put("hot", 1);
    await tab.get("hot");
    const settled = (request) => new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
    const database = await settled(indexedDB.open("tabs"));
    const raw = () => settled(database.transaction("notes").objectStore("notes").get("hot"));
    const cached = () => store.current.collection("notes").get("hot");
    const took = async (read) => {
      const began = performance.now();
      for (let at = 0; at < count; at += 1) await read();
      return performance.now() - began;
    };
    const [first, second] = [await took(raw), await took(cached)];
    const times = { raw: (first + (await took(raw))) / 2, cached: (second + (await took(cached))) / 2 };
    database.close();
    return times;
  },
};
