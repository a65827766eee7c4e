// What JavaScript sees of the package: cases that run in Node and in every engine.

import { cases as blind } from "./blind.js";
import { cases as checksums } from "./checksums.js";
import { cases as conflicts } from "./conflicts.js";
import { cases as exact } from "./exact.js";
import { cases as faults } from "./faults.js";
import { cases as live } from "./live.js";
import { cases as locking } from "./locking.js";
import { cases as opening } from "./opening.js";
import { cases as profiling } from "./profiling.js";
import { cases as queries } from "./queries.js";
import { cases as rotation } from "./rotation.js";
import { cases as rounds } from "./rounds.js";
import { cases as schema } from "./schema.js";
import { cases as search } from "./search.js";
import { cases as sealed } from "./sealed.js";
import { cases as secrets } from "./secrets.js";
import { cases as signal } from "./signal.js";
import { cases as space } from "./space.js";
import { cases as tampering } from "./tampering.js";
import { cases as transactions } from "./transactions.js";
import { cases as unlockers } from "./unlockers.js";
import { cases as validation } from "./validation.js";
import { cases as values } from "./values.js";
import { cases as verify } from "./verify.js";
import { cases as writes } from "./writes.js";

const all = {
  ...values,
  ...search,
  ...writes,
  ...secrets,
  ...sealed,
  ...exact,
  ...locking,
  ...rotation,
  ...opening,
  ...blind,
  ...checksums,
  ...conflicts,
  ...live,
  ...faults,
  ...profiling,
  ...queries,
  ...rounds,
  ...schema,
  ...signal,
  ...space,
  ...tampering,
  ...transactions,
  ...unlockers,
  ...validation,
  ...verify,
};

/** The promises, as sentences. */
export const promises = Object.keys(all);

/** Runs every case on a store of its own, with what earlier versions wrote and the examples of words; gives what each found, null where all was as promised. */
export async function runAll(tidekeep, type, golden, words) {
  const found = {};
  for (const [name, check] of Object.entries(all)) {
    found[name] = await run(tidekeep, type, golden, words, check).then(
      () => null,
      (error) => `${error?.message}`,
    );
  }
  return found;
}

async function run({ createStorage, StorageError }, type, golden, words, check) {
  const opened = [];
  const name = `interface ${Math.random().toString(36).slice(2)}`;
  const reopen = async (options = {}) => {
    const store = await createStorage({ name, type, ...options });
    opened.push(store);
    return store;
  };
  const tools = { type, golden, words, createStorage, StorageError, open: reopen, reopen, name: () => name, withIndexedDB, ...database(name) };
  try {
    await check(tools);
  } finally {
    for (const store of opened) await store.close();
    if (type === "indexeddb") await new Promise((done) => Object.assign(indexedDB.deleteDatabase(name), { onsuccess: done, onerror: done, onblocked: done }));
  }
}

/** Puts something else in the place of `globalThis.indexedDB` for the time of a task. */
async function withIndexedDB(fake, task) {
  const original = Object.getOwnPropertyDescriptor(globalThis, "indexedDB");
  Object.defineProperty(globalThis, "indexedDB", { value: fake, configurable: true, writable: true });
  try {
    await task();
  } finally {
    if (original) Object.defineProperty(globalThis, "indexedDB", original);
    else delete globalThis.indexedDB;
  }
}

/** The database below the store, by IndexedDB alone. */
function database(name) {
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const raw = (version, upgrade) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => upgrade?.(request.result);
    return settled(request);
  };
  const inStore = async (storeName, mode, task) => {
    const opened = await raw();
    try {
      return await task(opened.transaction(storeName, mode).objectStore(storeName));
    } finally {
      opened.close();
    }
  };
  return {
    raw,
    rows: (storeName) =>
      inStore(storeName, "readonly", async (store) => {
        const [keys, rows] = await Promise.all([settled(store.getAllKeys()), settled(store.getAll())]);
        return keys.map((key, at) => ({ key, row: rows[at] }));
      }),
    overwrite: (storeName, key, row) => inStore(storeName, "readwrite", (store) => settled(store.put(row, key))),
  };
}
