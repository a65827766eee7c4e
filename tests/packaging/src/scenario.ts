import type * as Tidekeep from "tidekeep";

interface Note {
  id: string;
  title: string;
  words: number;
  written: Date;
}

interface App {
  notes: { key: string; value: Note; indexes: "title" };
}

/** What the scenario saw, in a form that can be posted from a worker. */
export interface Report {
  type: string;
  context: string;
  persistent: boolean;
  titles: string[];
  index: string | null;
  words: number | undefined;
  written: boolean;
  refusal: string;
}

/** The same few calls wherever the package runs; two stores open at once, so that they share the first load. */
export async function scenario(
  { createStorage, StorageError }: typeof Tidekeep,
  type: "indexeddb" | "memory",
): Promise<Report> {
  const name = `packaging-${Math.random().toString(36).slice(2)}`;
  const [store, other] = await Promise.all([
    createStorage<App>({ name, type, collections: { notes: { keyPath: "id", indexes: ["title"] } } }),
    createStorage({ name: `${name}-other`, type }),
  ]);
  const notes = store.collection("notes");
  await notes.putMany([
    { id: "1", title: "harbour", words: 120, written: new Date(0) },
    { id: "2", title: "hill", words: 45, written: new Date(1000) },
    { id: "3", title: "meadow", words: 300, written: new Date(2000) },
  ]);
  const filter = { field: "title", operator: "startsWith", value: "h" } as const;
  const found = await notes.query(filter, { sort: { field: "title" } });
  const plan = await notes.explain(filter);
  const meadow = await notes.get("3");

  await other.set("taken", true);
  const refusal = await other.set("taken", false, { overwrite: false }).then(
    () => "nothing",
    (error: unknown) => (error instanceof StorageError ? error.code : `no StorageError: ${String(error)}`),
  );

  const { context, persistent, type: served } = store.getInfo();
  await Promise.all([store.destroy(), other.destroy()]);
  return {
    type: served,
    context,
    persistent,
    titles: found.map((row) => row.value.title),
    index: plan.index,
    words: meadow?.words,
    written: meadow?.written instanceof Date,
    refusal,
  };
}
