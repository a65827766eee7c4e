import { quiet, refused, same, until } from "./check.js";

const notes = { collections: { notes: { keyPath: "id", indexes: ["place", "*tags", "&slug", "[place+rank]"] } } };

export const cases = {
  "a write answers with key, version, time and what it has survived": async ({ open, type }) => {
    const store = await open();
    const before = Date.now();
    const result = await store.set("k", 1, { durability: "strict" });
    same([result.key, result.version, result.durability], ["k", 1, type === "memory" ? "memory" : result.durability]);
    same(["strict", "relaxed", "memory"].includes(result.durability), true);
    same(result.modified instanceof Date && result.modified.getTime() >= before, true);
    same((await store.set("k", 2)).version, 2);
  },

  "overwrite: false and ifVersion are decided inside the write": async ({ open, StorageError }) => {
    const store = await open();
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((value) => store.set("k", value, { overwrite: false })));
    same(outcomes.filter(({ status }) => status === "fulfilled").length, 1, "winners");
    const winner = await store.get("k");
    await refused(StorageError, () => store.set("k", 9, { overwrite: false }), "ALREADY_EXISTS");
    await store.set("k", "two", { ifVersion: 1 });
    const conflict = await refused(StorageError, () => store.set("k", "three", { ifVersion: 1 }), "CONFLICT");
    same([conflict.retryable, conflict.operation, conflict.context.key], [false, "set", "k"]);
    same([winner >= 1, await store.get("k")], [true, "two"]);
  },

  "metadata and tags stay, a lifetime does not": async ({ open }) => {
    const store = await open();
    await store.set("k", 1, { metadata: { by: "a" }, tags: ["x"], ttl: 60_000 });
    await store.set("k", 2);
    const entry = await store.get("k", { includeMetadata: true });
    same([entry.value, entry.metadata, entry.tags, entry.expires, entry.version], [2, { by: "a" }, ["x"], undefined, 2]);
    await store.setMetadata("k", { at: 1 });
    same(await store.getMetadata("k"), { by: "a", at: 1 });
    await store.setMetadata("k", { only: true }, { merge: false });
    same(await store.getMetadata("k"), { only: true });
    same(await store.getMetadata("none"), undefined);
  },

  "an entry whose time is over is not there": async ({ open }) => {
    const store = await open();
    await store.set("short", 1, { ttl: 1 });
    await store.set("past", 1, { expiration: new Date(0) });
    await store.set("long", 1, { ttl: 1e9 });
    await until(async () => !(await store.has("short")), "the end of its life");
    same([await store.get("short"), await store.get("past")], [undefined, undefined]);
    same(await store.keys(), ["long"]);
    same((await store.list()).map((item) => item.key), ["long"]);
    same([await store.count(), (await store.getMany(["short", "long"])).size], [1, 1]);
    same((await store.query([])).map((row) => row.key), ["long"]);
    await store.set("short", 2, { overwrite: false });
    same(await store.get("short"), 2);
  },

  "many are written all or none, or each for itself": async ({ open, StorageError }) => {
    const store = await open();
    await store.set("taken", 0);
    const entries = ["a", "taken", "b"].map((key) => ({ key, value: key, overwrite: false }));
    await refused(StorageError, () => store.setMany(entries), "ALREADY_EXISTS");
    same(await store.keys(), ["taken"]);
    const steps = [];
    const outcomes = await store.setMany(entries, { atomic: false, onProgress: (...step) => steps.push(step) });
    same([...outcomes].map(([key, outcome]) => [key, outcome.success]), [["a", true], ["taken", false], ["b", true]]);
    same(outcomes.get("taken").error instanceof StorageError && outcomes.get("taken").error.code, "ALREADY_EXISTS");
    same(steps, [[0, 3], [3, 3]]);
    same([...(await store.deleteMany(["a", "none"]))], [["a", true], ["none", false]]);
  },

  "of many that are written each for itself, what cannot be stored fails by itself": async ({ open, StorageError }) => {
    const store = await open();
    const entries = [{ key: "a", value: 1 }, { key: "b", value: () => 1 }, { key: true, value: 2 }, { key: "c", value: 3, ttl: -1 }, { key: "d", value: 4 }];
    const outcomes = await store.setMany(entries, { atomic: false });
    same([...outcomes].map(([key, { success, error }]) => [key, success || (error instanceof StorageError && error.code)]), [["a", true], ["b", "INVALID_VALUE"], [true, "INVALID_KEY"], ["c", "INVALID_CONFIG"], ["d", true]]);
    same(await store.keys(), ["a", "d"]);
    for (const entry of entries.slice(1, 4)) {
      await refused(StorageError, () => store.setMany([{ key: "e", value: 5 }, entry]), outcomes.get(entry.key).error.code);
    }
    same(await store.keys(), ["a", "d"]);
  },

  "an iterable that can be read but once is read but once": async ({ open }) => {
    const store = await open(notes);
    const collection = store.collection("notes");
    const once = function* (...items) { yield* items; };
    await store.setMany(once({ key: "a", value: 1 }, { key: "b", value: 2 }));
    await collection.putMany(once({ id: "1" }, { id: "2" }));
    same([...(await store.getMany(once("a", "none", "b")))], [["a", 1], ["b", 2]]);
    same([...(await collection.getMany(new Set(["2"])))], [["2", { id: "2" }]]);
    same([...(await store.deleteMany(once("a", "none")))], [["a", true], ["none", false]]);
    same([...(await collection.deleteMany(once("1")))], [["1", true]]);
    same([await store.keys(), await collection.keys()], [["b"], ["2"]]);
  },

  "500 writes at once are all stored": async ({ open }) => {
    const store = await open();
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.set(n, { n })));
    same(await store.count(), 500);
    same([...(await store.getMany([499, 0, "no"]))], [[499, { n: 499 }], [0, { n: 0 }]]);
  },

  "no update is lost among fifty at once": async ({ open }) => {
    const store = await open(notes);
    const collection = store.collection("notes");
    await collection.put({ id: "1", count: 0 });
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 10 }, () => collection.update("1", (note) => ({ ...note, count: note.count + 1 }))));
    }
    same((await collection.get("1")).count, 50);
  },

  "an update of what is not there is NOT_FOUND, and what its function throws comes back": async ({ open, StorageError }) => {
    const collection = (await open(notes)).collection("notes");
    await refused(StorageError, () => collection.update("none", { a: 1 }), "NOT_FOUND");
    await collection.put({ id: "1" });
    const mine = new RangeError("mine");
    same(await collection.update("1", () => { throw mine; }).catch((error) => error === mine), true);
    await refused(StorageError, () => collection.update("1", async (note) => note), "INVALID_VALUE");
    await refused(StorageError, () => collection.update("1", (note) => ({ ...note, id: "2" })), "INVALID_KEY");
    same(await collection.get("1"), { id: "1" });
  },

  "a record without its key, or with another, is INVALID_KEY": async ({ open, StorageError }) => {
    const store = await open(notes);
    const collection = store.collection("notes");
    for (const record of [{}, { id: null }, { id: {} }, null, "text", 5]) {
      await refused(StorageError, () => collection.put(record), "INVALID_KEY");
    }
    await refused(StorageError, () => store.set("a", { id: "b" }, { namespace: "notes" }), "INVALID_KEY");
    await refused(StorageError, () => store.namespace("free").put({ id: 1 }), "INVALID_KEY");
  },

  "the property that the system keeps is not the application's": async ({ open, StorageError }) => {
    const collection = (await open(notes)).collection("notes");
    await refused(StorageError, () => collection.put({ id: "1", _tidekeep: {} }), "INVALID_VALUE");
  },

  "indexes serve equality, ranges, prefixes, elements and pairs": async ({ open, StorageError }) => {
    const collection = (await open(notes)).collection("notes");
    await collection.putMany([
      { id: "1", place: "Lisbon", rank: 2, tags: ["sea", "hills"], slug: "a" },
      { id: "2", place: "Lima", rank: 1, tags: ["sea"], slug: "b" },
      { id: "3", place: "Oslo", rank: 3, tags: [] },
    ]);
    const asked = {
      place: [{ field: "place", operator: "startsWith", value: "Li" }, ["2", "1"]],
      tags: [{ field: "tags", operator: "contains", value: "sea" }, ["1", "2"]],
      slug: [{ field: "slug", operator: "eq", value: "b" }, ["2"]],
      "[place+rank]": [[{ field: "place", operator: "eq", value: "Lisbon" }, { field: "rank", operator: "gte", value: 2 }], ["1"]],
    };
    for (const [index, [filter, ids]] of Object.entries(asked)) {
      same((await collection.query(filter)).map((row) => row.key), ids, index);
      const plan = await collection.explain(filter);
      same([plan.index, plan.residual, plan.rowsRead], [index, [], ids.length], index);
    }
    const scan = await collection.explain({ field: "rank", operator: "gt", value: 1 });
    same([scan.index, scan.residual.length, scan.rowsRead], [null, 1, 3]);
    const page = await collection.query([], { sort: { field: "rank", order: "desc" }, offset: 1, limit: 1 });
    same(page.map((row) => row.value.place), ["Lisbon"]);
    const taken = await refused(StorageError, () => collection.put({ id: "9", slug: "a" }), "ALREADY_EXISTS");
    same(taken.operation, "put");
    same([await collection.count(), await collection.count({ field: "rank", operator: "lt", value: 3 })], [3, 2]);
  },

  "lists know prefixes and patterns, limits and offsets": async ({ open }) => {
    const store = await open();
    for (const key of ["user:1", "user:2", "team:1", "a.b", "axb", "é1"]) await store.set(key, { of: key }, { namespace: "ns", tags: [key] });
    const keys = (options) => store.keys({ namespace: "ns", ...options });
    same(await keys({ prefix: "user:" }), ["user:1", "user:2"]);
    same(await keys({ pattern: "*:1" }), ["team:1", "user:1"]);
    same(await keys({ pattern: "a.b" }), ["a.b"]);
    same(await keys({ pattern: "a?b", limit: 1 }), ["a.b"]);
    same(await keys({ offset: 4 }), ["user:2", "é1"]);
    same(await keys({ limit: 0 }), []);
    const [item] = await store.list({ namespace: "ns", prefix: "team" });
    same([item.key, item.tags, item.version, item.encrypted, "value" in item], ["team:1", ["team:1"], 1, false, false]);
  },

  "namespaces are made, listed, refused and deleted": async ({ open, StorageError }) => {
    const store = await open(notes);
    await store.set("k", 1, { namespace: "drafts" });
    await store.createNamespace("empty", { metadata: { why: "later" } });
    same(await store.listNamespaces(), ["default", "drafts", "empty", "notes"]);
    const listed = await store.listNamespaces({ includeMetadata: true });
    same(listed.find(({ name }) => name === "empty"), { name: "empty", metadata: { why: "later" } });
    await refused(StorageError, () => store.createNamespace("drafts"), "ALREADY_EXISTS");
    await refused(StorageError, () => store.createNamespace("notes"), "ALREADY_EXISTS");
    await refused(StorageError, () => store.deleteNamespace("drafts"), "NOT_EMPTY");
    await refused(StorageError, () => store.deleteNamespace("none"), "NOT_FOUND");
    await refused(StorageError, () => store.deleteNamespace("default"), "INVALID_NAMESPACE");
    await store.deleteNamespace("drafts", { recursive: true });
    await store.deleteNamespace("empty");
    same(await store.listNamespaces(), ["default", "notes"]);
    for (const name of ["", " ", "a/b", "a:b", "a*", "credentials"]) {
      await refused(StorageError, () => store.set("k", 1, { namespace: name }), "INVALID_NAMESPACE");
      await refused(StorageError, async () => store.collection(name), "INVALID_NAMESPACE");
    }
  },

  "no options, none at all and empty ones are the same": async ({ open }) => {
    const store = await open(notes);
    const collection = store.collection("notes");
    for (const options of [[], [undefined], [{}]]) {
      const calls = [store.set("k", 1, ...options), store.get("k", ...options), store.has("k", ...options), store.getMany(["k"], ...options),
        store.setMany([{ key: "m", value: 1 }], ...options), store.keys(...options), store.list(...options), store.query([], ...options),
        store.count(...options), store.getMetadata("k", ...options), store.setMetadata("k", {}, ...options), store.deleteMany(["m"], ...options),
        store.delete("none", ...options), store.listNamespaces(...options), collection.put({ id: "1" }, ...options), collection.all(...options),
        collection.putMany([{ id: "2" }], ...options), collection.keys(...options), collection.list(...options), collection.query([], ...options),
        collection.explain([], ...options), store.clear(...options)];
      for (const call of calls) same(call instanceof Promise, true, "a promise");
      await Promise.all(calls);
    }
  },

  "clearing leaves the secrets, unless they are asked for": async ({ open }) => {
    const store = await open(notes);
    await store.credentials.unlock({ passphrase: "p" });
    await store.credentials.set("maps", "k");
    await store.collection("notes").put({ id: "1" });
    await store.set("k", 1, { namespace: "drafts" });
    await store.clear();
    same([await store.collection("notes").count(), await store.count({ namespace: "drafts" }), await store.credentials.get("maps")], [0, 0, "k"]);
    await store.clear({ includeCredentials: true });
    same(await store.credentials.has("maps"), false);
  },

  "a change is told, a listener that throws stops nothing, and one that is taken off hears no more": async ({ open }) => {
    const store = await open(notes);
    const heard = [];
    const errors = quiet();
    store.on("change", () => { throw new Error("a listener's own failure"); });
    const stop = store.on("change", ({ collection, key, type, source }) => heard.push([collection, key, type, source]));
    await store.collection("notes").put({ id: "1" });
    await store.delete("none");
    await store.collection("notes").delete("1");
    await store.clear({ namespace: "notes" });
    stop();
    stop();
    await store.set("k", 1);
    errors.restore();
    same(heard, [["notes", "1", "put", "local"], ["notes", "1", "delete", "local"], ["notes", [], "clear", "local"]]);
  },

  "a wrong option, query or event is told by name": async ({ open, StorageError, createStorage }) => {
    const store = await open(notes);
    const collection = store.collection("notes");
    const calls = {
      INVALID_CONFIG: [
        () => createStorage({ nmae: "x" }), () => createStorage({ type: "memory", platform: "auto" }), () => createStorage(5),
        () => createStorage({ type: "memory", collections: { a: { indexs: ["x"] } } }),
        () => createStorage({ type: "memory", collections: { a: { indexes: ["a b"] } } }),
        () => createStorage({ type: "memory", collections: { a: { encrypted: true, indexes: ["x"] } } }),
        () => createStorage({ type: "memory", durability: "eternal" }), () => createStorage({ type: "memory", capacity: -1 }),
        () => createStorage({ type: "memory", sync: {} }), () => createStorage({ type: "memory", sync: { endpoint: "nonsense" } }),
        () => createStorage({ type: "cloud" }), () => createStorage({ fallbacks: ["memory"] }),
        () => store.set("k", 1, { ttll: 5 }), () => store.set("k", 1, { ttl: -1 }), () => store.set("k", 1, { expiration: "soon" }),
        () => store.set("k", 1, { tags: "x" }), () => store.set("k", 1, { metadata: 5 }), () => store.set("k", 1, 5),
        () => store.set("k", 1, { overwrite: false, ifVersion: 1 }), () => store.keys({ limit: 1.5 }), () => store.keys({ offset: -1 }),
        () => collection.query([], { limit: "many" }), async () => store.on("nothing", () => {}), () => collection.keys({ namespace: "x" }),
      ],
      INVALID_QUERY: [
        () => collection.query({ field: "a", operator: "like", value: 1 }), () => collection.query({ field: "", operator: "eq", value: 1 }),
        () => collection.query("text"), () => collection.query({ field: "a" }), () => collection.query({ and: [], or: [] }),
        () => collection.query({ field: "a", operator: "gt", value: null }), () => collection.query({ field: "a", operator: "in", value: 1 }),
        () => collection.query([], { sort: "a" }), () => collection.query([], { sort: { field: "a", order: "up" } }),
        () => { const loop = { and: [] }; loop.and.push(loop); return collection.query(loop); },
      ],
      INVALID_NAMESPACE: [() => createStorage({ type: "memory", collections: { "a:b": {} } }), () => createStorage({ type: "memory", collections: { credentials: {} } })],
      UNSUPPORTED: [() => createStorage({ type: "filesystem" }), () => store.sync.run(), () => store.sync.status()],
      NOT_FOUND: [() => store.get("none", { required: true }), () => store.setMetadata("none", {})],
    };
    for (const [code, list] of Object.entries(calls)) {
      for (const call of list) {
        await refused(StorageError, call, code).catch((error) => {
          throw new Error(`${call}: ${error.message}`);
        });
      }
    }
  },
};
