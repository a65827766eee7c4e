/** PouchDB over IndexedDB, its indexes by pouchdb-find: an index is brought up to date by the query that uses it. */

import PouchDB from "pouchdb-browser";
import find from "pouchdb-find";

PouchDB.plugin(find);

export const title = "PouchDB";
export const modules = ["pouchdb-browser", "pouchdb-find"];

/** Above the numbers and texts in CouchDB's order. */
const LAST = {};

export async function open(name) {
  const database = new PouchDB(name, { auto_compaction: true });
  await database.createIndex({ index: { fields: ["created"], ddoc: "created", name: "created" } });
  await database.createIndex({ index: { fields: ["name"], ddoc: "name", name: "name" } });
  await database.createIndex({ index: { fields: ["group", "created"], ddoc: "group", name: "group" } });
  const stored = ({ id, ...rest }) => ({ _id: id, ...rest });
  const loaded = ({ _id, _rev, ...rest }) => ({ id: _id, ...rest });
  const rows = async (query) => (await database.find(query)).docs.map(loaded);
  const sent = async (documents) => {
    const refused = (await database.bulkDocs(documents)).find(({ error }) => error);
    if (refused) {
      throw new Error(refused.message);
    }
  };

  return {
    put: (document) => database.put(stored(document)),
    putMany: (documents) => sent(documents.map(stored)),
    get: async (id) => loaded(await database.get(id)),
    getMany: async (ids) => (await database.allDocs({ keys: ids, include_docs: true })).rows.map(({ doc }) => loaded(doc)),
    between: (low, high) =>
      rows({ selector: { created: { $gte: low, $lte: high } }, sort: ["created"], use_index: "created", limit: 1e9 }),
    ofGroup: (group, limit) =>
      rows({ selector: { group, created: { $gte: null, $lte: LAST } }, sort: ["group", "created"], use_index: "group", limit }),
    pages: (size) => {
      let from = 0;
      return async () => {
        // With $gt, a page would have a row less than its limit.
        const page = await rows({ selector: { created: { $gte: from } }, sort: ["created"], use_index: "created", limit: size });
        from = page.at(-1)?.created + 1;
        return page;
      };
    },
    count: async (low, high) =>
      (await database.find({ selector: { created: { $gte: low, $lte: high } }, fields: ["_id"], use_index: "created", limit: 1e9 }))
        .docs.length,
    scan: async (wanted) => {
      const all = await database.allDocs({ include_docs: true });
      return all.rows.map(({ doc }) => doc).filter(({ done, body }) => done && body.includes(wanted));
    },
    all: async () => {
      const all = await database.allDocs({ include_docs: true, startkey: "document", endkey: "document\ufff0" });
      return all.rows.map(({ doc }) => loaded(doc));
    },
    update: async (id, change) => database.put({ ...(await database.get(id)), ...change }),
    deleteMany: async (ids) => {
      const { rows } = await database.allDocs({ keys: ids });
      await sent(rows.map(({ id, value }) => ({ _id: id, _rev: value.rev, _deleted: true })));
    },
    close: () => database.close(),
  };
}
