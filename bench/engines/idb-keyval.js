/** idb-keyval: keys and values, without indexes. */

import { createStore, delMany, get, getMany, set, setMany, update, values } from "idb-keyval";
import { inMemory } from "./in-memory.js";

export const title = "idb-keyval";
export const modules = ["idb-keyval"];

export async function open(name) {
  const store = createStore(name, "documents");
  const all = () => values(store);

  return {
    put: (document) => set(document.id, document, store),
    putMany: (documents) => setMany(documents.map((document) => [document.id, document]), store),
    get: (id) => get(id, store),
    getMany: (ids) => getMany(ids, store),
    ...inMemory(all),
    all,
    update: (id, change) => update(id, (document) => ({ ...document, ...change }), store),
    deleteMany: (ids) => delMany(ids, store),
    close: async () => undefined,
  };
}
