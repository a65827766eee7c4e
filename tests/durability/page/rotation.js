// What is sealed, while it is sealed again and again under new data keys.

import { createStorage } from "/tidekeep/index.js";
import { reporter } from "./writer.js";

const PASSPHRASE = "correct horse battery staple";
/** How many there are of each kind of sealed record. */
const RECORDS = 60;

/** The kinds of sealed records: how each is written and read. */
const KINDS = {
  letter: { write: (store, id, n) => store.collection("letters").put({ id, n }), read: async (store, id) => (await store.collection("letters").get(id))?.n },
  entry: { write: (store, id, n) => store.set(id, { n }, { encrypt: true }), read: async (store, id) => (await store.get(id))?.n },
  secret: { write: (store, id, n) => store.credentials.set(id, { n }), read: async (store, id) => (await store.credentials.get(id))?.n },
};
const NAMES = Object.keys(KINDS).flatMap((kind) => Array.from({ length: RECORDS }, (_, at) => [kind, `${kind} ${at}`]));

async function open() {
  const collections = { letters: { keyPath: "id", encrypted: true } };
  const store = await createStorage({ name: "sealed", type: "indexeddb", durability: "strict", collections });
  await store.credentials.unlock({ passphrase: PASSPHRASE });
  return store;
}

/** Writes a number to every record, greater each time, and rotates beside it, for as long as the page lives. */
export async function rotate(from) {
  const store = await open();
  const report = reporter();
  const say = (error) => report({ failed: `${error.code}: ${error.message}` });
  const write = async () => {
    for (let n = from; ; n += 1) {
      for (const [kind, id] of NAMES) {
        await KINDS[kind].write(store, id, n);
        report({ done: id, n });
      }
    }
  };
  const turn = async () => {
    for (;;) {
      await store.credentials.rotate();
      report({ rotated: true });
    }
  };
  void write().catch(say);
  void turn().catch(say);
}

/** Opens everything that is sealed: the number of each record, or why it does not open. */
export async function opened() {
  const store = await open();
  const found = {};
  for (const [kind, id] of NAMES) {
    found[id] = await KINDS[kind].read(store, id).catch((error) => `${error.code}: ${error.message}`);
  }
  await store.close();
  return found;
}
