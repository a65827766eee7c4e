// Much work on one store, and how much memory it leaves behind.

import { freshName, remove } from "./engine.js";
import { COLLECTIONS } from "./program.js";
import { random } from "./random.js";

/** The linear memory of the package's module, caught as it is made. */
let memory;

/** Loads the package so that its memory can be measured, which it does not show by itself. */
async function measured() {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...given) => {
    const made = await instantiate(...given);
    memory = (made.instance ?? made).exports.memory ?? memory;
    return made;
  };
  const tidekeep = await import("/tidekeep/index.js");
  await tidekeep.init();
  WebAssembly.instantiate = instantiate;
  return tidekeep;
}

/** Works, and gives the bytes of linear memory then. The store of an earlier call goes on. */
let store;
let name;
export async function load({ seed, from, count }) {
  const { createStorage } = await measured();
  name ??= freshName();
  store ??= await createStorage({ name, type: "indexeddb", collections: COLLECTIONS });
  const chance = random("load", seed, from);
  const notes = store.collection("notes");
  const id = () => `n${chance.below(500)}`;
  const record = () => ({ id: id(), place: chance.pick(["Lisbon", "Lima", "Oslo"]), rank: chance.below(9), tags: ["sea"], text: "x".repeat(chance.below(500)) });
  const refused = (error) => {
    if (!error.code) throw error;
  };
  const calls = {
    put: () => notes.put(record()),
    putMany: () => notes.putMany(Array.from({ length: 10 }, record)),
    bad: () => notes.putMany([record(), { id: null }]).catch(refused),
    taken: () => store.set("k", 1, { overwrite: false }).catch(refused),
    uncloneable: () => store.set("k", () => 1).catch(refused),
    update: () => notes.update(id(), (note) => ({ ...note, rank: 1 })).catch(refused),
    patch: () => notes.update(id(), { rank: 2 }).catch(refused),
    thrower: () => notes.update(id(), () => { throw new Error("mine"); }).catch(() => undefined),
    get: () => notes.get(id()),
    query: () => notes.query({ field: "place", operator: "eq", value: "Lima" }, { limit: 10 }),
    sorted: () => notes.query([], { sort: { field: "rank" }, limit: 10 }),
    count: () => notes.count(),
    set: () => store.set(id(), { text: "y".repeat(200) }, { metadata: { by: "a" }, tags: ["t"] }),
    list: () => store.list({ limit: 10 }),
    delete: () => notes.delete(id()),
    handle: () => store.collection("notes").has(id()),
    listen: () => store.on("change", () => undefined)(),
    namespaces: () => store.listNamespaces(),
  };
  // What reads every row is one call of twenty.
  const slow = ["query", "sorted", "list", "namespaces", "putMany"];
  const fast = Object.keys(calls).filter((name) => !slow.includes(name));
  for (let done = 0; done < count; done += 50) {
    await Promise.all(Array.from({ length: 50 }, () => calls[chance.pick(chance.chance(0.05) ? slow : fast)]()));
  }
  return { linear: memory.buffer.byteLength, problems: [] };
}

/** Opens and closes stores, as single-page applications do. */
export async function reopen({ count }) {
  const { createStorage } = await measured();
  for (let done = 0; done < count; done += 1) {
    const opened = await createStorage({ name, type: "indexeddb", collections: COLLECTIONS });
    opened.on("change", () => undefined);
    await opened.set("k", 1);
    await opened.close();
  }
  return { linear: memory.buffer.byteLength };
}

export async function unload() {
  await store.close();
  await remove(name);
}
