/** idb: promises around IndexedDB, used as its documentation shows. */

import { openDB } from "idb";

export const title = "idb";
export const modules = ["idb"];

export async function open(name) {
  const database = await openDB(name, 1, {
    upgrade(database) {
      const store = database.createObjectStore("documents", { keyPath: "id" });
      store.createIndex("created", "created");
      store.createIndex("name", "name");
      store.createIndex("group", ["group", "created"]);
    },
  });
  const write = async (work) => {
    const transaction = database.transaction("documents", "readwrite", { durability: "relaxed" });
    await Promise.all([...work(transaction.store), transaction.done]);
  };
  const page = (size, after) => {
    const range = after === undefined ? undefined : IDBKeyRange.lowerBound(after, true);
    return database.getAllFromIndex("documents", "created", range, size);
  };

  return {
    put: (document) => write((store) => [store.put(document)]),
    putMany: (documents) => write((store) => documents.map((document) => store.put(document))),
    get: (id) => database.get("documents", id),
    getMany: (ids) => {
      const { store } = database.transaction("documents");
      return Promise.all(ids.map((id) => store.get(id)));
    },
    between: (low, high) => database.getAllFromIndex("documents", "created", IDBKeyRange.bound(low, high)),
    ofGroup: (group, limit) =>
      database.getAllFromIndex("documents", "group", IDBKeyRange.bound([group], [group, []]), limit),
    pages: (size) => {
      let after;
      return async () => {
        const rows = await page(size, after);
        after = rows.at(-1)?.created;
        return rows;
      };
    },
    count: (low, high) => database.countFromIndex("documents", "created", IDBKeyRange.bound(low, high)),
    scan: async (wanted) =>
      (await database.getAll("documents")).filter(({ done, body }) => done && body.includes(wanted)),
    all: () => database.getAll("documents"),
    update: async (id, change) => {
      const { store, done } = database.transaction("documents", "readwrite", { durability: "relaxed" });
      await store.put({ ...(await store.get(id)), ...change });
      await done;
    },
    deleteMany: (ids) => write((store) => ids.map((id) => store.delete(id))),
    close: async () => database.close(),
  };
}
