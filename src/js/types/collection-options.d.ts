/** How a collection is declared. */

import type { Collection } from "./collection.js";
import type { BlindField, SearchableField } from "./schema.js";
import type { JsonSchema, StandardSchema } from "./validation.js";

export interface CollectionOptions<C = unknown> {
  /**
   * Field, or fields, of the record that is its key. Without it, the key is given at each write. Declaring another one
   * moves every record to its new key; where one has none, two would share one, or records replicate, opening rejects
   * and nothing is changed.
   */
  keyPath?: string | string[];
  /**
   * Native indexes, in short or long form. A sealed collection has them over tags and metadata, and blind ones over its
   * fields: {@link BlindIndexOptions}.
   */
  indexes?: (IndexText<C> | IndexOptions | BlindIndexOptions<C>)[];
  /**
   * Fields of the full-text index, by name or with a weight: how much a word in it counts against other fields, 1
   * without. Texts and numbers are indexed, and lists of them. Where records are there before the index is declared, or
   * it is declared over other fields, the next {@link Collection.search} builds it. A sealed collection has none: its
   * words would lie in the clear.
   *
   * @example
   * const library = await createStorage<Known>({
   *   type: "memory",
   *   collections: { notes: { keyPath: "id", search: [{ field: "place", weight: 2 }, "text"] } },
   * });
   */
  search?: (SearchableField<C> | { field: SearchableField<C>; weight?: number })[];
  /**
   * Sealed at rest. Keys, tags, times and metadata stay in the clear. Records that are in the clear when it is
   * switched on are sealed once the keys are open, a few hundred at a time. Where it is switched off, what is sealed stays
   * so, as an entry written with `encrypt: true` does, and is opened under the unlocked key.
   */
  encrypted?: boolean;
  /** Default lifetime of an entry, milliseconds. Its end is hidden at once and removed within about a second. */
  ttl?: number;
  /**
   * A limit: past it, the entries that were used least recently go, soon after the write that is one too many. Reads by
   * key (`get`, `getMany`, `update`) and writes are uses; queries, lists and `all` are not. On a full disk these entries
   * go before any other. They go from this device alone, and never before the endpoint has answered for them.
   *
   * @example
   * const cached = await createStorage({ type: "memory", collections: { tiles: { maxEntries: 500, ttl: 86_400_000 } } });
   */
  maxEntries?: number;
  /** `false` keeps it from being replicated. */
  sync?: boolean;
  /**
   * Keeps the SHA-256 of each value's encoding beside it, and compares it at every read: a value that is not what was
   * written rejects with `CORRUPTED`, which names the collection and the key, while others are read as ever. It tells
   * damage, and not forgery. Values must have an encoded form, as those that are sent. What was written before is taken
   * as it is. A sealed collection has none: its records have tags. A damaged record that waits to be sent holds its
   * round of sync up until it is written again or deleted.
   */
  checksum?: boolean;
  /**
   * What its values must look like: a JSON Schema, or a schema of zod, valibot, arktype or any library with the
   * interface of Standard Schema. A value that does not fit rejects with `VALIDATION_FAILED`, whose context has the
   * `path` and what was `wanted`, and nothing of its batch is written. An update is checked as the whole record that it
   * makes. A schema checks and changes nothing: its defaults and transformations are not applied. What the endpoint
   * sends is not checked.
   *
   * @example
   * const checked = await createStorage<Known>({
   *   type: "memory",
   *   collections: { notes: { keyPath: "id", schema: { required: ["id"], properties: { text: { type: "string", maxLength: 280 } } } } },
   * });
   */
  schema?: JsonSchema<ValueOf<C>> | StandardSchema<ValueOf<C>>;
}

/**
 * The short form of an index: `name`, `*tags` (an entry per element), `&email` (unique), `[author+created]`; over what
 * stands beside the value, `*$tags` and `$meta.x`.
 */
export type IndexText<C> = C extends { indexes: infer I extends string }
  ? I | "*$tags" | `$meta.${string}` | `*$meta.${string}` | `*${I}` | `&${I}` | `&*${I}` | `*&${I}` | `[${string}+${string}]` | `&[${string}+${string}]`
  : string;

export interface IndexOptions {
  name: string;
  keyPath: string | string[];
  unique?: boolean;
  multiEntry?: boolean;
  blind?: false;
}

/**
 * An index over a field of a sealed collection, by which equal values are found without opening every record. In the
 * place of values it holds tags: HMAC-SHA256 of the value, under a key made from the store's for this database, collection
 * and field.
 *
 * It serves `eq` and `in`, `contains` with `multiEntry`, alone and within `and` and `or`. What is found is opened and
 * compared once more. Comparing (`gt`, `between`, `startsWith`…) and sorting by the field reject with `INVALID_QUERY`.
 * It needs open keys, as reading does. It cannot be `unique`, nor over several fields: `INVALID_CONFIG`.
 *
 * **What it tells whoever reads the disk, without the keys:** which records have the same value in the field, and so how
 * many values there are and how often each occurs. Where few values are possible (a country, true or false), or their
 * frequencies are known, they can be told by that. Of a value itself, and of equality between fields, collections and
 * databases, it tells nothing. Tags stay on the device: the endpoint sees none.
 *
 * Records that were there before the index, and those that came while the keys were locked, get their tags once the keys
 * are open, at the latest by the next query that needs them, a few hundred at a time. Tags outlive `rotate` and another
 * passphrase; under a new store key they are made anew. Leave the index out, and its tags are removed when the store is opened.
 *
 * @example
 * interface App { people: { key: string; value: { id: string; email: string }; blind: "email" } }
 * const store = await createStorage<App>({
 *   type: "memory",
 *   collections: { people: { keyPath: "id", encrypted: true, indexes: [{ name: "email", keyPath: "email", blind: true }] } },
 * });
 * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
 * const people = store.collection("people");
 * await people.put({ id: "1", email: "ada@example.org" });
 * const found = await people.query({ field: "email", operator: "eq", value: "ada@example.org" });
 * console.log(found.length);
 */
export interface BlindIndexOptions<C = unknown> {
  name: string;
  keyPath: [BlindField<C>] extends [never] ? string : BlindField<C>;
  /** A tag for each element of an array. */
  multiEntry?: boolean;
  blind: true;
}

type ValueOf<C> = C extends { value: infer V } ? V : unknown;

export {};
