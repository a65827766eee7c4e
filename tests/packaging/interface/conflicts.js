import { refused, same, until } from "./check.js";
import { withEndpoint } from "./endpoint.js";

const POLICIES = ["latest", "merge", "local", "remote", "manual"];
const passphrase = "correct horse battery staple";
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A store whose conflicts are decided so, in a collection for each; it sends what it is told to, and nothing by itself. */
const deciding = ({ url }, conflict, collection = {}) => ({
  collections: Object.fromEntries(Object.keys(conflict).map((name) => [name, { keyPath: "id", ...collection }])),
  sync: { endpoint: url, enabled: false, conflict },
});

/** What the listeners of a store are told. */
function heard(store, kind) {
  const events = [];
  store.on(kind, (event) => events.push(event));
  return events;
}

/** Records that both sides have, changed there and then here; undefined deletes. */
async function diverge(place, store, records) {
  for (const { name, id = "1", base = { a: 1, b: 1 } } of records) await store.collection(name).put({ id, ...base });
  await store.sync.run();
  await pause(3);
  for (const { name, id = "1", there } of records) there ? place.plant(name, id, { id, ...there }) : place.uproot(name, id);
  await pause(3);
  for (const { name, id = "1", here } of records) {
    const records = store.collection(name);
    await (here ? records.put({ id, ...here }) : records.delete(id));
  }
}

/** A sealed record that is changed here, when another device has put back what was there before the last change. */
async function putBack(place, store, name) {
  const records = store.collection(name);
  const bodies = [];
  for (const b of [1, 2]) {
    await records.put({ id: "1", a: 1, b });
    await store.sync.run({ collections: [name], direction: "push" });
    bodies.push(place.documents.get(`${name}/1`).body);
  }
  same(bodies.map(({ sealed, value }) => [typeof sealed, value]), [["string", undefined], ["string", undefined]], "sealed");
  await pause(3);
  place.plantBody(name, "1", bodies[0]);
  await pause(3);
  await records.put({ id: "1", a: 2, b: 2 });
}

/** A conflict as it is told, without what differs from time to time. */
const plain = ({ at, error, ...rest }) => ({ ...rest, dated: at instanceof Date, ...(error && { error: error.code }) });

const fields = (value) => value && Object.fromEntries(Object.entries(value).filter(([name]) => name !== "id"));

export const cases = {
  "each policy decides a conflict as it says, here and at the endpoint": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, Object.fromEntries(POLICIES.map((policy) => [policy, policy]))));
      const [here, there] = [{ a: 2, b: 1, c: "here" }, { a: 1, b: 2, c: "there" }];
      await diverge(place, store, POLICIES.map((name) => ({ name, here, there })));
      same((await store.sync.run()).conflicts, 4, "conflicts that the endpoint does not decide");
      await store.sync.run();
      const wanted = { latest: here, merge: { a: 2, b: 2, c: "here" }, local: here, remote: there, manual: here };
      for (const name of POLICIES) {
        same(fields(await store.collection(name).get("1")), wanted[name], name);
        same(fields(place.value(name, "1")), name === "manual" ? there : wanted[name], `${name} at the endpoint`);
      }
      const settled = await store.sync.conflicts({ settled: true });
      const brief = settled.map(({ collection, by, outcome, local, remote }) => [collection, by, outcome, fields(local), fields(remote)]);
      same(brief.filter(([name]) => name !== "latest").sort(), [
        ["local", "local", "local", undefined, there],
        ["merge", "merge", "value", here, there],
        ["remote", "remote", "remote", here, undefined],
      ]);
    }),

  "a deletion against a change is a conflict, and under “merge” the change stays": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, { merge: "merge", local: "local", remote: "remote" }));
      const change = { a: 2, b: 1 };
      const deleted = (name) => [{ name, id: "gone here", there: change }, { name, id: "gone there", here: change }];
      await diverge(place, store, ["merge", "local", "remote"].flatMap(deleted));
      await store.sync.run();
      await store.sync.run();
      const wanted = { merge: [change, change], local: [undefined, change], remote: [change, undefined] };
      for (const [name, values] of Object.entries(wanted)) {
        for (const [at, id] of ["gone here", "gone there"].entries()) {
          same(fields(await store.collection(name).get(id)), values[at], `${name}: ${id}`);
          same(fields(place.value(name, id)), values[at], `${name}: ${id}, at the endpoint`);
        }
      }
      same((await store.sync.status()).pending, 0);
    }),

  "a merge goes down into objects, takes lists whole, and keeps values that JSON does not know": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, { notes: "merge" }));
      const base = { deep: { x: 1, y: { z: 1, w: 1 } }, list: [1], when: new Date(5), big: 1n };
      const notes = store.collection("notes");
      await notes.put({ id: "1", ...base });
      await store.sync.run();
      const body = structuredClone(place.documents.get("notes/1").body);
      const { value } = body;
      await pause(3);
      place.plantBody("notes", "1", { ...body, value: { ...value, deep: { x: 1, y: { z: 1, w: 2 } }, list: [1, 2], there: true } });
      await pause(3);
      await notes.put({ id: "1", ...base, deep: { x: 1, y: { z: 2, w: 1 } }, when: new Date(6), big: 2n });
      await store.sync.run();
      await store.sync.run();
      const merged = { deep: { x: 1, y: { z: 2, w: 2 } }, list: [1, 2], when: new Date(6), big: 2n, there: true };
      same(fields(await notes.get("1")), merged);
      same((await store.sync.status()).pending, 0);
    }),

  "a function is told both values and what they were made on, may take its time and use the store, and decides": ({ open }) =>
    withEndpoint(async (place) => {
      const told = [];
      let store;
      const stock = async (conflict) => {
        told.push(conflict);
        const bonus = await store.collection("others").get("bonus");
        const { local, remote, base } = conflict;
        return { ...remote, count: local.count + remote.count - base.count + bonus.count };
      };
      store = await open(deciding(place, { stock, others: "latest" }));
      await store.collection("others").put({ id: "bonus", count: 100 });
      await diverge(place, store, [{ name: "stock", base: { count: 10 }, here: { count: 7 }, there: { count: 12, by: "them" } }]);
      await store.sync.run();
      await store.sync.run();
      const [local, remote, base] = [{ id: "1", count: 7 }, { id: "1", count: 12, by: "them" }, { id: "1", count: 10 }];
      same(told, [{ id: "stock/1", collection: "stock", key: "1", local, remote, base }]);
      same(await store.collection("stock").get("1"), { id: "1", count: 109, by: "them" });
      same(place.value("stock", "1"), { id: "1", count: 109, by: "them" });
      const [settled] = await store.sync.conflicts({ settled: true });
      same([settled.by, settled.outcome, settled.local, settled.remote], ["function", "value", local, remote]);
    }),

  "a function that answers undefined deletes; a side that deleted has no value": ({ open }) =>
    withEndpoint(async (place) => {
      const told = {};
      const notes = ({ key, local, remote }) => void (told[key] = [fields(local), fields(remote)]);
      const store = await open(deciding(place, { notes }));
      const sides = { x: [{ a: 2 }, { a: 3 }], y: [undefined, { a: 3 }], z: [{ a: 2 }, undefined] };
      await diverge(place, store, Object.entries(sides).map(([id, [here, there]]) => ({ name: "notes", id, here, there })));
      await store.sync.run();
      await store.sync.run();
      same(told, sides);
      for (const id of ["x", "y", "z"]) same([await store.collection("notes").has(id), place.value("notes", id)], [false, undefined], id);
      same((await store.sync.status()).pending, 0);
    }),

  "where a function throws or answers what cannot be written, the conflict waits, until the endpoint has another state": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      let asked = 0;
      let answer = () => {
        throw new Error("no idea");
      };
      const wrong = {
        throws: () => answer(),
        rejects: () => Promise.reject(new Error("later")),
        method: () => ({ id: "1", run() {} }),
        key: () => ({ id: "2" }),
        plain: () => 5,
        nothing: () => null,
      };
      const counted = Object.fromEntries(Object.entries(wrong).map(([name, decide]) => [name, (conflict) => ((asked += 1), decide(conflict))]));
      const store = await open(deciding(place, counted));
      const [conflicts, errors] = [heard(store, "conflict"), heard(store, "error")];
      const names = Object.keys(wrong);
      await diverge(place, store, names.map((name) => ({ name, here: { a: 2 }, there: { a: 3 } })));
      await store.sync.run();
      await store.sync.run();
      same(asked, names.length, "asked once for each");
      const waiting = await store.sync.conflicts();
      same(waiting.map(({ collection }) => collection).sort(), [...names].sort());
      for (const { collection, error, local, remote } of waiting) {
        same([error instanceof StorageError, fields(local), fields(remote)], [true, { a: 2 }, { a: 3 }], collection);
        same(fields(await store.collection(collection).get("1")), { a: 2 }, collection);
        same(fields(place.value(collection, "1")), { a: 3 }, `${collection} at the endpoint`);
      }
      same(conflicts.map(({ collection }) => collection).sort(), [...names].sort(), "told");
      same(errors.length >= names.length, true, "failures told");
      answer = () => ({ id: "1", a: "decided" });
      place.plant("throws", "1", { id: "1", a: 4 });
      await store.sync.run();
      await store.sync.run();
      same([fields(await store.collection("throws").get("1")), fields(place.value("throws", "1"))], [{ a: "decided" }, { a: "decided" }]);
      same((await store.sync.conflicts()).length, names.length - 1);
    }),

  "a decision that a unique index refuses is left to be made by hand, and rounds end": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const ask = () => ({ id: "1", n: "taken" });
      const store = await open(deciding(place, { ask, merge: "merge", remote: "remote" }, { indexes: ["&n"] }));
      const told = heard(store, "conflict");
      const names = ["ask", "merge", "remote"];
      for (const name of names) await store.collection(name).put({ id: "0", n: "taken" });
      await diverge(place, store, names.map((name) => ({ name, base: { n: "free" }, here: { n: "free", a: 1 }, there: { n: "taken", b: 1 } })));
      await store.sync.enable(true);
      await until(async () => told.length === names.length, "all are left");
      await until(async () => !(await store.sync.status()).running, "the round's end");
      const { length } = place.requests;
      await pause(400);
      same(place.requests.length - length <= 1, true, "it goes on and on");
      same((await store.sync.conflicts()).map(({ collection, error }) => [collection, error?.code]), names.map((name) => [name, "ALREADY_EXISTS"]));
      for (const name of names) {
        same(await store.collection(name).get("1"), { id: "1", n: "free", a: 1 }, name);
        await refused(StorageError, () => store.sync.resolve(`${name}/1`, "remote"), "ALREADY_EXISTS");
        await store.sync.resolve(`${name}/1`, { value: { id: "1", n: "other" } });
      }
      await until(() => names.every((name) => place.value(name, "1").n === "other"), "all are sent");
    }),

  "a function that writes to the record it is asked of loses neither what it wrote nor the conflict": ({ open }) =>
    withEndpoint(async (place) => {
      let store;
      let asked = 0;
      const notes = async ({ local, remote }) => {
        asked += 1;
        if (asked === 1) await store.collection("notes").put({ id: "1", a: "meanwhile" });
        return { id: "1", a: `${local.a} and ${remote.a}` };
      };
      store = await open(deciding(place, { notes }));
      await diverge(place, store, [{ name: "notes", here: { a: "here" }, there: { a: "there" } }]);
      for (let round = 0; round < 3; round += 1) await store.sync.run();
      same([asked, fields(await store.collection("notes").get("1")).a, place.value("notes", "1").a], [2, "meanwhile and there", "meanwhile and there"]);
    }),

  "a manual conflict is listed and told once, holds up nothing else, and survives a new start": ({ reopen, type }) =>
    withEndpoint(async (place) => {
      const options = deciding(place, { notes: "manual" });
      let store = await reopen(options);
      const told = heard(store, "conflict");
      await diverge(place, store, [{ name: "notes", here: { a: 2 }, there: { a: 3 } }]);
      await store.sync.run();
      await store.collection("notes").put({ id: "2", a: "other" });
      await store.sync.run();
      const wanted = { id: "notes/1", collection: "notes", key: "1", local: { id: "1", a: 2 }, remote: { id: "1", a: 3 }, base: { id: "1", a: 1, b: 1 }, dated: true };
      const listed = async () => (await store.sync.conflicts()).map((one) => JSON.parse(JSON.stringify(plain(one))));
      same(await listed(), [wanted]);
      same(told.map((one) => JSON.parse(JSON.stringify(plain(one)))), [wanted], "told");
      same(place.value("notes", "2"), { id: "2", a: "other" });
      const { conflicts, failed } = await store.sync.status();
      same([conflicts, failed, fields(place.value("notes", "1"))], [1, 0, { a: 3 }]);
      if (type === "indexeddb") {
        await store.close();
        store = await reopen(options);
        const again = heard(store, "conflict");
        same(await listed(), [wanted], "after a new start");
        await store.sync.run();
        same([again.length, fields(place.value("notes", "1"))], [1, { a: 3 }], "told again");
      }
      await store.collection("notes").put({ id: "1", a: "again" });
      await pause(3);
      place.plant("notes", "1", { id: "1", a: 4 });
      await store.sync.run();
      const [{ local, remote }] = await store.sync.conflicts();
      same([local.a, remote.a], ["again", 4], "both sides go on");
      await store.sync.resolve("notes/1", "local");
      await store.sync.run();
      same([place.value("notes", "1").a, (await store.sync.conflicts()).length], ["again", 0]);
    }),

  "a manual conflict is resolved by either side, by a value, or by deleting": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, { notes: "manual" }));
      const notes = store.collection("notes");
      const ways = { local: "local", remote: "remote", value: { value: { id: "value", a: "both" } }, gone: { value: undefined } };
      await diverge(place, store, Object.keys(ways).map((id) => ({ name: "notes", id, here: { a: 2 }, there: { a: 3 } })));
      await store.sync.run();
      same((await store.sync.conflicts()).map(({ key }) => key), ["gone", "local", "remote", "value"]);
      for (const wrong of [undefined, null, "both", 1, {}, { valeu: 1 }, { value: 1, more: 2 }, []]) {
        await refused(StorageError, () => store.sync.resolve("notes/value", wrong), "INVALID_CONFIG");
      }
      for (const wrong of [undefined, 5, "notes/none", "nothing"]) {
        await refused(StorageError, () => store.sync.resolve(wrong, "local"), "NOT_FOUND");
      }
      await refused(StorageError, () => store.sync.resolve("notes/value", { value: { id: "other" } }), "INVALID_KEY");
      for (const [id, choice] of Object.entries(ways)) await store.sync.resolve(`notes/${id}`, choice);
      await refused(StorageError, () => store.sync.resolve("notes/local", "local"), "NOT_FOUND");
      const wanted = { local: 2, remote: 3, value: "both", gone: undefined };
      for (const [id, a] of Object.entries(wanted)) same((await notes.get(id))?.a, a, id);
      await store.sync.run();
      for (const [id, a] of Object.entries(wanted)) same(place.value("notes", id)?.a, a, `${id} at the endpoint`);
      const { pending, conflicts } = await store.sync.status();
      same([pending, conflicts], [0, 0]);
      const settled = (await store.sync.conflicts({ settled: true })).map(({ key, by, outcome }) => [key, by, outcome]);
      same(settled.sort(), [["gone", "resolve", "value"], ["local", "resolve", "local"], ["remote", "resolve", "remote"], ["value", "resolve", "value"]]);
      await notes.put({ id: "local", a: "after" });
      same((await store.sync.run()).conflicts, 0, "what is written afterwards");
    }),

  "a conflict of sealed records waits while the keys are locked, and is settled once they are open": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, { merge: "merge", manual: "manual" }, { encrypted: true }));
      const told = heard(store, "conflict");
      const { credentials, sync } = store;
      await credentials.unlock({ passphrase });
      for (const name of ["merge", "manual"]) await putBack(place, store, name);
      credentials.lock();
      await sync.run();
      const locked = await sync.conflicts();
      same(locked.map(({ id, local, remote, error }) => [id, local, remote, error?.code]), [["manual/1", undefined, undefined, "LOCKED"], ["merge/1", undefined, undefined, "LOCKED"]]);
      same(told.map(({ id, error }) => [id, error?.code]).sort(), [["manual/1", "LOCKED"], ["merge/1", "LOCKED"]]);
      await refused(StorageError, () => sync.resolve("manual/1", { value: { id: "1" } }), "LOCKED");
      await credentials.unlock({ passphrase });
      await sync.run();
      await sync.run();
      same(await store.collection("merge").get("1"), { id: "1", a: 2, b: 1 });
      const [manual, ...others] = await sync.conflicts();
      same([others.length, manual.error, manual.local, manual.remote, manual.base], [0, undefined, { id: "1", a: 2, b: 2 }, { id: "1", a: 1, b: 1 }, { id: "1", a: 1, b: 2 }]);
      same(told.at(-1).local, { id: "1", a: 2, b: 2 }, "told again, with values");
      await sync.resolve("manual/1", { value: { id: "1", a: "both" } });
      await sync.run();
      same(await store.collection("manual").get("1"), { id: "1", a: "both" });
      same(typeof place.documents.get("manual/1").body.sealed, "string");
      same((await sync.status()).pending, 0);
    }),

  "rounds that go by themselves settle what waited for the keys": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, { notes: "merge" }, { encrypted: true }));
      await store.credentials.unlock({ passphrase });
      await putBack(place, store, "notes");
      store.credentials.lock();
      await store.sync.enable(true);
      await until(async () => (await store.sync.conflicts()).length === 1, "the conflict is met");
      await store.credentials.unlock({ passphrase });
      await until(async () => (await store.sync.status()).pending === 0 && (await store.sync.conflicts()).length === 0, "it is settled");
      same(await store.collection("notes").get("1"), { id: "1", a: 2, b: 1 });
    }),

  "what decides conflicts is one of the policies or a function, for collections that replicate": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const collections = { notes: { keyPath: "id" }, drafts: { keyPath: "id", sync: false } };
      const opening = (conflict) => () => open({ collections, sync: { endpoint: place.url, enabled: false, conflict } });
      for (const wrong of ["theirs", 5, true, [], ["merge"], { notes: "theirs" }, { notes: 5 }, { notes: {} }, { notes: null }, { default: "theirs" }, { drafts: "merge" }, { nothing: "merge" }]) {
        await refused(StorageError, opening(wrong), "INVALID_CONFIG");
      }
      for (const right of [undefined, "merge", () => 1, { default: "manual", notes: () => 1 }, {}]) await (await opening(right)()).close();
      const store = await opening("manual")();
      for (const wrong of [{ settled: "yes" }, { setteld: true }, 5]) {
        await refused(StorageError, () => store.sync.conflicts(wrong), "INVALID_CONFIG");
      }
      same([await store.sync.conflicts(), await store.sync.conflicts({ settled: true }), await store.sync.conflicts({ settled: false })], [[], [], []]);
    }),

  "what the endpoint refuses for good is told as rejected, listed, and sent again once it is written anew": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const store = await open(deciding(place, { notes: "merge" }));
      const told = heard(store, "rejected");
      const notes = store.collection("notes");
      place.refuses = ({ id }) => id === "bad";
      await notes.putMany([{ id: "bad", a: 1 }, { id: "good", a: 1 }]);
      const { pushed, failed } = await store.sync.run();
      same([pushed, failed], [1, 1]);
      same(told.map(({ id, collection, key, state, error }) => [id, collection, key, state, error instanceof StorageError]), [["notes/bad", "notes", "bad", "dead", true]]);
      same((await store.sync.pending()).map(({ id, state }) => [id, state]), [["notes/bad", "dead"]]);
      same(await notes.get("bad"), { id: "bad", a: 1 });
      place.refuses = undefined;
      await notes.put({ id: "bad", a: 2 });
      await store.sync.run();
      same([told.length, place.value("notes", "bad").a, (await store.sync.pending()).length], [1, 2, 0]);
    }),
};
