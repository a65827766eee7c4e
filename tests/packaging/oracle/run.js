// Programs on a store and on the oracles, which must agree.

import { document, translated } from "./mingo.js";
import { answer, compareKeys, matches } from "./naive.js";
import { drawing } from "./random.js";

const INDEXES = ["a", "b", "*tags", "[a+b]", "in.x", "*$tags", "$meta.m", "[b+$meta.m]"];
const ELEMENTS = ["tags", "$tags"];
/** How many programs ask the same records. */
const SHARED = 20;

/** Text for people, and for telling keys apart. */
export const told = (value) =>
  JSON.stringify(value, (name, item) => {
    if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) return { bytes: [...new Uint8Array(item.buffer ?? item)] };
    if (item === undefined || (typeof item === "number" && !Number.isFinite(item))) return { is: String(item) };
    return item;
  });

/** JSON.stringify asks dates for their text before it asks us. */
const text = (key) => (key instanceof Date ? `date ${key.getTime()}` : Array.isArray(key) ? `[${key.map(text)}]` : typeof key === "number" ? String(key + 0) : told(key));

const keys = (rows) => rows.map(({ key }) => text(key));

/** What a store says to a program, in every way in which it can be asked. */
async function asked(collection, { filter, sort, limit, offset }) {
  const whole = await collection.query(filter, { sort });
  const slice = await collection.query(filter, { sort, limit, offset });
  const paged = [];
  let after;
  for (let turn = 0; turn < 100; turn += 1) {
    const page = await collection.query(filter, { sort, limit, after });
    paged.push(...page);
    after = page.next;
    if (after === undefined) break;
  }
  return { whole, slice: keys(slice), more: slice.next !== undefined, paged: keys(paged), count: await collection.count(filter) };
}

/** The first thing in which a store and the oracles differ; undefined where they agree. */
async function difference(collection, entries, program, Query) {
  const wanted = answer(entries, program, ELEMENTS).map(({ value }) => text(value.id));
  const { whole, slice, more, paged, count } = await asked(collection, program);
  const found = keys(whole);
  const inOrder = program.sort?.length ? found : keys([...whole].sort((a, b) => compareKeys(a.key, b.key)));
  const differs = (what, mine, theirs) => (told(mine) === told(theirs) ? undefined : { what, found: mine, wanted: theirs });
  const filter = Query && translated(program.filter);
  const byMingo = () => {
    const query = new Query(filter);
    const live = entries.filter(({ options }) => options.expiration === undefined);
    return live.filter((entry) => query.test(document(entry))).map(({ value }) => text(value.id)).sort();
  };
  return (
    differs("rows", inOrder, wanted) ??
    differs("offset and limit", slice, found.slice(program.offset, program.offset + program.limit)) ??
    differs("whether there are more", more, found.length > program.offset + program.limit) ??
    differs("pages by cursor", paged, found) ??
    differs("count", count, found.length) ??
    (filter && differs("rows, by mingo", [...found].sort(), byMingo()))
  );
}

async function filled(store, name, entries) {
  await store.clear({ namespace: name });
  await store.setMany(entries.map(({ value, options }) => ({ key: value.id, value, ...options })), { namespace: name });
}

/** A failing case with all left out that it does not need. */
async function shrunk(store, name, entries, program, Query) {
  const fails = async (fewer, other) => {
    await filled(store, name, fewer);
    return difference(store.collection(name), fewer, other, Query).catch((error) => ({ what: `${error}` }));
  };
  let left = entries;
  for (const entry of entries) {
    const fewer = left.filter((other) => other !== entry);
    if (await fails(fewer, program)) left = fewer;
  }
  for (const part of program.filter.and ?? program.filter.or ?? (Array.isArray(program.filter) ? program.filter : [])) {
    if (await fails(left, { ...program, filter: part })) return { entries: left, program: { ...program, filter: part }, ...(await fails(left, { ...program, filter: part })) };
  }
  return { entries: left, program, ...(await fails(left, program)) };
}

/**
 * Runs so many programs from a seed; gives how many there were, and the first difference, shrunk and as text.
 *
 * @param {{ createStorage: Function }} tidekeep
 * @param {Function | undefined} Query That of mingo, which is asked where the records are plain.
 */
export async function run(tidekeep, Query, { type, programs, seed }) {
  const name = `oracle ${seed} ${Math.random().toString(36).slice(2)}`;
  const store = await tidekeep.createStorage({ name, type, collections: { indexed: { keyPath: "id", indexes: INDEXES }, unindexed: { keyPath: "id", indexes: ["*tags"] } } });
  const report = { programs: 0, byMingo: 0, hits: 0, unions: 0, seed };
  try {
    for (let world = 0; report.programs < programs; world += 1) {
      const plain = world % 4 === 3;
      const draw = drawing(seed * 1_000_003 + world, plain);
      const entries = draw.records();
      const collection = world % 5 === 4 ? "unindexed" : "indexed";
      await filled(store, collection, entries);
      for (let turn = 0; turn < SHARED && report.programs < programs; turn += 1) {
        const program = draw.program();
        const oracle = plain ? Query : undefined;
        report.programs += 1;
        report.byMingo += Number(oracle !== undefined && translated(program.filter) !== undefined);
        report.hits += entries.filter((entry) => matches(entry, program.filter, ELEMENTS)).length;
        // How often several indexes serve at once, so that this is known to be tried.
        if (program.filter.or) report.unions += Number((await store.collection(collection).explain(program.filter)).index?.includes(" or ") ?? false);
        const differs = await difference(store.collection(collection), entries, program, oracle).catch((error) => ({ what: `${error?.stack ?? error}` }));
        if (differs) {
          const least = await shrunk(store, collection, entries, program, oracle);
          return { ...report, failure: told({ seed, world, turn, collection, first: differs, ...least }) };
        }
      }
    }
    return report;
  } finally {
    await store.destroy();
  }
}
