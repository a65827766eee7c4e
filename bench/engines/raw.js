/**
 * Bare IndexedDB as somebody writes it who knows it well: one transaction for what belongs together, relaxed
 * durability, a handler on the last request alone, `getAll` over a range.
 *
 * This is the baseline, and the one place that says what an engine has to do:
 *
 * - `open(name)` makes or opens a database of documents under `id`, with indexes over `created`, `name` and
 *   `[group, created]`, where the engine has indexes at all;
 * - writes resolve when the engine says that they are stored;
 * - reads give the documents themselves.
 */

export const title = "bare IndexedDB, tuned";
export const modules = [];

export async function open(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore("documents", { keyPath: "id" });
    store.createIndex("created", "created");
    store.createIndex("name", "name");
    store.createIndex("group", ["group", "created"]);
  };
  const database = await answer(request);

  const read = () => database.transaction("documents", "readonly").objectStore("documents");
  const write = async (work) => {
    const transaction = database.transaction("documents", "readwrite", { durability: "relaxed" });
    const result = work(transaction.objectStore("documents"));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return result;
  };
  const page = async (size, after) => {
    const range = after === undefined ? undefined : IDBKeyRange.lowerBound(after, true);
    return answer(read().index("created").getAll(range, size));
  };

  return {
    put: (document) => write((store) => void store.put(document)),
    putMany: (documents) => write((store) => documents.forEach((document) => store.put(document))),
    get: (id) => answer(read().get(id)),
    getMany: (ids) => {
      const store = read();
      const found = ids.map(() => undefined);
      return new Promise((resolve, reject) => {
        ids.forEach((id, at) => {
          store.get(id).onsuccess = ({ target }) => void (found[at] = target.result);
        });
        store.transaction.oncomplete = () => resolve(found);
        store.transaction.onabort = () => reject(store.transaction.error);
      });
    },
    between: (low, high) => answer(read().index("created").getAll(IDBKeyRange.bound(low, high))),
    ofGroup: (group, limit) => answer(read().index("group").getAll(IDBKeyRange.bound([group], [group, []]), limit)),
    /** Pages in the order of `created`; each call of what it answers gives the next one. */
    pages: (size) => {
      let after;
      return async () => {
        const rows = await page(size, after);
        after = rows.at(-1)?.created;
        return rows;
      };
    },
    count: (low, high) => answer(read().index("created").count(IDBKeyRange.bound(low, high))),
    /** A filter that no index serves. */
    scan: async (wanted) => (await answer(read().getAll())).filter(({ done, body }) => done && body.includes(wanted)),
    all: () => answer(read().getAll()),
    update: (id, change) =>
      write((store) => {
        store.get(id).onsuccess = ({ target }) => store.put({ ...target.result, ...change });
      }),
    deleteMany: (ids) => write((store) => ids.forEach((id) => store.delete(id))),
    close: async () => database.close(),
  };
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
