import { refused, same } from "./check.js";

const passphrase = "correct horse battery staple";
const other = "another horse, another staple";
const { subtle } = globalThis.crypto;

const hmacKey = () => subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
const aesKey = (name, usages) => subtle.generateKey({ name, length: 256 }, false, usages);

/** A provider as an application would write it, and what it was asked. */
function provider(change = {}) {
  const pad = globalThis.crypto.getRandomValues(new Uint8Array(32));
  const mixed = (bytes) => bytes.map((byte, at) => byte ^ pad[at]);
  return { wrap: async (key) => mixed(key), unwrap: async (wrapped) => mixed(wrapped), ...change };
}

/** Puts another `crypto` in the place of the platform's, for the time of a task. */
async function withCrypto(fake, task) {
  const own = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  Object.defineProperty(globalThis, "crypto", { value: fake, configurable: true, writable: true });
  try {
    return await task();
  } finally {
    if (own) Object.defineProperty(globalThis, "crypto", own);
    else delete globalThis.crypto;
  }
}

const kinds = async ({ credentials }) => (await credentials.unlockers()).map(({ kind }) => kind).sort();

/** Runs where rows can be looked at. */
const stored = (check) => async (tools) => {
  if (tools.type !== "memory") await check(tools);
};

export const cases = {
  "every kind of unlocker opens what any other sealed, and is listed with its label": async ({ open, reopen, type, StorageError }) => {
    const store = await open();
    const { credentials } = store;
    await credentials.unlock({ passphrase });
    await credentials.set("maps", "secret");
    const given = {
      hmac: { key: await hmacKey() },
      gcm: { key: await aesKey("AES-GCM", ["encrypt", "decrypt"]) },
      kw: { key: await aesKey("AES-KW", ["wrapKey", "unwrapKey"]) },
      provider: { provider: provider() },
      device: { device: true },
      passphrase: { passphrase: other },
    };
    const ids = {};
    for (const [label, means] of Object.entries(given)) ids[label] = await credentials.addUnlocker({ ...means, label });
    const listed = await credentials.unlockers();
    same(listed.length, 7);
    for (const [label, id] of Object.entries(ids)) {
      const found = listed.find((unlocker) => unlocker.id === id);
      const kind = { hmac: "key", gcm: "key", kw: "key" }[label] ?? label;
      same([found.kind, found.label, found.here, found.created instanceof Date], [kind, label, true, true]);
    }
    for (const means of Object.values(given)) {
      credentials.lock();
      await credentials.unlock(means);
      same(await credentials.get("maps"), "secret");
    }
    credentials.lock();
    for (const means of [{ key: await hmacKey() }, { key: await aesKey("AES-GCM", ["encrypt", "decrypt"]) }, { key: await aesKey("AES-KW", ["wrapKey", "unwrapKey"]) }, { provider: provider() }, { passphrase: "wrong" }]) {
      await refused(StorageError, () => credentials.unlock(means), "AUTHENTICATION_FAILED");
    }
    same(credentials.locked, true);
    if (type === "memory") return;
    await store.close();
    const again = await reopen();
    for (const means of Object.values(given)) {
      await again.credentials.unlock(means);
      same(await again.credentials.get("maps"), "secret");
      again.credentials.lock();
    }
  },

  "a device key unlocks by itself at the first use, and after a lock by a call alone": async ({ open, reopen, type, StorageError }) => {
    const options = { collections: { diary: { keyPath: "id", encrypted: true } }, encryption: { key: "device" } };
    const store = await open(options);
    same(store.credentials.locked, true);
    await store.collection("diary").put({ id: "1", text: "dear diary" });
    await store.credentials.set("maps", "secret");
    same([store.credentials.locked, await kinds(store)], [false, ["device"]]);
    store.credentials.lock();
    await refused(StorageError, () => store.credentials.get("maps"), "LOCKED");
    await store.credentials.unlock();
    same(await store.credentials.get("maps"), "secret");
    if (type === "memory") return;
    await store.close();
    const again = await reopen(options);
    same([await again.collection("diary").get("1"), await again.credentials.get("maps")], [{ id: "1", text: "dear diary" }, "secret"]);
  },

  "a device key cannot be read out of the database, and where it is lost nothing new is made": stored(async ({ open, reopen, rows, raw, StorageError }) => {
    const store = await open({ encryption: { key: "device" } });
    await store.credentials.set("maps", "secret");
    await store.credentials.addUnlocker({ passphrase });
    const kept = (await rows("tidekeep:device")).map(({ row }) => row.value).find((value) => Object.prototype.toString.call(value) === "[object CryptoKey]");
    same([kept.extractable, kept.algorithm.name, [...kept.usages]], [false, "HMAC", ["sign"]]);
    let exported = false;
    await subtle.exportKey("raw", kept).then(() => (exported = true), () => undefined);
    same(exported, false);
    await store.close();
    const database = await raw();
    await new Promise((done) => (database.transaction("tidekeep:device", "readwrite").objectStore("tidekeep:device").clear().onsuccess = done));
    database.close();
    const again = await reopen({ encryption: { key: "device" } });
    await refused(StorageError, () => again.credentials.get("maps"), "KEY_MISSING");
    same((await again.credentials.unlockers()).map(({ kind, here }) => [kind, here]).sort(), [["device", false], ["passphrase", true]]);
    await again.close();
    let asked = 0;
    const asking = await reopen({ encryption: { key: "device", passphrase: () => ((asked += 1), passphrase) } });
    same([await asking.credentials.get("maps"), asked, await kinds(asking)], ["secret", 1, ["device", "device", "passphrase"]]);
    await asking.close();
    const last = await reopen({ encryption: { key: "device" } });
    same(await last.credentials.get("maps"), "secret", "the device was added anew");
  }),

  "a device key that cannot be cloned, or comes back as nothing, is refused, and nothing is written": async ({ open, type, rows, StorageError }) => {
    const store = await open({ encryption: { key: "device" } });
    const fakes = [
      // It says that it is a key, and no copy can be made of it.
      { generateKey: async () => ({ get [Symbol.toStringTag]() { return "CryptoKey"; }, algorithm: { name: "HMAC", hash: { name: "SHA-256" } }, usages: ["sign"], hold: () => undefined }), sign: async () => new ArrayBuffer(32) },
      // What storage gives back is no key any more.
      { generateKey: async () => ({ algorithm: { name: "HMAC", hash: { name: "SHA-256" } }, usages: ["sign"] }), sign: async () => new ArrayBuffer(32) },
    ];
    for (const fake of fakes) {
      const crypto = { subtle: fake, getRandomValues: (bytes) => bytes.fill(7) };
      await withCrypto(crypto, () => refused(StorageError, () => store.credentials.set("maps", "secret"), "UNSUPPORTED"));
    }
    same([store.credentials.locked, await store.credentials.list(), await store.credentials.unlockers()], [true, [], []]);
    if (type !== "memory") same([await rows("tidekeep:keys"), await rows("credentials"), await rows("tidekeep:device")], [[], [], []]);
  },

  "without Web Crypto no kind of unlocker works, and nothing is written in clear": async ({ open, type, rows, StorageError }) => {
    const store = await open({ collections: { diary: { keyPath: "id", encrypted: true } } });
    const key = await hmacKey();
    await withCrypto({ getRandomValues: (bytes) => bytes.fill(7) }, async () => {
      for (const means of [{ passphrase }, { device: true }, { key }, { provider: provider() }]) {
        await refused(StorageError, () => store.credentials.unlock(means), "INSECURE_CONTEXT");
      }
      await refused(StorageError, () => store.collection("diary").put({ id: "1", text: "x" }), "LOCKED");
      await refused(StorageError, () => store.credentials.set("maps", "x"), "LOCKED");
    });
    if (type !== "memory") same([await rows("tidekeep:keys"), await rows("credentials"), await rows("diary"), await rows("tidekeep:device")], [[], [], [], []]);
  },

  "an unlocker is removed with its device's key, and the last one is not": async ({ open, reopen, rows, type, StorageError }) => {
    const store = await open();
    const { credentials } = store;
    await credentials.unlock({ passphrase });
    await credentials.set("maps", "secret");
    const [{ id: first }] = await credentials.unlockers();
    await refused(StorageError, () => credentials.removeUnlocker(first), "ACCESS_DENIED");
    await refused(StorageError, () => credentials.removeUnlocker("0".repeat(32)), "NOT_FOUND");
    const device = await credentials.addUnlocker({ device: true });
    await credentials.removeUnlocker(first);
    same([await kinds(store), await credentials.get("maps")], [["device"], "secret"], "the session that it opened goes on");
    await refused(StorageError, () => credentials.removeUnlocker(device), "ACCESS_DENIED");
    credentials.lock();
    await refused(StorageError, () => credentials.removeUnlocker(device), "LOCKED");
    await refused(StorageError, () => credentials.addUnlocker({ passphrase }), "LOCKED");
    await refused(StorageError, () => credentials.unlock({ passphrase }), "KEY_MISSING");
    await credentials.unlock({ device: true });
    await credentials.addUnlocker({ passphrase: other });
    await credentials.removeUnlocker(device);
    if (type === "memory") return;
    const kept = (await rows("tidekeep:device")).filter(({ key }) => Array.isArray(key) && key[0] === "key");
    same(kept, []);
    await store.close();
    const again = await reopen();
    await again.credentials.unlock({ passphrase: other });
    same(await again.credentials.get("maps"), "secret");
  },

  "a passphrase is changed without a byte of what is sealed": async ({ open, type, rows, StorageError }) => {
    const store = await open({ collections: { diary: { keyPath: "id", encrypted: true } } });
    const { credentials } = store;
    await refused(StorageError, () => credentials.changePassphrase(other), "LOCKED");
    await credentials.unlock({ passphrase });
    for (let at = 0; at < 20; at += 1) await store.collection("diary").put({ id: `${at}`, text: `day ${at}` });
    await credentials.set("maps", "secret");
    const sealed = async () => (type === "memory" ? [] : [...(await rows("diary")), ...(await rows("credentials"))]);
    const before = await sealed();
    const [{ id }] = await credentials.unlockers();
    await refused(StorageError, () => credentials.changePassphrase(""), "INVALID_CONFIG");
    await refused(StorageError, () => credentials.changePassphrase(7), "INVALID_CONFIG");
    await credentials.changePassphrase(other);
    same(await sealed(), before);
    same((await credentials.unlockers()).map((unlocker) => [unlocker.id, unlocker.kind]), [[id, "passphrase"]]);
    credentials.lock();
    await refused(StorageError, () => credentials.unlock({ passphrase }), "AUTHENTICATION_FAILED");
    await credentials.unlock({ passphrase: other });
    same([await credentials.get("maps"), await store.collection("diary").get("7")], ["secret", { id: "7", text: "day 7" }]);
    // Of two, it is the one that opened the store.
    await credentials.addUnlocker({ passphrase: "second" });
    await credentials.addUnlocker({ device: true });
    credentials.lock();
    await credentials.unlock({ device: true });
    await refused(StorageError, () => credentials.changePassphrase("third"), "INVALID_CONFIG");
    await credentials.unlock({ passphrase: "second" });
    await credentials.changePassphrase("third");
    credentials.lock();
    await refused(StorageError, () => credentials.unlock({ passphrase: "second" }), "AUTHENTICATION_FAILED");
    for (const works of [other, "third"]) await credentials.unlock({ passphrase: works });
  },

  "stores of one database that change unlockers at once lose none, and never remove the last two together": stored(async ({ open, reopen, StorageError }) => {
    const [one, two] = [await open(), await reopen()];
    await Promise.all([one.credentials.unlock({ passphrase }), two.credentials.unlock({ passphrase })]);
    same((await kinds(one)).length, 1, "the first keys were made once");
    await one.credentials.set("maps", "secret");
    same(await two.credentials.get("maps"), "secret");
    const ids = await Promise.all([one, two, one, two].map(({ credentials }, at) => credentials.addUnlocker({ passphrase: `number ${at}` })));
    same([new Set(ids).size, (await kinds(two)).length], [4, 5]);
    for (const id of ids.slice(0, 3)) await two.credentials.removeUnlocker(id);
    const last = (await one.credentials.unlockers()).map(({ id }) => id);
    const removed = await Promise.allSettled([one.credentials.removeUnlocker(last[0]), two.credentials.removeUnlocker(last[1])]);
    same([removed.filter(({ status }) => status === "fulfilled").length, (await kinds(one)).length], [1, 1]);
    same(["CONFLICT", "ACCESS_DENIED"].includes(removed.find(({ status }) => status === "rejected").reason.code), true);
    same(removed.find(({ status }) => status === "rejected").reason instanceof StorageError, true);
  }),

  "where the keys are gone and sealed records are not, no new ones are made unless they are asked for": stored(async ({ open, reopen, raw, StorageError }) => {
    const options = { collections: { diary: { keyPath: "id", encrypted: true } } };
    const store = await open(options);
    await store.credentials.unlock({ passphrase });
    await store.collection("diary").put({ id: "1", text: "lost" });
    await store.close();
    const emptied = async (...names) => {
      const database = await raw();
      for (const name of names) await new Promise((done) => (database.transaction(name, "readwrite").objectStore(name).clear().onsuccess = done));
      database.close();
    };
    await emptied("tidekeep:keys");
    for (const gone of [["tidekeep:device"], []]) {
      const again = await reopen(options);
      for (const means of [{ passphrase }, { device: true }]) await refused(StorageError, () => again.credentials.unlock(means), "KEY_MISSING");
      same(await again.credentials.unlockers(), []);
      await again.close();
      await emptied(...gone);
    }
    const begun = await reopen(options);
    await begun.credentials.unlock({ passphrase: other, anew: true });
    await begun.collection("diary").put({ id: "2", text: "new" });
    same(await begun.collection("diary").get("2"), { id: "2", text: "new" });
    await refused(StorageError, () => begun.collection("diary").get("1"), "KEY_MISSING");
  }),

  "a stored key that was lowered, raised, cut, damaged, moved, swapped or is of a newer version is told for what it is": stored(async ({ open, rows, overwrite, raw, StorageError }) => {
    const store = await open();
    const { credentials } = store;
    await credentials.unlock({ passphrase });
    await credentials.set("maps", "secret");
    credentials.lock();
    const all = await rows("tidekeep:keys");
    const [data, unlocker] = ["data/", "unlocker/"].map((prefix) => all.find(({ key }) => key.startsWith(prefix)));
    const mended = async (bytes) => {
      const sum = new Uint8Array(await subtle.digest("SHA-256", bytes.slice(0, -8)));
      bytes.set(sum.slice(0, 8), bytes.length - 8);
      return bytes;
    };
    const attacks = [
      [unlocker, (bytes) => (new DataView(bytes.buffer).setUint32(40, 599_999, true), mended(bytes)), "CORRUPTED"],
      [unlocker, (bytes) => (new DataView(bytes.buffer).setUint32(40, 10_000_001, true), mended(bytes)), "UNSUPPORTED"],
      [unlocker, (bytes) => ((bytes[38] = 2), mended(bytes)), "UNSUPPORTED"],
      [unlocker, (bytes) => ((bytes[38] = 9), mended(bytes)), "VERSION_ERROR"],
      [unlocker, (bytes) => ((bytes[4] = 2), mended(bytes)), "VERSION_ERROR"],
      [unlocker, (bytes) => ((bytes[70] ^= 1), bytes), "CORRUPTED"],
      [unlocker, (bytes) => bytes.slice(0, -1), "CORRUPTED"],
      [unlocker, (bytes) => bytes.slice(0, 3), "CORRUPTED"],
      [unlocker, (bytes) => ((bytes[bytes.length - 20] ^= 1), mended(bytes)), "DECRYPTION_FAILED"],
      [unlocker, (bytes) => ((bytes[6] ^= 1), mended(bytes)), "DECRYPTION_FAILED"],
      [unlocker, () => new Uint8Array(data.row.value), "DECRYPTION_FAILED"],
      [data, (bytes) => ((bytes[4] = 2), mended(bytes)), "VERSION_ERROR"],
      [data, (bytes) => ((bytes[60] ^= 1), bytes), "CORRUPTED"],
      [data, (bytes) => ((bytes[bytes.length - 20] ^= 1), mended(bytes)), "DECRYPTION_FAILED"],
      [data, () => new Uint8Array(unlocker.row.value), "DECRYPTION_FAILED"],
    ];
    for (const [target, change, code] of attacks) {
      const value = (await change(new Uint8Array(target.row.value.slice(0)))).buffer;
      await overwrite("tidekeep:keys", target.key, { ...target.row, value });
      await refused(StorageError, () => credentials.unlock({ passphrase }), code);
      same([credentials.locked, (await rows("tidekeep:keys")).length], [true, 2]);
      await overwrite("tidekeep:keys", target.key, target.row);
    }
    await overwrite("tidekeep:keys", unlocker.key, { ...unlocker.row, value: "no bytes" });
    await refused(StorageError, () => credentials.unlock({ passphrase }), "CORRUPTED");
    same((await credentials.unlockers()).map(({ kind }) => kind), ["unknown"]);
    await overwrite("tidekeep:keys", unlocker.key, unlocker.row);
    await refused(StorageError, () => credentials.unlock({ passphrase: "" }), "AUTHENTICATION_FAILED");
    await credentials.unlock({ passphrase });
    same(await credentials.get("maps"), "secret");
  }),

  "keys of another database do not open in this one": stored(async ({ open, rows, overwrite, raw, name, createStorage, StorageError }) => {
    const store = await open();
    await store.credentials.unlock({ passphrase });
    const theirs = await rows("tidekeep:keys");
    await store.close();
    const elsewhere = await createStorage({ name: `${name()} elsewhere`, type: "indexeddb" });
    try {
      const opened = await new Promise((done) => (indexedDB.open(`${name()} elsewhere`).onsuccess = ({ target }) => done(target.result)));
      for (const { key, row } of theirs) {
        await new Promise((done) => (opened.transaction("tidekeep:keys", "readwrite").objectStore("tidekeep:keys").put(row, key).onsuccess = done));
      }
      opened.close();
      await refused(StorageError, () => elsewhere.credentials.unlock({ passphrase }), "DECRYPTION_FAILED");
    } finally {
      await elsewhere.destroy();
    }
  }),

  "a provider that throws, hangs, or gives other bytes than it has to is a typed error, and nothing is made": async ({ open, StorageError }) => {
    const { credentials } = await open();
    const bad = [
      [{ wrap: () => { throw new Error("no"); } }, "ACCESS_DENIED"],
      [{ wrap: async () => { throw new Error("no"); } }, "ACCESS_DENIED"],
      [{ unwrap: async () => { throw null; } }, "ACCESS_DENIED"],
      [{ wrap: () => new Promise(() => undefined), timeout: 20 }, "TIMEOUT"],
      [{ unwrap: () => new Promise(() => undefined), timeout: 20 }, "TIMEOUT"],
      [{ wrap: async () => "text" }, "INVALID_VALUE"],
      [{ wrap: async () => undefined }, "INVALID_VALUE"],
      [{ wrap: async () => new Uint8Array(0) }, "INVALID_VALUE"],
      [{ wrap: async () => new Uint8Array(20_000), unwrap: async () => new Uint8Array(32) }, "CORRUPTED"],
      [{ unwrap: async () => new Uint8Array(31) }, "INVALID_VALUE"],
      [{ unwrap: async () => new Uint8Array(33) }, "INVALID_VALUE"],
      [{ unwrap: async () => "x" }, "INVALID_VALUE"],
      [{ unwrap: async () => new Uint8Array(32) }, "CORRUPTED"],
      [{ timeout: 0 }, "INVALID_CONFIG"],
      [{ timeout: "soon" }, "INVALID_CONFIG"],
      [{ wrap: undefined }, "INVALID_CONFIG"],
    ];
    for (const [change, code] of bad) await refused(StorageError, () => credentials.unlock({ provider: provider(change) }), code);
    same([credentials.locked, await credentials.unlockers()], [true, []]);
    let turns = 0;
    // It gives the right bytes while the key is made, and others when it is read back.
    const fickle = provider();
    const { unwrap } = fickle;
    fickle.unwrap = async (wrapped) => ((turns += 1) < 3 ? unwrap(wrapped) : new Uint8Array(32));
    await refused(StorageError, () => credentials.unlock({ provider: fickle }), "CORRUPTED");
    same([turns, credentials.locked, await credentials.unlockers()], [3, true, []]);
    const good = provider();
    await credentials.unlock({ provider: good });
    await credentials.set("maps", "secret");
    credentials.lock();
    await refused(StorageError, () => credentials.unlock({ provider: { ...good, unwrap: async () => { throw new Error("cancelled"); } } }), "ACCESS_DENIED");
    await credentials.unlock({ provider: good });
    same(await credentials.get("maps"), "secret");
  },

  "what can be no unlocker is INVALID_CONFIG, and says what can": async ({ open, reopen, StorageError }) => {
    const { credentials } = await open();
    const pair = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const bad = [
      { key: pair.privateKey }, { key: await subtle.generateKey({ name: "HMAC", hash: "SHA-512" }, false, ["sign"]) },
      { key: await subtle.generateKey({ name: "AES-CBC", length: 256 }, false, ["encrypt", "decrypt"]) },
      { key: await aesKey("AES-GCM", ["encrypt"]) }, { key: {} }, { key: "text" }, { key: new Uint8Array(32) },
      { provider: {} }, { provider: 5 }, { provider: { wrap: 1, unwrap: 2 } }, { device: "yes" }, { passphrase: 5 },
      { passphrase, device: true }, { argon2: true }, { anew: 1, passphrase },
    ];
    for (const means of bad) await refused(StorageError, () => credentials.unlock(means), "INVALID_CONFIG");
    await refused(StorageError, () => credentials.unlock({ passphrase: "" }), "INVALID_CONFIG");
    await credentials.unlock({ passphrase });
    for (const means of [...bad, {}, undefined, { passphrase: "" }, { passphrase, label: 5 }, { passphrase, label: "x".repeat(257) }]) {
      await refused(StorageError, () => credentials.addUnlocker(means), "INVALID_CONFIG");
    }
    same(await kinds({ credentials }), ["passphrase"]);
    for (const key of ["argon2", 5, true, {}, pair.privateKey, { wrap: () => undefined }]) {
      await refused(StorageError, () => reopen({ encryption: { key } }), "INVALID_CONFIG");
    }
  },

  "encryption.key may be a CryptoKey or a provider, and unlocks by itself": async ({ open, reopen, type }) => {
    for (const key of [await hmacKey(), await aesKey("AES-GCM", ["encrypt", "decrypt"]), await aesKey("AES-KW", ["wrapKey", "unwrapKey"]), provider()]) {
      const store = await open({ encryption: { key } });
      await store.credentials.set("maps", "secret");
      same(await store.credentials.get("maps"), "secret");
      if (type !== "memory") {
        await store.close();
        const again = await reopen({ encryption: { key } });
        same(await again.credentials.get("maps"), "secret");
        await again.destroy();
      } else {
        await store.destroy();
      }
    }
  },
};
