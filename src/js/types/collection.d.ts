/** The calls of one collection. */

import type { CollectionOptions } from "./collection-options.js";
import type { Item, WriteOutcome, WriteResult } from "./entries.js";
import type { Unsubscribe } from "./events.js";
import type { EntryOptions, KeyValue, SetManyOptions } from "./key-value.js";
import type { Folder, FolderOptions, ListOptions } from "./lists.js";
import type { Filter, QueryOptions, QueryPage, QueryPlan, QueryResult } from "./query.js";
import type { CollectionSchema, Key } from "./schema.js";
import type { SearchOptions, SearchPage } from "./search.js";
import type { LiveResult } from "./watch.js";

/** Records of one collection. */
export interface Collection<C extends CollectionSchema> {
  readonly name: string;
  get(key: Key): Promise<C["value"] | undefined>;
  /**
   * Writes a record under the key in its keyPath.
   *
   * @example
   * await notes.put({ id: "1", place: "Lisbon", text: "Tram 28" });
   */
  put(record: C["value"], options?: EntryOptions): Promise<WriteResult>;
  /** All or nothing, unless `atomic: false`. */
  putMany(records: Iterable<C["value"]>, options?: Omit<SetManyOptions, "namespace" | "transactionId">): Promise<Map<Key, WriteOutcome>>;
  /**
   * Reads, changes and writes one record so that no update is lost. A function must answer at once, not with a
   * promise; it may be called again where another writer was first.
   *
   * @example
   * await notes.update("1", { text: "Tram 28, early" });
   * await notes.update("1", (note) => ({ ...note, text: note.text.toUpperCase() }));
   */
  update(key: Key, change: Partial<C["value"]> | ((record: C["value"]) => C["value"])): Promise<WriteResult>;
  getMany(keys: Iterable<Key>): Promise<Map<Key, C["value"]>>;
  /** Has records in the cache before they are wanted, as {@link KeyValue.prefetch} does. */
  prefetch(keys: Iterable<Key>): Promise<void>;
  delete(key: Key): Promise<boolean>;
  deleteMany(keys: Iterable<Key>): Promise<Map<Key, boolean>>;
  has(key: Key): Promise<boolean>;
  keys(options?: ListOptions): Promise<Key[]>;
  /**
   * Everything but the values, in key order. With a delimiter, what lies directly under the prefix, as in a folder.
   *
   * @example
   * const { folders, length } = await notes.list({ prefix: "travel/", delimiter: "/" });
   */
  list(options: FolderOptions): Promise<Folder>;
  list(options?: ListOptions): Promise<Item[]>;
  all(options?: { limit?: number }): Promise<C["value"][]>;
  /**
   * The records that match, by the best index; a list of filters must all match.
   *
   * @example
   * const named = { field: "name", operator: "startsWith", value: "Lis" } as const;
   * const page = await places.query(named, { sort: { field: "name" }, limit: 20 });
   * const more = await places.query(named, { sort: { field: "name" }, limit: 20, after: page.next });
   */
  query(filter: Filter<C> | Filter<C>[], options?: QueryOptions<C>): Promise<QueryPage<C["value"]>>;
  /**
   * Runs the query and tells which index served it, what was left to filter, and how many rows were read. (With a limit,
   * `query` reads one row more, to know whether there is a next page.)
   */
  explain(filter: Filter<C> | Filter<C>[], options?: QueryOptions<C>): Promise<QueryPlan>;
  /**
   * Goes through the records that match, reading ahead page by page and never holding them all; `break` ends it. With
   * a sort that no index gives, each page reads everything anew.
   *
   * @example
   * for await (const { key, value } of notes.iterate({ filter: { field: "place", operator: "eq", value: "Lisbon" } })) {
   *   console.log(key, value.text);
   * }
   */
  iterate(options?: QueryOptions<C> & { filter?: Filter<C> | Filter<C>[] }): AsyncIterable<QueryResult<C["value"]>>;
  /** Where an index answers the filter whole, keys are counted and no value is read. */
  count(filter?: Filter<C> | Filter<C>[]): Promise<number>;
  /**
   * Calls the listener with the result of a query, and again after each change to it, from any tab and the endpoint, or
   * at the end of a row's life: with all rows, and the keys of those that were added, changed or removed. Until the
   * returned function is called, or the store is closed.
   *
   * The first call has all rows in `added`, and comes even where there is none. Rows that did not change are the same
   * objects as before, `===`. Nothing is called where nothing of the result changed; changes that come together may be
   * told in one call. Without a sort, rows come by key. What cannot be read raises `error`, and the watch goes on. The
   * result of a sealed collection is empty while the keys are locked.
   *
   * @example
   * const stop = notes.watch({ field: "place", operator: "eq", value: "Lisbon" }, ({ rows, added }) => {
   *   console.log(rows.length, "notes, of which new:", added);
   * });
   */
  watch(
    filter: Filter<C> | Filter<C>[] | undefined,
    listener: (result: LiveResult<C["value"]>) => void,
    options?: Pick<QueryOptions<C>, "sort" | "limit" | "offset">,
  ): Unsubscribe;
  /**
   * The records that hold these words, the best first, among the fields that {@link CollectionOptions.search} declares;
   * for others it rejects with `INVALID_QUERY`. What any tab, worker or the endpoint wrote before is found.
   *
   * Words are cut as Unicode's word segmentation cuts them; an ideograph is one by itself; punctuation, symbols and emoji
   * are none. Case does not count, nor do accents (U+0300 to U+036F) and compatibility forms: "sao" finds "São". Of a
   * word, 64 characters count. A text without words finds nothing; one of more than 100 different words rejects with
   * `INVALID_QUERY`. Lone surrogates separate words.
   *
   * Only records of the page are read. Where an index has to be built first, this waits for it and tells `onProgress`.
   *
   * @example
   * const found = await notes.search("tram lis", { prefix: true, limit: 10 });
   * for (const { value, score, matched } of found) console.log(value.text, score, matched);
   * const more = found.next && (await notes.search("tram lis", { prefix: true, limit: 10, after: found.next }));
   */
  search(text: string, options?: SearchOptions<C>): Promise<SearchPage<C["value"]>>;
  /**
   * Builds the full-text index anew, in slices that let everything else go on; other tabs' searches wait for it, and
   * what is killed on the way goes on at the next search. An index that is missing, damaged, over other fields or left
   * behind is built by the next search in any case; this is for doing so ahead of time, and as a repair.
   *
   * @example
   * await notes.reindex({ onProgress: (done, total) => console.log(`${done} of ${total}`) });
   */
  reindex(options?: { onProgress?: (done: number, total: number) => void; signal?: AbortSignal }): Promise<void>;
  clear(): Promise<void>;
}
