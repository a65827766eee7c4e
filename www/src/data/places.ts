import type { Filter, QueryOptions, QueryPlan } from "tidekeep";
import { fold } from "../lib/fold.ts";
import type { Country, Fieldbook, Place } from "./schema.ts";
import type { Store } from "./store.ts";

type Places = Fieldbook["places"];

export interface PlaceSearch {
  prefix: string;
  /** Country code, or "" for the whole world. */
  country: string;
  limit: number;
}

export interface PlacesFound {
  places: Place[];
  /** How the storage served it. */
  plan: QueryPlan;
  milliseconds: number;
}

/** Places whose name begins so, in alphabetical order, read through an index. */
export async function findPlaces(store: Store, search: PlaceSearch): Promise<PlacesFound> {
  const places = store.collection("places");
  const filters: Filter<Places>[] = [];
  const prefix = fold(search.prefix);
  if (search.country) filters.push({ field: "country", operator: "eq", value: search.country });
  // Also with an empty prefix: a condition on each of its fields is what lets the compound index serve the order.
  filters.push({ field: "search", operator: "startsWith", value: prefix });
  const options: QueryOptions<Places> = { sort: { field: "search" }, limit: search.limit };

  const start = performance.now();
  const rows = await places.query(filters, options);
  const milliseconds = performance.now() - start;
  return { places: rows.map(({ value }) => value), plan: await places.explain(filters, options), milliseconds };
}

/** The countries of the list with their number of places; empty until an import has finished. */
export const allCountries = (store: Store): Promise<Country[]> => store.collection("countries").all();
