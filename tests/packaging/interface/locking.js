import { refused, same } from "./check.js";

const passphrase = "correct horse battery staple";
const sealed = { collections: { diary: { keyPath: "id", encrypted: true } } };
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What the listeners of a store are told of its keys. */
function heard(store) {
  const events = [];
  store.on("lock", (event) => events.push(event));
  return events;
}

async function until(what, holds) {
  const end = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`not within 5 s: ${what}`);
    await pause(5);
  }
}

export const cases = {
  "locking and unlocking are told once each, and only where something changes": async ({ open }) => {
    const store = await open();
    const events = heard(store);
    const { credentials } = store;
    credentials.lock();
    same(events, []);
    await credentials.unlock({ passphrase });
    await credentials.unlock({ passphrase });
    same([events, credentials.locked], [[{ locked: false, reason: "call" }], false]);
    credentials.lock();
    credentials.lock();
    same([events, credentials.locked], [[{ locked: false, reason: "call" }, { locked: true, reason: "call" }], true]);
  },

  "what is under way when the keys are locked rejects, and nothing opens afterwards": async ({ open, StorageError }) => {
    const store = await open(sealed);
    const { credentials } = store;
    const diary = store.collection("diary");
    await credentials.unlock({ passphrase });
    await diary.putMany(Array.from({ length: 50 }, (_, id) => ({ id, text: "dear diary" })));
    await credentials.set("maps", "k");
    const begun = [diary.get(1), diary.all(), credentials.get("maps"), diary.query(), diary.update(1, (entry) => entry)];
    credentials.lock();
    for (const { status, reason } of await Promise.allSettled(begun)) {
      same([status, reason?.code, reason instanceof StorageError], ["rejected", "LOCKED", true]);
    }
    const unlocking = credentials.unlock({ passphrase });
    await pause(0);
    credentials.lock();
    // Whether it had come to the keys by then or not: what it opens afterwards, nobody asked to be locked.
    const outcome = await unlocking.then(() => "opened", (error) => error.code);
    same(["ABORTED", "opened"].includes(outcome), true, outcome);
    credentials.lock();
    await refused(StorageError, () => diary.get(1), "LOCKED");
    await refused(StorageError, () => diary.put({ id: 1, text: "x" }), "LOCKED");
  },

  "lock reaches every store that has the database open, one that is locked may say it, and it says why": async ({ open, type }) => {
    if (type === "memory") return;
    const [here, there] = [await open(sealed), await open(sealed)];
    const [mine, theirs] = [heard(here), heard(there)];
    await here.credentials.unlock({ passphrase });
    await there.credentials.unlock({ passphrase });
    await here.collection("diary").put({ id: 1, text: "x" });
    const results = [];
    const end = there.collection("diary").watch(undefined, ({ rows }) => results.push(rows.length));
    await until("the first result", () => results.length > 0);
    here.credentials.lock();
    await until("the other store to lock", () => there.credentials.locked);
    same([mine.at(-1), theirs.at(-1)], [{ locked: true, reason: "call" }, { locked: true, reason: "tab" }]);
    await until("its watch to let go", () => results.at(-1) === 0);
    end();
    await there.credentials.unlock({ passphrase });
    same([here.credentials.locked, mine.length], [true, 2]);
    here.credentials.lock();
    await until("the other store to lock again", () => there.credentials.locked);
  },

  "keys that nobody uses lock by themselves, and a use in another tab counts": async ({ open, type, StorageError }) => {
    const options = { ...sealed, encryption: { autoLock: { idle: 600 } } };
    const store = await open(options);
    const events = heard(store);
    const diary = store.collection("diary");
    await store.credentials.unlock({ passphrase });
    for (let n = 0; n < 5; n += 1) {
      await pause(200);
      await diary.put({ id: n, text: "x" });
    }
    same(store.credentials.locked, false);
    await until("it to lock", () => store.credentials.locked);
    same(events.at(-1), { locked: true, reason: "idle" });
    await refused(StorageError, () => diary.get(1), "LOCKED");
    if (type === "memory") return;
    const other = await open(options);
    await store.credentials.unlock({ passphrase });
    await other.credentials.unlock({ passphrase });
    for (let n = 0; n < 5; n += 1) {
      await pause(200);
      await other.collection("diary").get(1);
    }
    same(store.credentials.locked, false, "it was used elsewhere");
    await until("both to lock", () => store.credentials.locked && other.credentials.locked);
  },

  "what is no time to lock after is refused": async ({ open, StorageError }) => {
    for (const autoLock of [0, -1, NaN, Infinity, "5 minutes", true, [], {}, { idle: 0 }, { idle: "1" }, { hidden: -1 }, { hidden: Infinity }, { visible: 5 }]) {
      await refused(StorageError, () => open({ encryption: { autoLock } }), "INVALID_CONFIG");
    }
    await open({ encryption: { autoLock: null } });
    await open({ encryption: { autoLock: { idle: 2 ** 40, hidden: 0 } } });
  },
};
