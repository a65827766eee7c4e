import { refused, same, until } from "./check.js";
import { dataKeyOf, tagBare } from "./web-crypto.js";

const passphrase = "correct horse battery staple";
const email = { name: "email", keyPath: "email", blind: true };
const labels = { name: "labels", keyPath: "labels", multiEntry: true, blind: true };
const city = { name: "city", keyPath: "address.city", blind: true };
const declared = (...indexes) => ({ collections: { people: { keyPath: "id", encrypted: true, indexes } } });

const records = [
  { id: "1", email: "ada@x", labels: ["math", "code"], address: { city: "London" }, born: 1815 },
  { id: "2", email: "alan@x", labels: ["code", "code", null], address: { city: "London" }, born: 1912 },
  { id: "3", email: "ada@x", labels: "navy", address: { city: "New York" }, born: 1906 },
  { id: "4", email: new Date(1), born: 1 },
  { id: "5", email: 1 },
  { id: "6", email: "1", labels: [] },
  { id: "7", email: null },
  { id: "8", email: new Uint8Array([1, 2]) },
];

const filled = async (open, ...indexes) => {
  const store = await open(declared(...indexes));
  await store.credentials.unlock({ passphrase });
  const people = store.collection("people");
  await people.putMany(records);
  return { store, people };
};
const ids = async (people, filter) => (await people.query(filter)).map(({ key }) => key);
const is = (field, value) => ({ field, operator: "eq", value });

export const cases = {
  "a blind index finds what is equal in a sealed field, reads nothing else, and types do not mix": async ({ open }) => {
    const { people } = await filled(open, email, labels, city);
    for (const [value, wanted] of [["ada@x", ["1", "3"]], [1, ["5"]], ["1", ["6"]], [new Date(1), ["4"]], [new Uint8Array([1, 2]), ["8"]], [null, ["7"]], ["nobody", []]]) {
      same(await ids(people, is("email", value)), wanted, String(value));
      same(await people.count(is("email", value)), wanted.length);
    }
    same(await ids(people, { field: "labels", operator: "contains", value: "code" }), ["1", "2"]);
    same(await ids(people, { field: "labels", operator: "contains", value: "navy" }), ["3"]);
    same((await ids(people, { field: "email", operator: "in", value: ["alan@x", 1, "x"] })).sort(), ["2", "5"]);
    same(await ids(people, { and: [is("address.city", "London"), { field: "born", operator: "gt", value: 1900 }] }), ["2"]);
    same(await ids(people, { or: [is("email", "1"), is("address.city", "New York")] }), ["6", "3"]);
    same(await ids(people, { field: "email", operator: "ne", value: "ada@x" }), ["2", "4", "5", "6", "7", "8"]);
    const told = await people.explain([is("email", "ada@x")], { sort: { field: "born", order: "desc" } });
    same([told.index, told.rowsRead, told.residual], ["email", 2, ["email eq"]]);
    await people.update("1", { email: "new@x" });
    await people.delete("3");
    same([await ids(people, is("email", "ada@x")), await ids(people, is("email", "new@x"))], [[], ["1"]]);
  },

  "a blind index gives no order, and needs open keys": async ({ open, StorageError }) => {
    const { store, people } = await filled(open, email);
    for (const operator of ["gt", "gte", "lt", "lte", "startsWith", "endsWith"]) {
      await refused(StorageError, () => people.query({ and: [is("born", 1), { not: { field: "email", operator, value: "a" } }] }), "INVALID_QUERY");
    }
    await refused(StorageError, () => people.count({ field: "email", operator: "between", value: ["a", "b"] }), "INVALID_QUERY");
    await refused(StorageError, () => people.query([], { sort: { field: "email" } }), "INVALID_QUERY");
    same(await ids(people, { field: "born", operator: "gt", value: 1900 }), ["2", "3"], "what has no blind index is looked for in every record");
    store.credentials.lock();
    await refused(StorageError, () => people.query(is("email", "ada@x")), "LOCKED");
    await refused(StorageError, () => people.count(is("email", "ada@x")), "LOCKED");
  },

  "a blind index that cannot keep its promise is refused": async ({ open, StorageError }) => {
    const refuse = (index, encrypted = true) => refused(StorageError, () => open({ collections: { people: { encrypted, indexes: [index].flat() } } }), "INVALID_CONFIG");
    await refuse(email, false);
    await refuse({ ...email, unique: true });
    await refuse({ ...email, keyPath: ["email", "born"] });
    await refuse({ ...email, keyPath: "$meta.email" });
    await refuse({ ...email, keyPath: "$tags", multiEntry: true });
    await refuse([email, { ...email, name: "again" }]);
    await refuse({ ...email, blind: "yes" });
  },

  "a lookup by a blind index takes part in transactions and in live results": async ({ open, StorageError }) => {
    const { store, people } = await filled(open, email, labels);
    const heard = [];
    const stop = people.watch(is("email", "ada@x"), ({ rows }) => heard.push(rows.map(({ key }) => key).join()));
    await until(() => heard.length === 1, "the first result");
    await store.transaction(async (tx) => {
      const inside = tx.collection("people");
      await inside.put({ id: "2", email: "ada@x", labels: ["code"] });
      await inside.delete("1");
      same(await ids(inside, is("email", "ada@x")), ["2", "3"]);
      same(await ids(inside, { field: "labels", operator: "contains", value: "code" }), ["2"]);
      same(await ids(people, is("email", "ada@x")), ["1", "3"], "outside");
    });
    await until(() => heard.at(-1) === "2,3", "the next result");
    stop();
    await refused(StorageError, () => store.transaction(async (tx) => {
      same(await ids(tx.collection("people"), is("email", "alan@x")), []);
      await people.put({ id: "n", email: "alan@x" });
      await tx.collection("people").put({ id: "m", email: "x" });
    }, { isolation: "serializable", retries: 0 }).catch((error) => { throw error; }), "CONFLICT");
    same(await people.has("m"), false);
  },

  "the tags of a blind index are those of the documentation, and hold nothing of a value": async ({ open, type, rows, name }) => {
    const { store } = await filled(open, email, labels, city);
    if (type !== "indexeddb") return;
    const stored = await rows("people");
    const { storeKey } = await dataKeyOf(await rows("tidekeep:keys"), passphrase, name());
    const tag = (path, value) => tagBare(storeKey, { database: name(), collection: "people", path }, value);
    const of = (id) => stored.find(({ key }) => key === id).row._tidekeep.blind;
    same(of("1").email, await tag("email", "ada@x"));
    same([...of("1").labels].sort(), (await Promise.all(["math", "code"].map((value) => tag("labels", value)))).sort());
    same([of("1").address$city, of("4").email, of("5").email, of("6").email], await Promise.all([tag("address.city", "London"), tag("email", '~{"date":1}'), tag("email", "~1"), tag("email", "1")]));
    same([of("3").email === of("1").email, of("3").labels], [true, [await tag("labels", "navy")]]);
    same(stored.every(({ row }) => typeof row._tidekeep.blind.$state === "string"), true);
    for (const { row } of stored) {
      const text = JSON.stringify(row, (_, value) => (ArrayBuffer.isView(value) ? new TextDecoder().decode(value) : value));
      for (const canary of ["ada@x", "alan", "math", "London", "navy"]) same(text.includes(canary), false, canary);
    }
    const before = JSON.stringify(stored.map(({ row }) => row._tidekeep.blind));
    await store.credentials.rotate();
    await store.credentials.changePassphrase("another one");
    const after = await rows("people");
    same(JSON.stringify(after.map(({ row }) => row._tidekeep.blind)), before, "after a rotation");
    same(after.every(({ row }, at) => String(row._tidekeep.sealed) !== String(stored[at].row._tidekeep.sealed)), true);
    store.credentials.lock();
    await store.credentials.unlock({ passphrase: "another one" });
    same(await ids(store.collection("people"), is("email", "ada@x")), ["1", "3"]);
  },

  "a blind index that is declared over records is built, one that is left out takes its tags along": async ({ open, reopen, type, rows }) => {
    if (type !== "indexeddb") return;
    const plain = await open({ collections: { people: { keyPath: "id" } } });
    const many = Array.from({ length: 500 }, (_, id) => ({ id: `k${id}`, email: `e${id % 250}`, labels: [`l${id % 100}`] }));
    await plain.collection("people").putMany(many);
    await plain.close();
    const tagged = async () => (await rows("people")).map(({ row }) => row._tidekeep.blind).filter(Boolean);
    // In the clear before, and sealed and tagged since.
    const first = await reopen(declared(email));
    await first.credentials.unlock({ passphrase });
    same(await ids(first.collection("people"), is("email", "e7")), ["k257", "k7"]);
    await until(async () => (await tagged()).filter(({ email: tag }) => tag).length === 500, "a tag in every record");
    await first.close();
    // Another one beside it.
    const second = await reopen(declared(email, labels));
    await second.credentials.unlock({ passphrase });
    const versions = async () => JSON.stringify((await second.collection("people").list()).map(({ version, modified }) => [version, modified]));
    const before = await versions();
    same((await ids(second.collection("people"), { field: "labels", operator: "contains", value: "l9" })).length, 5);
    same(await versions(), before, "for an application nothing was written");
    await second.close();
    // One of them, and then none.
    const third = await reopen(declared(labels));
    same(await tagged(), []);
    await third.credentials.unlock({ passphrase });
    same((await ids(third.collection("people"), { field: "labels", operator: "contains", value: "l9" })).length, 5);
    same((await ids(third.collection("people"), is("email", "e7"))).length, 2, "by a look at every record");
    same((await tagged()).every((tags) => !("email" in tags) && tags.labels.length === 1), true);
    await third.close();
    const last = await reopen(declared());
    same(await tagged(), []);
    await last.credentials.unlock({ passphrase });
    same((await last.collection("people").get("k7")).email, "e7");
  },

  "a transaction writes over a record of an encrypted collection": async ({ open }) => {
    const { store, people } = await filled(open);
    await store.transaction((tx) => tx.collection("people").put({ id: "1", email: "over" }));
    same((await people.get("1")).email, "over");
  },
};
