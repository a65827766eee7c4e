/** RxDB over its free storage for browsers, which is Dexie. */

import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";

export const title = "RxDB (Dexie storage)";
export const modules = ["rxdb"];

/** Numbers under an index need bounds. */
const whole = (maximum) => ({ type: "number", minimum: 0, maximum, multipleOf: 1 });
const schema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 24 },
    created: whole(10_000_000),
    group: whole(1_000),
    name: { type: "string", maxLength: 64 },
    done: { type: "boolean" },
    body: { type: "string" },
  },
  required: ["id", "created", "group", "name", "done", "body"],
  indexes: ["created", "name", ["group", "created"]],
};

export async function open(name) {
  // RxDB takes no other characters in the name of a database.
  const database = await createRxDatabase({ name: name.replaceAll(":", "-"), storage: getRxStorageDexie(), multiInstance: false, eventReduce: true });
  const { documents: collection } = await database.addCollections({ documents: { schema } });
  const rows = (found) => found.map((document) => document.toJSON());
  const find = async (query) => rows(await collection.find(query).exec());
  const done = async (work) => {
    const { error } = await work;
    if (error.length > 0) {
      throw new Error(JSON.stringify(error[0]));
    }
  };

  return {
    put: (document) => collection.upsert(document),
    putMany: (documents) => done(collection.bulkUpsert(documents)),
    get: async (id) => (await collection.findOne(id).exec())?.toJSON(),
    getMany: async (ids) => {
      const found = await collection.findByIds(ids).exec();
      return ids.map((id) => found.get(id)?.toJSON());
    },
    between: (low, high) => find({ selector: { created: { $gte: low, $lte: high } }, sort: [{ created: "asc" }] }),
    ofGroup: (group, limit) => find({ selector: { group }, sort: [{ created: "asc" }], index: ["group", "created"], limit }),
    pages: (size) => {
      let after = -1;
      return async () => {
        const rows = await find({ selector: { created: { $gt: after } }, sort: [{ created: "asc" }], limit: size });
        after = rows.at(-1)?.created;
        return rows;
      };
    },
    count: (low, high) => collection.count({ selector: { created: { $gte: low, $lte: high } } }).exec(),
    scan: (wanted) => find({ selector: { done: true, body: { $regex: wanted } } }),
    all: () => find({}),
    update: async (id, change) => (await collection.findOne(id).exec()).incrementalPatch(change),
    deleteMany: (ids) => done(collection.bulkRemove(ids)),
    watch: (low, high, told) => {
      const query = collection.find({ selector: { created: { $gte: low, $lte: high } } });
      const subscription = query.$.subscribe(told);
      return () => subscription.unsubscribe();
    },
    close: () => database.close(),
  };
}
