/** Dexie, with relaxed durability as its documentation advises for speed. */

import Dexie, { liveQuery } from "dexie";

export const title = "Dexie";
export const modules = ["dexie"];

export async function open(name) {
  const database = new Dexie(name, { chromeTransactionDurability: "relaxed" });
  database.version(1).stores({ documents: "id, created, name, [group+created]" });
  await database.open();
  const table = database.table("documents");

  return {
    put: (document) => table.put(document),
    putMany: (documents) => table.bulkPut(documents),
    get: (id) => table.get(id),
    getMany: (ids) => table.bulkGet(ids),
    between: (low, high) => table.where("created").between(low, high, true, true).toArray(),
    ofGroup: (group, limit) =>
      table.where("[group+created]").between([group, Dexie.minKey], [group, Dexie.maxKey]).limit(limit).toArray(),
    pages: (size) => {
      let after = -1;
      return async () => {
        const rows = await table.where("created").above(after).limit(size).toArray();
        after = rows.at(-1)?.created;
        return rows;
      };
    },
    count: (low, high) => table.where("created").between(low, high, true, true).count(),
    scan: (wanted) => table.filter(({ done, body }) => done && body.includes(wanted)).toArray(),
    all: () => table.toArray(),
    update: (id, change) => table.update(id, change),
    deleteMany: (ids) => table.bulkDelete(ids),
    watch: (low, high, told) => {
      const query = liveQuery(() => table.where("created").between(low, high, true, true).toArray());
      const subscription = query.subscribe(told);
      return () => subscription.unsubscribe();
    },
    close: async () => database.close(),
  };
}
