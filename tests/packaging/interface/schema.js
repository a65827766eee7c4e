// What becomes of the rows when an application declares another schema than before.

import { refused, same, until } from "./check.js";

const settled = (request) =>
  new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));

/** A case that needs the object stores of IndexedDB. */
const stored = (check) => (tools) => (tools.type === "memory" ? undefined : check(tools));

/** What a database holds, row by row, to compare it with itself later. */
async function everything({ raw, rows }) {
  const database = await raw();
  const stores = [...database.objectStoreNames];
  const { version } = database;
  database.close();
  const held = {};
  // What a connection writes for itself comes and goes.
  for (const name of stores) if (!["tidekeep:sync", "tidekeep:commits"].includes(name)) held[name] = await rows(name);
  return { version, held };
}

export const cases = {
  "a namespace that is declared becomes a collection, with every entry, its metadata and its version": stored(async ({ open, reopen, rows }) => {
    const store = await open();
    await store.set("a", { id: "a", place: "x" }, { namespace: "notes", tags: ["t"], metadata: { m: 1 } });
    await store.set("a", { id: "a", place: "y" }, { namespace: "notes" });
    await store.setMany(Array.from({ length: 450 }, (_, n) => ({ key: `n${n}`, value: { id: `n${n}`, place: `p${n % 7}` } })), { namespace: "notes" });
    await store.set("b", 1, { namespace: "other" });
    await store.close();
    const wider = await reopen({ collections: { notes: { keyPath: "id", indexes: ["place"] } } });
    const notes = wider.collection("notes");
    same([await notes.count(), await notes.get("a")], [451, { id: "a", place: "y" }]);
    const { version, tags, metadata } = await wider.get("a", { namespace: "notes", includeMetadata: true });
    same([version, tags, metadata], [2, ["t"], { m: 1 }]);
    const filter = { field: "place", operator: "eq", value: "y" };
    same([(await notes.query(filter)).map(({ key }) => key), (await notes.explain(filter)).index], [["a"], "place"]);
    same((await rows("tidekeep:entries")).map(({ key }) => key), [["other", "b"]]);
  }),

  "a namespace whose values do not carry their keys cannot be declared with a keyPath, and stays as it was": stored(async (tools) => {
    const { open, reopen, StorageError } = tools;
    const store = await open({ collections: { more: { keyPath: "id" } } });
    for (const [key, value] of [["a", { id: "a" }], ["b", { id: "other" }], ["c", "text"], ["d", { id: null }], ["e", { id: "e", _tidekeep: 1 }]]) {
      await store.set(key, value, { namespace: "notes" });
    }
    await store.close();
    const before = await everything(tools);
    const error = await refused(StorageError, () => reopen({ collections: { notes: { keyPath: "id" }, new: { keyPath: "id" } } }), "INVALID_CONFIG");
    same([error.context.collection, error.context.key, error.context.records], ["notes", "b", "4"]);
    same(await everything(tools), before);
    const loose = await reopen({ collections: { notes: {} } });
    same((await loose.keys({ namespace: "notes" })), ["a", "b", "c", "d", "e"]);
    same(await loose.get("c", { namespace: "notes" }), "text");
  }),

  "a collection that is no longer declared is a namespace with all it had, to read, to write, to list and to delete": stored(async ({ open, reopen, StorageError }) => {
    const collections = { notes: { keyPath: "id", indexes: ["place"] }, loose: {} };
    const store = await open({ collections });
    await store.collection("notes").putMany([{ id: "1", place: "x" }, { id: "2", place: "y" }]);
    await store.set("k", "text", { namespace: "loose" });
    await store.close();
    const bare = await reopen();
    same(await bare.listNamespaces(), ["default", "loose", "notes"]);
    same([await bare.namespace("notes").get("1"), await bare.get("k", { namespace: "loose" })], [{ id: "1", place: "x" }, "text"]);
    await bare.set("3", { id: "3", place: "z" }, { namespace: "notes" });
    await bare.set("l", 2, { namespace: "loose" });
    await refused(StorageError, () => bare.set("4", { id: "5" }, { namespace: "notes" }), "INVALID_KEY");
    await refused(StorageError, () => bare.set("4", "text", { namespace: "notes" }), "INVALID_KEY");
    same(await bare.delete("2", { namespace: "notes" }), true);
    await refused(StorageError, () => bare.createNamespace("notes"), "ALREADY_EXISTS");
    await refused(StorageError, () => bare.deleteNamespace("loose"), "NOT_EMPTY");
    await bare.deleteNamespace("loose", { recursive: true });
    same(await bare.listNamespaces(), ["default", "notes"]);
    same([(await bare.getStatus()).size, await bare.count({ namespace: "loose" })], [2, 0]);
    await bare.close();
    const again = await reopen({ collections });
    same((await again.collection("notes").query({ field: "place", operator: "gte", value: "x" })).map(({ key }) => key), ["1", "3"]);
    await again.clear();
    same(await again.collection("notes").count(), 0);
  }),

  "another keyPath moves every record to its new key, with its indexes": stored(async ({ open, reopen }) => {
    const store = await open({ collections: { notes: { keyPath: "id", indexes: ["place"] } } });
    await store.collection("notes").putMany(Array.from({ length: 450 }, (_, n) => ({ id: n, slug: `s${n}`, place: n % 2 ? "odd" : "even" })));
    await store.set(7, { id: 7, slug: "seven", place: "odd" }, { namespace: "notes", tags: ["t"] });
    await store.close();
    const other = await reopen({ collections: { notes: { keyPath: "slug", indexes: ["place", "&id"] } } });
    const notes = other.collection("notes");
    same([await notes.count(), await notes.get("s3"), await notes.get(3)], [450, { id: 3, slug: "s3", place: "odd" }, undefined]);
    const { version, tags } = await other.get("seven", { namespace: "notes", includeMetadata: true });
    same([version, tags], [2, ["t"]]);
    same([await notes.count({ field: "place", operator: "eq", value: "odd" }), (await notes.query({ field: "id", operator: "eq", value: 9 })).map(({ key }) => key)], [225, ["s9"]]);
    await other.close();
    const pair = await reopen({ collections: { notes: { keyPath: ["place", "id"] } } });
    same(await pair.collection("notes").get(["even", 8]), { id: 8, slug: "s8", place: "even" });
    await pair.close();
    const free = await reopen({ collections: { notes: {} } });
    same(await free.get(["even", 8], { namespace: "notes" }), { id: 8, slug: "s8", place: "even" });
  }),

  "another keyPath that two records share, or that sealed or replicated records cannot follow, is refused, and everything stays": stored(async (tools) => {
    const { open, reopen, StorageError } = tools;
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    await store.collection("notes").putMany([{ id: "1", slug: "a" }, { id: "2", slug: "b" }, { id: "3", slug: "a" }]);
    await store.close();
    const before = await everything(tools);
    const twice = await refused(StorageError, () => reopen({ collections: { notes: { keyPath: "slug" } } }), "ALREADY_EXISTS");
    same([twice.context.collection, twice.context.key], ["notes", "3"]);
    const none = await refused(StorageError, () => reopen({ collections: { notes: { keyPath: "nothing" } } }), "INVALID_CONFIG");
    same([none.context.key, none.context.records], ["1", "3"]);
    same(await everything(tools), before);
    const sync = { endpoint: "http://127.0.0.1:1/v1/nowhere", enabled: false };
    const replicating = await reopen({ collections: { notes: { keyPath: "id" } }, sync });
    await replicating.collection("notes").deleteMany(["1", "2", "3"]);
    await replicating.close();
    const buried = await refused(StorageError, () => reopen({ collections: { notes: { keyPath: "slug" } } }), "INVALID_CONFIG");
    same(/replicate/.test(buried.message), true, buried.message);
  }),

  "a unique index over records that share a value is ALREADY_EXISTS, names the index, and changes nothing": stored(async (tools) => {
    const { open, reopen, StorageError } = tools;
    const before = { notes: { keyPath: "id", indexes: ["place"] } };
    const store = await open({ collections: before });
    await store.collection("notes").putMany([{ id: "1", place: "x", mail: "m" }, { id: "2", place: "y", mail: "m" }]);
    await store.close();
    const found = await everything(tools);
    const wanted = { notes: { keyPath: "id", indexes: ["&place", "&mail", "other"] }, more: { keyPath: "id" } };
    const error = await refused(StorageError, () => reopen({ collections: wanted }), "ALREADY_EXISTS");
    same([error.context.collection, error.context.index], ["notes", "mail"]);
    same(await everything(tools), found);
    const again = await reopen({ collections: before });
    await again.collection("notes").put({ id: "3", place: "x" });
    same(await again.collection("notes").count(), 3);
  }),

  "an index that is no longer declared goes on serving, and refuses nothing": stored(async ({ open, reopen, StorageError }) => {
    const unique = { notes: { keyPath: "id", indexes: ["&mail"] } };
    const store = await open({ collections: unique });
    await store.collection("notes").put({ id: "1", mail: "m" });
    const without = await reopen({ collections: { notes: { keyPath: "id" } } });
    await without.collection("notes").put({ id: "2", mail: "m" });
    // The first one came back to the schema of the other, and does not undo it.
    same((await store.collection("notes").query({ field: "mail", operator: "eq", value: "m" })).map(({ key }) => key), ["1", "2"]);
    const version = without.getInfo().schemaVersion;
    await store.collection("notes").put({ id: "3", mail: "m" });
    await without.collection("notes").put({ id: "4", mail: "m" });
    await without.close();
    const looked = await reopen({ collections: { notes: { keyPath: "id" } } });
    same(looked.getInfo().schemaVersion, version, "the version after both have written");
    await looked.close();
    await store.close();
    await refused(StorageError, () => reopen({ collections: unique }), "ALREADY_EXISTS");
  }),

  "an older version of the application that is open works on beside a newer one, whatever the newer changes": stored(async ({ open, reopen, StorageError }) => {
    const older = await open({ collections: { notes: { keyPath: "id", indexes: ["place"] }, moved: { keyPath: "id" } } });
    await older.set("k", { id: "k" }, { namespace: "drafts" });
    await older.collection("notes").put({ id: "1", place: "x" });
    await older.collection("moved").put({ id: "1", slug: "s" });
    const newer = await reopen({ collections: { notes: { keyPath: "id", indexes: ["*place", "author"] }, moved: { keyPath: "slug" }, drafts: { keyPath: "id" } } });
    await older.set("l", { id: "l" }, { namespace: "drafts" });
    await older.collection("notes").put({ id: "2", place: "y" });
    same([await newer.collection("drafts").count(), await newer.collection("notes").count(), await older.collection("notes").count()], [2, 2, 2]);
    // What the newer one changed cannot be served as the older one knows it, and says so.
    await refused(StorageError, () => older.collection("moved").put({ id: "2", slug: "t" }), "VERSION_ERROR");
    await refused(StorageError, () => older.collection("moved").get("1"), "VERSION_ERROR");
    same(await newer.collection("moved").all(), [{ id: "1", slug: "s" }]);
    await until(async () => (await older.getStatus()).healthy !== undefined, "the status of the older one");
  }),

  "opening twice at once with different schemas makes both": stored(async ({ open, reopen, raw }) => {
    const stores = await Promise.all([open({ collections: { a: { keyPath: "id" } } }), reopen({ collections: { b: { keyPath: "id" } } }), reopen({ collections: { c: { keyPath: "id", indexes: ["x"] } } })]);
    await Promise.all([stores[0].collection("a").put({ id: 1 }), stores[1].collection("b").put({ id: 1 }), stores[2].collection("c").put({ id: 1 })]);
    for (const store of stores) await store.close();
    const database = await raw();
    const counts = await Promise.all(["a", "b", "c"].map((name) => settled(database.transaction(name).objectStore(name).count())));
    database.close();
    same(counts, [1, 1, 1]);
  }),

  "a database that the first layout wrote is read in every part, and goes on": stored(async ({ golden: { database }, createStorage }) => {
    await replay(database);
    const collections = {
      notes: { keyPath: "id", indexes: ["place", "*labels", "&serial", "[place+serial]"] },
      pairs: { keyPath: ["a", "b.c"] },
      loose: {},
      vault: { keyPath: "id", encrypted: true },
    };
    const sync = { endpoint: "http://127.0.0.1:1/v1/nowhere", enabled: false, collections: ["notes", "vault", "credentials"] };
    const store = await createStorage({ name: database.name, type: "indexeddb", collections, sync });
    const notes = store.collection("notes");
    same(await notes.all(), [
      { id: "1", place: "Lisbon", labels: ["a", "b"], serial: 1, when: new Date(0), bytes: new Uint8Array([1, 2]) },
      { id: "2", place: "Porto", labels: ["b"], serial: 22 },
    ]);
    const { version, tags, metadata } = await store.get("2", { namespace: "notes", includeMetadata: true });
    same([version, tags, metadata], [2, ["t"], { m: 1 }]);
    same((await notes.query({ field: "labels", operator: "contains", value: "b" })).map(({ key }) => key), ["1", "2"]);
    same(await store.collection("pairs").get([1, "two"]), { a: 1, b: { c: "two" } });
    same([await store.get(new Date(5), { namespace: "loose" }), await store.get([1, "x"], { namespace: "loose" })], ["text", { plain: true }]);
    same([await store.get("theme"), await store.get("k", { namespace: "drafts" })], ["dark", { deep: [1, null] }]);
    await store.credentials.unlock({ passphrase: "correct horse battery staple" });
    same([await store.credentials.get("service"), await store.collection("vault").get("v")], ["a secret", { id: "v", secret: "sealed" }]);
    same((await store.listNamespaces({ includeMetadata: true })).find(({ name }) => name === "made").metadata, { m: 2 });
    same((await store.sync.pending()).map(({ collection, key }) => `${collection} ${key}`).filter((name) => name.startsWith("notes")).sort(), ["notes 1", "notes 2", "notes 3"]);
    same((await notes.put({ id: "2", place: "Faro", labels: [], serial: 2 })).version, 3);
    await store.destroy();
  }),

  "encryption that is switched on or off leaves every record readable": stored(async ({ open, reopen, rows, StorageError }) => {
    const passphrase = "correct horse battery staple";
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    await store.collection("notes").put({ id: "a", text: "clear" });
    await store.close();
    const sealing = await reopen({ collections: { notes: { keyPath: "id", encrypted: true } } });
    await sealing.credentials.unlock({ passphrase });
    await sealing.collection("notes").put({ id: "b", text: "sealed" });
    same(await sealing.collection("notes").all(), [{ id: "a", text: "clear" }, { id: "b", text: "sealed" }]);
    await sealing.collection("notes").update("a", { text: "now sealed" });
    await sealing.close();
    same((await rows("notes")).map(({ row }) => ["text" in row, "sealed" in row._tidekeep]), [[false, true], [false, true]]);
    const clear = await reopen({ collections: { notes: { keyPath: "id" } } });
    await refused(StorageError, () => clear.collection("notes").get("b"), "LOCKED");
    await clear.credentials.unlock({ passphrase });
    same(await clear.collection("notes").all(), [{ id: "a", text: "now sealed" }, { id: "b", text: "sealed" }]);
    await clear.collection("notes").update("b", { text: "sealed still" });
    clear.credentials.lock();
    await refused(StorageError, () => clear.collection("notes").get("b"), "LOCKED");
    await clear.collection("notes").put({ id: "b", text: "clear again" }, { encrypt: false });
    same(await clear.collection("notes").get("b"), { id: "b", text: "clear again" });
  }),
};

/** Makes a database as it was written, by IndexedDB alone. */
async function replay({ name, version, stores }) {
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const decode = (value) => {
    if (Array.isArray(value)) return value.map(decode);
    if (value === null || typeof value !== "object") return value;
    if ("$date" in value) return new Date(value.$date);
    if ("$bytes" in value) return bytes(value.$bytes);
    if ("$buffer" in value) return bytes(value.$buffer).buffer;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, decode(inner)]));
  };
  await settled(indexedDB.deleteDatabase(name));
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => {
    for (const { name, keyPath, autoIncrement, indexes, rows } of stores) {
      const store = request.result.createObjectStore(name, { keyPath, autoIncrement });
      for (const { name, keyPath, unique, multiEntry } of indexes) store.createIndex(name, keyPath, { unique, multiEntry });
      for (const { key, row } of rows) store.put(decode(row), ...(keyPath === null ? [decode(key)] : []));
    }
  };
  (await settled(request)).close();
}
