import { createStorage } from "/tidekeep/index.js";

// Seals in every way that there is, under keys that are never written twice, and tells what lies there of it.

const NAME = "copied";
let store;

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const settled = (request) =>
  new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: () => failed(request.error) }));

globalThis.page = {
  async open(passphrase) {
    store = await createStorage({ name: NAME, collections: { vault: { keyPath: "id", encrypted: true } } });
    await store.credentials.unlock({ passphrase });
  },
  /** Seals so many values: one by one, large ones too, and many at once. */
  async seal(name, count) {
    const vault = store.collection("vault");
    const singly = Math.min(count, 60);
    for (let at = 0; at < singly; at += 1) {
      if (at % 3 === 0) await store.credentials.set(`${name} ${at}`, at);
      else await vault.put({ id: `${name} ${at}`, text: "x".repeat(at % 3 === 1 ? 10 : 5000) });
    }
    for (let from = singly; from < count; from += 500) {
      const ids = Array.from({ length: Math.min(500, count - from) }, (_, at) => `${name} ${from + at}`);
      await vault.putMany(ids.map((id) => ({ id })));
    }
  },
  /** Of every envelope that lies in a row: where it is, its key's id, its nonce. */
  async envelopes() {
    const database = await settled(indexedDB.open(NAME));
    const found = [];
    for (const [collection, key] of [["vault", "id"], ["credentials", "service"]]) {
      const rows = await settled(database.transaction(collection).objectStore(collection).getAll());
      for (const row of rows) {
        const { sealed } = row._tidekeep;
        found.push([`${collection} ${row[key]}`, hex(sealed.subarray(6, 22)), hex(sealed.subarray(22, 34))]);
      }
    }
    database.close();
    return found;
  },
};
