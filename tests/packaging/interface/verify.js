import { refused, same } from "./check.js";

const collections = { kept: { checksum: true }, notes: { keyPath: "id", indexes: ["n", "*tags"] }, sealed: { encrypted: true } };
const passphrase = "correct horse battery staple";
const of = (report, name) => report.collections.find((collection) => collection.name === name);

export const cases = {
  "verifying a sound store finds nothing, and tells how far it is": async ({ open }) => {
    const store = await open({ collections });
    await store.credentials.unlock({ passphrase });
    await store.credentials.set("service", "secret");
    await store.setMany(Array.from({ length: 700 }, (_, n) => ({ key: n, value: { id: n, n: n % 7, tags: n % 2 ? ["a", "b", "a"] : "none" } })), { namespace: "notes" });
    await store.setMany([{ key: "a", value: 1 }, { key: "b", value: [2n] }], { namespace: "kept" });
    await store.set("s", { secret: 1 }, { namespace: "sealed" });
    await store.set("k", 1);
    const steps = [];
    const report = await store.verify({ onProgress: (...step) => steps.push(step) });
    same(report.sound, true, JSON.stringify(report));
    same(report.collections.map(({ name, records }) => [name, records]), [["credentials", 1], ["default", 1], ["kept", 2], ["notes", 700], ["sealed", 1]]);
    same(report.collections.every(({ corrupted, unopened, expired, indexes }) => corrupted.length + unopened + expired + indexes.length === 0), true);
    same([report.outbox, report.tombstones, report.repaired], [{ rows: 0, orphaned: 0, damaged: 0 }, { rows: 0, besideLive: 0 }, undefined]);
    same([steps[0], steps.at(-1)], [[0, 705], [705, 705]]);
    same(steps.every(([done], at) => at === 0 || done >= steps[at - 1][0]) && steps.length >= 7, true);
    store.credentials.lock();
    const locked = await store.verify();
    same([locked.sound, of(locked, "sealed").unopened, of(locked, "credentials").unopened], [true, 1, 1]);
  },

  "damaged records are told by their keys, and stay": async ({ open, rows, overwrite, type }) => {
    if (type === "memory") return;
    const store = await open({ collections });
    await store.credentials.unlock({ passphrase });
    for (const namespace of ["kept", "sealed"]) await store.setMany(["a", "b", "c"].map((key) => ({ key, value: { key } })), { namespace });
    const damage = async (name, key, change) => {
      const { row } = (await rows(name)).find((found) => found.key === key);
      await overwrite(name, key, change(row));
    };
    await damage("kept", "b", (row) => ({ ...row, key: "damaged" }));
    await damage("sealed", "c", (row) => ({ _tidekeep: { ...row._tidekeep, sealed: row._tidekeep.sealed.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) } }));
    await damage("sealed", "a", () => ({ _tidekeep: { version: 1, created: 1, modified: 1, hlc: "no stamp" } }));
    for (const report of [await store.verify(), await store.repair()]) {
      same([report.sound, of(report, "kept").corrupted, of(report, "sealed").corrupted.sort()], [false, ["b"], ["a", "c"]]);
    }
    same([await store.get("a", { namespace: "kept" }), (await rows("kept")).length, (await rows("sealed")).length], [{ key: "a" }, 3, 3]);
    await store.set("b", 1, { namespace: "kept" });
    await store.deleteMany(["c"], { namespace: "sealed" });
    same(of(await store.verify(), "kept").corrupted, []);
  },

  "an index that disagrees with its records is told": async ({ open, type }) => {
    if (type === "memory") return;
    const store = await open({ collections });
    await store.collection("notes").putMany([1, 2, 3].map((n) => ({ id: n, n })));
    const { count } = IDBIndex.prototype;
    IDBIndex.prototype.count = function (...given) {
      return count.call(this, ...(this.name === "n" ? [IDBKeyRange.lowerBound(2)] : given));
    };
    let report;
    try {
      report = await store.verify();
    } finally {
      IDBIndex.prototype.count = count;
    }
    same([report.sound, of(report, "notes").indexes], [false, [{ name: "n", entries: 2, wanted: 3 }]]);
    same((await store.verify()).sound, true);
  },

  "a repair removes what is over, orphaned rows and stray tombstones, and nothing else": async ({ createStorage, name, rows, overwrite, type }) => {
    const sync = { endpoint: "http://127.0.0.1:1/v1/nowhere", enabled: false };
    const store = await createStorage({ name: name(), type, collections: { notes: { keyPath: "id" }, local: { sync: false } }, sync });
    try {
      const notes = store.collection("notes");
      await notes.putMany([{ id: "1" }, { id: "2" }]);
      await notes.delete("2");
      await store.setMany([{ key: "old", value: 1, expiration: new Date(1) }, { key: "new", value: 1 }], { namespace: "local" });
      if (type === "indexeddb") {
        const { row } = (await rows("tidekeep:outbox"))[0];
        const naming = (docs) => ({ ...row, docs });
        await overwrite("tidekeep:outbox", 77, naming([["notes", "9"], ["local", "new"]]));
        await overwrite("tidekeep:outbox", 78, naming([["notes", "9"], ["notes", "1"]]));
        const tombstone = (await rows("tidekeep:tombstones"))[0];
        same(tombstone.key, ["notes", "2"]);
        await overwrite("tidekeep:tombstones", ["notes", "1"], tombstone.row);
      }
      const [orphaned, besideLive] = type === "indexeddb" ? [1, 1] : [0, 0];
      const before = await store.verify();
      same([before.outbox.orphaned, before.tombstones.besideLive, before.outbox.damaged, before.sound], [orphaned, besideLive, 0, type === "memory"]);
      const { repaired } = await store.repair();
      same([repaired.orphaned, repaired.tombstones], [orphaned, besideLive]);
      const after = await store.verify({ repair: true });
      same([after.sound, of(after, "local").records, of(after, "notes").records, after.tombstones.rows], [true, 1, 1, 1]);
      same(after.repaired, { expired: 0, orphaned: 0, tombstones: 0 });
      same((await store.sync.pending()).map(({ key }) => key).sort(), ["1", "2"]);
    } finally {
      await store.close();
    }
  },

  "verifying can be called off, and refuses what it does not know": async ({ open, StorageError }) => {
    const store = await open({ collections });
    await store.setMany(Array.from({ length: 1000 }, (_, key) => ({ key, value: key })));
    const controller = new AbortController();
    await refused(StorageError, () => store.verify({ signal: controller.signal, onProgress: () => controller.abort() }), "ABORTED");
    await refused(StorageError, () => store.verify({ deep: true }), "INVALID_CONFIG");
    await refused(StorageError, () => store.verify({ repair: "all" }), "INVALID_CONFIG");
    await refused(StorageError, () => store.repair({ repair: true }), "INVALID_CONFIG");
    await refused(StorageError, () => store.verify({ onProgress: 7 }), "INVALID_CONFIG");
    await store.close();
    await refused(StorageError, () => store.verify(), "CLOSED");
  },
};
