// Random calls to a store in memory, one in IndexedDB, and a plain model: all three must answer alike.

import { createStorage } from "/tidekeep/index.js";
import { freshName, remove, shape } from "./engine.js";
import { DECLARED, Model } from "./model.js";
import { random } from "./random.js";

const KEYS = ["a", "b", "ab", "a.b", "é", "", "user:1", "user:2", 0, -1, 1.5, Infinity, new Date(5), [1], ["a", [2]], new Uint8Array([1, 2])];
const FREE = ["free", "other"];
/** Where entries may end. When one that is over is swept away is the store's affair, so their versions are not compared. */
const MORTAL = ["default", "things"];
const PLACES = ["Lisbon", "Lima", "Oslo", ""];
const TAGS = ["sea", "hills", "rain"];
/** The store in IndexedDB is closed and opened again so often. */
const REOPEN_EVERY = 400;

/** Weights of the calls. */
const ON_STORE = {
  set: 12, get: 4, has: 2, delete: 4, getMany: 3, setMany: 5, deleteMany: 2, keys: 3, list: 4, query: 3, count: 3, getMetadata: 2, setMetadata: 4,
  clear: 0.3, createNamespace: 1, deleteNamespace: 1, listNamespaces: 1,
};
const ON_COLLECTION = {
  put: 10, putMany: 5, update: 6, get: 3, getMany: 2, delete: 3, deleteMany: 2, has: 1, keys: 2, list: 3, all: 2, query: 10, count: 4, clear: 0.2,
};

/** A call: on what, which, and with what. */
function makeCall(chance) {
  const maybe = (share, make) => (chance.chance(share) ? make() : undefined);
  const given = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const space = () => chance.pick(["default", "default", "things", "notes", "pairs", ...FREE]);
  const key = () => (chance.chance(0.03) ? chance.pick([NaN, null, {}, true]) : chance.pick(KEYS));
  const keyIn = (name) => (name === "notes" ? chance.pick(["1", "2", "3", "4", "5"]) : name === "pairs" ? [chance.pick(["x", "y"]), chance.below(3)] : key());
  const metadata = () => Object.fromEntries(chance.some(["by", "at", "of"], 2).map((name) => [name, chance.below(3)]));
  const tags = () => chance.some(TAGS, chance.below(3));
  const value = () => chance.pick([1, "text", null, { place: chance.pick(PLACES), rank: chance.below(4) }, { deep: { x: chance.below(3) }, list: tags() }, [1, [2]], new Date(7), true]);
  const recordOf = (name, own) =>
    given({
      ...(name === "notes" ? { id: own, tags: tags(), slug: maybe(0.3, () => `s${chance.below(6)}`) } : name === "pairs" ? { a: own[0], b: own[1] } : {}),
      place: maybe(0.8, () => chance.pick(PLACES)),
      rank: maybe(0.8, () => chance.pick([0, 1, 2, 3, null, "2"])),
      deep: maybe(0.3, () => ({ x: chance.below(3) })),
    });
  const valueIn = (name, own) => (name === "notes" || name === "pairs" ? recordOf(name, own) : name === "things" && chance.chance(0.5) ? recordOf(name, own) : value());
  // Where a record may end, it has nothing that must be unique, nor a namespace that is there because of it.
  const lifetime = (name) => (MORTAL.includes(name) ? { ttl: maybe(0.15, () => chance.pick([1, 50, 1000, 1e9, chance.chance(0.05) ? -1 : 5])), expiration: maybe(0.05, () => new Date(1.7e12 + chance.below(1e6))) } : {});
  const entryOptions = (name) =>
    given({
      metadata: maybe(0.2, metadata),
      tags: maybe(0.2, tags),
      overwrite: maybe(0.1, () => false),
      ifVersion: MORTAL.includes(name) ? undefined : maybe(0.08, () => chance.below(5)),
      ...lifetime(name),
    });
  const listOptions = () => given({ prefix: maybe(0.2, () => chance.pick(["", "a", "user:", "é"])), pattern: maybe(0.2, () => chance.pick(["*", "a*", "?", "*:1", "a?b", "u*r:?"])), limit: maybe(0.3, () => chance.below(5)), offset: maybe(0.2, () => chance.below(4)) });
  const condition = () => {
    const operator = chance.pick(["eq", "ne", "gt", "gte", "lt", "lte", "between", "in", "nin", "contains", "startsWith", "endsWith", "exists"]);
    const field = operator === "contains" ? chance.pick(["tags", "$tags", "place"]) : chance.pick(["place", "rank", "deep.x", "$key", "$meta.by", "id", "slug", "none"]);
    const texts = ["startsWith", "endsWith"].includes(operator);
    const one = () => (texts || ["place", "$tags", "tags"].includes(field) ? chance.pick([...PLACES, ...TAGS, "L", "Li", "a"]) : chance.pick([0, 1, 2, 3, "2", "1", "s3"]));
    const [low, high] = [chance.below(4), chance.below(4)];
    const operand = operator === "exists" ? chance.chance(0.5) : operator === "between" ? (field === "place" ? ["Li", "M"] : [low, high]) : operator === "in" || operator === "nin" ? [one(), one()] : one();
    return { field, operator, value: operand };
  };
  const filter = (depth = 0) => {
    if (depth > 1 || chance.chance(0.6)) return condition();
    return chance.pick([() => ({ and: [filter(depth + 1), filter(depth + 1)] }), () => ({ or: [filter(depth + 1), filter(depth + 1)] }), () => ({ not: filter(depth + 1) })])();
  };
  const filters = () => (chance.chance(0.2) ? [condition(), condition()] : chance.chance(0.05) ? [] : filter());
  const queryOptions = () => {
    const field = () => ({ field: chance.pick(["place", "rank", "$key", "deep.x", "$meta.by"]), ...given({ order: maybe(0.5, () => chance.pick(["asc", "desc"])) }) });
    const sort = chance.chance(0.2) ? [field(), field()] : field();
    return { sort, ...given({ limit: maybe(0.4, () => chance.below(5)), offset: maybe(0.2, () => chance.below(3)) }) };
  };
  const distinct = (name) => [...new Map(Array.from({ length: 1 + chance.below(4) }, () => keyIn(name)).map((own) => [shape(own), own])).values()];

  if (chance.chance(0.5)) {
    const method = chance.weighted(ON_STORE);
    const name = space();
    const at = name === "default" ? {} : { namespace: name };
    const own = keyIn(name);
    const args = {
      set: () => [own, valueIn(name, own), { ...entryOptions(name), ...at }],
      get: () => [own, given({ ...at, includeMetadata: maybe(0.5, () => true), required: maybe(0.2, () => true) })],
      getMany: () => [distinct(name), given({ ...at, includeMetadata: maybe(0.5, () => true) })],
      setMany: () => [distinct(name).map((own) => ({ key: own, value: valueIn(name, own), ...entryOptions(name) })), given({ ...at, atomic: maybe(0.4, () => false), tags: maybe(0.1, tags) })],
      deleteMany: () => [distinct(name), at],
      keys: () => [{ ...at, ...listOptions() }],
      list: () => [{ ...at, ...listOptions() }],
      query: () => [filters(), { ...at, ...queryOptions() }],
      count: () => [given({ ...at, filter: maybe(0.6, filters) })],
      setMetadata: () => [own, metadata(), given({ ...at, merge: maybe(0.3, () => false) })],
      clear: () => [chance.chance(0.2) ? {} : { namespace: name }],
      createNamespace: () => [chance.pick([...FREE, "notes", "default", " ", "a/b"]), given({ metadata: maybe(0.5, metadata) })],
      deleteNamespace: () => [chance.pick([...FREE, ...FREE, "notes", "nowhere"]), given({ recursive: maybe(0.5, () => true) })],
      listNamespaces: () => [given({ includeMetadata: maybe(0.5, () => true) })],
    };
    return { method, args: (args[method] ?? (() => [own, at]))() };
  }
  const name = chance.pick(["notes", "notes", "pairs", "things", "free"]);
  const method = chance.weighted(ON_COLLECTION);
  const own = keyIn(name);
  const change = () => {
    if (name !== "notes" && name !== "pairs") return (value) => [value].flat(2).slice(0, 3);
    const moved = { place: chance.pick(PLACES), rank: chance.below(4) };
    if (chance.chance(0.1)) return { ...moved, [name === "notes" ? "id" : "a"]: "elsewhere" };
    return chance.chance(0.5) ? moved : (record) => ({ ...record, ...moved, seen: (record.seen ?? 0) + 1 });
  };
  const args = {
    put: () => [chance.chance(0.05) ? { place: "nowhere" } : recordOf(name, own), entryOptions(name)],
    putMany: () => [distinct(name).map((own) => recordOf(name, own)), given({ atomic: maybe(0.3, () => false), tags: maybe(0.1, tags) })],
    update: () => [own, change()],
    getMany: () => [distinct(name)],
    deleteMany: () => [distinct(name)],
    keys: () => [listOptions()],
    list: () => [listOptions()],
    all: () => [given({ limit: maybe(0.3, () => chance.below(4)) })],
    query: () => [filters(), queryOptions()],
    count: () => (chance.chance(0.3) ? [] : [filters()]),
    clear: () => [],
  };
  return { name, method, args: (args[method] ?? (() => [own]))() };
}

/** What a call answered, as text; without what tells the backend. */
async function answer(store, { name, method, args }) {
  const namespace = name ?? args.find((part) => part?.namespace)?.namespace ?? "default";
  try {
    const text = shape(plain(await (name ? store.collection(name) : store)[method](...args)));
    return MORTAL.includes(namespace) ? text.replace(/"version":\d+/g, "") : text;
  } catch (error) {
    // A unique index speaks after all conditions: of a batch with a fault of each kind, which is told is its affair.
    if (["setMany", "putMany"].includes(method) && ["ALREADY_EXISTS", "CONFLICT"].includes(error?.code)) return "refused: what is there";
    return error?.code ? `refused: ${error.code}` : `untyped: ${error?.name}: ${error?.message} ${error?.stack}`;
  }
}

function plain(value) {
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [bare(key), plain(part)]));
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return bare(value);
  const { durability, error, ...rest } = value;
  const named = error ? { ...rest, error: error.code ?? error } : rest;
  return Object.fromEntries(Object.entries(named).filter(([, part]) => part !== undefined).map(([name, part]) => [name, plain(part)]));
}

/** A key of bytes comes back as a buffer. */
const bare = (value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value);

/** Runs calls; finds where the three differ. */
export async function equivalence({ seed, from, count }) {
  const chance = random("equivalence", seed, from);
  const clock = { at: 1.7e12 };
  const RealNow = Date.now;
  Date.now = () => clock.at;
  const name = freshName();
  const open = (type) => createStorage({ name, type, collections: DECLARED });
  const model = new Model(() => clock.at);
  const found = { operations: 0, refused: 0, reopened: 0, problems: [] };
  let [memory, indexeddb] = [await open("memory"), await open("indexeddb")];
  const told = { memory: [], indexeddb: [] };
  const listen = (store, to) =>
    store.on("change", (event) => {
      const swept = event.type === "delete" && MORTAL.includes(event.collection);
      if (!swept) to.push(shape(plain(event)));
    });
  listen(memory, told.memory);
  listen(indexeddb, told.indexeddb);
  try {
    for (let at = from; at < from + count && found.problems.length === 0; at += 1) {
      clock.at += chance.chance(0.02) ? 1000 : chance.below(20);
      const call = makeCall(chance);
      const [inModel, inMemory, inIndexedDB] = [await answer(model, call), await answer(memory, call), await answer(indexeddb, call)];
      found.operations += 1;
      found.refused += inModel.startsWith("refused") ? 1 : 0;
      if (inModel !== inMemory || inMemory !== inIndexedDB) {
        const said = `${call.name ?? "store"}.${call.method}(${call.args.map((part) => (typeof part === "function" ? "function" : shape(part)))})`;
        found.problems.push(`call ${at} of seed ${seed}, in a run from ${from}: ${said}\n  model:     ${inModel}\n  memory:    ${inMemory}\n  IndexedDB: ${inIndexedDB}`);
      }
      if (chance.chance(1 / REOPEN_EVERY)) {
        await indexeddb.close();
        indexeddb = await open("indexeddb");
        listen(indexeddb, told.indexeddb);
        found.reopened += 1;
      }
    }
    await new Promise((resolve) => setTimeout(resolve));
    const differs = told.memory.findIndex((event, at) => event !== told.indexeddb[at]);
    if (found.problems.length === 0 && (differs >= 0 || told.memory.length !== told.indexeddb.length)) {
      found.problems.push(`event ${differs} of seed ${seed}, from ${from}: ${told.memory[differs]} in memory, ${told.indexeddb[differs]} in IndexedDB`);
    }
  } finally {
    await memory.close();
    await indexeddb.close();
    Date.now = RealNow;
    await remove(name);
  }
  return found;
}
