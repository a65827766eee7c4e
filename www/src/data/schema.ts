import type { CollectionOptions } from "tidekeep";

/** A place of the reference list. */
export interface Place {
  id: string;
  name: string;
  /** The name, folded: what the index reads within a country. */
  search: string;
  /** ISO 3166-1 alpha-2. */
  country: string;
  /** The country's name. */
  nation: string;
  /** Name of the first administrative division, where the list knows one. */
  region: string;
  lat: number;
  lng: number;
}

/** As much of a place as a note takes along, so that it can be read where the list was never imported. */
export type PlaceLabel = Omit<Place, "search" | "nation">;

export interface Note {
  id: string;
  /** Id of its place. */
  place: string;
  label: PlaceLabel;
  text: string;
  created: number;
  modified: number;
}

export interface Country {
  code: string;
  places: number;
}

/** How far the import of one list has come. */
export interface ImportState {
  id: string;
  /** Which edition of the list: another one starts again. */
  edition: string;
  done: number;
  total: number;
}

export interface Fieldbook {
  places: { key: string; value: Place; indexes: "country" | "[country+search]" };
  countries: { key: string; value: Country };
  imports: { key: string; value: ImportState };
  notes: { key: string; value: Note; indexes: "place" | "modified" };
}

/** Reference data stays on the device; notes travel. */
export const collections: { [C in keyof Fieldbook]: CollectionOptions<Fieldbook[C]> } = {
  places: {
    keyPath: "id",
    indexes: ["country", "[country+search]"],
    search: [{ field: "name", weight: 4 }, "region", "nation"],
    sync: false,
  },
  countries: { keyPath: "code", sync: false },
  imports: { keyPath: "id", sync: false },
  notes: { keyPath: "id", indexes: ["place", "modified"], search: ["text", "label.name"], sync: true },
};

const prefix = "fieldbook-";

/** One database for each space, so that the notes of one never reach another. */
export const databaseName = (space: string): string => `${prefix}${space}`;

/** The space whose database has this name. */
export const spaceOf = (database: string): string | undefined =>
  database.startsWith(prefix) ? database.slice(prefix.length) : undefined;
