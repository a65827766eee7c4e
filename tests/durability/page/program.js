// What a lane writes: a sequence of operations that a seed and a number name, and what a store holds after them. A lane
// has its own keys, and begins an operation when the one before it has been acknowledged. So after a kill a store may
// hold what the acknowledged operations made, or that with the one operation that was under way: nothing else.

import { random } from "./random.js";

const IDS = 12;
const PLACES = ["Lisbon", "Lima", "Oslo", "Nuuk"];
const TAGS = ["sea", "hills", "rain", "wind"];
const RECORDS = { put: 5, putMany: 4, update: 3, delete: 1, deleteMany: 1 };
const ALL = { ...RECORDS, set: 3, setMany: 2, setMetadata: 2, remove: 1 };

/** The collection of every store of these tests, with an index of each kind. */
export const COLLECTIONS = { notes: { keyPath: "id", indexes: ["place", "*tags", "&slug", "[place+rank]"] } };

/** The operation of a lane that has this number; one of fifty has a text of `largest` characters. */
export function operation({ seed, largest }, lane, at) {
  const chance = random(seed, lane, at);
  const ids = Array.from({ length: IDS }, (_, number) => `${lane}:${number}`);
  const length = chance.chance(0.02) ? largest : chance.below(400);
  // The number of the operation, in every row it writes, tells a half batch.
  const record = (id) => ({
    id,
    at,
    slug: `${id}!${at}`,
    place: chance.pick(PLACES),
    rank: chance.below(5),
    tags: chance.some(TAGS, chance.below(4)),
    text: chance.text(length),
  });
  const several = () => chance.some(ids, 2 + chance.below(IDS - 2));
  // Only what replicates is acknowledged as strict by a store that does not ask for it: declared collections.
  const kind = chance.weighted(lane.startsWith("synced") ? RECORDS : ALL);
  switch (kind) {
    case "put":
      return { kind, records: [record(chance.pick(ids))] };
    case "putMany":
      return { kind, records: several().map(record) };
    case "update":
      return { kind, id: chance.pick(ids), change: { at, place: chance.pick(PLACES), tags: chance.some(TAGS, 2) } };
    case "set":
      return { kind, entries: [{ key: chance.pick(ids), value: { at, text: chance.text(length) } }] };
    case "setMany":
      return { kind, entries: several().map((key) => ({ key, value: { at }, tags: chance.some(TAGS, 2) })) };
    case "setMetadata":
      return { kind, id: chance.pick(ids), metadata: { [chance.pick(TAGS)]: at } };
    case "deleteMany":
      return { kind, ids: several() };
    default:
      return { kind, id: chance.pick(ids) };
  }
}

/** A lane's part of a store that nothing was written to. */
export const empty = () => ({ notes: {}, entries: {} });

/** What an operation makes of a lane's part of a store. */
export function apply(state, does) {
  const { notes, entries } = state;
  switch (does.kind) {
    case "put":
    case "putMany":
      for (const record of does.records) notes[record.id] = record;
      break;
    case "update":
      if (notes[does.id]) notes[does.id] = { ...notes[does.id], ...does.change };
      break;
    case "delete":
      delete notes[does.id];
      break;
    case "deleteMany":
      for (const id of does.ids) delete notes[id];
      break;
    case "set":
    case "setMany":
      for (const { key, value, tags } of does.entries) {
        const before = entries[key] ?? { tags: [], metadata: {} };
        entries[key] = { ...before, value, tags: tags ?? before.tags };
      }
      break;
    case "setMetadata":
      if (entries[does.id]) {
        entries[does.id] = { ...entries[does.id], metadata: { ...entries[does.id].metadata, ...does.metadata } };
      }
      break;
    case "remove":
      delete entries[does.id];
      break;
  }
}

/** Does an operation to a store; gives what the write has survived, where the call says. */
export async function perform(store, does) {
  const notes = store.collection("notes");
  const absent = (error) => {
    if (error.code !== "NOT_FOUND") throw error;
  };
  switch (does.kind) {
    case "put":
      return (await notes.put(does.records[0])).durability;
    case "putMany":
      return (await notes.putMany(does.records)).values().next().value.durability;
    case "update":
      return (await notes.update(does.id, does.change).catch(absent))?.durability;
    case "delete":
      return void (await notes.delete(does.id));
    case "deleteMany":
      return void (await notes.deleteMany(does.ids));
    case "set": {
      const [{ key, value }] = does.entries;
      return (await store.set(key, value)).durability;
    }
    case "setMany":
      return (await store.setMany(does.entries)).values().next().value.durability;
    case "setMetadata":
      return void (await store.setMetadata(does.id, does.metadata).catch(absent));
    case "remove":
      return void (await store.delete(does.id));
  }
}
