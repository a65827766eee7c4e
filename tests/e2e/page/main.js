import { createStorage, StorageError } from "/tidekeep/index.js";

/** What a failure is, as data. */
const plain = (error) =>
  error && {
    typed: error instanceof StorageError,
    code: error.code,
    retryable: error.retryable,
    message: error.message,
    context: error.context,
  };

/** Fetches a token, as an application would. */
async function fetchToken() {
  const body = JSON.stringify({ sub: "ada", space: "team" });
  const response = await fetch("/dev/token", { method: "POST", headers: { "content-type": "application/json" }, body });
  return (await response.json()).token;
}

let store;
const events = [];
const incidents = [];
const texts = () => store.collection("notes").all().then((notes) => notes.map(({ text }) => text).sort());

globalThis.device = {
  /** What was told to listeners of `error`. */
  events,
  /** What was told to listeners of `lost` and `healed`. */
  incidents,
  /** What the page remembers of its database. */
  remembered: () => localStorage.getItem("tidekeep:device"),
  /** Deletes the database as another page, or a user, would. */
  wipe: () => new Promise((done, failed) => Object.assign(indexedDB.deleteDatabase("device"), { onsuccess: () => done(), onerror: failed })),
  /** Empties every object store and leaves the database. */
  empty: () =>
    new Promise((done, failed) => {
      const request = indexedDB.open("device");
      request.onerror = failed;
      request.onsuccess = () => {
        const names = [...request.result.objectStoreNames];
        const transaction = request.result.transaction(names, "readwrite");
        for (const name of names) transaction.objectStore(name).clear();
        transaction.oncomplete = () => (request.result.close(), done());
      };
    }),
  async open({ fetchesToken = false, ...options } = {}) {
    const auth = () => (fetchesToken ? fetchToken() : globalThis.token);
    store = await createStorage({
      name: "device",
      collections: { notes: { keyPath: "id" } },
      ...options,
      sync: { endpoint: `${location.origin}/v1/team`, auth, ...options.sync },
    });
    store.on("error", (error) => events.push(plain(error)));
    for (const kind of ["lost", "healed"]) store.on(kind, (event) => incidents.push({ kind, ...event }));
  },
  write: (notes) => store.collection("notes").putMany(notes).then(() => undefined),
  texts,
  remove: (id) => store.collection("notes").delete(id),
  unlock: (passphrase) => store.credentials.unlock({ passphrase }),
  lock: () => store.credentials.lock(),
  /** Seals a third of the texts as records, a third as secrets of text, a third as secrets of bytes. */
  async seal(secrets) {
    const records = secrets.filter((_, index) => index % 3 === 0);
    const record = (text, index) => ({ id: `v${index}`, deep: [{ text }], text });
    await store.collection("vault").putMany(records.map(record));
    for (const [index, text] of secrets.entries()) {
      if (index % 3 === 1) await store.credentials.set(`s${index}`, text);
      if (index % 3 === 2) await store.credentials.set(`s${index}`, new TextEncoder().encode(text));
    }
  },
  /** What is sealed, in the clear. */
  async unsealed() {
    const records = await store.collection("vault").all();
    const secrets = await Promise.all((await store.credentials.list()).map(({ key }) => store.credentials.get(key)));
    const texts = secrets.map((secret) => (typeof secret === "string" ? secret : new TextDecoder().decode(secret)));
    return [...records.map(({ text }) => text), ...texts].sort();
  },
  /** One round: what it did, or how it failed. */
  run: () => store.sync.run().then((report) => ({ report }), (error) => ({ error: plain(error) })),
  enable: (on) => store.sync.enable(on),
  async status() {
    const status = await store.sync.status();
    return { ...status, lastError: plain(status.lastError) };
  },
  async pending() {
    const entries = await store.sync.pending();
    return entries.map((entry) => ({ ...entry, error: plain(entry.error) }));
  },
  async retryAll() {
    for (const { id } of await store.sync.pending()) await store.sync.retry(id);
  },
  /** The store itself, for what a test does in the page. */
  store: () => store,
  close: () => store.close(),
  destroy: () => store.destroy(),
};
