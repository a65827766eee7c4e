// What a store says and holds after something has happened to its files.

import { createStorage } from "/tidekeep/index.js";
import { COLLECTIONS } from "./program.js";

const PATIENCE = 20_000;
const NAME = "surveyed";
const options = { name: NAME, platform: "auto", durability: "strict", collections: COLLECTIONS };
const note = (at) => ({ id: `n${at}`, slug: `s${at}`, place: `p${at % 7}`, rank: at, tags: ["t"], text: "x".repeat(500) });

/** Writes so many records, each acknowledged as strict. */
export async function fill(count, from = 0) {
  const store = await createStorage(options);
  for (let at = from; at < from + count; at += 10) {
    await store.collection("notes").putMany(Array.from({ length: 10 }, (_, of) => note(at + of)));
  }
  await store.close();
}

/** Opens the store and reads it: what was said, by errors and events, and how many records are there. */
export async function survey() {
  const said = [];
  const trying = async () => {
    const store = await createStorage(options);
    for (const event of ["degraded", "lost", "error"]) {
      try {
        store.on(event, (fact) => said.push(`${event}: ${fact?.code ?? fact?.cause?.code ?? JSON.stringify(fact)}`));
      } catch {
        // Not an event of this version.
      }
    }
    const notes = store.collection("notes");
    const held = (await notes.all()).length;
    const byIndex = (await notes.query({ field: "rank", operator: "gte", value: 0 })).length;
    const byPlaces = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((at) => notes.count({ field: "place", operator: "eq", value: `p${at}` })));
    await store.collection("notes").put(note(1_000_000));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await store.close();
    return { held, byIndex, byPlaces: byPlaces.reduce((sum, count) => sum + count, 0) };
  };
  const late = new Promise((_, reject) => setTimeout(() => reject({ code: "NOT SETTLED" }), PATIENCE));
  return Promise.race([trying(), late]).then(
    (counts) => ({ ...counts, said }),
    (error) => ({ said: [...said, `refused: ${error?.code ?? `untyped ${error}`}`] }),
  );
}
