import { refused, same, until } from "./check.js";

const reason = new Error("no longer needed");

/** Every call that takes a signal, on a store with something in it. */
function calls(store, signal) {
  const notes = store.collection("notes");
  return {
    get: () => store.get("k", { signal }),
    set: () => store.set("k", 2, { signal }),
    delete: () => store.delete("k", { signal }),
    has: () => store.has("k", { signal }),
    getMany: () => store.getMany(["k"], { signal }),
    setMany: () => store.setMany([{ key: "k", value: 2 }], { signal }),
    deleteMany: () => store.deleteMany(["k"], { signal }),
    keys: () => store.keys({ signal }),
    list: () => store.list({ signal }),
    query: () => store.query([], { signal }),
    count: () => store.count({ signal }),
    getMetadata: () => store.getMetadata("k", { signal }),
    setMetadata: () => store.setMetadata("k", { a: 2 }, { signal }),
    clear: () => store.clear({ signal }),
    putMany: () => notes.putMany([{ id: "1", n: 2 }], { signal }),
    "keys of a collection": () => notes.keys({ signal }),
    "list of a collection": () => notes.list({ signal }),
    "query of a collection": () => notes.query([], { signal }),
    explain: () => notes.explain([], { signal }),
    "sync.run": () => store.sync.run({ signal }),
  };
}

export const cases = {
  "a signal that is aborted already lets no call begin": async ({ open, StorageError }) => {
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    await store.set("k", 1, { metadata: { a: 1 } });
    await store.collection("notes").put({ id: "1", n: 1 });
    for (const [name, call] of Object.entries(calls(store, AbortSignal.abort(reason)))) {
      const error = await refused(StorageError, call, "ABORTED");
      same([error.cause === reason, error.operation, error.retryable], [true, name.split(" ")[0], true], name);
    }
    same([await store.get("k"), await store.getMetadata("k"), await store.collection("notes").get("1")], [1, { a: 1 }, { id: "1", n: 1 }]);
    await refused(StorageError, () => open({ signal: AbortSignal.abort() }), "ABORTED");
  },

  "a call that is called off rejects at once, and what it has begun harms nothing": async ({ open, StorageError }) => {
    const store = await open({ collections: { notes: { keyPath: "id" } } });
    await store.collection("notes").put({ id: "1", n: 1 });
    for (const name of Object.keys(calls(store))) {
      if (name === "sync.run") continue;
      const controller = new AbortController();
      const outcome = calls(store, controller.signal)[name]().then(() => "done", (error) => error);
      controller.abort(reason);
      const error = await outcome;
      same([error instanceof StorageError, error.code, error.cause === reason], [true, "ABORTED", true], name);
    }
    // Each write either landed whole or not at all.
    await store.set("k", 3);
    same([await store.get("k"), (await store.getStatus()).healthy], [3, true]);
  },

  "a write that the backend does not have yet is not made": async ({ open, StorageError }) => {
    let give;
    const asked = new Promise((resolve) => (give = resolve));
    let asking = 0;
    const passphrase = () => ((asking += 1), asked);
    const store = await open({ collections: { sealed: { encrypted: true } }, encryption: { passphrase } });
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = [
      store.set("a", 1, { namespace: "sealed", signal }),
      store.setMany([{ key: "b", value: 1 }, { key: "c", value: 1 }], { namespace: "sealed", signal }),
      store.setMany([{ key: "d", value: 1 }], { namespace: "sealed", signal, atomic: false }),
    ];
    await until(() => asking > 0, "the question for the passphrase");
    controller.abort(reason);
    for (const write of waiting) await refused(StorageError, () => write, "ABORTED");
    give("correct horse battery staple");
    await store.set("z", 26, { namespace: "sealed" });
    same([await store.keys({ namespace: "sealed" }), asking], [["z"], 1]);
  },

  "of many writes that stand each for itself, those that had not begun are not made": async ({ open, StorageError }) => {
    const store = await open();
    const controller = new AbortController();
    const entries = Array.from({ length: 1500 }, (_, key) => ({ key, value: key }));
    const onProgress = (done) => done >= 500 && controller.abort();
    await refused(StorageError, () => store.setMany(entries, { atomic: false, onProgress, signal: controller.signal }), "ABORTED");
    await store.set("after", 1);
    same((await store.keys()).length, 501);
  },

  "an opening that is called off is closed again": async ({ createStorage, name, type, StorageError }) => {
    if (type === "memory") return;
    const controller = new AbortController();
    const opening = createStorage({ name: name(), type, signal: controller.signal });
    controller.abort(reason);
    same((await refused(StorageError, () => opening, "ABORTED")).cause === reason, true);
    // Nothing holds the database: it can be deleted.
    await until(() => new Promise((resolve) => {
      const request = indexedDB.deleteDatabase(name());
      request.onsuccess = () => resolve(true);
      request.onblocked = () => resolve(false);
    }), "the end of the connection");
  },

  "what is no signal is refused, and a signal that does nothing changes nothing": async ({ open, StorageError }) => {
    const store = await open({ signal: new AbortController().signal });
    for (const bad of ["now", 1, {}, { aborted: true }]) {
      const error = await refused(StorageError, () => store.get("k", { signal: bad }), "INVALID_CONFIG");
      same(error.context.option, "signal");
      await refused(StorageError, () => open({ type: "memory", signal: bad }), "INVALID_CONFIG");
    }
    await store.set("k", 1, { signal: null });
    const { signal } = new AbortController();
    let listening = 0;
    const counted = { get aborted() { return signal.aborted; }, reason: undefined, addEventListener: () => (listening += 1), removeEventListener: () => (listening -= 1) };
    same([await store.get("k", { signal: counted }), listening], [1, 0]);
    await refused(StorageError, () => store.set("k", 2, { signal: counted, overwrite: false }), "ALREADY_EXISTS");
    same(listening, 0);
  },
};
