import { refused, same } from "./check.js";
import { dataKeyOf, mended, sealBare } from "./web-crypto.js";

const passphrase = "correct horse battery staple";
const SECRET = "sk-live-of-a-canary";

/** What a change may be told as. */
const TOLD = ["CORRUPTED", "VERSION_ERROR", "UNSUPPORTED", "KEY_MISSING", "DECRYPTION_FAILED", "AUTHENTICATION_FAILED"];

const below = (most) => Math.floor(Math.random() * most);

/** Looks that a call is refused as one of these, and that the failure says nothing of what is secret. */
async function told(StorageError, call, codes, about) {
  const failure = await call().then((value) => new Error(`gave ${JSON.stringify(value)}`), (error) => error);
  if (!(failure instanceof StorageError) || !codes.includes(failure.code)) throw new Error(`${about}: ${failure.code} ${failure.message}`);
  if (`${failure.message} ${failure.stack} ${failure.cause} ${JSON.stringify(failure.context)}`.includes("canary")) throw new Error(`${about}: the failure tells the secret`);
}

/** Ways to change bytes; `others` are such bytes from elsewhere. */
const changes = {
  "a flipped bit": (bytes) => (bytes[below(bytes.length)] ^= 1 << below(8), bytes),
  "a cut": (bytes) => bytes.slice(0, below(bytes.length)),
  "a longer one": (bytes) => new Uint8Array([...bytes, ...new Uint8Array(1 + below(40))]),
  "a part from elsewhere": (bytes, others) => {
    const at = 34 + below(bytes.length - 34);
    return new Uint8Array([...bytes.slice(0, at), ...others[below(others.length)].slice(at)]);
  },
  "another head": (bytes, others) => new Uint8Array([...others[below(others.length)].slice(0, 34), ...bytes.slice(34)]),
  "the whole of another": (_, others) => others[below(others.length)],
  zeros: (bytes) => new Uint8Array(bytes.length),
};

export const cases = {
  "whatever an envelope is changed into, it is refused with a typed error that tells nothing": async ({ open, type, rows, overwrite, StorageError }) => {
    if (type === "memory") return;
    const store = await open({ collections: { vault: { keyPath: "id", encrypted: true } } });
    await store.credentials.unlock({ passphrase });
    const vault = store.collection("vault");
    for (let at = 0; at < 6; at += 1) {
      await store.credentials.set(`s${at}`, `${SECRET} ${at}`);
      await vault.put({ id: `s${at}`, text: `${SECRET} ${at}` });
    }
    const read = { credentials: () => store.credentials.get("s0"), vault: () => vault.get("s0") };
    const stored = { credentials: await rows("credentials"), vault: await rows("vault") };
    const envelope = ({ row }) => new Uint8Array(row._tidekeep.sealed);
    let count = 0;
    for (const [collection, other] of [["credentials", "vault"], ["vault", "credentials"]]) {
      const [{ row }] = stored[collection];
      const own = envelope(stored[collection][0]);
      const others = [...stored[collection].slice(1), ...stored[other]].map(envelope);
      for (const [what, change] of Object.entries(changes)) {
        for (let time = 0; time < 6; time += 1) {
          const changed = change(own.slice(), others);
          if (`${changed}` === `${own}`) continue;
          await overwrite(collection, undefined, { ...row, _tidekeep: { ...row._tidekeep, sealed: changed } });
          await told(StorageError, read[collection], TOLD, `${what}, ${changed}`);
          count += 1;
        }
      }
      await overwrite(collection, undefined, row);
      same(JSON.stringify(await read[collection]()).includes(SECRET), true, "once it is back");
    }
    same(count > 60, true, "changes");
  },

  "a secret that was put in place in the clear is refused": async ({ open, type, rows, overwrite, StorageError }) => {
    if (type === "memory") return;
    const store = await open();
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("maps", SECRET);
    const [{ row }] = await rows("credentials");
    const { sealed, ...system } = row._tidekeep;
    same(sealed.length > 50, true);
    for (const forged of [{ value: "forged" }, { ...row, value: "forged" }]) {
      await overwrite("credentials", undefined, { ...row, ...forged, _tidekeep: system });
      await told(StorageError, () => store.credentials.get("maps"), TOLD, "a forged secret");
    }
  },

  "a plaintext that is no encoded value is not quoted in a failure": async ({ open, type, rows, overwrite, name, StorageError }) => {
    if (type === "memory") return;
    const store = await open();
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("maps", SECRET);
    const { dataKey, keyId } = await dataKeyOf(await rows("tidekeep:keys"), passphrase, name());
    const [{ row }] = await rows("credentials");
    const place = { database: name(), collection: "credentials", key: "maps", field: "" };
    for (const text of ["canary", '{"canary', '"canary" canary', '{"$":"bytes","v":"canary!"}', ""]) {
      row._tidekeep.sealed = await sealBare(dataKey, keyId, text, place);
      await overwrite("credentials", undefined, row);
      await told(StorageError, () => store.credentials.get("maps"), ["CORRUPTED", "SERIALIZATION_ERROR"], text);
    }
  },

  "what was sealed in another database does not open, though its keys were brought along": async ({ open, type, rows, raw, overwrite, createStorage, name, StorageError }) => {
    if (type === "memory") return;
    const other = await createStorage({ name: `${name()} elsewhere`, type });
    try {
      await other.credentials.unlock({ passphrase });
      await other.credentials.set("maps", "of the other");
      const store = await open();
      await store.credentials.unlock({ passphrase });
      await store.credentials.set("maps", SECRET);
      const [{ row }] = await rows("credentials");
      await overwrite("credentials", undefined, row);
      const there = await new Promise((done, failed) => {
        const request = indexedDB.open(`${name()} elsewhere`);
        Object.assign(request, { onsuccess: () => done(request.result), onerror: failed });
      });
      const all = (of) => new Promise((done) => (there.transaction(of).objectStore(of).getAll().onsuccess = ({ target }) => done(target.result)));
      const [theirs] = await all("credentials");
      const keys = await all("tidekeep:keys");
      const names = await new Promise((done) => (there.transaction("tidekeep:keys").objectStore("tidekeep:keys").getAllKeys().onsuccess = ({ target }) => done(target.result)));
      there.close();
      await overwrite("credentials", undefined, theirs);
      await told(StorageError, () => store.credentials.get("maps"), TOLD, "a row of another database");
      // With the other's keys in the place of ours, the passphrase is right, and still nothing opens.
      await store.close();
      const database = await raw();
      await new Promise((done, failed) => {
        const transaction = database.transaction("tidekeep:keys", "readwrite");
        const into = transaction.objectStore("tidekeep:keys");
        into.clear();
        keys.forEach((key, at) => into.put(key, names[at]));
        Object.assign(transaction, { oncomplete: done, onabort: failed });
      });
      database.close();
      const again = await open();
      await told(StorageError, () => again.credentials.unlock({ passphrase }), ["DECRYPTION_FAILED"], "the keys of another database");
      await refused(StorageError, () => again.credentials.get("maps"), "LOCKED");
    } finally {
      await other.destroy();
    }
  },

  "work that was lowered or raised in storage is refused, and so is any change of a stored key": async ({ open, type, rows, overwrite, StorageError }) => {
    if (type === "memory") return;
    const store = await open();
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("maps", SECRET);
    store.credentials.lock();
    const stored = await rows("tidekeep:keys");
    const letters = (row) => new TextDecoder().decode(new Uint8Array(row.value).slice(0, 4));
    const [unlocker, data] = ["TKWK", "TKDK"].map((magic) => stored.find(({ row }) => letters(row) === magic).row);
    const put = (row, value) => overwrite("tidekeep:keys", stored.find((one) => one.row === row).key, { ...row, value });
    const attempt = async (row, bytes, codes, about) => {
      await put(row, bytes);
      await told(StorageError, () => store.credentials.unlock({ passphrase }), codes, about);
      await refused(StorageError, () => store.credentials.get("maps"), "LOCKED");
    };
    const own = new Uint8Array(unlocker.value);
    for (const [iterations, code] of [[0, "CORRUPTED"], [1, "CORRUPTED"], [1000, "CORRUPTED"], [599_999, "CORRUPTED"], [10_000_001, "UNSUPPORTED"], [2 ** 32 - 1, "UNSUPPORTED"]]) {
      const changed = own.slice();
      new DataView(changed.buffer).setUint32(40, iterations, true);
      await attempt(unlocker, changed, ["CORRUPTED"], `${iterations}, damaged`);
      await attempt(unlocker, await mended(changed), [code], `${iterations}, mended`);
    }
    // Changed without a mended checksum, every one is seen before any work is spent.
    for (const row of [unlocker, data]) {
      const bytes = new Uint8Array(row.value);
      for (let time = 0; time < (row === data ? 2 : 24); time += 1) {
        await attempt(row, changes[["a flipped bit", "a cut", "a longer one", "zeros"][time % 4]](bytes.slice()), TOLD, `${letters(row)} ${time}`);
      }
      await put(row, row.value);
    }
    // With a mended one, the tag, the commitment or the name sees it.
    for (const [row, places] of [[unlocker, [own.length - 90, own.length - 50, 10]], [data, [10, 38, 60, 100]]]) {
      for (const at of places) {
        const changed = new Uint8Array(row.value).slice();
        changed[at] ^= 1;
        await attempt(row, await mended(changed), TOLD, `${letters(row)}, byte ${at}, mended`);
      }
      await put(row, row.value);
    }
    await store.credentials.unlock({ passphrase });
    same(await store.credentials.get("maps"), SECRET);
  },

  "without Web Crypto, and with its keys gone, the store seals nothing and writes nothing in the clear": async ({ open, type, rows, raw, StorageError }) => {
    if (type === "memory") return;
    const declared = { collections: { vault: { keyPath: "id", encrypted: true } } };
    const first = await open(declared);
    const attempts = async (store, code) => {
      await refused(StorageError, () => store.credentials.unlock({ passphrase }), code);
      await refused(StorageError, () => store.credentials.set("maps", SECRET), "LOCKED");
      await refused(StorageError, () => store.collection("vault").put({ id: "1", text: SECRET }), "LOCKED");
      await refused(StorageError, () => store.transaction((tx) => tx.collection("vault").put({ id: "1", text: SECRET })), "LOCKED");
      await refused(StorageError, () => store.collection("vault").putMany([{ id: "1", text: SECRET }]), "LOCKED");
    };
    const empty = async () => {
      for (const name of (await raw().then((database) => (database.close(), [...database.objectStoreNames])))) {
        same(JSON.stringify(await rows(name)).includes("canary"), false, name);
      }
    };
    const own = Object.getOwnPropertyDescriptor(globalThis.crypto, "subtle");
    Object.defineProperty(globalThis.crypto, "subtle", { value: undefined, configurable: true });
    try {
      await attempts(first, "INSECURE_CONTEXT");
    } finally {
      if (own) Object.defineProperty(globalThis.crypto, "subtle", own);
      else delete globalThis.crypto.subtle;
    }
    await empty();
    await first.credentials.unlock({ passphrase });
    await first.credentials.set("old", "sealed before");
    await first.close();
    const database = await raw();
    await new Promise((done) => {
      const transaction = database.transaction("tidekeep:keys", "readwrite");
      transaction.objectStore("tidekeep:keys").clear();
      transaction.oncomplete = done;
    });
    database.close();
    const second = await open(declared);
    await attempts(second, "KEY_MISSING");
    same((await rows("tidekeep:keys")).length, 0, "keys");
    await empty();
  },
};
