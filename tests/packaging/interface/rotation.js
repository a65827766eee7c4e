import { refused, same } from "./check.js";

const passphrase = "correct horse battery staple";
const options = { collections: { diary: { keyPath: "id", encrypted: true } } };

async function filled(open, count) {
  const store = await open(options);
  await store.credentials.unlock({ passphrase });
  await store.collection("diary").putMany(Array.from({ length: count }, (_, id) => ({ id, text: `day ${id}` })));
  await store.credentials.set("maps", { token: "t" });
  await store.credentials.set("mail", "k");
  return store;
}

/** Whether everything opens, and is what was written. */
async function whole(store, count) {
  const diary = await store.collection("diary").all();
  same([diary.length, diary[7], diary.at(-1)], [count, { id: 7, text: "day 7" }, { id: count - 1, text: `day ${count - 1}` }]);
  same([await store.credentials.get("maps"), await store.credentials.get("mail")], [{ token: "t" }, "k"]);
}

export const cases = {
  "a rotation seals everything again, tells how far it is, and nothing seems to be written": async ({ open, StorageError }) => {
    const store = await filled(open, 300);
    const meta = async () => (await store.credentials.list()).map(({ key, version, modified }) => [key, version, +modified]);
    const before = await meta();
    const changes = [];
    store.on("change", (change) => changes.push(change));
    const told = [];
    same(await store.credentials.rotate({ onProgress: (done, total) => told.push([done, total]) }), []);
    same([told[0], told.at(-1)], [[0, 302], [302, 302]]);
    same(told.every(([done], at) => at === 0 || done >= told[at - 1][0]), true, "done never falls");
    same([await meta(), changes], [before, []]);
    await whole(store, 300);
    store.credentials.lock();
    await refused(StorageError, () => store.credentials.get("maps"), "LOCKED");
    await store.credentials.unlock({ passphrase });
    await whole(store, 300);
  },

  "reads and writes go on during a rotation, here and in another tab, and none is lost": async ({ open, type }) => {
    const store = await filled(open, 200);
    const other = type === "memory" ? store : await open(options);
    await other.credentials.unlock({ passphrase });
    const writes = [];
    const rotating = store.credentials.rotate({
      onProgress: (done) => {
        const id = 1_000 + writes.length;
        writes.push(other.collection("diary").put({ id, text: "meanwhile" }), store.collection("diary").put({ id: 50, text: `after ${done}` }));
      },
    });
    same(await other.collection("diary").get(7), { id: 7, text: "day 7" });
    await rotating;
    await Promise.all(writes);
    for (const tab of [store, other]) {
      const diary = await tab.collection("diary").all();
      same([diary.length, diary[50].text], [200 + writes.length / 2, "after 202"]);
      same(await tab.credentials.get("maps"), { token: "t" });
    }
  },

  "a rotation that is called off goes on with the next call, or once the keys are open": async ({ open, StorageError }) => {
    const store = await filled(open, 300);
    const abort = new AbortController();
    const rotating = store.credentials.rotate({ signal: abort.signal, onProgress: (done) => done > 0 && abort.abort() });
    await refused(StorageError, () => rotating, "ABORTED");
    await whole(store, 300);
    const told = [];
    await store.credentials.rotate({ onProgress: (done, total) => told.push([done, total]) });
    same(told[0][1] < 302 && told.at(-1)[0] === told[0][1], true, `it went on: ${told}`);
    await whole(store, 300);
  },

  "a new store key keeps what is at hand, removes the other unlockers, and locks the tabs that cannot follow": async ({ open, type, StorageError }) => {
    const store = await filled(open, 60);
    await store.set("note", "single", { encrypt: true });
    await store.credentials.addUnlocker({ passphrase: "to be removed", label: "an old one" });
    const device = await store.credentials.addUnlocker({ device: true, label: "this one" });
    const other = type === "memory" ? undefined : await open(options);
    await other?.credentials.unlock({ passphrase: "to be removed" });
    await other?.credentials.removeUnlocker(device);
    const locked = other && new Promise((resolve) => other.on("lock", resolve));
    const removed = await store.credentials.rotate({ storeKey: true, passphrase });
    same(removed.map(({ kind, label }) => [kind, label ?? ""]), [["passphrase", "an old one"]]);
    const kinds = async () => (await store.credentials.unlockers()).map(({ kind, label }) => `${kind} ${label ?? ""}`.trim()).sort();
    same(await kinds(), other ? ["passphrase"] : ["device this one", "passphrase"]);
    await whole(store, 60);
    same(await store.get("note"), "single");
    if (other) {
      const { locked: is, reason } = await locked;
      same([is, reason], [true, "tab"]);
      await refused(StorageError, () => other.credentials.unlock({ passphrase: "to be removed" }), "AUTHENTICATION_FAILED");
      await other.credentials.unlock({ passphrase });
      await whole(other, 60);
      await other.collection("diary").put({ id: 60, text: "day 60" });
      same(await store.collection("diary").get(60), { id: 60, text: "day 60" });
    }
    store.credentials.lock();
    await refused(StorageError, () => store.credentials.unlock({ passphrase: "to be removed" }), "AUTHENTICATION_FAILED");
    await store.credentials.unlock(other ? { passphrase } : { device: true });
    same(await store.credentials.get("mail"), "k");
  },

  "a tab that unlocks by itself follows a new store key by itself": async ({ open, type }) => {
    if (type === "memory") return;
    const given = { ...options, encryption: { key: "device" } };
    const [store, other] = [await open(given), await open(given)];
    await store.credentials.set("maps", "k");
    same(await other.credentials.get("maps"), "k");
    same((await store.credentials.rotate({ storeKey: true })).length, 0);
    for (let tries = 0; tries < 100; tries += 1) {
      const found = await other.credentials.get("maps").catch(({ code }) => code);
      if (found === "k") break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    same([other.credentials.locked, await other.credentials.get("maps")], [false, "k"]);
    await other.credentials.set("maps", "l");
    same(await store.credentials.get("maps"), "l");
  },

  "a rotation needs open keys, and is refused what it does not know": async ({ open, StorageError }) => {
    const store = await open(options);
    await refused(StorageError, () => store.credentials.rotate(), "LOCKED");
    await store.credentials.unlock({ passphrase });
    await refused(StorageError, () => store.credentials.rotate({ onProgress: 5 }), "INVALID_CONFIG");
    await refused(StorageError, () => store.credentials.rotate({ storeKey: "yes" }), "INVALID_CONFIG");
    await refused(StorageError, () => store.credentials.rotate({ passphrase }), "INVALID_CONFIG");
    await refused(StorageError, () => store.credentials.rotate({ storeKey: true }), "ACCESS_DENIED");
    await refused(StorageError, () => store.credentials.rotate({ storeKey: true, passphrase: "another" }), "AUTHENTICATION_FAILED");
    const told = [];
    await store.credentials.rotate({ onProgress: (...given) => told.push(given) });
    same(told.at(-1), [0, 0]);
  },
};
