import { refused, same, until } from "./check.js";

const collections = {
  notes: { keyPath: "id", indexes: ["place", "*tags", "&slug"] },
  places: { keyPath: "id" },
};
const LEVELS = ["read-committed", "read-uncommitted", "serializable"];
const moment = (ms = 0) => new Promise((done) => setTimeout(done, ms));
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const cases = {
  "a transaction that is rolled back leaves nothing, as in the example": async ({ open }) => {
    const storage = await open();
    same(storage.getCapabilities().transactions, true);
    const transactionId = await storage.beginTransaction();
    try {
      await storage.set("key1", { balance: 100 }, { transactionId });
      await storage.set("key2", { balance: 200 }, { transactionId });
      throw new Error("something came between");
    } catch {
      await storage.rollback(transactionId);
    }
    same([await storage.has("key1"), await storage.has("key2")], [false, false]);
    const again = await storage.beginTransaction();
    await storage.set("key1", { balance: 100 }, { transactionId: again });
    await storage.set("key2", { balance: 200 }, { transactionId: again });
    await storage.commit(again);
    same([await storage.get("key1"), await storage.get("key2")], [{ balance: 100 }, { balance: 200 }]);
  },

  "every key-value call takes part in a transaction by its id": async ({ open }) => {
    const store = await open({ collections });
    await store.setMany([{ key: "old", value: 0, metadata: { a: 1 } }, { key: "gone", value: 0 }]);
    const transactionId = await store.beginTransaction();
    same(UUID.test(transactionId), true, transactionId);
    const inIt = { transactionId };
    const result = await store.set("k", 1, { ...inIt, tags: ["x"] });
    same([result.key, result.version, result.durability], ["k", 1, "memory"]);
    same([...(await store.setMany([{ key: "l", value: 2 }, { key: "m", value: 3 }], inIt)).keys()], ["l", "m"]);
    same([await store.delete("gone", inIt), [...(await store.deleteMany(["m", "none"], inIt))]], [true, [["m", true], ["none", false]]]);
    await store.setMetadata("old", { b: 2 }, inIt);
    same(await store.getMetadata("old", inIt), { a: 1, b: 2 });
    same([await store.get("k", inIt), await store.has("gone", inIt)], [1, false]);
    same([...(await store.getMany(["k", "gone", "l", "old"], inIt))], [["k", 1], ["l", 2], ["old", 0]]);
    same(await store.keys(inIt), ["k", "l", "old"]);
    same((await store.list({ ...inIt, prefix: "k" })).map(({ key, tags }) => [key, tags]), [["k", ["x"]]]);
    same((await store.query({ field: "$key", operator: "gt", value: "k" }, inIt)).map(({ key }) => key), ["l", "old"]);
    same([await store.count(inIt), await store.count({ ...inIt, filter: { field: "$tags", operator: "contains", value: "x" } })], [3, 1]);
    await store.set("n", 1, { ...inIt, namespace: "notes of mine" });
    await store.clear({ ...inIt, namespace: "notes of mine" });
    await store.set("n", 2, { ...inIt, namespace: "notes of mine" });
    same([await store.keys(), await store.getMetadata("old"), await store.count({ namespace: "notes of mine" })], [["gone", "old"], { a: 1 }, 0]);
    await store.commit(transactionId);
    same([await store.keys(), await store.getMetadata("old"), await store.get("n", { namespace: "notes of mine" })], [["k", "l", "old"], { a: 1, b: 2 }, 2]);
    const emptied = await store.beginTransaction();
    await store.clear({ transactionId: emptied });
    same([await store.count({ transactionId: emptied }), await store.count()], [0, 3]);
    await store.commit(emptied);
    same([await store.count(), await store.count({ namespace: "notes of mine" })], [0, 0]);
  },

  "an unknown or ended transaction is INVALID_TRANSACTION for every call, and names its id": async ({ open, StorageError }) => {
    const store = await open();
    const ended = [await store.beginTransaction(), await store.beginTransaction(), "never"];
    await store.commit(ended[0]);
    await store.rollback(ended[1]);
    for (const transactionId of ended) {
      const inIt = { transactionId };
      const calls = {
        get: () => store.get("k", inIt), set: () => store.set("k", 1, inIt), delete: () => store.delete("k", inIt),
        has: () => store.has("k", inIt), getMany: () => store.getMany(["k"], inIt), deleteMany: () => store.deleteMany(["k"], inIt),
        setMany: () => store.setMany([{ key: "k", value: 1 }], inIt), keys: () => store.keys(inIt), list: () => store.list(inIt),
        query: () => store.query([], inIt), count: () => store.count(inIt), clear: () => store.clear(inIt),
        getMetadata: () => store.getMetadata("k", inIt), setMetadata: () => store.setMetadata("k", {}, inIt),
        commit: () => store.commit(transactionId), rollback: () => store.rollback(transactionId),
      };
      for (const [operation, call] of Object.entries(calls)) {
        const error = await refused(StorageError, call, "INVALID_TRANSACTION");
        same([error.operation, error.context.transaction, error.retryable], [operation, transactionId, false]);
      }
    }
    for (const id of [undefined, null, 7, {}]) {
      await refused(StorageError, () => store.commit(id), "INVALID_TRANSACTION");
      await refused(StorageError, () => store.rollback(id), "INVALID_TRANSACTION");
    }
    await refused(StorageError, () => store.set("k", 1, { transactionId: 7 }), "INVALID_CONFIG");
    same(await store.keys(), []);
  },

  "a body's writes are committed as one, over collections, and awaiting anything": async ({ open }) => {
    const store = await open({ collections });
    const told = [];
    store.on("change", ({ collection, key, type }) => told.push(`${type} ${collection}/${key}`));
    const answer = await store.transaction(async (tx) => {
      const notes = tx.collection("notes");
      await notes.put({ id: "1", place: "Lisbon", slug: "a", tags: ["x", "y"] });
      await moment(5);
      await tx.collection("places").put({ id: "Lisbon" });
      await tx.set("count", 1);
      await notes.update("1", (note) => ({ ...note, text: "Tram 28" }));
      same((await notes.query({ field: "tags", operator: "contains", value: "y" })).map(({ value }) => value.text), ["Tram 28"]);
      same([await notes.count(), (await notes.all()).length, await notes.has("1"), (await notes.explain([{ field: "place", operator: "eq", value: "Lisbon" }])).index], [1, 1, true, "place"]);
      same([await store.collection("notes").count(), await store.get("count"), told], [0, undefined, []]);
      return ["answer"];
    });
    same(answer, ["answer"]);
    same([(await store.collection("notes").get("1")).text, await store.get("count")], ["Tram 28", 1]);
    same(told.filter((change, at) => told.indexOf(change) !== at), [], "told twice");
    same(told.sort(), ["put default/count", "put notes/1", "put places/Lisbon"]);
    same(await store.transaction(() => 7), 7, "a body need not be async");
  },

  "where a body throws, nothing is written and what it threw comes back as it is": async ({ open }) => {
    const store = await open();
    for (const thrown of [new RangeError("mine"), "a text", undefined, { code: "CONFLICT" }]) {
      const caught = await store
        .transaction(async (tx) => {
          await tx.set("k", 1);
          throw thrown;
        }, { isolation: "serializable" })
        .then(() => "none", (error) => ({ error }));
      same(caught !== "none" && caught.error === thrown, true, String(thrown));
    }
    const atOnce = new Error("at once");
    same(await store.transaction(() => { throw atOnce; }).catch((error) => error === atOnce), true);
    same(await store.keys(), []);
  },

  "values are copied into a transaction and out of it": async ({ open }) => {
    const store = await open();
    await store.transaction(async (tx) => {
      const value = { list: [1] };
      await tx.set("k", value);
      value.list.push(2);
      const read = await tx.get("k");
      same(read, { list: [1] });
      read.list.push(3);
      same(await tx.get("k"), { list: [1] });
    });
    same(await store.get("k"), { list: [1] });
  },

  "preconditions and unique indexes are looked at in the view of the transaction": async ({ open, StorageError }) => {
    const store = await open({ collections });
    await store.collection("notes").put({ id: "1", slug: "one" });
    await store.transaction(async (tx) => {
      const notes = tx.collection("notes");
      await refused(StorageError, () => notes.put({ id: "1" }, { overwrite: false }), "ALREADY_EXISTS");
      await refused(StorageError, () => notes.put({ id: "2", slug: "one" }), "ALREADY_EXISTS");
      await refused(StorageError, () => notes.update("2", { slug: "x" }), "NOT_FOUND");
      await refused(StorageError, () => tx.setMetadata("none", {}), "NOT_FOUND");
      await refused(StorageError, () => notes.put({ id: "1" }, { ifVersion: 2 }), "CONFLICT");
      same(await notes.delete("1"), true);
      await notes.put({ id: "2", slug: "one" }, { overwrite: false });
      await refused(StorageError, () => notes.putMany([{ id: "3", slug: "three" }, { id: "4", slug: "one" }]), "ALREADY_EXISTS");
      same(await notes.keys(), ["2"]);
    });
    same(await store.collection("notes").all(), [{ id: "2", slug: "one" }]);
  },

  "what others wrote meanwhile decides over preconditions in the commit": async ({ open, StorageError }) => {
    const store = await open({ collections });
    await store.set("k", 1);
    const racing = async (write, beside) => {
      const transactionId = await store.beginTransaction();
      await write({ transactionId });
      await store.set("beside", true, { transactionId });
      await beside();
      return () => store.commit(transactionId);
    };
    await refused(StorageError, await racing((inIt) => store.set("k", 2, { ...inIt, ifVersion: 1 }), () => store.set("k", 3)), "CONFLICT");
    await refused(StorageError, await racing((inIt) => store.set("new", 2, { ...inIt, overwrite: false }), () => store.set("new", 3)), "ALREADY_EXISTS");
    await refused(StorageError, await racing((inIt) => store.setMetadata("k", { a: 1 }, inIt), () => store.delete("k")), "NOT_FOUND");
    same([await store.get("k"), await store.get("new"), await store.has("beside")], [undefined, 3, false]);
    // Without one, the last to commit wins.
    await (await racing((inIt) => store.set("new", 4, inIt), () => store.set("new", 5)))();
    same([await store.get("new"), await store.get("beside")], [4, true]);
  },

  "an update in a transaction loses nobody's update": async ({ open }) => {
    const store = await open({ collections });
    const notes = store.collection("notes");
    await notes.put({ id: "1", count: 0 });
    const add = (isolation) =>
      store.transaction(async (tx) => {
        await tx.collection("notes").update("1", (note) => ({ ...note, count: note.count + 1 }));
        await moment(Math.random() * 5);
      }, { isolation, retries: 100 });
    await Promise.all(Array.from({ length: 12 }, (_, n) => add(LEVELS[n % 3])));
    same((await notes.get("1")).count, 12);
  },

  "each level sees what it is said to": async ({ open }) => {
    const store = await open();
    await store.set("k", "old");
    for (const isolation of LEVELS) {
      await store.set("k", "old");
      const other = await store.beginTransaction();
      await store.set("k", "staged", { transactionId: other });
      const mine = await store.beginTransaction({ isolation });
      same(await store.get("k", { transactionId: mine }), isolation === "read-uncommitted" ? "staged" : "old", isolation);
      same((await store.keys({ transactionId: mine })).length, 1);
      await store.commit(other);
      if (isolation !== "serializable") same(await store.get("k", { transactionId: mine }), "staged", isolation);
      await store.rollback(mine);
    }
  },

  "what is staged and rolled back was never there for the others": async ({ open }) => {
    const store = await open();
    const other = await store.beginTransaction();
    await store.set("k", 1, { transactionId: other });
    const reader = await store.beginTransaction({ isolation: "read-uncommitted" });
    same(await store.keys({ transactionId: reader }), ["k"]);
    await store.rollback(other);
    same(await store.keys({ transactionId: reader }), []);
    await store.rollback(reader);
  },

  "a serializable transaction fails where anything that it read has changed": async ({ open, StorageError }) => {
    const store = await open({ collections });
    const notes = store.collection("notes");
    const reads = {
      get: (tx) => tx.get("1", { namespace: "notes" }), "get of none": (tx) => tx.get("9", { namespace: "notes" }),
      has: (tx) => tx.has("9", { namespace: "notes" }), getMany: (tx) => tx.getMany(["1", "9"], { namespace: "notes" }),
      keys: (tx) => tx.keys({ namespace: "notes" }), list: (tx) => tx.list({ namespace: "notes" }), count: (tx) => tx.count({ namespace: "notes" }),
      getMetadata: (tx) => tx.getMetadata("1", { namespace: "notes" }), all: (tx) => tx.collection("notes").all(),
      query: (tx) => tx.collection("notes").query({ field: "place", operator: "eq", value: "Rome" }),
      "sorted query with a limit": (tx) => tx.collection("notes").query([], { sort: { field: "place" }, limit: 3 }),
      "delete of none": (tx) => tx.delete("9", { namespace: "notes" }),
      "refused write": (tx) => tx.set("1", { id: "1" }, { namespace: "notes", overwrite: false }).catch(() => undefined),
    };
    const changes = {
      "1": () => notes.put({ id: "1", place: "Rome", again: true }),
      "9": () => notes.put({ id: "9", place: "Rome" }),
    };
    const blind = { get: ["9"], "get of none": ["1"], has: ["1"], getMetadata: ["9"], "delete of none": ["1"], "refused write": ["9"] };
    for (const [name, read] of Object.entries(reads)) {
      for (const [key, change] of Object.entries(changes)) {
        await notes.clear();
        await notes.putMany([{ id: "1", place: "Rome" }, { id: "2", place: "Oslo" }]);
        const attempt = () =>
          store.transaction(async (tx) => {
            await read(tx);
            await change();
            await tx.set("wrote", name);
          }, { isolation: "serializable", retries: 0 });
        if (blind[name]?.includes(key)) await attempt();
        else await refused(StorageError, attempt, "CONFLICT").catch((error) => { throw new Error(`${name}, ${key}: ${error.message}`); });
        same(await store.has("wrote"), blind[name]?.includes(key) ?? false, `${name}, ${key}`);
        await store.delete("wrote");
      }
    }
  },

  "a serializable transaction that only reads is looked at too, and reads the same twice or fails": async ({ open, StorageError }) => {
    const store = await open();
    await store.setMany([{ key: "a", value: 1 }, { key: "b", value: 1 }]);
    const skewed = store.transaction(async (tx) => {
      const a = await tx.get("a");
      await store.setMany([{ key: "a", value: 2 }, { key: "b", value: 2 }]);
      return [a, await tx.get("b")];
    }, { isolation: "serializable", retries: 0 });
    await refused(StorageError, () => skewed, "CONFLICT");
    let second;
    await refused(StorageError, () => store.transaction(async (tx) => {
      await tx.get("a");
      await store.set("a", 3);
      second = await tx.get("a").catch((error) => error.code);
    }, { isolation: "serializable", retries: 0 }), "CONFLICT");
    same(second, "CONFLICT");
    same(await store.transaction(async (tx) => [await tx.get("a"), await tx.get("a"), await tx.keys()], { isolation: "serializable" }), [3, 3, ["a", "b"]]);
  },

  "a body runs again where others were first, and no more often than it may": async ({ open, StorageError }) => {
    const store = await open();
    await store.set("n", 0);
    let runs = 0;
    const meddled = (times, options) =>
      store.transaction(async (tx) => {
        runs += 1;
        const n = await tx.get("n");
        if (runs <= times) await store.set("n", n + 10);
        await tx.set("n", n + 1);
      }, { isolation: "serializable", ...options });
    await meddled(3);
    same([await store.get("n"), runs], [31, 4]);
    runs = 0;
    const conflict = await refused(StorageError, () => meddled(Infinity, { retries: 2 }), "CONFLICT");
    same([runs, conflict.operation, conflict.context.key, conflict.retryable], [3, "transaction", "n", false]);
    same(await store.get("n"), 61);
  },

  "no increment is lost among serializable transactions at once": async ({ open }) => {
    const store = await open();
    await store.set("n", 0);
    const add = () => store.transaction(async (tx) => tx.set("n", (await tx.get("n")) + 1), { isolation: "serializable", retries: 1000 });
    await Promise.all(Array.from({ length: 20 }, add));
    same(await store.get("n"), 20);
  },

  "a body that does not settle is given up, and its transaction with it": async ({ open, StorageError }) => {
    const store = await open();
    let kept;
    const endless = () => store.transaction(async (tx) => {
      kept = tx;
      await tx.set("k", 1);
      await new Promise(() => undefined);
    }, { timeout: 50 });
    const error = await refused(StorageError, endless, "TIMEOUT");
    same([error.operation, error.context.timeout], ["transaction", "50"]);
    await refused(StorageError, () => kept.set("k", 1), "INVALID_TRANSACTION");
    same(await store.keys(), []);
  },

  "a begun transaction that nobody uses is rolled back": async ({ open, StorageError }) => {
    const store = await open();
    const transactionId = await store.beginTransaction({ timeout: 300 });
    await store.set("k", 1, { transactionId });
    for (let used = 0; used < 5; used += 1) {
      await moment(100);
      await store.get("k", { transactionId });
    }
    await until(async () => (await store.get("beside", { transactionId: await store.beginTransaction() })) === undefined, "others go on");
    await moment(700);
    await refused(StorageError, () => store.commit(transactionId), "INVALID_TRANSACTION");
    same(await store.keys(), []);
  },

  "a handle that is used after the end is INVALID_TRANSACTION": async ({ open, StorageError }) => {
    const store = await open({ collections });
    let kept;
    await store.transaction((tx) => void (kept = [tx, tx.collection("notes")]));
    await refused(StorageError, () => kept[0].get("k"), "INVALID_TRANSACTION");
    await refused(StorageError, () => kept[0].set("k", 1), "INVALID_TRANSACTION");
    await refused(StorageError, () => kept[1].put({ id: "1" }), "INVALID_TRANSACTION");
    await refused(StorageError, () => kept[1].all(), "INVALID_TRANSACTION");
    same(await store.collection("notes").count(), 0);
  },

  "a commit waits for the calls that were made before it": async ({ open }) => {
    const store = await open();
    await store.transaction((tx) => {
      for (let n = 0; n < 20; n += 1) void tx.set(n, n);
    });
    same(await store.count(), 20);
  },

  "a transaction inside of another is one of its own": async ({ open }) => {
    const store = await open();
    const outer = store.transaction(async (tx) => {
      await tx.set("outer", 1);
      await store.transaction(async (inner) => {
        same(await inner.has("outer"), false);
        await inner.set("inner", 1);
      });
      same(await tx.has("inner"), true);
      throw new Error("the outer one only");
    });
    await outer.catch(() => undefined);
    same(await store.keys(), ["inner"]);
  },

  "closing rolls back what is open": async ({ open, reopen, type, StorageError }) => {
    const store = await open();
    const transactionId = await store.beginTransaction();
    await store.set("k", 1, { transactionId });
    const running = store.transaction(async (tx) => {
      await tx.set("l", 1);
      await store.close();
    });
    await refused(StorageError, () => running, "INVALID_TRANSACTION");
    await refused(StorageError, () => store.commit(transactionId), "INVALID_TRANSACTION");
    await refused(StorageError, () => store.beginTransaction(), "CLOSED");
    await refused(StorageError, () => store.transaction(() => 1), "CLOSED");
    if (type !== "memory") same(await (await reopen()).keys(), []);
  },

  "sealed collections take part, and secrets do not": async ({ open, reopen, type, StorageError }) => {
    let asked = 0;
    const options = { collections: { sealed: { keyPath: "id", encrypted: true } }, encryption: { passphrase: async () => ((asked += 1), "a passphrase") } };
    const store = await open(options);
    const rolledBack = store.transaction(async (tx) => {
      await tx.collection("sealed").put({ id: "0", text: "secret" });
      throw new Error("not this time");
    });
    await rolledBack.catch(() => undefined);
    await store.transaction(async (tx) => {
      await tx.collection("sealed").put({ id: "1", text: "secret" });
      same(await tx.collection("sealed").get("1"), { id: "1", text: "secret" });
      await refused(StorageError, () => tx.clear({ includeCredentials: true }), "INVALID_CONFIG");
    }, { isolation: "serializable" });
    same(asked, 1);
    await store.credentials.set("service", "token");
    same(await store.collection("sealed").all(), [{ id: "1", text: "secret" }]);
    if (type === "memory") return;
    await store.close();
    const again = await reopen(options);
    same(await again.transaction((tx) => tx.collection("sealed").get("1")), { id: "1", text: "secret" });
    same(await again.credentials.get("service"), "token");
  },

  "what asks for a transaction wrongly is INVALID_CONFIG": async ({ open, StorageError }) => {
    const store = await open({ collections });
    for (const options of [{ isolation: "snapshot" }, { isolation: 1 }, { timeout: 0 }, { timeout: -1 }, { timeout: NaN }, { retries: -1 }, { retries: 0.5 }, { level: "serializable" }, 7]) {
      await refused(StorageError, () => store.transaction(() => 1, options), "INVALID_CONFIG");
      await refused(StorageError, () => store.beginTransaction(options), "INVALID_CONFIG");
    }
    for (const body of [undefined, null, 7, "body", {}]) {
      await refused(StorageError, () => store.transaction(body), "INVALID_CONFIG");
    }
    const transactionId = await store.beginTransaction();
    await refused(StorageError, () => store.collection("notes").putMany([{ id: "1" }], { transactionId }), "INVALID_CONFIG");
    await store.rollback(transactionId);
  },

  "a large transaction is one commit": async ({ open }) => {
    const store = await open({ collections });
    const notes = store.collection("notes");
    await notes.putMany(Array.from({ length: 300 }, (_, n) => ({ id: `k${String(n).padStart(4, "0")}`, place: `p${n % 7}` })));
    await store.transaction(async (tx) => {
      const staged = tx.collection("notes");
      await staged.putMany(Array.from({ length: 2100 }, (_, n) => ({ id: `k${String(n * 2).padStart(4, "0")}`, place: `p${n % 5}` })));
      await staged.deleteMany(Array.from({ length: 100 }, (_, n) => `k${String(n * 3).padStart(4, "0")}`));
      same(await staged.count(), 2100 + 150 - 100);
      same((await staged.query({ field: "place", operator: "eq", value: "p6" }, { sort: { field: "$key" } })).length, (await staged.all()).filter(({ place }) => place === "p6").length);
      same((await staged.query([], { sort: { field: "place", order: "desc" }, limit: 5, offset: 2 })).length, 5);
    }, { isolation: "serializable" });
    same(await notes.count(), 2150);
  },
};
