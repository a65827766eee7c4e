// Random batches, many with one bad item somewhere: each happens as a whole or not at all, and in the indexes as in the
// records.

import { createStorage } from "/tidekeep/index.js";
import { freshName, outcome, remove, shape } from "./engine.js";
import { compareIndexes } from "./indexes.js";
import { COLLECTIONS } from "./program.js";
import { random } from "./random.js";

const IDS = Array.from({ length: 20 }, (_, number) => `n${number}`);
/** Records that no batch changes: what they have, no other may have. */
const ANCHORS = ["a0", "a1", "a2"];
const PLACES = ["Lisbon", "Lima", "Oslo"];
/** A full scan of every index comes so often. */
const SCAN_EVERY = 50;

/** What can be wrong with a record, and the code it is refused with. */
const BAD = {
  "a function": ["INVALID_VALUE", (record) => ({ ...record, text: () => 1 })],
  "a symbol": ["INVALID_VALUE", (record) => ({ ...record, deep: [{ at: Symbol("s") }] })],
  "a getter that throws": ["INVALID_VALUE", (record) => Object.defineProperty({ ...record }, "text", { enumerable: true, get: () => { throw new RangeError("mine"); } })],
  "a proxy that throws": ["INVALID_VALUE", (record) => new Proxy(record, { ownKeys: () => { throw new Error("mine"); } })],
  "the system's property": ["INVALID_VALUE", (record) => ({ ...record, _tidekeep: {} })],
  "no key": ["INVALID_KEY", ({ id, ...record }) => record],
  "null for a key": ["INVALID_KEY", (record) => ({ ...record, id: null })],
  "an object for a key": ["INVALID_KEY", (record) => ({ ...record, id: {} })],
  "NaN within a key": ["INVALID_KEY", (record) => ({ ...record, id: ["x", NaN] })],
  "what a unique index has": ["ALREADY_EXISTS", (record, chance) => ({ ...record, slug: chance.pick(ANCHORS) })],
};
/** What can be wrong with an entry of its own options. */
const BAD_OPTIONS = {
  "a taken key": ["ALREADY_EXISTS", () => ({ key: "a0", value: { id: "a0", slug: "a0" }, overwrite: false })],
  "an old version": ["CONFLICT", () => ({ key: "a1", value: { id: "a1", slug: "a1" }, ifVersion: 7 })],
  "a version of nothing": ["CONFLICT", () => ({ key: "none", value: { id: "none" }, ifVersion: 1 })],
  "two ends of life": ["INVALID_CONFIG", (entry) => ({ ...entry, ttl: 5, expiration: new Date(5e12) })],
  "a negative life": ["INVALID_CONFIG", (entry) => ({ ...entry, ttl: -1 })],
  "tags that are none": ["INVALID_CONFIG", (entry) => ({ ...entry, tags: [1] })],
  "metadata that cannot be copied": ["INVALID_VALUE", (entry) => ({ ...entry, metadata: { at: () => 1 } })],
  "another key than the record's": ["INVALID_KEY", (entry) => ({ ...entry, key: "other" })],
};

/** A batch: the call, the code it must be refused with, and else what it makes of the records. */
function makeBatch(chance, ids, at) {
  const record = (id) => ({ id, at, slug: `${id}!${at}`, place: chance.pick(PLACES), rank: chance.below(4), tags: chance.some(PLACES, chance.below(3)) });
  const chosen = chance.some(ids, 1 + chance.below(12));
  const position = chance.below(chosen.length);
  const bad = chance.chance(0.75);
  const way = chance.pick(["putMany", "setMany", "deleteMany"]);
  if (way === "deleteMany") {
    const keys = bad ? chosen.toSpliced(position, 0, chance.pick([null, NaN, {}, true])) : chosen;
    return { what: way, code: bad && "INVALID_KEY", call: (notes) => notes.deleteMany(keys), apply: (model) => chosen.forEach((id) => model.delete(id)) };
  }
  const records = chosen.map(record);
  const apply = (model) => records.forEach((written) => model.set(written.id, written));
  if (way === "putMany") {
    const [what, [code, spoil]] = chance.pick(Object.entries(BAD));
    const given = bad ? records.with(position, spoil(records[position], chance)) : records;
    return { what: `putMany, ${what}`, code: bad && code, call: (notes) => notes.putMany(given), apply };
  }
  const entries = records.map((value) => ({ key: value.id, value }));
  const [what, [code, spoil]] = chance.pick(Object.entries(BAD_OPTIONS));
  const given = bad ? entries.with(position, spoil(entries[position])) : entries;
  return { what: `setMany, ${what}`, code: bad && code, call: (_, store) => store.setMany(given, { namespace: "notes" }), apply };
}

/** Runs batches, some of them at once; finds what was not as promised. */
export async function batches({ seed, from, count }) {
  const name = freshName();
  const chance = random("batches", seed, from);
  const store = await createStorage({ name, type: "indexeddb", collections: COLLECTIONS });
  const notes = store.collection("notes");
  const model = new Map(ANCHORS.map((id) => [id, { id, slug: id }]));
  await notes.putMany(model.values());
  const found = { batches: 0, refused: 0, entries: 0, problems: [] };
  const compare = async (when) => {
    const rows = new Map((await notes.all()).map((row) => [row.id, row]));
    for (const id of new Set([...rows.keys(), ...model.keys()])) {
      if (shape(rows.get(id)) !== shape(model.get(id))) found.problems.push(`${when}: ${id} is ${shape(rows.get(id))}, not ${shape(model.get(id))}`);
    }
  };
  for (let at = from; at < from + count && found.problems.length === 0; ) {
    // Batches that are under way at once touch records of their own, so that their order is of no matter.
    const lanes = Math.min(1 + chance.below(4), from + count - at);
    const made = Array.from({ length: lanes }, (_, lane) => makeBatch(chance, IDS.filter((_, number) => number % lanes === lane), at + lane));
    const outcomes = await Promise.all(made.map(({ call }) => outcome(() => call(notes, store))));
    for (const [lane, { what, code, apply }] of made.entries()) {
      const got = outcomes[lane].untyped ?? outcomes[lane].code ?? false;
      if (got !== code) found.problems.push(`batch ${at + lane} of seed ${seed}: ${what}: ${got || "stored"}, wanted ${code || "stored"}`);
      if (!code) apply(model);
      found.refused += code ? 1 : 0;
    }
    const scans = Math.floor((at + lanes) / SCAN_EVERY) !== Math.floor(at / SCAN_EVERY);
    at += lanes;
    found.batches += lanes;
    await compare(`after batch ${at - 1} of seed ${seed} (${made.map(({ what, code }) => `${what}: ${code || "good"}`).join(" | ")})`);
    if (scans || at === from + count) {
      const { differences, entries } = await compareIndexes(name);
      found.entries += entries;
      found.problems.push(...differences.map((difference) => `after batch ${at - 1} of seed ${seed}: index ${difference}`));
    }
  }
  await store.close();
  await remove(name);
  return found;
}
