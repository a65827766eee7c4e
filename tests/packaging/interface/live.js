import { quiet, refused, same, shape, until } from "./check.js";

const KEYS = [1, -1.5, Infinity, -Infinity, "text", "~tilde", "\u0000 “ä” \u{1F600}", new Date(5), new Uint8Array([1, 2, 255]).buffer, [], [1, ["a", new Date(0)]]];

/** A listener that keeps what it hears. */
function hears(store, event = "change") {
  const heard = [];
  store.on(event, (told) => heard.push(told));
  return heard;
}

const NOTES = { collections: { notes: { keyPath: "id", indexes: ["place", "n"] } } };
const IN_LISBON = { field: "place", operator: "eq", value: "Lisbon" };

/** Watches, and keeps what is told. */
function watches(collection, filter, options) {
  const calls = [];
  return [calls, collection.watch(filter, (result) => calls.push(result), options)];
}

/** Counts the reads of keys by IndexedDB. */
function countingReads() {
  const all = [];
  const { IDBObjectStore } = globalThis;
  if (!IDBObjectStore) return { all, end() {}, of: () => 0, total: () => 0 };
  const originals = ["get", "getAll", "openCursor"].map((name) => {
    const original = IDBObjectStore.prototype[name];
    IDBObjectStore.prototype[name] = function (...args) {
      all.push(args[0]);
      return original.apply(this, args);
    };
    return () => (IDBObjectStore.prototype[name] = original);
  });
  const is = (key) => (asked) => (Array.isArray(asked) ? asked.includes(key) : asked === key);
  return { all, end: () => originals.forEach((restore) => restore()), of: (key) => all.filter(is(key)).length, total: () => all.length };
}

/** A call in short: keys of rows, added, changed, removed. */
const brief = ({ rows, added, changed, removed }) => [rows.map(({ key }) => key), added, changed, removed];

/** Lets everything that is on its way between tabs arrive. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

export const cases = {
  "a change made elsewhere is told as “tab”, one for each key, and never to the store that made it": async ({ open, type }) => {
    const [here, there] = [await open(), await open()];
    same(here.getCapabilities().crossTab, type === "indexeddb", "crossTab");
    const [heard, own] = [hears(here), hears(there)];
    for (const [at, key] of KEYS.entries()) await there.set(key, at);
    await there.delete("text");
    await there.delete("never there");
    await there.clear({ namespace: "default" });
    const wanted = [...KEYS.map((key) => [key, "put"]), ["text", "delete"], [[], "clear"]];
    if (type === "memory") {
      await settled();
      return same(heard, [], "what a store in memory hears of another");
    }
    await until(() => heard.length >= wanted.length, `the changes, ${shape(heard)}`);
    await settled();
    same(heard.map(({ key, type }) => [key, type]), wanted);
    same([...new Set(heard.map(({ source, collection }) => `${source} ${collection}`))], ["tab default"]);
    same(own.every(({ source }) => source === "local") && own.length === wanted.length, true, "what the writer hears");
  },

  "changes committed together are told together and in order, and very many as one for their collection": async ({ open, type }) => {
    if (type === "memory") return;
    const [here, there] = [await open(), await open()];
    const heard = hears(here);
    const entries = (count) => Array.from({ length: count }, (_, at) => ({ key: at, value: at }));
    await there.setMany(entries(1_000));
    await until(() => heard.length === 1_000, "1 000 changes");
    same(heard.every(({ key, type }, at) => key === at && type === "put"), true, "each in its place");
    await there.setMany(entries(1_001), { namespace: "box" });
    await until(() => heard.length === 1_001, "one change for many");
    same(heard.at(-1), { collection: "box", key: [], type: "many", source: "tab" });
  },

  "what strangers say on the channel does nothing": async ({ open, name, type }) => {
    if (typeof BroadcastChannel !== "function") return;
    const store = await open();
    const [heard, failed] = [hears(store), hears(store, "error")];
    const stranger = new BroadcastChannel(`tidekeep:${name()}`);
    const loop = { tidekeep: 1 };
    loop.loop = loop;
    for (const message of [
      "wrote", "", "null", "[]", "{", "9".repeat(10_000), "[".repeat(100_000), 1, null, undefined, loop, new Map(), new Uint8Array(5),
      '{"tidekeep":2,"wrote":true,"commits":[[["notes","put","a"]]]}',
      '{"tidekeep":1,"wrote":true,"commits":[[["credentials","put","a"]]]}',
      '{"tidekeep":1,"wrote":true,"commits":[[["notes","put","~{}"]]]}',
      { tidekeep: 1, wrote: true, commits: [] },
    ]) stranger.postMessage(message);
    await settled();
    same([heard, failed], [[], []]);
    // One that is well-formed is believed: whoever can speak here can write the database itself.
    stranger.postMessage('{"tidekeep":1,"wrote":false,"commits":[[["notes","put","~[1]"]]]}');
    if (type === "indexeddb") await until(() => heard.length === 1, "the well-formed one");
    stranger.close();
    await store.set("still", "works");
    same(await store.get("still"), "works");
  },

  "a store that is closed hears nothing more": async ({ open }) => {
    const [here, there] = [await open(), await open()];
    const heard = hears(here);
    await here.close();
    await there.set("k", 1);
    await settled();
    same(heard, []);
  },

  "a live result is told at once, and then what was added, changed and removed, with the other rows the same objects": async ({ open }) => {
    const store = await open(NOTES);
    const notes = store.collection("notes");
    await notes.put({ id: "a", place: "Lisbon", n: 1 });
    await notes.put({ id: "x", place: "Porto", n: 1 });
    const [calls, stop] = watches(notes, IN_LISBON);
    await until(() => calls.length === 1, "the first result");
    same(brief(calls[0]), [["a"], ["a"], [], []]);
    same(calls[0].rows[0], { key: "a", value: { id: "a", place: "Lisbon", n: 1 } });
    await notes.put({ id: "b", place: "Lisbon", n: 2 });
    await until(() => calls.length === 2, "an addition");
    same(brief(calls[1]), [["a", "b"], ["b"], [], []]);
    same(calls[1].rows[0] === calls[0].rows[0], true, "the row that did not change");
    await notes.update("a", { n: 5 });
    await until(() => calls.length === 3, "a change");
    same(brief(calls[2]), [["a", "b"], [], ["a"], []]);
    same([calls[2].rows[0] === calls[1].rows[0], calls[2].rows[1] === calls[1].rows[1]], [false, true], "the same objects");
    await store.setMetadata("b", { read: true }, { namespace: "notes" });
    await until(() => calls.length === 4, "metadata");
    same(brief(calls[3]), [["a", "b"], [], ["b"], []]);
    same(calls[3].rows[1].metadata, { read: true });
    await notes.update("a", { place: "Porto" });
    await until(() => calls.length === 5, "one that matches no longer");
    same(brief(calls[4]), [["b"], [], [], ["a"]]);
    await notes.clear();
    await until(() => calls.length === 6, "a cleared collection");
    same(brief(calls[5]), [[], [], [], ["b"]]);
    await notes.put({ id: "y", place: "Porto", n: 2 });
    await notes.delete("y");
    await store.set("b", 1);
    await settled();
    same(calls.length, 6, "calls where nothing changed");
    stop();
    stop();
    await notes.put({ id: "c", place: "Lisbon", n: 1 });
    await settled();
    same(calls.length, 6, "calls after the end");
  },

  "a live result follows changes made elsewhere, and loses none while it is first read": async ({ open, type }) => {
    if (type === "memory") return;
    const [here, there] = [await open(NOTES), await open(NOTES)];
    const [notes, theirs] = [here.collection("notes"), there.collection("notes")];
    const [calls] = watches(notes, undefined, { sort: { field: "n", order: "desc" }, limit: 3 });
    const writing = [];
    for (let n = 0; n < 40; n += 1) {
      writing.push((n % 2 ? notes : theirs).put({ id: `${n % 8}`, place: "Lisbon", n }));
      if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await Promise.all(writing);
    await until(() => shape(calls.at(-1)?.rows.map(({ value }) => value.n)) === "[39,38,37]", "the last result");
    await theirs.deleteMany(["7", "6"]);
    await until(() => shape(calls.at(-1).rows.map(({ value }) => value.n)) === "[37,36,35]", "the rows that follow");
    await theirs.putMany(Array.from({ length: 1_200 }, (_, n) => ({ id: `many ${n}`, place: "Porto", n: n / 10 })));
    await until(() => calls.at(-1).rows[0].value.n === 119.9, "many changes at once");
    let rows = [];
    for (const { rows: next, added, changed, removed } of calls) {
      const kept = next.filter(({ key }) => !added.includes(key) && !changed.includes(key));
      same(kept.every((row) => rows.includes(row)), true, "rows that did not change");
      same(rows.filter(({ key }) => !next.some((row) => row.key === key)).map(({ key }) => key), removed, "removed");
      same(added.some((key) => rows.some((row) => row.key === key)), false, "added");
      rows = next;
    }
  },

  "the last live result is that of a fresh query, whatever was written meanwhile": async ({ open }) => {
    const store = await open(NOTES);
    const notes = store.collection("notes");
    const windows = [{}, { limit: 4 }, { sort: { field: "n", order: "desc" } }, { sort: [{ field: "place" }, { field: "n" }], limit: 5, offset: 2 }];
    const watched = windows.map((options) => watches(notes, { field: "n", operator: "gte", value: 3 }, options)[0]);
    let seed = 7;
    const random = (below) => (seed = (seed * 48271) % 2147483647) % below;
    for (let step = 0; step < 200; step += 1) {
      const id = `${random(30)}`;
      const work = random(10) < 3 ? notes.delete(id) : notes.put({ id, place: ["Lisbon", "Porto"][random(2)], n: random(10) });
      if (random(3) === 0) await work;
      if (step === 120) await notes.clear();
    }
    await settled();
    for (const [at, options] of windows.entries()) {
      const sort = options.sort ?? { field: "$key" };
      const fresh = await notes.query({ field: "n", operator: "gte", value: 3 }, { ...options, sort });
      await until(() => shape(watched[at].at(-1).rows) === shape(fresh), `the result of ${shape(options)}`);
    }
  },

  "a row whose life ends is removed at its time": async ({ open }) => {
    const store = await open();
    const box = store.namespace("box");
    const [calls] = watches(box, undefined);
    await store.set("short", 1, { namespace: "box", ttl: 120 });
    await store.set("long", 2, { namespace: "box" });
    await until(() => calls.at(-1)?.rows.length === 2, "both");
    await until(() => calls.at(-1).rows.length === 1, "the end");
    same(calls.at(-1).removed, ["short"]);
  },

  "listeners that throw, end their watch or watch more stop nothing": async ({ open }) => {
    const store = await open(NOTES);
    const notes = store.collection("notes");
    const told = { throws: 0, ends: 0, after: 0 };
    const errors = quiet();
    notes.watch(undefined, () => {
      told.throws += 1;
      throw new Error("a listener's own failure");
    });
    const stop = notes.watch(undefined, () => {
      told.ends += 1;
      stop();
    });
    let inner = 0;
    notes.watch(undefined, ({ rows }) => {
      told.after += 1;
      if (rows.length === 1) notes.watch(undefined, () => (inner += 1));
    });
    await until(() => told.after === 1, "the first results");
    await notes.put({ id: "a", place: "Lisbon", n: 1 });
    await until(() => inner === 1 && told.throws === 2, "the second results");
    await settled();
    errors.restore();
    same(told, { throws: 2, ends: 1, after: 2 });
  },

  "a watch ends with its store, and bad arguments are refused at once": async ({ open, StorageError }) => {
    const store = await open(NOTES);
    const notes = store.collection("notes");
    await refused(StorageError, () => notes.watch({ field: "n", operator: "like", value: 1 }, () => {}), "INVALID_QUERY");
    await refused(StorageError, () => notes.watch(undefined, "listener"), "INVALID_CONFIG");
    await refused(StorageError, () => notes.watch(undefined, () => {}, { after: "x" }), "INVALID_CONFIG");
    const [calls] = watches(notes, undefined);
    const failed = hears(store, "error");
    await until(() => calls.length === 1, "the first result");
    const writing = notes.put({ id: "a", place: "Lisbon", n: 1 });
    const closing = store.close();
    await Promise.allSettled([writing, closing]);
    await settled();
    same([calls.length, failed.length], [1, 0]);
    const [late] = watches(notes, undefined);
    await settled();
    same(late.length, 0, "calls of a watch that began after the end");
  },

  "the live result of a sealed collection is empty while the keys are locked": async ({ open }) => {
    let asked = 0;
    const passphrase = () => ((asked += 1), "a passphrase for tests");
    const store = await open({ collections: { vault: { keyPath: "id", encrypted: true } }, encryption: { passphrase } });
    const vault = store.collection("vault");
    await vault.put({ id: "a", secret: 1 });
    store.credentials.lock();
    const [calls] = watches(vault, { field: "secret", operator: "gt", value: 0 });
    await until(() => calls.length === 1, "the first result");
    same([brief(calls[0]), asked], [[["a"], ["a"], [], []], 2], "opened for the watch");
    store.credentials.lock();
    await until(() => calls.length === 2, "that it was locked");
    same(brief(calls[1]), [[], [], [], ["a"]]);
    await store.credentials.unlock({ passphrase: "a passphrase for tests" });
    await until(() => calls.length === 3, "that it was opened");
    same([brief(calls[2]), asked], [[["a"], ["a"], [], []], 2]);
    await vault.put({ id: "b", secret: 2 });
    await until(() => calls.length === 4, "another");
    same(brief(calls[3]), [["a", "b"], ["b"], [], []]);
  },

  "what the cache has is not read again, and every answer is a copy of its own": async ({ open }) => {
    const store = await open({ cache: {} });
    const value = { at: new Date(5), list: [1], bytes: new Uint8Array([1, 2]), map: new Map([["a", { b: 1 }]]) };
    await store.set("k", value, { metadata: { tag: 1 }, tags: ["t"] });
    const first = await store.get("k");
    const reads = countingReads();
    const second = await store.get("k");
    const whole = await store.get("k", { includeMetadata: true });
    same([await store.get("none"), await store.get("none")], [undefined, undefined]);
    same([second, whole.value, whole.metadata, whole.tags], [value, value, { tag: 1 }, ["t"]]);
    for (const answer of [first, second]) {
      answer.list.push(2);
      answer.map.get("a").b = 2;
      answer.bytes[0] = 9;
      answer.at.setTime(0);
    }
    whole.metadata.tag = 2;
    same([await store.get("k"), await store.getMetadata("k")], [value, { tag: 1 }]);
    const loop = { name: "loop" };
    loop.self = loop;
    await store.set("loop", loop);
    for (let at = 0; at < 2; at += 1) {
      const found = await store.get("loop");
      same(found.self === found, true);
    }
    reads.end();
    same(reads.of("k") <= 1 && reads.of("none") <= 1, true, `reads ${shape(reads.all)}`);
  },

  "a cached entry is never older than what was written here, and ends at its time": async ({ open }) => {
    const store = await open({ cache: { maxEntries: 4 }, collections: { notes: { keyPath: "id" } } });
    const notes = store.collection("notes");
    for (let n = 0; n < 50; n += 1) {
      const id = `${n % 6}`;
      const racing = notes.get(id);
      await notes.put({ id, n });
      await racing;
      same((await notes.get(id)).n, n);
      same((await notes.getMany([id, "none"])).get(id).n, n);
    }
    await Promise.all(Array.from({ length: 20 }, () => notes.update("1", ({ id, n }) => ({ id, n: n + 1 }))));
    same((await notes.get("1")).n, 49 + 20);
    await notes.delete("1");
    same(await notes.get("1"), undefined);
    await notes.put({ id: "2", n: 1 }, { ttl: 60 });
    same((await notes.get("2")).n, 1);
    await until(async () => (await notes.get("2")) === undefined, "the end of a cached entry's life");
    await notes.clear();
    same(await notes.get("3"), undefined);
    await store.close();
    same(await notes.get("3").catch(({ code }) => code), "CLOSED");
  },

  "what was written elsewhere and was told is never read older from the cache": async ({ open, type }) => {
    if (type === "memory") return;
    const [here, there] = [await open({ cache: {} }), await open({ cache: {} })];
    let told = 0;
    const wrong = [];
    let reading = Promise.resolve();
    here.on("change", ({ source }) => {
      if (source !== "tab") return;
      told += 1;
      const least = told;
      reading = reading.then(async () => {
        const found = await here.get("k");
        if (found < least) wrong.push([found, least]);
      });
    });
    for (let n = 1; n <= 100; n += 1) {
      const racing = here.get("k");
      await there.set("k", n);
      same(await there.get("k"), n, "the writer's own cache");
      await racing;
    }
    await until(() => told === 100, "all changes");
    await reading;
    same([wrong, await here.get("k")], [[], 100]);
  },

  "prefetching fills the cache; sealed records and secrets are never in it; wrong limits are refused": async ({ open, StorageError }) => {
    for (const cache of [{ ttl: 0 }, { ttl: NaN }, { maxEntries: -1 }, { maxBytes: 1.5 }, { entries: 1 }, 5]) {
      await refused(StorageError, () => open({ cache }), "INVALID_CONFIG");
    }
    const store = await open({ cache: {}, collections: { vault: { keyPath: "id", encrypted: true } } });
    await store.credentials.unlock({ passphrase: "a passphrase for tests" });
    const keys = Array.from({ length: 150 }, (_, at) => `key ${at}`);
    await store.setMany(keys.map((key, value) => ({ key, value })), { namespace: "box" });
    await store.prefetch(keys, { namespace: "box" });
    const reads = countingReads();
    for (const [at, key] of keys.entries()) same(await store.get(key, { namespace: "box" }), at);
    reads.end();
    same(reads.total(), 0, "reads of what was prefetched");
    const vault = store.collection("vault");
    await vault.put({ id: "a", secret: 1 });
    await vault.prefetch(["a"]);
    same((await vault.get("a")).secret, 1);
    store.credentials.lock();
    await refused(StorageError, () => vault.get("a"), "LOCKED");
    same(await store.namespace("none").prefetch([]), undefined);
  },
};
