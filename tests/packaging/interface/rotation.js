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
    same(await store.credentials.rotate({ onProgress: (done, total) => told.push([done, total]) }), undefined);
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

  "a rotation needs open keys, and is refused what it does not know": async ({ open, StorageError }) => {
    const store = await open(options);
    await refused(StorageError, () => store.credentials.rotate(), "LOCKED");
    await store.credentials.unlock({ passphrase });
    await refused(StorageError, () => store.credentials.rotate({ onProgress: 5 }), "INVALID_CONFIG");
    await refused(StorageError, () => store.credentials.rotate({ storeKey: true }), "INVALID_CONFIG");
    const told = [];
    await store.credentials.rotate({ onProgress: (...given) => told.push(given) });
    same(told.at(-1), [0, 0]);
  },
};
