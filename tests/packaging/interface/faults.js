// Faults of the browser's storage, put into the prototypes of a page: what is stored is stored once, and nothing hangs.

import { refused, same, until } from "./check.js";

const exception = (name, message) => new DOMException(message, name);

/** What engines say when a connection is lost, or close to it. */
export const ERRORS = {
  "closing (Chromium)": () => exception("InvalidStateError", "Failed to execute 'transaction' on 'IDBDatabase': The database connection is closing."),
  "backing store (Chromium)": () => exception("UnknownError", "Internal error opening backing store for indexedDB.open."),
  "internal error (Chromium)": () => exception("UnknownError", "Internal error."),
  "connection is closing (Chromium)": () => exception("AbortError", "Connection is closing."),
  "server lost (WebKit)": () => exception("UnknownError", "Connection to Indexed Database server lost. Refresh the page to try again"),
  "server error (WebKit)": () => exception("UnknownError", "An internal error was encountered in the Indexed Database server"),
  "unrelated (Firefox)": () => exception("UnknownError", "The operation failed for reasons unrelated to the database itself and not covered by any other error code."),
  inactive: () => exception("TransactionInactiveError", "The transaction is not active."),
  null: () => null,
};

/** Chromium is made to begin a new log by a database of this name; what becomes of that is nobody's business. */
const isLog = (prototype, [name]) => prototype === IDBFactory.prototype && name === "tidekeep:log";

/** Has a method throw, as often as told, and counts how often the database is opened meanwhile. */
async function throwing(prototype, method, make, times, task) {
  const original = prototype[method];
  const { open } = IDBFactory.prototype;
  const count = { thrown: 0, opened: 0 };
  // An open that is counted is one that gets through.
  IDBFactory.prototype.open = function (...words) {
    if (!isLog(IDBFactory.prototype, words)) count.opened += 1;
    return Reflect.apply(open, this, words);
  };
  const patched = method === "open" ? IDBFactory.prototype.open : original;
  prototype[method] = function (...words) {
    if (count.thrown < times && !isLog(prototype, words)) {
      count.thrown += 1;
      throw make();
    }
    return Reflect.apply(patched, this, words);
  };
  try {
    await task(count);
  } finally {
    prototype[method] = original;
    IDBFactory.prototype.open = open;
  }
}

/** The calls that an operation may make, each a site of a fault. */
const sites = () => [
  [IDBFactory.prototype, "open"],
  [IDBDatabase.prototype, "transaction"],
  [IDBTransaction.prototype, "objectStore"],
  ...["get", "getAll", "getAllKeys", "put", "delete", "count", "openCursor", "openKeyCursor", "clear", "add"].map((name) => [IDBObjectStore.prototype, name]),
  [IDBTransaction.prototype, "commit"],
];

/** Lets go of the handle that a store has, as a forced close does. */
async function lose(store) {
  await throwing(IDBDatabase.prototype, "transaction", () => exception("InvalidStateError", "closing"), 1, () => store.has("nothing"));
}

/** Has a call fail; an open happens only where the handle is lost. */
async function at(method, prototype, make, times, task) {
  const lost = method === "open" ? (inner) => throwing(IDBDatabase.prototype, "transaction", ERRORS["closing (Chromium)"], 1, inner) : (inner) => inner();
  await throwing(prototype, method, make, times, (count) => lost(() => task(count)));
}

/** Has timers run eight times as fast. */
async function hurried(task) {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (callback, ms, ...words) => setTimeout(callback, ms / 8, ...words);
  try {
    await task();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
}

/** Puts another setter in the place of a handler of events, where the engine has setters. */
async function handling(prototype, name, set, task) {
  const original = Object.getOwnPropertyDescriptor(prototype, name);
  if (!original?.set) return; // fake-indexeddb has plain properties
  Object.defineProperty(prototype, name, { ...original, set(handler) { set(this, handler, (other) => original.set.call(this, other)); } });
  try {
    await task();
  } finally {
    Object.defineProperty(prototype, name, original);
  }
}

/** Transactions that write land, and seem to be aborted without an error, as often as told. */
const landing = (times, task) => {
  const aborts = new WeakMap();
  let left = times;
  return handling(IDBTransaction.prototype, "onabort", (transaction, handler, set) => (aborts.set(transaction, handler), set(handler)), () =>
    handling(IDBTransaction.prototype, "oncomplete", (transaction, handler, set) => {
      if (handler === null || transaction.mode !== "readwrite") return set(handler);
      set((event) => {
        if (left <= 0) return handler(event);
        left -= 1;
        aborts.get(transaction)(event);
      });
    }, task));
};

const browsers = (check) => (tools) => (tools.type === "memory" ? undefined : check(tools));

export const cases = {
  "a known error at any call, once, is healed: stored once, read right, with three openings at most": browsers(async ({ open }) => {
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    let most = 0;
    let number = 0;
    const healed = [];
    store.on("healed", (event) => healed.push(event.attempts));
    for (const [prototype, method] of sites()) {
      for (const [said, make] of Object.entries(ERRORS)) {
        const what = `${method}: ${said}`;
        number += 1;
        await at(method, prototype, make, 1, async (count) => {
          const written = await store.set(number, { number }, { overwrite: false, namespace: "notes2" });
          same(written.version, 1, what);
          most = Math.max(most, count.opened);
        });
        await at(method, prototype, make, 1, async (count) => {
          same(await store.get(number, { namespace: "notes2" }), { number }, what);
          same(await store.count({ namespace: "notes2" }), number, what);
          same(await store.delete("nothing", { namespace: "notes2" }), false, what);
          most = Math.max(most, count.opened);
        });
      }
    }
    same(most <= 3, true, `${most} openings`);
    same(healed.length > 0 && healed.every((attempts) => attempts >= 1 && attempts <= 3), true, `healed ${healed}`);
    const entries = await store.list({ namespace: "notes2" });
    same(entries.every(({ version }) => version === 1) && entries.length === number, true);
    globalThis.faults = `${number * 2} faults, ${most} openings at most`;
  }),

  "a known error at any call that does not go away is a typed error in the end, and nothing is half stored": browsers(async ({ open, StorageError }) => {
    const store = await open();
    const told = [];
    store.on("error", (error) => told.push(error.code));
    for (const [prototype, method] of [[IDBFactory.prototype, "open"], [IDBDatabase.prototype, "transaction"], [IDBObjectStore.prototype, "put"]]) {
      for (const [said, make] of Object.entries(ERRORS).slice(0, 2)) {
        await at(method, prototype, make, Infinity, async (count) => {
          await refused(StorageError, () => store.setMany([{ key: "a", value: method }, { key: "b", value: said }]), "CONNECTION_LOST");
          same(count.opened <= 3, true, `${method}: ${count.opened} openings`);
        });
        same(await store.keys(), [], `${method}: ${said}`);
      }
    }
    same(told.length >= 6, true, `told ${told}`);
    same((await store.getStatus()).healthy, true);
  }),

  "a commit that landed before the connection was lost is answered for, and neither repeated nor refused": browsers(async ({ open }) => {
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    const notes = store.collection("notes");
    const sync = { version: (key) => store.get(key, { namespace: "notes", includeMetadata: true }).then(({ version }) => version) };
    await landing(1, async () => {
      same((await notes.put({ id: "1", n: 0 }, { overwrite: false })).version, 1);
    });
    await landing(3, async () => {
      same((await store.set("1", { id: "1", n: 1 }, { namespace: "notes", ifVersion: await sync.version("1") })).version, (await sync.version("1")));
    });
    await landing(1, async () => {
      same(await notes.delete("1"), (await notes.get("1")) === undefined);
    });
    await notes.put({ id: "count", n: 0 });
    let landed = 0;
    for (let n = 0; n < 40; n += 1) {
      const once = () => notes.update("count", ({ id, n }) => ({ id, n: n + 1 }));
      if (n % 2) await landing(1 + (n % 3), async () => (landed += 1, await once()));
      else await once();
    }
    if (landed > 0) same([(await notes.get("count")).n, await sync.version("count")], [40, 41], "increments");
  }),

  "a read or a commit whose events never come is TIMEOUT, and what follows works": browsers(async ({ open, StorageError }) => {
    const store = await open();
    await store.set("k", 1);
    const mute = (_target, handler, set) => handler === null && set(null);
    await hurried(async () => {
      await handling(IDBRequest.prototype, "onsuccess", mute, async () => {
        await Promise.all([
          refused(StorageError, () => store.get("k"), "TIMEOUT"),
          refused(StorageError, () => store.keys(), "TIMEOUT"),
          refused(StorageError, () => store.count(), "TIMEOUT"),
        ]);
      });
      same(await store.get("k"), 1);
      await handling(IDBTransaction.prototype, "oncomplete", mute, () => refused(StorageError, () => store.set("k", 2), "TIMEOUT"));
      same([1, 2].includes(await store.get("k")), true);
      await store.set("k", 3, { durability: "strict" });
      same(await store.get("k"), 3);
    });
  }),

  "a commit whose end was not seen in time is answered for once the connection is back": browsers(async ({ open }) => {
    const store = await open();
    let muted = 0;
    await hurried(() =>
      handling(IDBTransaction.prototype, "oncomplete", (transaction, handler, set) => (transaction.mode === "readwrite" && handler !== null && muted++ === 0 ? undefined : set(handler)), async () => {
        same((await store.set("k", 1, { overwrite: false })).version, 1);
      }));
    if (muted > 0) same((await store.get("k", { includeMetadata: true })).version, 1);
  }),

  "status is unhealthy while the database cannot be had, and healthy again after": browsers(async ({ open, raw, withIndexedDB }) => {
    const store = await open();
    await store.set("k", 1);
    same((await store.getStatus()).healthy, true);
    await throwing(IDBFactory.prototype, "open", ERRORS["server lost (WebKit)"], Infinity, async () => {
      // A forced close: the handle is gone, and cannot be had again.
      await lose(store).catch(() => undefined);
      same((await store.getStatus()).healthy, false, "closed");
    });
    same((await store.getStatus()).healthy, true, "after the close");
    await hurried(() => withIndexedDB({ open: () => new EventTarget() }, async () => {
      await lose(store).catch(() => undefined);
      same((await store.getStatus()).healthy, false, "blocked");
    }));
    same((await store.getStatus()).healthy, true, "after the block");
    (await raw(2_000_001, () => undefined)).close();
    same((await store.getStatus()).healthy, false, "a newer version");
  }),

  "a database that is deleted under a store is told, and the store works on": browsers(async ({ open, name }) => {
    const store = await open();
    const lost = [];
    store.on("lost", (event) => lost.push(event));
    await store.set("k", 1);
    await new Promise((done) => Object.assign(indexedDB.deleteDatabase(name()), { onsuccess: done, onerror: done }));
    same(await store.get("k"), undefined, "nothing is pretended");
    same(lost, [{ reason: "emptied", unsynced: 0 }]);
    await store.set("k", 2);
    same(await store.get("k"), 2);
    const later = [];
    store.on("lost", (event) => later.push(event));
    await until(() => later.length === 1, "the event for a listener that comes later");
  }),

  "a row that cannot be read is CORRUPTED, and its neighbours go on": browsers(async ({ open, rows, overwrite, StorageError }) => {
    const store = await open({ collections: { notes: {} } });
    await store.setMany(["a", "b", "c"].map((key) => ({ key, value: { key } })), { namespace: "notes" });
    const [, { row }] = await rows("notes");
    await overwrite("notes", "b", { ...row, _tidekeep: { ...row._tidekeep, hlc: "no stamp", dirty: true } });
    await refused(StorageError, () => store.get("b", { namespace: "notes" }), "CORRUPTED");
    same(await store.get("a", { namespace: "notes" }), { key: "a" });
    const [bad, good] = await Promise.allSettled([store.set("b", 1, { namespace: "notes" }), store.set("c", 2, { namespace: "notes" })]);
    same([bad.status, bad.reason?.code, good.status], ["rejected", "CORRUPTED", "fulfilled"]);
    same(await store.get("c", { namespace: "notes" }), 2);
  }),
};
