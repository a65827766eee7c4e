import { StorageError } from "tidekeep";
import type { Note, Place, PlaceLabel } from "./schema.ts";
import type { Store } from "./store.ts";

/** Is called with notes now, and again whenever a tab, or another device, has changed any of them. */
export type NotesListener = (notes: Note[]) => void;

/** The notes of the notebook. */
export interface Notes {
  get(id: string): Promise<Note | undefined>;
  /** Follows the last changed, the newest of them first, until the returned function is called. */
  recent(limit: number, listener: NotesListener): () => void;
  /** Follows those of one place, newest first, until the returned function is called. */
  of(placeId: string, listener: NotesListener): () => void;
  /** The label of a place that is known from its notes alone. */
  labelOf(placeId: string): Promise<PlaceLabel | undefined>;
  /** Those with these words, the last one perhaps unfinished, the best first. */
  find(words: string, limit: number): Promise<Note[]>;
  count(): Promise<number>;
  add(place: Place | PlaceLabel, text: string): Promise<Note>;
  edit(note: Note, text: string): Promise<void>;
  remove(note: Note): Promise<void>;
  /** Writes a note as it was: after a deletion that was a mistake. */
  restore(note: Note): Promise<void>;
}

const valueOf = ({ value }: { value: Note }): Note => value;
const onPlace = (placeId: string) => ({ field: "place", operator: "eq", value: placeId }) as const;

export function openNotes(store: Store): Notes {
  const notes = store.collection("notes");
  const restore = async (note: Note) => void (await notes.put(note));

  return {
    restore,
    get: (id) => notes.get(id),
    count: () => notes.count(),
    recent: (limit, listener) =>
      notes.watch({ field: "modified", operator: "gte", value: 0 }, ({ rows }) => listener(rows.map(valueOf)), {
        sort: { field: "modified", order: "desc" },
        limit,
      }),
    of: (placeId, listener) =>
      notes.watch(onPlace(placeId), ({ rows }) => listener(rows.map(valueOf)), {
        sort: { field: "created", order: "desc" },
      }),
    labelOf: async (placeId) => (await notes.query(onPlace(placeId), { limit: 1 }))[0]?.value.label,
    find: async (words, limit) => (await notes.search(words, { prefix: "last", limit })).map(valueOf),
    async add({ id: place, name, country, region, lat, lng }, text) {
      const now = Date.now();
      const label = { id: place, name, country, region, lat, lng };
      const note: Note = { id: crypto.randomUUID(), place, label, text, created: now, modified: now };
      await restore(note);
      return note;
    },
    async edit(note, text) {
      const change = { text, modified: Date.now() };
      try {
        await notes.update(note.id, change);
      } catch (error) {
        if (!(error instanceof StorageError) || error.code !== "NOT_FOUND") throw error;
        await restore({ ...note, ...change }); // deleted elsewhere while it was being edited
      }
    },
    remove: async (note) => void (await notes.delete(note.id)),
  };
}
