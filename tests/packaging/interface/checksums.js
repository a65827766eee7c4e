import { refused, same } from "./check.js";

const collections = { kept: { checksum: true }, records: { keyPath: "id", indexes: ["n"], checksum: true }, plain: {} };

export const cases = {
  "a value with a checksum is what was written, whatever it is made of": async ({ open, reopen }) => {
    const store = await open({ collections });
    const values = [undefined, null, 7, -0, NaN, "text", 5n, new Date(5), new Map([[1, { a: [] }]]), new Set(["x"]), new Uint8Array([1, 2]), { b: 1, a: { 2: 1, 1: 2 } }, [1, , 3], JSON.parse('{"__proto__":1,"$":2}')];
    await store.setMany(values.map((value, key) => ({ key, value })), { namespace: "kept" });
    await store.collection("records").put({ n: 1, id: "1", deep: { at: new Date(1) } });
    await store.collection("records").update("1", { n: 2 });
    await store.setMetadata("1", { a: 1 }, { namespace: "records" });
    const again = store.getInfo().persistent ? await reopen({ collections }) : store;
    for (const [key, value] of values.entries()) same(await again.get(key, { namespace: "kept" }), value, `value ${key}`);
    same(await again.collection("records").query({ field: "n", operator: "eq", value: 2 }).then((rows) => rows[0].value), { n: 2, id: "1", deep: { at: new Date(1) } });
  },

  "a value that is not what was written is CORRUPTED by name, and others go on": async ({ open, rows, overwrite, type, StorageError }) => {
    if (type === "memory") return;
    const store = await open({ collections });
    const entries = ["a", "b", "c"].map((key) => ({ key, value: { text: key } }));
    await store.setMany(entries, { namespace: "kept" });
    await store.setMany(entries, { namespace: "plain" });
    for (const name of ["kept", "plain"]) {
      const found = (await rows(name)).find(({ key }) => key === "b");
      await overwrite(name, "b", { ...found.row, text: "damaged" });
    }
    for (const call of [() => store.get("b", { namespace: "kept" }), () => store.getMany(["a", "b"], { namespace: "kept" }), () => store.collection("kept").all()]) {
      const error = await refused(StorageError, call, "CORRUPTED");
      same(error.context, { collection: "kept", key: "b" });
      same(error.message.includes("damaged"), false);
    }
    same([await store.get("b", { namespace: "plain" }), await store.get("a", { namespace: "kept" }), await store.get("c", { namespace: "kept" })], [{ text: "damaged" }, { text: "a" }, { text: "c" }]);
    same((await store.collection("kept").list()).length, 3);
    await store.set("b", { text: "again" }, { namespace: "kept" });
    same((await store.collection("kept").all()).length, 3);
  },

  "a checksum of another length fits nothing, and a record from before has none": async ({ open, reopen, rows, overwrite, type, StorageError }) => {
    if (type === "memory") return;
    const before = await open({ collections: { kept: {} } });
    await before.set("old", 1, { namespace: "kept" });
    await before.close();
    const store = await reopen({ collections: { kept: { checksum: true } } });
    same(await store.get("old", { namespace: "kept" }), 1);
    await store.set("new", 1, { namespace: "kept" });
    const { row } = (await rows("kept")).find(({ key }) => key === "new");
    same(row._tidekeep.checksum.length, 32);
    for (const checksum of [new Uint8Array(31), new Uint8Array(0), new Uint8Array(33)]) {
      await overwrite("kept", "new", { ...row, _tidekeep: { ...row._tidekeep, checksum } });
      await refused(StorageError, () => store.get("new", { namespace: "kept" }), "CORRUPTED");
    }
    await store.delete("new", { namespace: "kept" });
  },

  "what has no encoded form, or is sealed, has no checksum": async ({ open, StorageError }) => {
    const store = await open({ collections });
    await refused(StorageError, () => store.set("k", new Error("no form"), { namespace: "kept" }), "SERIALIZATION_ERROR");
    same(await store.count({ namespace: "kept" }), 0);
    await refused(StorageError, () => open({ type: "memory", collections: { sealed: { checksum: true, encrypted: true } } }), "INVALID_CONFIG");
    await refused(StorageError, () => open({ type: "memory", collections: { kept: { checksum: "sha-256" } } }), "INVALID_CONFIG");
  },
};
