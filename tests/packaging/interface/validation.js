import { refused, same } from "./check.js";

const schema = {
  type: "object",
  required: ["id", "n"],
  properties: { id: { type: "string" }, n: { type: "integer", minimum: 0 }, secret: { enum: ["ok"] }, author: { properties: { name: { pattern: "^\\p{Lu}" } } } },
};
const collections = { notes: { keyPath: "id", schema }, loose: { keyPath: "id" } };

/** A schema by the interface that libraries share. */
const standard = (validate) => ({ "~standard": { version: 1, vendor: "test", validate } });

export const cases = {
  "a value that does not fit its schema is VALIDATION_FAILED, says where and what was wanted, and never the value": async ({ open, StorageError }) => {
    const store = await open({ collections });
    const notes = store.collection("notes");
    const error = await refused(StorageError, () => notes.put({ id: "1", n: 1, secret: "canary-7" }), "VALIDATION_FAILED");
    same(error.context, { path: "secret", wanted: 'one of "ok"', key: "1", collection: "notes" });
    same([error.operation, error.retryable], ["put", false]);
    same(`${error.message}${error.stack}${error.cause}`.includes("canary"), false);
    const deep = await refused(StorageError, () => notes.put({ id: "1", n: 1, author: { name: "ada" } }), "VALIDATION_FAILED");
    same(deep.context.path, "author.name");
    same(await notes.count(), 0);
    await notes.put({ id: "1", n: 1, secret: "ok", author: { name: "Ada" } });
    await store.collection("loose").put({ id: "1", n: "anything" });
  },

  "every way of writing asks the schema, and of a batch nothing is written": async ({ open, StorageError }) => {
    const store = await open({ collections });
    const notes = store.collection("notes");
    await notes.put({ id: "a", n: 1 });
    const calls = {
      put: () => notes.put({ id: "a", n: -1 }),
      set: () => store.set("a", { id: "a" }, { namespace: "notes" }),
      putMany: () => notes.putMany([{ id: "b", n: 2 }, { id: "c", n: 0.5 }, { id: "d", n: 3 }]),
      setMany: () => store.setMany([{ key: "b", value: { id: "b", n: 2 } }, { key: "c", value: { id: "c", n: "2" } }], { namespace: "notes" }),
      update: () => notes.update("a", { n: "one" }),
    };
    for (const [operation, call] of Object.entries(calls)) {
      const error = await refused(StorageError, call, "VALIDATION_FAILED");
      same(error.context.collection, "notes", operation);
    }
    await refused(StorageError, () => notes.update("a", () => ({ id: "a" })), "VALIDATION_FAILED");
    same(await notes.all(), [{ id: "a", n: 1 }]);
    const outcomes = await notes.putMany([{ id: "b", n: 2 }, { id: "c", n: -2 }, { id: "d", n: 3 }], { atomic: false });
    same([...outcomes].map(([key, { success, error }]) => [key, success, error?.code]), [["b", true, undefined], ["c", false, "VALIDATION_FAILED"], ["d", true, undefined]]);
    same(await notes.keys(), ["a", "b", "d"]);
  },

  "an update is checked as the whole record that it makes": async ({ open, StorageError }) => {
    const store = await open({ collections });
    const notes = store.collection("notes");
    await notes.put({ id: "a", n: 1 });
    await notes.update("a", { author: { name: "Ada" } });
    await refused(StorageError, () => notes.update("a", { author: { name: "ada" } }), "VALIDATION_FAILED");
    same(await notes.get("a"), { id: "a", n: 1, author: { name: "Ada" } });
    await store.setMetadata("a", { n: "metadata has no schema" }, { namespace: "notes" });
  },

  "a Standard Schema is asked like a JSON Schema, and changes nothing of what is stored": async ({ open, StorageError }) => {
    const asked = [];
    const validate = (value) => {
      asked.push(value.id);
      if (typeof value.n !== "number") return { issues: [{ message: `no number: ${value.n}`, path: ["n"], expected: "number" }] };
      value.n = 99;
      return { value: { ...value, added: true } };
    };
    const notes = (await open({ collections: { notes: { keyPath: "id", schema: standard(validate) } } })).collection("notes");
    await notes.put({ id: "a", n: 1 });
    same([await notes.get("a"), asked], [{ id: "a", n: 1 }, ["a"]]);
    const error = await refused(StorageError, () => notes.put({ id: "b", n: "canary-8" }), "VALIDATION_FAILED");
    same([error.context.path, error.context.wanted, error.message.includes("canary")], ["n", "number", false]);
    const callable = Object.assign(() => undefined, standard(() => ({ value: 1 })));
    await (await open({ type: "memory", collections: { notes: { keyPath: "id", schema: callable } } })).collection("notes").put({ id: 1 });
  },

  "a schema that answers with a promise, with nonsense or by throwing writes nothing": async ({ open, StorageError }) => {
    const answers = { promise: async () => ({ value: 1 }), nonsense: () => 7, throwing: () => { throw new Error("broken"); } };
    for (const [how, validate] of Object.entries(answers)) {
      const store = await open({ type: "memory", collections: { notes: { keyPath: "id", schema: standard(validate) } } });
      const error = await refused(StorageError, () => store.collection("notes").put({ id: "1" }), "INVALID_CONFIG");
      same(error.context.collection, "notes", how);
      same(await store.collection("notes").count(), 0, how);
    }
  },

  "a schema that cannot be used is INVALID_CONFIG at opening": async ({ open, StorageError }) => {
    const cyclic = {};
    cyclic.not = cyclic;
    for (const bad of [null, "string", [], { format: "email" }, { type: "date" }, { properties: { a: { minimum: "1" } } }, { pattern: "(" }, cyclic, { "~standard": {} }, standard("no function")]) {
      const error = await refused(StorageError, () => open({ type: "memory", collections: { notes: { schema: bad } } }), "INVALID_CONFIG");
      same(error.context.collection, "notes");
    }
  },

  "sealed records are validated before they are sealed": async ({ open, StorageError }) => {
    const store = await open({ collections: { notes: { keyPath: "id", encrypted: true, schema } } });
    await store.credentials.unlock({ passphrase: "correct horse battery staple" });
    await store.collection("notes").put({ id: "1", n: 1 });
    await refused(StorageError, () => store.collection("notes").put({ id: "1", n: "1" }), "VALIDATION_FAILED");
    same(await store.collection("notes").get("1"), { id: "1", n: 1 });
  },
};
