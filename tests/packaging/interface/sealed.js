import { refused, same, until } from "./check.js";

const passphrase = "correct horse battery staple";

const safe = async (open) => {
  const store = await open({ collections: { safe: { encrypted: true } } });
  await store.credentials.unlock({ passphrase });
  return { store, at: { namespace: "safe" } };
};

const bytes = (length) => new Uint8Array(length).map((_, at) => at * 7);
const named = Object.assign([1, 2], { name: "pair" });
const holes = [1, , 3, ,];
const length = 5000;

const exact = {
  holes, named, empty: new Array(7), long: "\u{1F600}x".repeat(length), torn: `\ud800${"x".repeat(length)}`, mark: `\ufeff${"x".repeat(length)}`,
  buffer: bytes(length).buffer, view: new DataView(bytes(length).buffer), floats: new Float64Array(length).fill(-0), part: bytes(length).subarray(3, 4900),
  deep: { list: [new Map([[bytes(length), new Set(["y".repeat(length), null, undefined])]])], $: "part", v: ["text", 0, 1] },
  tagged: { $: "array", v: [1] }, bigs: new BigInt64Array([-1n, 2n]), big: -(2n ** 200n), zero: -0, none: undefined, never: new Date(NaN), exotic: JSON.parse('{"__proto__": 1, "toJSON": 2}'),
};

export const cases = {
  "sealed values of every kind and length come back exactly, alone and among many": async ({ open }) => {
    const { store, at } = await safe(open);
    const all = [...Object.entries(exact), ["all", exact]];
    for (const [key, value] of all) await store.set(key, value, at);
    for (const [key, value] of all) same(await store.get(key, at), value, key);
    await store.setMany(all.map(([key, value]) => ({ key: `many ${key}`, value })), at);
    const found = await store.getMany(all.map(([key]) => `many ${key}`), at);
    for (const [key, value] of all) same(found.get(`many ${key}`), value, `many ${key}`);
    const back = await store.get("holes", at);
    same([1 in back, 3 in back, back.length, (await store.get("named", at)).name], [false, false, 4, "pair"]);
    const large = bytes(300_000);
    await store.set("large", large, at);
    same(await store.get("large", at), large);
  },

  "what cannot be sealed exactly is refused, and nothing is written": async ({ open, StorageError }) => {
    const { store, at } = await safe(open);
    const loop = {};
    loop.self = loop;
    const inexact = [loop, new Error("e"), Object(1), Object("s"), Object(true), new Blob(["b"])];
    if ("resizable" in ArrayBuffer.prototype) inexact.push(new ArrayBuffer(8, { maxByteLength: 16 }), new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })));
    for (const value of inexact) {
      for (const whole of [value, { value }, [bytes(length), value]]) await refused(StorageError, () => store.set("k", whole, at), "SERIALIZATION_ERROR");
    }
    same(await store.has("k", at), false);
  },

  "the last of several sealed writes of one key wins, whichever takes longest to seal": async ({ open }) => {
    const { store, at } = await safe(open);
    for (const sizes of [[400_000, 1, 2], [1, 400_000, 3], [400_000, 5000, 4999]]) {
      const results = await Promise.all(sizes.map((size) => store.set("k", bytes(size), at)));
      same(await store.get("k", at), bytes(sizes[2]));
      same(results.map(({ version }) => version - results[0].version), [0, 1, 2]);
    }
  },

  "an entry written with encrypt is sealed, and stays so until it is said otherwise": async ({ open, StorageError, type, rows }) => {
    const store = await open({ cache: {}, collections: { notes: { keyPath: "id", indexes: ["text", "*$tags"], search: ["text"] }, safe: { encrypted: true } } });
    const notes = store.collection("notes");
    const secret = { id: "s", text: "violet otter" };
    await refused(StorageError, () => notes.put(secret, { encrypt: true }), "LOCKED");
    same(await notes.has("s"), false, "nothing in its place");
    await store.credentials.unlock({ passphrase });
    await notes.put(secret, { encrypt: true, tags: ["t"], metadata: { colour: "red" } });
    await notes.put({ id: "o", text: "brown otter" });
    const stored = async () => (type === "indexeddb" ? (await rows("notes")).map(({ row }) => [row.id, row.text ?? "", "sealed" in row._tidekeep]) : undefined);
    if (type === "indexeddb") same(await stored(), [["o", "brown otter", false], ["s", "", true]]);
    same(await notes.get("s"), secret);
    const listed = await notes.list();
    same(listed.map(({ key, encrypted }) => [key, encrypted]), [["o", false], ["s", true]]);
    const ids = async (filter) => (await notes.query(filter)).map(({ key }) => key);
    same(await ids({ field: "text", operator: "eq", value: "violet otter" }), [], "by an index");
    same(await ids({ not: { field: "text", operator: "eq", value: "x" } }), ["o", "s"], "without a field");
    same(await ids({ field: "text", operator: "endsWith", value: "otter" }), ["o"], "without an index");
    same((await notes.query({ field: "$tags", operator: "contains", value: "t" })).map(({ key }) => key), ["s"]);
    same((await notes.search("otter")).map(({ key }) => key), ["o"]);
    for (const write of [() => notes.put({ ...secret, text: "again" }), () => notes.update("s", { text: "updated" }), () => notes.putMany([{ id: "s", text: "many" }, { id: "n", text: "new" }])]) await write();
    same((await notes.list()).map(({ key, encrypted }) => [key, encrypted]), [["n", false], ["o", false], ["s", true]]);
    store.credentials.lock();
    await refused(StorageError, () => notes.get("s"), "LOCKED");
    await refused(StorageError, () => notes.put({ id: "s", text: "in the clear" }), "LOCKED");
    same([(await notes.get("o")).text, await notes.has("s"), await notes.keys()], ["brown otter", true, ["n", "o", "s"]]);
    await store.credentials.unlock({ passphrase });
    same((await notes.get("s")).text, "many");
    await notes.put({ id: "s", text: "open" }, { encrypt: false });
    same((await notes.list()).map(({ encrypted }) => encrypted), [false, false, false]);
    same((await notes.search("open")).map(({ key }) => key), ["s"]);
    await refused(StorageError, () => store.set("k", 1, { namespace: "safe", encrypt: false }), "INVALID_CONFIG");
    await refused(StorageError, () => store.set("k", 1, { encrypt: "yes" }), "INVALID_CONFIG");
  },

  "an entry under a sensitive key is sealed by itself, unless its write says otherwise": async ({ open, StorageError, type, rows }) => {
    const store = await open({ collections: { notes: { keyPath: "id" }, safe: { keyPath: "id", encrypted: true } }, encryption: { sensitive: ["api_keys", "private_*", "*_token"] } });
    for (const key of ["api_keys", "private_", "map_token"]) await refused(StorageError, () => store.set(key, "otter"), "LOCKED");
    await refused(StorageError, () => store.setMany([{ key: "a", value: 1 }, { key: "private_b", value: 2 }]), "LOCKED");
    same(await store.keys(), [], "nothing in the clear instead");
    await store.set("theme", "dark");
    await store.credentials.unlock({ passphrase });
    await store.set("api_keys", "otter");
    await store.setMany([{ key: "private_b", value: "otter" }, { key: "my_private_b", value: 1 }, { key: "open_token", value: 3, encrypt: false }]);
    await store.transaction((tx) => tx.set("x_token", "otter"));
    const notes = store.collection("notes");
    await notes.put({ id: "private_1", text: "otter" });
    await notes.update("private_1", { text: "violet otter" });
    await store.collection("safe").put({ id: "private_1", text: "otter" });
    const sealed = async (list) => (await list).filter(({ encrypted }) => encrypted).map(({ key }) => key);
    same([await sealed(store.list()), await sealed(notes.list())], [["api_keys", "private_b", "x_token"], ["private_1"]]);
    if (type === "indexeddb") same(JSON.stringify(await rows("tidekeep:entries")).includes("otter"), false);
    same([await store.get("api_keys"), (await notes.get("private_1")).text], ["otter", "violet otter"]);
    for (const sensitive of [[""], ["*"], ["a*b"], ["*a*"], "api_keys", [7]]) await refused(StorageError, () => open({ encryption: { sensitive } }), "INVALID_CONFIG");
  },

  "a user says what is to be sealed; it is remembered, every tab follows, and secrets cannot be switched off": async ({ open, reopen, StorageError, type }) => {
    const collections = { notes: { keyPath: "id" }, safe: { keyPath: "id", encrypted: true } };
    const encryption = { sensitive: ["*_token"] };
    const store = await open({ collections, encryption });
    const { credentials } = store;
    same(await credentials.preferences(), { default: false, stores: {} });
    await credentials.unlock({ passphrase });
    const tab = await reopen({ collections, encryption });
    await tab.credentials.unlock({ passphrase });
    const said = { default: true, stores: { notes: false, credentials: true }, sensitive: ["private_*"] };
    await credentials.setPreferences(said);
    same(await credentials.preferences(), said);
    const sealed = async (list) => (await list).filter(({ encrypted }) => encrypted).map(({ key }) => key);
    await store.set("a", 1);
    await store.set("b", 2, { encrypt: false });
    await store.collection("notes").put({ id: "private_1" });
    await store.set("c", 3, { namespace: "drafts" });
    same([await sealed(store.list()), await sealed(store.collection("notes").list()), await sealed(store.list({ namespace: "drafts" }))], [["a"], [], ["c"]]);
    if (type === "indexeddb") {
      await until(async () => (await tab.credentials.preferences()).default === true, "the other tab to follow");
      await tab.set("t", 1);
      same(await sealed(tab.list()), ["a", "t"]);
    }
    for (const wrong of [{ stores: { credentials: false } }, { stores: { safe: false } }, { sensitive: ["*"] }, { stores: { notes: "yes" } }, { stores: [] , other: 1 }, { default: 1 }]) {
      await refused(StorageError, () => credentials.setPreferences(wrong), "INVALID_CONFIG");
    }
    await refused(StorageError, () => credentials.setPreferences({ stores: { "a/b": true } }), "INVALID_NAMESPACE");
    same(await credentials.preferences(), said, "nothing of what is wrong is remembered");
    if (type === "indexeddb") {
      await store.close();
      const again = await reopen({ collections, encryption });
      same(await again.credentials.preferences(), said);
      await again.credentials.setPreferences({});
      await again.credentials.unlock({ passphrase });
      await again.set("x", 1);
      await again.set("map_token", 1);
      same((await sealed(again.list())).includes("x"), false);
      same((await sealed(again.list())).includes("map_token"), true, "the application's patterns");
    }
  },

  "whoever seals one entry is asked for the passphrase, and asked again to read it": async ({ open }) => {
    let asked = 0;
    const store = await open({ encryption: { passphrase: () => (asked += 1, passphrase) } });
    await store.set("a", 1);
    same(asked, 0);
    await store.setMany([{ key: "b", value: 2, encrypt: true }, { key: "c", value: 3 }]);
    same(asked, 1);
    store.credentials.lock();
    same([await store.get("a"), await store.get("c"), asked], [1, 3, 1]);
    same([await store.get("b"), asked], [2, 2]);
    same((await store.list()).map(({ encrypted }) => encrypted), [false, true, false]);
    const transactionId = await store.beginTransaction();
    await store.set("b", 4, { transactionId });
    await store.set("d", 5, { encrypt: true, transactionId });
    same([await store.get("b", { transactionId }), await store.get("d", { transactionId })], [4, 5]);
    await store.commit(transactionId);
    same((await store.list()).map(({ encrypted }) => encrypted), [false, true, false, true]);
    same([...(await store.getMany(["b", "d"])).values()], [4, 5]);
  },

  "what lay in the clear is sealed once its collection is encrypted and the keys are open, and nothing is lost": async ({ open, reopen, type, rows }) => {
    if (type !== "indexeddb") return;
    const store = await open({ collections: { notes: { keyPath: "id" }, other: { keyPath: "id" } } });
    const records = Array.from({ length: 600 }, (_, id) => ({ id, text: `note ${id}` }));
    await store.collection("notes").putMany(records, { tags: ["kept"] });
    await store.collection("other").put({ id: 1 });
    await store.close();
    const sealing = await reopen({ collections: { notes: { keyPath: "id", encrypted: true }, other: { keyPath: "id" } } });
    const notes = sealing.collection("notes");
    await sealing.credentials.unlock({ passphrase });
    await notes.put({ id: 300, text: "written meanwhile" });
    const clear = async (name) => (await rows(name)).filter(({ row }) => !("sealed" in row._tidekeep)).length;
    await until(async () => (await clear("notes")) === 0, "sealing what lay in the clear");
    same(await notes.all(), records.map((record) => (record.id === 300 ? { id: 300, text: "written meanwhile" } : record)));
    same([(await notes.list()).every(({ tags, encrypted }) => tags[0] === "kept" && encrypted), await clear("other")], [true, 1]);
  },
};
