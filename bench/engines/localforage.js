/** localForage: keys and values, without indexes or writes of many. */

import localforage from "localforage";
import { inMemory } from "./in-memory.js";

export const title = "localForage";
export const modules = ["localforage"];

export async function open(name) {
  const store = localforage.createInstance({ name, storeName: "documents", driver: localforage.INDEXEDDB });
  await store.ready();
  const all = async () => {
    const documents = [];
    await store.iterate((document) => void documents.push(document));
    return documents;
  };

  return {
    put: (document) => store.setItem(document.id, document),
    putMany: (documents) => Promise.all(documents.map((document) => store.setItem(document.id, document))),
    get: (id) => store.getItem(id),
    getMany: (ids) => Promise.all(ids.map((id) => store.getItem(id))),
    ...inMemory(all),
    all,
    update: async (id, change) => store.setItem(id, { ...(await store.getItem(id)), ...change }),
    deleteMany: (ids) => Promise.all(ids.map((id) => store.removeItem(id))),
    close: async () => undefined,
  };
}
