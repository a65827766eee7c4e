import { bare, bareBoth, isBare } from "./bare.js";
import { batches } from "./batches.js";
import { equivalence } from "./equivalence.js";
import { hostile } from "./hostile.js";
import { load, reopen, unload } from "./load.js";
import { opened, rotate } from "./rotation.js";
import { fill, survey } from "./survey.js";
import { compareIndexes } from "./indexes.js";
import { open, write } from "./writer.js";

let worker;

/** What a test may ask of the page. */
globalThis.page = {
  write,
  writeInWorker(task) {
    worker = new Worker("/worker.js", { type: "module" });
    worker.postMessage(task);
  },
  killWorker: () => worker.terminate(),
  batches,
  fill,
  survey,
  bare,
  bareBoth,
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  load,
  reopen,
  unload,
  hostile,
  equivalence,
  rotate,
  opened,
  /** What the store of each way of writing holds. */
  read: async (ways) => Object.fromEntries(await Promise.all(ways.map(async (way) => [way, await read(way)]))),
};

/** What the store of a way of writing holds, lane by lane; and what its indexes make of it. */
async function read(way) {
  const store = await open(way);
  let lost = false;
  if (!isBare(way)) store.on("lost", () => (lost = true));
  const lanes = {};
  const lane = (key) => (lanes[key.split(":")[0]] ??= { notes: {}, entries: {} });
  for (const note of await store.collection("notes").all()) lane(note.id).notes[note.id] = note;
  const entries = isBare(way) ? await store.entries() : await store.getMany(await store.keys(), { includeMetadata: true });
  for (const [key, { value, tags, metadata = {} }] of entries) lane(key).entries[key] = { value, tags, metadata };
  const pending = way === "synced" ? (await store.sync.pending()).map(({ key }) => key) : undefined;
  await store.close();
  return { lanes, pending, lost, indexes: await compareIndexes(way) };
}
