import { StorageError } from "tidekeep";
import { signal, type Signal } from "../lib/signal.ts";
import { soon } from "../lib/soon.ts";
import type { Note, Place, PlaceLabel } from "./schema.ts";
import type { Store } from "./store.ts";

/** The notes of the notebook. */
export interface Notes {
  /** Counts up when any note changed, here or on another device. */
  readonly revision: Signal<number>;
  get(id: string): Promise<Note | undefined>;
  /** The last changed first. */
  all(limit: number): Promise<Note[]>;
  /** Of one place, newest first. */
  of(placeId: string): Promise<Note[]>;
  count(): Promise<number>;
  add(place: Place | PlaceLabel, text: string): Promise<Note>;
  edit(note: Note, text: string): Promise<void>;
  remove(note: Note): Promise<void>;
  /** Writes a note as it was: after a deletion that was a mistake. */
  restore(note: Note): Promise<void>;
}

export function openNotes(store: Store): Notes {
  const notes = store.collection("notes");
  const revision = signal(0);
  const changed = soon(() => revision.set(revision.get() + 1));
  store.on("change", ({ collection }) => collection === notes.name && changed());
  addEventListener("focus", changed); // what other tabs wrote meanwhile
  const restore = async (note: Note) => void (await notes.put(note));

  return {
    revision,
    restore,
    get: (id) => notes.get(id),
    count: () => notes.count(),
    async all(limit) {
      const rows = await notes.query(
        { field: "modified", operator: "gte", value: 0 },
        { sort: { field: "modified", order: "desc" }, limit },
      );
      return rows.map(({ value }) => value);
    },
    async of(placeId) {
      const rows = await notes.query({ field: "place", operator: "eq", value: placeId });
      return rows.map(({ value }) => value).sort((a, b) => b.created - a.created);
    },
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
