import { refused, same } from "./check.js";
import { dataKeyOf, openBare, sealBare } from "./web-crypto.js";

const passphrase = "correct horse battery staple";

export const cases = {
  "a secret is sealed, and opens after the passphrase": async ({ open, StorageError }) => {
    const store = await open();
    const { credentials } = store;
    same(credentials.locked, true);
    await refused(StorageError, () => credentials.set("maps", "k"), "LOCKED");
    await credentials.unlock({ passphrase });
    for (const secret of ["text", new Uint8Array([1, 2]), { user: "u", token: "t" }]) {
      await credentials.set("maps", secret, { metadata: { env: "test" } });
      same(await credentials.get("maps"), secret);
    }
    credentials.lock();
    await refused(StorageError, () => credentials.get("maps"), "LOCKED");
    same([await credentials.has("maps"), await credentials.has("none")], [true, false]);
    const [item] = await credentials.list();
    same([item.key, item.encrypted, item.metadata, item.version], ["maps", true, { env: "test" }, 3]);
    await refused(StorageError, () => credentials.unlock({ passphrase: "wrong" }), "AUTHENTICATION_FAILED");
    await refused(StorageError, () => credentials.unlock({ passphrase: 5 }), "INVALID_CONFIG");
    await refused(StorageError, () => credentials.unlock(), "INVALID_CONFIG");
    same(credentials.locked, true);
    await credentials.unlock({ passphrase });
    same(await credentials.get("maps"), { user: "u", token: "t" });
    same([await credentials.get("none"), await credentials.delete("maps"), await credentials.delete("maps")], [undefined, true, false]);
    await refused(StorageError, () => credentials.set("", "x"), "INVALID_KEY");
    await refused(StorageError, () => credentials.set("x", undefined), "INVALID_VALUE");
    await refused(StorageError, () => credentials.set("x", { loop: Symbol("s") }), "INVALID_VALUE");
  },

  "a passphrase is the same however its letters are composed": async ({ open }) => {
    const { credentials } = await open();
    await credentials.unlock({ passphrase: "caf\u00e9" });
    await credentials.set("a", "b");
    credentials.lock();
    await credentials.unlock({ passphrase: "cafe\u0301" });
    same(await credentials.get("a"), "b");
  },

  "the passphrase is asked for when something sealed is wanted, and once for all who wait": async ({ open, StorageError }) => {
    let asked = 0;
    let answer = passphrase;
    const store = await open({
      collections: { diary: { keyPath: "id", encrypted: true } },
      encryption: { passphrase: async () => (asked += 1, answer) },
    });
    const diary = store.collection("diary");
    await diary.put({ id: "1", text: "dear diary" });
    same(asked, 1);
    store.credentials.lock();
    const found = await Promise.all([diary.get("1"), diary.all(), store.credentials.get("none")]);
    same([found[0], asked], [{ id: "1", text: "dear diary" }, 2]);
    store.credentials.lock();
    answer = "wrong";
    const refusals = await Promise.allSettled([diary.get("1"), diary.get("1"), diary.all(), diary.all()]);
    same([...refusals.map(({ reason }) => reason?.code), asked], [...Array(4).fill("AUTHENTICATION_FAILED"), 3]);
    await refused(StorageError, () => diary.get("1"), "AUTHENTICATION_FAILED");
    same(asked, 4, "asked anew by a later call");
    same([await diary.count(), await diary.keys(), (await diary.list()).length], [1, ["1"], 1]);
  },

  "a sealed record holds every kind of value, and refuses what has no encoded form": async ({ open, StorageError }) => {
    const store = await open({ collections: { safe: { keyPath: "id", encrypted: true } } });
    await store.credentials.unlock({ passphrase });
    const safe = store.collection("safe");
    const record = {
      id: "1", at: new Date(5), none: undefined, big: 12n, bytes: new Uint8Array([1, 2]), buffer: new Uint8Array([3]).buffer,
      map: new Map([["a", new Set([1])]]), nan: NaN, zero: -0, text: "\ud800", re: /a/g, $: "x", list: [1, undefined, null],
    };
    await safe.put(record);
    same(await safe.get("1"), record);
    const cyclic = { id: "2" };
    cyclic.self = cyclic;
    await refused(StorageError, () => safe.put(cyclic), "SERIALIZATION_ERROR");
    same(await safe.keys(), ["1"]);
  },

  "bare Web Crypto opens what was sealed here, and what it seals is opened here": async ({ open, type, rows, overwrite, name }) => {
    if (type === "memory") return;
    const store = await open();
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("maps", "sk-secret-1234");
    const { dataKey, keyId } = await dataKeyOf(await rows("tidekeep:keys"), passphrase, name());
    const [{ key, row }] = await rows("credentials");
    same([key, row.service, "value" in row, "secret" in row], ["maps", "maps", false, false]);
    const place = { database: name(), collection: "credentials", key: "maps", field: "" };
    same(await openBare(dataKey, row._tidekeep.sealed, place), '"sk-secret-1234"');
    row._tidekeep.sealed = await sealBare(dataKey, keyId, '"from outside"', place);
    await overwrite("credentials", undefined, row);
    same(await store.credentials.get("maps"), "from outside");
  },

  "the value encoding is that of the golden texts, read and written": async ({ open, type, golden, rows, overwrite, name }) => {
    if (type === "memory") return;
    const store = await open();
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("maps", "x");
    const { dataKey, keyId } = await dataKeyOf(await rows("tidekeep:keys"), passphrase, name());
    const [{ row }] = await rows("credentials");
    const place = { database: name(), collection: "credentials", key: "maps", field: "" };
    for (const text of golden.values) {
      row._tidekeep.sealed = await sealBare(dataKey, keyId, text, place);
      await overwrite("credentials", undefined, row);
      const value = await store.credentials.get("maps");
      if (value === undefined || value === null) continue; // a secret cannot be these; they are read all the same
      await store.credentials.set("maps", value);
      const [{ row: written }] = await rows("credentials");
      same(await openBare(dataKey, written._tidekeep.sealed, place), text);
    }
  },

  "a ciphertext that was changed, cut or moved is refused, and nothing else is harmed": async ({ open, type, rows, overwrite, StorageError }) => {
    if (type === "memory") return;
    const store = await open();
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("one", "1");
    await store.credentials.set("two", "2");
    const [one, two] = (await rows("credentials")).map(({ row }) => row);
    const sealed = one._tidekeep.sealed;
    const altered = (change) => ({ ...one, _tidekeep: { ...one._tidekeep, sealed: change(sealed.slice()) } });
    const attacks = [
      [(bytes) => ((bytes[40] ^= 1), bytes), "DECRYPTION_FAILED"],
      [(bytes) => ((bytes[25] ^= 1), bytes), "DECRYPTION_FAILED"],
      [(bytes) => bytes.slice(0, -1), "DECRYPTION_FAILED"],
      [() => two._tidekeep.sealed, "DECRYPTION_FAILED"],
      [(bytes) => ((bytes[10] ^= 1), bytes), "KEY_MISSING"],
      [(bytes) => bytes.slice(0, 20), "CORRUPTED"],
      [(bytes) => ((bytes[4] = 9), bytes), "VERSION_ERROR"],
    ];
    for (const [change, code] of attacks) {
      await overwrite("credentials", undefined, altered(change));
      await refused(StorageError, () => store.credentials.get("one"), code);
      same(await store.credentials.get("two"), "2");
    }
  },
};
