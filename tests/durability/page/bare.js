// Bare IndexedDB behind the calls that a lane makes: the comparator. Whatever is lost here too, the engine has lost.

const DURABILITY = { "bare-relaxed": "relaxed", "bare-strict": "strict" };

/** Whether a way of writing is by bare IndexedDB. */
export const isBare = (way) => way in DURABILITY;

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

async function database(way) {
  const request = indexedDB.open(way, 1);
  request.onupgradeneeded = () => {
    const notes = request.result.createObjectStore("notes", { keyPath: "id" });
    notes.createIndex("place", "place");
    notes.createIndex("tags", "tags", { multiEntry: true });
    notes.createIndex("slug", "slug", { unique: true });
    notes.createIndex("[place+rank]", ["place", "rank"]);
    request.result.createObjectStore("entries", { keyPath: "key" });
  };
  return settled(request);
}

/** Opens the database of a way of writing. */
export async function openBare(way) {
  const opened = await database(way);
  const durability = DURABILITY[way];
  /** Changes one object store in one transaction, and waits for its end. */
  const change = (name, work) =>
    new Promise((resolve, reject) => {
      const transaction = opened.transaction(name, "readwrite", { durability });
      transaction.oncomplete = () => resolve({ durability });
      transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore(name));
    });
  /** Changes the row of each key by what is there. */
  const renew = (name, keys, renewed) =>
    change(name, (store) => {
      for (const key of keys) {
        store.get(key).onsuccess = ({ target: { result } }) => {
          const row = renewed(key, result);
          if (row) store.put(row);
        };
      }
    });
  const remove = (name, keys) => change(name, (store) => keys.forEach((key) => store.delete(key)));
  const put = (records) => change("notes", (store) => records.forEach((record) => store.put(record)));
  const setMany = (entries) => {
    const byKey = new Map(entries.map((entry) => [entry.key, entry]));
    return renew("entries", [...byKey.keys()], (key, before = { tags: [], metadata: {} }) => {
      const { value, tags = before.tags } = byKey.get(key);
      return { key, value, tags, metadata: before.metadata };
    });
  };
  const all = (name) => settled(opened.transaction(name).objectStore(name).getAll());
  const several = async (done) => new Map([["", await done]]);
  return {
    collection: () => ({
      put: (record) => put([record]),
      putMany: (records) => several(put(records)),
      update: (id, fields) => renew("notes", [id], (_, before) => before && { ...before, ...fields }),
      delete: (id) => remove("notes", [id]),
      deleteMany: (ids) => remove("notes", ids),
      all: () => all("notes"),
    }),
    set: (key, value) => setMany([{ key, value }]),
    setMany: (entries) => several(setMany(entries)),
    setMetadata: (key, metadata) =>
      renew("entries", [key], (_, before) => before && { ...before, metadata: { ...before.metadata, ...metadata } }),
    delete: (key) => remove("entries", [key]),
    entries: async () => new Map((await all("entries")).map(({ key, ...rest }) => [key, rest])),
    close: () => opened.close(),
  };
}

/** Writes a record as strict, if it has a number; gives how many there are. */
export async function bare(at) {
  const store = await openBare("bare-strict");
  if (at !== undefined) await store.set(`${at}`, "x".repeat(500));
  const { size } = await store.entries();
  store.close();
  return size;
}

/** Has two transactions write to an object store each, and neither end. */
export async function bareBoth() {
  const opened = await database("bare-strict");
  const writing = (name) =>
    new Promise((resolve) => {
      const store = opened.transaction(name, "readwrite").objectStore(name);
      const write = (at) => {
        store.put({ id: "both", key: "both", at }).onsuccess = () => write(at + 1);
        if (at === 50) resolve();
      };
      write(0);
    });
  await Promise.all(["notes", "entries"].map(writing));
}
