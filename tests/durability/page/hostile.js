// Values made to do harm: each comes back exactly as it went in, or is refused with a typed error; the store goes on,
// and nothing of the page is changed.

import { createStorage } from "/tidekeep/index.js";
import { freshName, remove, shape } from "./engine.js";
import { COLLECTIONS } from "./program.js";
import { random } from "./random.js";

/** Longer than any call may take. */
const PATIENCE = 20_000;
const PROTOTYPES = [Object, Array, Map, Set, Date, Promise, Function, String, Error].map(({ prototype }) => prototype);
const INNOCENT = ["__proto__", "constructor", "prototype", "toString", "valueOf", "then", "hasOwnProperty", "length", "toJSON", "_tidekeep", "$", "id", "place", "tags", "slug", "at", "value"];

class Point {
  #hidden = 1;
  constructor(x) {
    this.x = x;
  }
  get hidden() {
    return this.#hidden;
  }
}

/** A random value; `store` is what a getter may call meanwhile. */
function makeValue(chance, store, depth = 0) {
  const below = () => makeValue(chance, store, depth + 1);
  const text = () => chance.pick(["", "text", "\ud800", "\udfff\ud800", "a\0b", "\u2028", "😀".repeat(3), "x".repeat(chance.below(2000)), chance.pick(INNOCENT)]);
  const bytes = () => new Uint8Array(Array.from({ length: chance.below(9) }, () => chance.below(256)));
  const own = (object, name, value) => Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  const record = () => Array.from({ length: chance.below(5) }).reduce((object) => own(object, chance.pick(INNOCENT), below()), {});
  const getter = (get) => Object.defineProperty(record(), chance.pick(["x", ...INNOCENT.slice(6)]), { get, enumerable: true });
  const plain = {
    scalar: () => chance.pick([undefined, null, true, false, 0, -0, 1, NaN, Infinity, -1e308, 2 ** 53, 5e-324, 10n ** 40n, -1n]),
    text,
    record,
    list: () => Array.from({ length: chance.below(5) }, below),
    sparse: () => Object.assign(new Array(chance.below(50)), { [chance.below(60)]: below(), name: "extra" }),
    map: () => new Map([[below(), below()], [text(), 1]]),
    set: () => new Set([below(), text()]),
    date: () => chance.pick([new Date(chance.below(1e9)), new Date(NaN), new Date(8.64e15)]),
    pattern: () => /a+(?<b>.)/giu,
    boxed: () => chance.pick([Object(1), Object("text"), Object(true), Object(1n)]),
    failure: () => new RangeError(text()),
    typed: () => new (chance.pick([Int8Array, Uint8ClampedArray, Uint8Array]))(bytes()),
    wide: () => new (chance.pick([Float32Array, Float64Array, BigInt64Array, DataView]))(new ArrayBuffer(16)),
    part: () => bytes().subarray(1, 3),
    buffer: () => bytes().buffer,
    instance: () => new Point(below()),
    bare: () => own(Object.create(null), chance.pick(INNOCENT), 1),
    cycle: () => {
      const object = record();
      own(object, "self", [object, new Map([["self", object]])]);
      return object;
    },
    twice: () => {
      const part = record();
      return [part, { part }];
    },
    deep: () => Array.from({ length: chance.pick([10, 500, 20_000]) }).reduce((value) => (chance.chance(0.5) ? [value] : { value }), 1),
    broad: () => Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`p${at}`, at])),
    getter: () => getter(() => 5),
    shadow: () => chance.pick([Object.freeze(record()), Object.seal(record()), own(record(), Symbol("hidden"), 1)]),
    prototype: () => JSON.parse(`{"__proto__": {"polluted": ${chance.below(9)}}, "constructor": {"prototype": {"polluted": 1}}}`),
    blob: () => new Blob([bytes()]),
    // What cannot be stored, or does something while it is read.
    function: () => below,
    symbol: () => Symbol("s"),
    weak: () => chance.pick([new WeakMap(), new WeakSet(), new WeakRef({})]),
    promise: () => Promise.resolve(1),
    thrower: () => getter(() => { throw chance.pick([new Error("mine"), null, "text", undefined, { name: "DataError" }]); }),
    reenter: () => getter(() => { void store.set("reentered", 1); void store.get("reentered"); return 7; }),
    clears: () => getter(() => { void store.collection("notes").clear(); return 7; }),
    proxy: () => new Proxy(record(), chance.pick([{}, { ownKeys: () => { throw new Error("mine"); } }, { get: () => { throw new Error("mine"); } }, { getOwnPropertyDescriptor: () => undefined }, { get: (_, name) => (name === "then" ? (done) => done(1) : 3) }])),
    revoked: () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    detached: () => {
      const array = bytes();
      structuredClone(array.buffer, { transfer: [array.buffer] });
      return chance.pick([array, array.buffer]);
    },
    shared: () => (globalThis.SharedArrayBuffer ? chance.pick([new SharedArrayBuffer(8), new Uint8Array(new SharedArrayBuffer(8))]) : 0),
    thenable: () => ({ then: (resolve) => resolve(1) }),
    window: () => globalThis,
    module: () => store,
  };
  const makers = Object.keys(plain);
  return plain[depth > 3 ? chance.pick(["scalar", "text", "date"]) : depth > 0 && chance.chance(0.5) ? chance.pick(makers.slice(0, 5)) : chance.pick(makers)]();
}

/** Where a value may be given. */
const PLACES = {
  set: (store, value) => [() => store.set("k", value), () => store.get("k"), value],
  setMany: (store, value) => [() => store.setMany([{ key: "k", value }]), () => store.get("k"), value],
  put: (store, value) => {
    const record = { id: "1", text: value };
    return [() => store.collection("notes").put(record), () => store.collection("notes").get("1"), record];
  },
  "an indexed field": (store, value) => {
    const record = { id: "2", place: value, tags: [value] };
    return [() => store.collection("notes").put(record), () => store.collection("notes").get("2"), record];
  },
  "the record": (store, value) => [() => store.collection("notes").put(value)],
  update: (store, value) => [() => store.collection("notes").update("kept", () => value)],
  "part of an update": (store, value) => [() => store.collection("notes").update("kept", value)],
  metadata: (store, value) => [() => store.set("m", 1, { metadata: { value } }), () => store.getMetadata("m"), { value }],
  "all metadata": (store, value) => [() => store.setMetadata("kept", value)],
  "a key": (store, value) => [() => store.set(value, 1)],
  "a key to read": (store, value) => [() => store.getMany([value, "k"])],
  options: (store, value) => [() => store.set("k", 1, value)],
  tags: (store, value) => [() => store.set("k", 1, { tags: value })],
  many: (store, value) => [() => store.setMany(value)],
  "a filter": (store, value) => [() => store.collection("notes").query(value)],
  "an operand": (store, value) => [() => store.collection("notes").query({ field: "place", operator: "eq", value })],
};

const settles = (what, call) => {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} did not settle in ${PATIENCE / 1000} s`)), PATIENCE)));
  return Promise.race([(async () => call())(), late]).finally(() => clearTimeout(timer));
};

/** A copy as the structured clone makes it, or none where it makes none. */
function cloned(value) {
  try {
    return { value: structuredClone(value) };
  } catch {
    return undefined;
  }
}

export async function hostile({ seed, from, count }) {
  const chance = random("hostile", seed, from);
  const name = freshName();
  const found = { values: 0, stored: 0, refused: 0, problems: [] };
  const problem = (text) => found.problems.push(`value ${from + found.values} of seed ${seed}, in a run from ${from}: ${text}`);
  const uncaught = ({ message, reason }) => problem(`uncaught: ${message ?? reason?.stack ?? reason}`);
  addEventListener("error", uncaught);
  addEventListener("unhandledrejection", uncaught);
  const before = PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).length);
  const store = await createStorage({ name, type: chance.chance(0.8) ? "indexeddb" : "memory", collections: COLLECTIONS });
  await store.set("kept", 1);
  await store.collection("notes").put({ id: "kept" });
  for (; found.values < count && found.problems.length === 0; found.values += 1) {
    const where = chance.pick(Object.keys(PLACES));
    const value = makeValue(chance, store);
    const [write, read, given] = PLACES[where](store, value);
    try {
      await settles(where, write);
      found.stored += 1;
      if (read) {
        const back = await settles(where, read);
        const wanted = cloned(given); // Not before: its getters may write.
        if (!wanted) problem(`${where}: stored what cannot be copied, and reads ${text(back)}`);
        else if (text(back) !== text(wanted.value)) problem(`${where}: wrote ${text(wanted.value)}, reads ${text(back)}`);
      }
    } catch (error) {
      found.refused += 1;
      if (error?.name !== "StorageError" || !error.code || !error.message) problem(`${where}: not a typed error: ${error?.stack ?? error}`);
    }
    if (found.values % 50 === 0) {
      await store.collection("notes").put({ id: "kept" });
      await store.set("kept", found.values);
      if ((await store.get("kept")) !== found.values) problem("the store no longer works");
      if ({}.polluted !== undefined || PROTOTYPES.some((prototype, at) => Reflect.ownKeys(prototype).length !== before[at])) problem("a prototype was changed");
    }
  }
  await new Promise((resolve) => setTimeout(resolve));
  removeEventListener("error", uncaught);
  removeEventListener("unhandledrejection", uncaught);
  await store.close();
  await remove(name);
  return found;
}

/** What a value is, as text; of values that nest too deeply for that, how deeply. */
function text(value) {
  try {
    return shape(value).slice(0, 2000);
  } catch (error) {
    if (!["RangeError", "InternalError"].includes(error.name)) throw error;
    let depth = 0;
    for (let part = value; part && typeof part === "object"; part = Object.values(part)[0]) depth += 1;
    return `${depth} deep`;
  }
}
