import { createStorage, StorageError } from "/tidekeep/index.js";

/** Everything that a failure says of itself. */
const whole = (error) => {
  const parts = [];
  for (let one = error; one && parts.length < 10; one = one.cause) {
    parts.push(String(one), one.stack ?? "", JSON.stringify(plain(one)), JSON.stringify(one, Object.getOwnPropertyNames(one)));
  }
  return parts.join("\n");
};

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

/** What was written to the console, as text. */
const said = [];
for (const method of ["debug", "log", "info", "warn", "error", "trace"]) {
  const original = console[method];
  console[method] = (...words) => (said.push(words.map((word) => `${word?.stack ?? ""} ${describe(word)}`).join(" ")), original.apply(console, words));
}
const describe = (value) => {
  try {
    return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
};

let store;
const events = [];
const incidents = [];
const changes = [];
const texts = () => store.collection("notes").all().then((notes) => notes.map(({ text }) => text).sort());

globalThis.device = {
  /** What was told to listeners of `error`. */
  events,
  /** What was told to listeners of `lost` and `healed`. */
  incidents,
  /** What was told to listeners of `change`, and when. */
  changes: () => changes,
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
    store.on("change", ({ key, source }) => changes.push({ at: Date.now(), key, source }));
    for (const kind of ["lost", "healed"]) store.on(kind, (event) => incidents.push({ kind, ...event }));
  },
  write: (notes) => store.collection("notes").putMany(notes).then(() => undefined),
  /** Writes a note; gives the time at which that is acknowledged. */
  note: (id) => store.collection("notes").put({ id, text: id }).then(() => Date.now()),
  texts,
  get: (id) => store.collection("notes").get(id),
  remove: (id) => store.collection("notes").delete(id),
  unlock: (passphrase) => store.credentials.unlock({ passphrase }),
  lock: () => store.credentials.lock(),
  changePassphrase: (next) => store.credentials.changePassphrase(next),
  addPassphrase: (passphrase) => store.credentials.addUnlocker({ passphrase }),
  removeUnlocker: (id) => store.credentials.removeUnlocker(id),
  unlockers: async () => (await store.credentials.unlockers()).map(({ id }) => id),
  newStoreKey: async (passphrase) => (await store.credentials.rotate({ storeKey: true, passphrase })).length,
  locked: () => store.credentials.locked,
  /** Unlocks, and gives the code of the failure where that fails. */
  tryUnlocking: (passphrase) => store.credentials.unlock({ passphrase }).then(() => "open", ({ code }) => code),
  /**
   * Seals a quarter of the texts each as records of a sealed collection, as secrets of text, as secrets of bytes, and as
   * single entries of a collection that is not sealed.
   */
  async seal(secrets) {
    const records = secrets.filter((_, index) => index % 4 === 0);
    const record = (text, index) => ({ id: `v${index}`, deep: [{ text }], text });
    await store.collection("vault").putMany(records.map(record));
    for (const [index, text] of secrets.entries()) {
      if (index % 4 === 1) await store.credentials.set(`s${index}`, text);
      if (index % 4 === 2) await store.credentials.set(`s${index}`, new TextEncoder().encode(text));
      if (index % 4 === 3) await store.collection("notes").put({ id: `e${index}`, text }, { encrypt: true });
    }
  },
  /** The keys of the sealed records that hold a text, by the blind index. */
  lookUp: (text) => store.collection("vault").query({ field: "text", operator: "eq", value: text }).then((rows) => rows.map(({ key }) => key)),
  /** Does with a secret what must fail, everywhere that takes one. Gives what each failure said. */
  async provoke(text) {
    const { credentials } = store;
    const vault = store.collection("vault");
    const attempts = [
      () => credentials.unlock({ passphrase: text }),
      () => credentials.set("provoked", { text, not: () => text }),
      () => credentials.set("provoked", Object.assign(Object.create(null), { text, not: Symbol(text) })),
      () => vault.put({ text }),
      () => vault.put({ id: { text }, text }),
      () => vault.put({ id: "p", text, not: () => text }),
      () => vault.put({ id: "p", get text() { throw new Error("a getter") } }),
      () => vault.put({ id: "v0", text }, { overwrite: false }),
      () => vault.put({ id: "v0", text }, { ifVersion: 77 }),
      () => vault.putMany([{ id: "p", text }, { text }]),
      () => vault.update("v0", () => ({ id: "other", text })),
      () => store.transaction((tx) => tx.collection("vault").put({ text })),
      async () => {
        credentials.lock();
        await vault.put({ id: "p", text });
      },
      () => credentials.set("provoked", text),
      () => vault.get("v0"),
    ];
    const failures = [];
    for (const attempt of attempts) {
      await attempt().then(
        () => failures.push("nothing failed"),
        (error) => failures.push(whole(error)),
      );
    }
    return failures;
  },
  /** What was written to the console, and told to listeners. */
  heard: () => [...said, ...events.map((event) => JSON.stringify(event)), ...incidents.map((incident) => JSON.stringify(incident))],
  /** The token that is to be sent; a driver's scripts have a `globalThis` of their own. */
  bear: (token) => void (globalThis.token = token),
  /** What is sealed, in the clear. */
  async unsealed() {
    const records = await store.collection("vault").all();
    const secrets = await Promise.all((await store.credentials.list()).map(({ key }) => store.credentials.get(key)));
    const texts = secrets.map((secret) => (typeof secret === "string" ? secret : new TextDecoder().decode(secret)));
    const entries = (await store.collection("notes").all()).filter(({ id }) => id.startsWith("e"));
    return [...records, ...entries].map(({ text }) => text).concat(texts).sort();
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
  async conflicts(options) {
    const conflicts = await store.sync.conflicts(options);
    return conflicts.map((conflict) => ({ ...conflict, error: plain(conflict.error) }));
  },
  resolve: (id, choice) => store.sync.resolve(id, choice),
  async retryAll() {
    for (const { id } of await store.sync.pending()) await store.sync.retry(id);
  },
  /** The store itself, for what a test does in the page. */
  store: () => store,
  close: () => store.close(),
  destroy: () => store.destroy(),
};

// What starts browsers on a profile waits for this.
globalThis.page = globalThis.device;
