import { refused, same, until } from "./check.js";

export const cases = {
  "what was written is there when the store is opened again": async ({ open, reopen, type }) => {
    const options = { collections: { notes: { keyPath: "id", indexes: ["n"] } } };
    const store = await open(options);
    await store.collection("notes").put({ id: "1", n: 1 });
    await store.set("k", "v");
    await store.close();
    const again = await reopen(options);
    same([await again.collection("notes").get("1"), await again.get("k")], type === "memory" ? [undefined, undefined] : [{ id: "1", n: 1 }, "v"]);
    const { schemaVersion } = again.getInfo();
    await again.close();
    same((await reopen(options)).getInfo().schemaVersion, schemaVersion, "the version, where nothing changed");
  },

  "a closed store refuses every call with CLOSED, and calls in flight end": async ({ open, StorageError }) => {
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    const flying = Promise.allSettled(Array.from({ length: 20 }, (_, n) => store.set(n, n)));
    await store.close();
    for (const { status, reason } of await flying) same(status === "fulfilled" || reason.code === "CLOSED", true);
    await store.close();
    const calls = [() => store.get("k"), () => store.set("k", 1), () => store.keys(), () => store.getStatus(), () => store.count(),
      () => store.collection("notes").all(), () => store.listNamespaces(), () => store.credentials.list(), () => store.clear()];
    for (const call of calls) await refused(StorageError, call, "CLOSED");
  },

  "a store can be disposed of by its block, where the language knows how": async ({ open, StorageError }) => {
    if (typeof Symbol.asyncDispose !== "symbol") return;
    const store = await open();
    await store[Symbol.asyncDispose]();
    await refused(StorageError, () => store.get("k"), "CLOSED");
  },

  "destroying leaves nothing, and the name is free again": async ({ open, reopen }) => {
    const store = await open();
    await store.set("k", 1);
    await store.destroy();
    same(await (await reopen()).get("k"), undefined);
  },

  "status is measured": async ({ open, type }) => {
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    await store.set("a", 1);
    await store.collection("notes").put({ id: "1" });
    const status = await store.getStatus();
    same([status.healthy, status.size, status.namespaces, status.pending], [true, 2, 2, 0]);
    same(status.capacity, type === "memory" ? 10_000 : undefined);
    const info = store.getInfo();
    same([info.type, info.persistent], [type, type === "indexeddb"]);
    same(store.getCapabilities().query, true);
  },

  "declared collections are object stores with their names, keyPaths and indexes": async ({ open, raw, type }) => {
    if (type === "memory") return;
    const store = await open({
      collections: {
        blueprints: { keyPath: "id", indexes: ["name", "created", "*tags", "author"] },
        metadata: { keyPath: "path", indexes: ["type", { name: "changed", keyPath: "modified", unique: true }] },
        pairs: { keyPath: ["a", "b.c"], indexes: ["[x+y.z]"] },
      },
    });
    await store.collection("pairs").put({ a: 1, b: { c: "2" } });
    same(await store.collection("pairs").keys(), [[1, "2"]]);
    await store.close();
    const database = await raw();
    const shape = (name) => {
      const target = database.transaction(name).objectStore(name);
      const indexes = [...target.indexNames].filter((index) => !index.startsWith("tidekeep:")).map((index) => target.index(index));
      return [target.keyPath, indexes.map(({ name, keyPath, multiEntry, unique }) => [name, keyPath, multiEntry, unique])];
    };
    const found = ["blueprints", "credentials", "metadata", "pairs"].map(shape);
    database.close();
    same(found, [
      ["id", [["author", "author", false, false], ["created", "created", false, false], ["name", "name", false, false], ["tags", "tags", true, false]]],
      ["service", []],
      ["path", [["changed", "modified", false, true], ["type", "type", false, false]]],
      [["a", "b.c"], [["[x+y.z]", ["x", "y.z"], false, false]]],
    ]);
  },

  "the cloud backend is IndexedDB with an endpoint, and works without a network": async ({ createStorage, name, type }) => {
    if (type === "memory") return;
    const sync = { endpoint: "http://127.0.0.1:1/v1/nowhere", enabled: false };
    const store = await createStorage({ name: name(), type: "cloud", collections: { notes: { keyPath: "id" } }, sync });
    await store.collection("notes").put({ id: "1" });
    same([store.getInfo().type, store.getInfo().persistent, store.getCapabilities().sync], ["cloud", true, true]);
    const [entry] = await store.sync.pending();
    same([entry.collection, entry.key, entry.state, (await store.sync.status()).pending], ["notes", "1", "waiting", 1]);
    await store.close();
  },

  "a full memory store is QUOTA_EXCEEDED, and keeps what it has": async ({ createStorage, StorageError }) => {
    const store = await createStorage({ type: "memory", capacity: 2 });
    await store.setMany([{ key: 1, value: 1 }, { key: 2, value: 2 }]);
    await refused(StorageError, () => store.set(3, 3), "QUOTA_EXCEEDED");
    await store.set(2, "changed");
    await store.delete(1);
    await store.set(3, 3);
    same(await store.keys(), [2, 3]);
  },

  "a new collection and a new index hold what was there": async ({ open, reopen, type }) => {
    if (type === "memory") return;
    const old = await open({ collections: { notes: { keyPath: "id" } } });
    await old.collection("notes").putMany([{ id: "1", place: "b" }, { id: "2", place: "a" }]);
    const wider = await reopen({ collections: { notes: { keyPath: "id", indexes: ["place"] }, more: { keyPath: "id" } } });
    const filter = { field: "place", operator: "gte", value: "a" };
    same((await wider.collection("notes").query(filter)).map((row) => row.key), ["2", "1"]);
    same((await wider.collection("notes").explain(filter)).index, "place");
    // The old one let go for the upgrade, and comes back at its next call.
    await old.collection("notes").put({ id: "3", place: "c" });
    await wider.collection("more").put({ id: "1" });
    same([await wider.collection("notes").count(), await old.collection("notes").count()], [3, 3]);
    const narrow = await reopen({ collections: { notes: { keyPath: "id" } } });
    same(await narrow.collection("notes").count(), 3);
    await narrow.close();
    same(await wider.collection("more").count(), 1, "what an older application does not declare");
  },

  "a database of a newer layout is VERSION_ERROR, even where memory could serve, and stays as it is": async ({ raw, reopen, name, createStorage, type, StorageError }) => {
    if (type === "memory") return;
    (await raw(2_000_001, (database) => database.createObjectStore("future"))).close();
    await refused(StorageError, () => reopen(), "VERSION_ERROR");
    await refused(StorageError, () => createStorage({ name: name() }), "VERSION_ERROR");
    const database = await raw();
    same([database.version, [...database.objectStoreNames]], [2_000_001, ["future"]]);
    database.close();
  },

  "object stores of others in the same database stay": async ({ raw, reopen, type }) => {
    if (type === "memory") return;
    const theirs = await raw(3, (database) => database.createObjectStore("theirs").put("value", "key"));
    theirs.close();
    const store = await reopen({ collections: { notes: { keyPath: "id" } } });
    await store.collection("notes").put({ id: "1" });
    await store.close();
    const database = await raw();
    const value = await new Promise((resolve) => {
      const request = database.transaction("theirs").objectStore("theirs").get("key");
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    same(value, "value");
  },

  "where IndexedDB cannot be opened, auto serves from memory and says so; a named type does not": async ({ createStorage, StorageError, withIndexedDB }) => {
    const broken = {
      "that is not there": undefined,
      "that throws": { open() { throw new DOMException("denied", "SecurityError"); } },
      "that fails": { open: () => failing(new DOMException("Internal error opening backing store for indexedDB.open.", "UnknownError")) },
      "whose errors are null": { open: () => failing(null) },
    };
    for (const [how, fake] of Object.entries(broken)) {
      await withIndexedDB(fake, async () => {
        const store = await createStorage({ name: "never" });
        const told = [];
        store.on("degraded", (event) => told.push(event));
        await until(() => told.length === 1, `the event for an IndexedDB ${how}`);
        same([told[0].from, told[0].to, told[0].cause instanceof StorageError], ["indexeddb", "memory", true], how);
        same([store.getInfo().persistent, (await store.set("k", 1)).durability], [false, "memory"], how);
        const error = await createStorage({ name: "never", type: "indexeddb" }).catch((thrown) => thrown);
        same(error instanceof StorageError && ["UNSUPPORTED", "CONNECTION_LOST"].includes(error.code), true, how);
      });
    }
  },

  "an open that never settles is TIMEOUT after five seconds": async ({ createStorage, StorageError, withIndexedDB }) => {
    await withIndexedDB({ open: () => new EventTarget() }, () =>
      refused(StorageError, () => createStorage({ name: "never", type: "indexeddb" }), "TIMEOUT"));
  },
};

/** A request that fails in its own time. */
function failing(error) {
  const request = { error, result: undefined, transaction: null };
  setTimeout(() => request.onerror?.({ preventDefault() {}, target: request }), 1);
  return request;
}
