import type { Filter, QueryOptions, QueryPlan } from "tidekeep";
import { fold } from "../lib/fold.ts";
import type { Country, Fieldbook, Place } from "./schema.ts";
import type { Store } from "./store.ts";

type Places = Fieldbook["places"];

export interface PlaceSearch {
  /** Words of the name, the region or the country; within one country, the beginning of the name. */
  text: string;
  /** Country code, or "" for the whole world. */
  country: string;
  limit: number;
}

/** How the storage found what it found. */
export type Means = { by: "index"; plan: QueryPlan } | { by: "words"; words: string[] };

export interface PlacesFound {
  places: Place[];
  means: Means;
  milliseconds: number;
}

/** Finds places: in the whole world by words, the best first; in one country by name, in alphabetical order. */
export async function findPlaces(store: Store, search: PlaceSearch): Promise<PlacesFound> {
  const start = performance.now();
  const { places, means } = search.country ? await inCountry(store, search) : await byWords(store, search);
  const milliseconds = performance.now() - start;
  return { places, means: await means(), milliseconds };
}

interface Answer {
  places: Place[];
  means(): Promise<Means> | Means;
}

/** By the full-text index. The last word may be unfinished: it is being typed. */
async function byWords(store: Store, { text, limit }: PlaceSearch): Promise<Answer> {
  const hits = await store.collection("places").search(text, { prefix: "last", limit });
  const words = [...new Set(hits.flatMap(({ matched }) => matched))];
  return { places: hits.map(({ value }) => value), means: () => ({ by: "words", words }) };
}

/** Through a compound index, which gives the order too. */
async function inCountry(store: Store, { text, country, limit }: PlaceSearch): Promise<Answer> {
  const places = store.collection("places");
  const filters: Filter<Places>[] = [
    { field: "country", operator: "eq", value: country },
    // Also with an empty prefix: a condition on each of its fields is what lets the compound index serve the order.
    { field: "search", operator: "startsWith", value: fold(text) },
  ];
  const options: QueryOptions<Places> = { sort: { field: "search" }, limit };
  const rows = await places.query(filters, options);
  return {
    places: rows.map(({ value }) => value),
    means: async () => ({ by: "index", plan: await places.explain(filters, options) }),
  };
}

/** The countries of the list with their number of places; empty until an import has finished. */
export const allCountries = (store: Store): Promise<Country[]> => store.collection("countries").all();
