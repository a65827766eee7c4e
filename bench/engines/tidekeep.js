/** tidekeep, from the package as it is installed. */

import { createStorage } from "tidekeep";

export const title = "tidekeep";
export const modules = ["tidekeep"];

/** Opens it with other options than the usual ones for what only it has. */
export async function openWith(name, options, collection = {}) {
  const store = await createStorage({
    name,
    type: "indexeddb",
    collections: { documents: { keyPath: "id", ...collection } },
    ...options,
  });
  return { store, documents: store.collection("documents") };
}

const INDEXES = { indexes: ["created", "name", "[group+created]"] };

export async function open(name) {
  const { store, documents } = await openWith(name, { cache: {} }, INDEXES);
  const values = (rows) => rows.map(({ value }) => value);
  const between = (low, high) => ({ field: "created", operator: "between", value: [low, high] });
  const query = async (filter, options) => values(await documents.query(filter, options));

  return {
    put: (document) => documents.put(document),
    putMany: (all) => documents.putMany(all),
    get: (id) => documents.get(id),
    getMany: async (ids) => {
      const found = await documents.getMany(ids);
      return ids.map((id) => found.get(id));
    },
    between: (low, high) => query(between(low, high)),
    ofGroup: (group, limit) =>
      query({ field: "group", operator: "eq", value: group }, { sort: { field: "created" }, limit }),
    pages: (size) => {
      let after;
      return async () => {
        const page = await documents.query([], { sort: { field: "created" }, limit: size, after });
        after = page.next;
        return values(page);
      };
    },
    count: (low, high) => documents.count(between(low, high)),
    scan: (wanted) =>
      query([
        { field: "done", operator: "eq", value: true },
        { field: "body", operator: "contains", value: wanted },
      ]),
    all: () => documents.all(),
    update: (id, change) => documents.update(id, change),
    deleteMany: (ids) => documents.deleteMany(ids),
    watch: (low, high, told) => documents.watch(between(low, high), told),
    close: () => store.close(),
  };
}
