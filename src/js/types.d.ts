/**
 * tidekeep: offline-first storage for web applications.
 *
 * Times are `Date`; every data call returns a promise; a failed call rejects with a {@link StorageError}. Values are
 * copied when a call is made and when it answers, as `structuredClone` does.
 *
 * @example
 * import { createStorage } from "tidekeep";
 *
 * interface App {
 *   notes: { key: string; value: { id: string; place: string; text: string }; indexes: "place" };
 * }
 * const store = await createStorage<App>({
 *   name: "fieldbook",
 *   collections: { notes: { keyPath: "id", indexes: ["place"] } },
 * });
 * const notes = store.collection("notes");
 * await notes.put({ id: "1", place: "Lisbon", text: "Tram 28" });
 * const inLisbon = await notes.query({ field: "place", operator: "eq", value: "Lisbon" });
 *
 * @module tidekeep
 */

// ── Opening ──────────────────────────────────────────────────────────────────────────────────────

/**
 * Opens a data store, creating or upgrading its database where needed. Loads the WebAssembly module on first use.
 *
 * Rejects with `INVALID_CONFIG` for options that make no sense, `VERSION_ERROR` for a database of a newer version,
 * `BLOCKED` or `TIMEOUT` where the browser does not let it open in time.
 *
 * @example
 * const store = await createStorage({ name: "notes" });
 */
export function createStorage<S extends Schema<S> = AnySchema>(options?: StorageOptions<S>): Promise<DataStore<S>>;

/**
 * Loads the WebAssembly from a place of your own: a URL, a response, its bytes, or the compiled module. Optional.
 *
 * @example
 * await init(); // loads ahead of the first createStorage()
 */
export function init(source?: string | URL | BufferSource | Response | WebAssembly.Module): Promise<void>;

export interface StorageOptions<S extends Schema<S> = AnySchema> {
  /** Database name, used exactly as given. Default `"tidekeep"`. Sealed records open only under the same name. */
  name?: string;
  /** `"auto"`, the default, really opens IndexedDB, and falls back to memory where it cannot, raising `degraded`. */
  platform?: "auto";
  /** One backend. It never falls back: where it cannot be opened, the call rejects. */
  type?: BackendName;
  /** The first of `primary` and `fallbacks` that opens serves; a fallback raises `degraded`. */
  primary?: BackendName;
  fallbacks?: BackendName[];
  /** Declared collections. Each is an object store of its own name, with native indexes. */
  collections?: { [C in keyof S & string]?: CollectionOptions<S[C]> };
  encryption?: EncryptionOptions;
  sync?: SyncOptions<S>;
  /** How sync retries, unless `sync.retryPolicy` says otherwise. */
  retryPolicy?: RetryPolicy;
  /** What a resolved write has survived. Default `"relaxed"`; commits that are to be sent are always `"strict"`. */
  durability?: "strict" | "relaxed";
  /** Keeps entries that are read by their keys in memory. Off, unless it is given; `{}` is the usual one. */
  cache?: CacheOptions;
  /** Memory backend: most entries before `QUOTA_EXCEEDED`. Default 10 000. */
  capacity?: number;
  /**
   * Measures every call: as an entry `tidekeep.get`, `tidekeep.credentials.set` and so on in the timeline of the
   * browser's tools, its `detail` naming the backend and the code of an error, and as figures in
   * {@link DataStore.metrics}. Default false, which costs nothing.
   */
  profile?: boolean;
  /** Calls the opening off: it rejects with `ABORTED` at once, and what opens all the same is closed again. */
  signal?: AbortSignal;
}

/** `"cloud"` is IndexedDB that must have a `sync.endpoint`. */
export type BackendName = "indexeddb" | "memory" | "cloud" | (string & {});

/**
 * What an application's plain interface must look like. Collection names, record types and field names are checked
 * from it.
 *
 * @example
 * interface App { notes: { key: string; value: { id: string; text: string }; indexes: "text" } }
 */
export type Schema<S> = { [C in keyof S]: CollectionSchema };
export interface CollectionSchema {
  key?: Key;
  value: unknown;
  indexes?: string;
}
export type AnySchema = Record<string, { key: Key; value: unknown; indexes: string }>;
/**
 * A field of a record, a path into it, its key (`"$key"`), its tags (`"$tags"`), its metadata (`"$meta.x"`), or what the
 * system keeps of it: the dates `"$created"`, `"$modified"` and `"$expires"`, and the number `"$version"`.
 */
export type Field<C> = C extends { value: infer V extends object }
  ? (keyof V & string) | `${keyof V & string}.${string}` | SystemField
  : string;
export type SystemField = "$key" | "$tags" | "$created" | "$modified" | "$expires" | "$version" | `$meta.${string}`;
/** IndexedDB's key types, with IndexedDB's order. */
export type Key = string | number | Date | ArrayBuffer | ArrayBufferView | readonly Key[];

/**
 * The short form of an index: `name`, `*tags` (an entry per element), `&email` (unique), `[author+created]`; over what
 * stands beside the value, `*$tags` and `$meta.x`.
 */
export type IndexText<C> = C extends { indexes: infer I extends string }
  ? I | "*$tags" | `$meta.${string}` | `*$meta.${string}` | `*${I}` | `&${I}` | `&*${I}` | `*&${I}` | `[${string}+${string}]` | `&[${string}+${string}]`
  : string;

export interface CollectionOptions<C = unknown> {
  /**
   * Field, or fields, of the record that is its key. Without it, the key is given at each write. Declaring another one
   * moves every record to its new key; where one has none, two would share one, or records replicate, opening rejects
   * and nothing is changed.
   */
  keyPath?: string | string[];
  /** Native indexes, in short or long form. A sealed collection has them over tags and metadata only. */
  indexes?: (IndexText<C> | IndexOptions)[];
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
   * Sealed at rest. Keys, tags, times and metadata stay in the clear. Switching it on or off changes the form of each
   * record at its next write; until then a record that was in the clear stays so on the disk, and one that was sealed is
   * opened under the unlocked key, and is in no index.
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
/** A field of a record, or a path into it. */
export type SearchableField<C> = C extends { value: infer V extends object }
  ? (keyof V & string) | `${keyof V & string}.${string}`
  : string;
type ValueOf<C> = C extends { value: infer V } ? V : unknown;

/**
 * A subset of JSON Schema, in the meaning of draft 2020-12. A keyword that is not here is `INVALID_CONFIG` at opening.
 * `type` knows the values of JSON; a Date, a Map or bytes have none. A property that is undefined is not there.
 */
export type JsonSchema<V = unknown> = boolean | JsonSchemaObject<V>;
export interface JsonSchemaObject<V = unknown> {
  type?: JsonType | readonly JsonType[];
  enum?: readonly (V | null)[];
  const?: V | null;
  properties?: unknown extends V ? { readonly [name: string]: JsonSchema } : { readonly [P in keyof V & string]?: JsonSchema<NonNullable<V[P]>> };
  required?: readonly (unknown extends V ? string : keyof V & string)[];
  additionalProperties?: JsonSchema;
  items?: V extends readonly (infer Item)[] ? JsonSchema<Item> : JsonSchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  /** In characters, as `maxLength` is; not in UTF-16 units. */
  minLength?: number;
  maxLength?: number;
  /** A regular expression with the `u` flag, found anywhere in the text unless it is anchored. How long it takes is the application's own affair. */
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  anyOf?: readonly JsonSchema<V>[];
  oneOf?: readonly JsonSchema<V>[];
  allOf?: readonly JsonSchema<V>[];
  not?: JsonSchema<V>;
  $schema?: string;
  $id?: string;
  $comment?: string;
  title?: string;
  description?: string;
  examples?: readonly unknown[];
  deprecated?: boolean;
  readOnly?: boolean;
  writeOnly?: boolean;
}
export type JsonType = "string" | "number" | "integer" | "boolean" | "object" | "array" | "null";
/** The interface of https://standardschema.dev. It must answer at once: a promise is `INVALID_CONFIG` at the write. */
export interface StandardSchema<V = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Undefinable<V>; readonly output: unknown } | undefined;
  };
}
/** As libraries infer it: what is optional may be undefined too. */
type Undefinable<T> = T extends (...given: never[]) => unknown
  ? T
  : T extends object
    ? { [P in keyof T]: {} extends Pick<T, P> ? Undefinable<T[P]> | undefined : Undefinable<T[P]> }
    : T;
export interface IndexOptions {
  name: string;
  keyPath: string | string[];
  unique?: boolean;
  multiEntry?: boolean;
}

// ── Data ─────────────────────────────────────────────────────────────────────────────────────────

/** An open store. */
export interface DataStore<S extends Schema<S> = AnySchema> extends KeyValue {
  /**
   * A handle to one collection: declared, or a namespace made by its first write.
   *
   * @example
   * const notes = store.collection("notes");
   */
  collection<C extends keyof S & string>(name: C): Collection<S[C]>;
  /**
   * A handle to a namespace that the schema does not name.
   *
   * @example
   * const drafts = store.namespace<string>("drafts");
   */
  namespace<T = unknown>(name: string): Collection<{ key: Key; value: T }>;

  /** Makes an empty namespace that stays until it is deleted. Rejects with `ALREADY_EXISTS`. */
  createNamespace(name: string, options?: { metadata?: Metadata }): Promise<void>;
  /** Rejects with `NOT_EMPTY` where it has entries and `recursive` is not asked for. */
  deleteNamespace(name: string, options?: { recursive?: boolean }): Promise<void>;
  /** The names of collections and namespaces, `default` included, sorted. */
  listNamespaces(options: { includeMetadata: true }): Promise<{ name: string; metadata?: Metadata }[]>;
  listNamespaces(options?: { includeMetadata?: false }): Promise<string[]>;

  /**
   * Runs the body with a transaction and commits what it wrote, over any collections, as one write: all of it or
   * nothing. Calls on `tx` see its own writes; the body may await anything, and must await the calls that it makes.
   * Resolves with what the body answers. Where the body throws, nothing is written and the call rejects with just that.
   *
   * Where the commit finds that others have changed what the transaction depends on, the body runs again, at most
   * `retries` times; then the call rejects with `CONFLICT`. A body that has not settled after `timeout` milliseconds is
   * given up with `TIMEOUT`. `tx` used after the end is `INVALID_TRANSACTION`. A transaction begun inside of another is
   * one of its own. Secrets are no part of transactions. What each level of isolation gives:
   * `docs/transactions.md`.
   *
   * @example
   * await store.setMany([{ key: "giro", value: 100 }, { key: "savings", value: 0 }]);
   * const left = await store.transaction(async (tx) => {
   *   const [giro, savings] = [await tx.get<number>("giro"), await tx.get<number>("savings")];
   *   await tx.set("giro", giro! - 40);
   *   await tx.set("savings", savings! + 40);
   *   return giro! - 40;
   * }, { isolation: "serializable" });
   */
  transaction<R>(body: (tx: Transaction<S>) => Promise<R> | R, options?: TransactionOptions): Promise<R>;
  /**
   * Begins a transaction; key-value calls take part in it by `{ transactionId }`. It is rolled back by itself once it
   * has not been used for `timeout` milliseconds, and by `close()`. The id of one that has ended, or never was, is
   * `INVALID_TRANSACTION`.
   *
   * @example
   * const transactionId = await store.beginTransaction();
   * await store.set("theme", "light", { transactionId });
   * await store.get("theme"); // still "dark"
   * await store.commit(transactionId);
   */
  beginTransaction(options?: Omit<TransactionOptions, "retries">): Promise<string>;
  /** Writes everything that was written in the transaction, as one write. It ends, whatever comes of that. */
  commit(transactionId: string): Promise<void>;
  /** Drops everything that was written in the transaction. */
  rollback(transactionId: string): Promise<void>;

  readonly credentials: Credentials;
  readonly sync: Sync;

  /** What this store is. Constant. */
  getInfo(): StorageInfo;
  /** What this store can do. */
  getCapabilities(): StorageCapabilities;
  /** How the store is doing: writes, reads and deletes a probe, and counts. */
  getStatus(): Promise<StorageStatus>;
  /**
   * How full the store is: bytes of the origin as the browser estimates them, or the entries that a store in memory
   * counts. What the browser does not tell is left out.
   *
   * @example
   * const { usage = 0, quota = Infinity } = await store.estimate();
   * if (usage > quota * 0.9) console.log("nearly full");
   */
  estimate(): Promise<StorageSpace>;
  /**
   * Asks the browser not to evict the origin's storage; Firefox asks the user. Resolves whether it is protected: never
   * where it is in memory, or the browser knows no such thing.
   *
   * @example
   * const isSafe = await store.persist();
   */
  persist(): Promise<boolean>;
  /**
   * Reads every record, in slices, and tells what does not fit together: records that are not what was written, indexes
   * that disagree with records, rows of the outbox that name nothing pending, tombstones of records that are there.
   * Sealed records are opened where their key is. Nothing is changed, unless `repair` is asked for.
   *
   * @example
   * const { sound, collections } = await store.verify();
   * if (!sound) console.log(collections.filter(({ corrupted }) => corrupted.length > 0));
   */
  verify(options?: VerifyOptions & { repair?: boolean }): Promise<VerifyReport>;
  /**
   * Verifies, and then mends what can be mended without losing anything: removes what is over, drops orphaned rows of
   * the outbox, and tombstones of records that are there. The report tells what was found before, and what was done. A
   * corrupted record stays until it is written again or deleted; an index that disagrees is told.
   */
  repair(options?: VerifyOptions): Promise<VerifyReport>;
  /**
   * What the calls of this store took so far; it must be open with `profile: true`. A percentile is right to a
   * twentieth, in steps from a microsecond to five minutes, and no finer than the browser's clock.
   *
   * @example
   * const measured = await createStorage({ type: "memory", profile: true });
   * await measured.set("theme", "dark");
   * console.log(measured.metrics().operations["set"]?.p95);
   */
  metrics(): StorageMetrics;

  /**
   * Calls the listener at every such event until the returned function is called.
   *
   * @example
   * const stop = store.on("change", ({ collection, key }) => console.log(collection, key));
   */
  on<E extends keyof StorageEvents>(event: E, listener: (event: StorageEvents[E]) => void): Unsubscribe;

  /** Stops sync, forgets every key and releases the database; later calls fail with `CLOSED`. */
  close(): Promise<void>;
  /** Closes, and deletes everything, credentials included. What was not yet sent is gone. */
  destroy(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Key-value calls; `options.namespace` names the collection, `"default"` without it. */
export interface KeyValue {
  /**
   * The value, or undefined; with `required`, rejects with `NOT_FOUND`.
   *
   * @example
   * const theme = await store.get<string>("theme");
   */
  get<T = unknown>(key: Key, options: GetOptions & { includeMetadata: true }): Promise<Entry<T> | undefined>;
  get<T = unknown>(key: Key, options: GetOptions & { required: true }): Promise<T>;
  get<T = unknown>(key: Key, options?: GetOptions): Promise<T | undefined>;
  /**
   * Writes a value. What it does not say of metadata and tags stays; an earlier lifetime ends.
   *
   * @example
   * await store.set("theme", "dark", { ttl: 86_400_000 });
   */
  set<T>(key: Key, value: T, options?: SetOptions): Promise<WriteResult>;
  /** Resolves whether the entry was there. */
  delete(key: Key, options?: NamespaceOption): Promise<boolean>;
  has(key: Key, options?: NamespaceOption): Promise<boolean>;
  /** Found keys only, read at one point in time. */
  getMany<T = unknown>(keys: Iterable<Key>, options: NamespaceOption & { includeMetadata: true }): Promise<Map<Key, Entry<T>>>;
  getMany<T = unknown>(keys: Iterable<Key>, options?: NamespaceOption & { includeMetadata?: false }): Promise<Map<Key, T>>;
  /**
   * Has entries in the cache before they are wanted, reading what it lacks when there is nothing better to do. Without a
   * `cache`, and in an encrypted collection, it does nothing.
   *
   * @example
   * await store.prefetch(["theme", "language"]);
   */
  prefetch(keys: Iterable<Key>, options?: NamespaceOption): Promise<void>;
  /**
   * All or nothing, unless `atomic: false`: then each for itself, with an outcome per key.
   *
   * @example
   * await store.setMany([{ key: "a", value: 1 }, { key: "b", value: 2 }]);
   */
  setMany<T>(entries: Iterable<{ key: Key; value: T } & EntryOptions>, options?: SetManyOptions): Promise<Map<Key, WriteOutcome>>;
  /** In one commit; resolves for each whether it was there. */
  deleteMany(keys: Iterable<Key>, options?: NamespaceOption): Promise<Map<Key, boolean>>;
  /** In key order. */
  keys(options?: ListOptions & NamespaceOption): Promise<Key[]>;
  /** Everything but the values, in key order. */
  list(options: FolderOptions & NamespaceOption): Promise<Folder>;
  list(options?: ListOptions & NamespaceOption): Promise<Item[]>;
  /** The entries that match; a list of filters must all match. */
  query<T = unknown>(filter: Filter | Filter[], options?: QueryOptions & NamespaceOption): Promise<QueryPage<T>>;
  count(options?: NamespaceOption & { filter?: Filter | Filter[] }): Promise<number>;
  /** Empties one namespace, or all of them; credentials stay, unless `includeCredentials` is asked for. */
  clear(options?: NamespaceOption | ({ includeCredentials?: boolean } & SignalOption)): Promise<void>;
  getMetadata(key: Key, options?: NamespaceOption): Promise<Metadata | undefined>;
  /** Merges by default; with `merge: false`, replaces. */
  setMetadata(key: Key, metadata: Metadata, options?: NamespaceOption & { merge?: boolean }): Promise<void>;
}

/** What the body of a transaction works with: the calls of a store, and its collections. */
export interface Transaction<S extends Schema<S> = AnySchema> extends KeyValue {
  collection<C extends keyof S & string>(name: C): Collection<S[C]>;
  namespace<T = unknown>(name: string): Collection<{ key: Key; value: T }>;
}

export interface TransactionOptions {
  /**
   * `"read-committed"`, the default: what is committed at the time of each call. `"read-uncommitted"`: also what other
   * open transactions of this store have written. `"serializable"`: nothing that it read may have changed until its
   * commit, in this tab or another; else `CONFLICT`.
   */
  isolation?: "read-committed" | "read-uncommitted" | "serializable";
  /** How long a body may take, or a begun transaction be unused, in milliseconds. Default 60 000. */
  timeout?: number;
  /** How often the body runs again when others were first. Default 5. */
  retries?: number;
}

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

export interface SearchOptions<C = unknown> {
  /** Default 20. */
  limit?: number;
  /** Some of the declared fields; all, without. */
  fields?: SearchableField<C>[];
  /** `"all"` words must be there, the default, or `"any"`, one at least. */
  match?: "all" | "any";
  /** Whether words may be the beginnings of others: none, the default; every one (`true`); the `"last"`, for searching while typing. */
  prefix?: boolean | "last";
  /** Continues behind a page: its `next`. Pages fit together as long as nothing is written in between. */
  after?: string;
  /** Is told how many records of how many the index holds, where it has to be built first. */
  onProgress?: (done: number, total: number) => void;
  signal?: AbortSignal;
}

export interface NamespaceOption extends SignalOption {
  namespace?: string;
  /** The call takes part in this transaction; see {@link DataStore.beginTransaction}. */
  transactionId?: string;
}
export interface SignalOption {
  /**
   * Calls the call off: it rejects with `ABORTED`, whose `cause` is the signal's reason, at once; before anything
   * happens, where the signal is aborted already. A write that the backend does not have yet is not made: one that waits
   * for a passphrase, or is among the later ones of a `setMany` with `atomic: false`. One that the backend has may
   * land, whole; to know, read it back. A round of sync goes on for others.
   *
   * @example
   * const found = await store.query({ field: "place", operator: "eq", value: "Lisbon" }, { namespace: "notes", signal: AbortSignal.timeout(5_000) });
   */
  signal?: AbortSignal;
}
export interface GetOptions extends NamespaceOption {
  includeMetadata?: boolean;
  required?: boolean;
}
/**
 * What the cache holds. A read that begins after a write of this store resolved sees it. What another tab or the endpoint
 * wrote is seen once this tab is told of it, an instant after it was committed; in that instant, and no longer than the
 * `ttl` where a tab is killed before it can tell, the cache may answer with what was there before: that is why it is off
 * unless it is asked for. Encrypted collections and secrets are never cached. Where there is no `BroadcastChannel`, nor
 * is anything that other tabs can write.
 */
export interface CacheOptions {
  /** Most entries; those that were longest not read go first. Default 1 000. */
  maxEntries?: number;
  /** Most that they take, as it is estimated. Default 16 MiB. */
  maxBytes?: number;
  /** How long an entry is kept, milliseconds. Default 60 000. */
  ttl?: number;
}
export interface EntryOptions {
  metadata?: Metadata;
  tags?: string[];
  /** When the entry ends; in the place of `ttl`. */
  expiration?: Date;
  /** How long it lives, milliseconds. */
  ttl?: number;
  /** `false`: reject with `ALREADY_EXISTS` where the key is taken, decided inside the write. Default true. */
  overwrite?: boolean;
  /** Reject with `CONFLICT` unless the stored version is this one. */
  ifVersion?: number;
}
export interface SetOptions extends NamespaceOption, EntryOptions {
  durability?: "strict" | "relaxed";
}
export interface SetManyOptions extends SetOptions {
  atomic?: boolean;
  onProgress?: (done: number, total: number) => void;
}
export interface ListOptions extends SignalOption {
  /** Keys that begin so. */
  prefix?: string;
  /** Keys that look so: `*` is any run, `?` any one character, everything else itself. */
  pattern?: string;
  limit?: number;
  offset?: number;
}
/** A list of what lies directly under the prefix. Limit and offset count items and folders alike. */
export interface FolderOptions extends Omit<ListOptions, "pattern"> {
  /** What ends the name of a folder in a key, as `"/"`. */
  delimiter: string;
}
/** The items directly under a prefix, and its folders. */
export interface Folder extends Array<Item> {
  /** Each is what its keys begin with, the delimiter included, as `"travel/lisbon/"`. */
  folders: string[];
}
export interface QueryOptions<C = unknown> extends SignalOption {
  /** A missing field comes last either way. Without a sort, rows come in the order of what serves the query. */
  sort?: Sort<C> | Sort<C>[];
  limit?: number;
  /** Passes over so many rows, by reading them; `after` does not. */
  offset?: number;
  /**
   * Goes on behind an earlier page: its `next`. Filter and sort must be those of that page; the limit may differ.
   * Undefined is the first page. A row that stays where it is in the order comes once, whatever is written meanwhile.
   */
  after?: string | undefined;
}
export interface Sort<C = unknown> {
  field: Field<C>;
  order?: "asc" | "desc";
}
/** How a field is compared. Types never mix, and what is missing matches `exists: false` only: docs/queries.md. */
export type Operator =
  | "eq" | "ne" | "gt" | "gte" | "lt" | "lte" | "in" | "nin" | "between" | "contains" | "startsWith" | "endsWith" | "exists";
export type Filter<C = unknown> =
  | { field: Field<C>; operator: Operator; value: unknown }
  /** With `includeMissing`, records that lack the field match too. */
  | { field: Field<C>; operator: "ne" | "nin"; value: unknown; includeMissing?: boolean }
  | { and: Filter<C>[] }
  | { or: Filter<C>[] }
  | { not: Filter<C> };

export type Metadata = Record<string, unknown>;
export interface Item {
  key: Key;
  /** Counts the writes of this entry. */
  version: number;
  created: Date;
  modified: Date;
  tags: string[];
  metadata?: Metadata;
  expires?: Date;
  encrypted: boolean;
}
export interface Entry<T> extends Omit<Item, "key" | "encrypted"> {
  value: T;
}
export interface QueryResult<T> {
  key: Key;
  value: T;
  metadata?: Metadata;
}
export interface LiveResult<T> {
  rows: QueryResult<T>[];
  /** Keys that are new among the rows, in their order. */
  added: Key[];
  /** Keys of rows that are other than before, in their order. */
  changed: Key[];
  /** Keys that are among the rows no longer. */
  removed: Key[];
}
/** The rows of a query. */
export interface QueryPage<T> extends Array<QueryResult<T>> {
  /** The cursor of the page behind this one; absent where a limit left no more rows, or there was no limit. */
  next?: string | undefined;
}
export interface SearchHit<T> extends QueryResult<T> {
  /** By BM25F: the higher, the better it fits. Comparable within one search only. */
  score: number;
  /** The words of the record that were looked for, folded as the index has them. */
  matched: string[];
}
/** Hits, the best first; equal ones in the order of their keys as text. */
export interface SearchPage<T> extends Array<SearchHit<T>> {
  /** Where the next page begins, if there are more hits. */
  next?: string | undefined;
}
export interface QueryPlan {
  /** The index, or null where the records' own order served. */
  index: string | null;
  /** The ranges that were scanned. */
  range: string;
  /** What was checked of each row. */
  residual: string[];
  sorted: "index" | "memory" | "none";
  rowsRead: number;
}
export interface WriteResult {
  key: Key;
  version: number;
  modified: Date;
  /** What the write has survived: a power cut, a killed browser, or nothing but this page. */
  durability: "strict" | "relaxed" | "memory";
}
export type WriteOutcome = ({ success: true } & WriteResult) | { success: false; error: StorageError };

// ── Credentials ──────────────────────────────────────────────────────────────────────────────────

export interface EncryptionOptions {
  /** How the key-encryption key is had: derived from a passphrase. */
  key?: "passphrase";
  /** Asked when something sealed is wanted and the keys are locked. */
  passphrase?: () => Promise<Uint8Array | string> | Uint8Array | string;
}

/** Secrets, sealed with AES-256-GCM under a key that the passphrase unlocks. */
export interface Credentials {
  readonly locked: boolean;
  /**
   * Opens the keys; the first time, makes one under this passphrase. Rejects with `AUTHENTICATION_FAILED` for a wrong
   * one. Without a passphrase, asks for it as `encryption.passphrase` says.
   *
   * @example
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.credentials.set("openai", "sk-…");
   */
  unlock(options?: { passphrase?: Uint8Array | string }): Promise<void>;
  /** Forgets every key. */
  lock(): void;
  set(service: string, secret: string | Uint8Array | object, options?: { metadata?: Metadata; expiration?: Date }): Promise<WriteResult>;
  get<T = string>(service: string): Promise<T | undefined>;
  /** Names and times; decrypts nothing, and works while locked. */
  list(): Promise<Item[]>;
  has(service: string): Promise<boolean>;
  delete(service: string): Promise<boolean>;
}

// ── Sync ─────────────────────────────────────────────────────────────────────────────────────────

export interface SyncOptions<S extends Schema<S> = AnySchema> {
  /** The address of a space: `https://example.org/v1/my-space`. */
  endpoint: string;
  /** Gives the bearer token. Asked at send time; never stored. */
  auth?: () => Promise<string> | string;
  /**
   * What replicates. Default: every declared collection that does not say `sync: false`, and `credentials`, as
   * ciphertext. A list is just these; an object changes single ones.
   */
  collections?: ((keyof S & string) | "credentials")[] | { [C in (keyof S & string) | "credentials"]?: boolean };
  /** The write with the later stamp of a hybrid logical clock wins. */
  conflict?: "latest";
  /** Seconds between pulls without any other reason. Default 60. */
  interval?: number;
  retryPolicy?: RetryPolicy;
  /** Whether rounds go by themselves until `sync.enable` says otherwise. Default true. */
  enabled?: boolean;
}
/** How long to wait before what failed is tried again. It is tried until it succeeds or is refused for good. */
export interface RetryPolicy {
  backoff?: "exponential" | "linear" | "fixed";
  /** Milliseconds. */
  baseDelay?: number;
  /** Milliseconds. */
  maxDelay?: number;
}

export interface Sync {
  /** Switches rounds that go by themselves on or off, and remembers it. What is written meanwhile waits. */
  enable(on: boolean): Promise<void>;
  /**
   * One whole round; resolves when it is done.
   *
   * @example
   * const { pushed, pulled } = await store.sync.run();
   */
  run(options?: { direction?: "both" | "push" | "pull" } & SignalOption): Promise<SyncReport>;
  status(): Promise<SyncStatus>;
  /** What waits to be sent, and what was refused for good, each with its last error. */
  pending(): Promise<OutboxEntry[]>;
  /** Tries what was set aside again. */
  retry(id: string): Promise<void>;
  /** Gives up a pending change: the record becomes what the endpoint has, or goes, where the endpoint has none. */
  discard(id: string): Promise<void>;
}
export interface SyncReport {
  pushed: number;
  pulled: number;
  conflicts: number;
  failed: number;
  durationMs: number;
}
export interface SyncStatus {
  enabled: boolean;
  running: boolean;
  online: boolean;
  /** Whether this tab is the one that sends. */
  leader: boolean;
  pending: number;
  failed: number;
  conflicts: number;
  lastSyncTime?: Date;
  nextSyncTime?: Date;
  lastError?: StorageError;
}
export interface OutboxEntry {
  id: string;
  collection: string;
  key: Key;
  attempts: number;
  nextAttempt?: Date;
  state: "waiting" | "sending" | "dead";
  error?: StorageError;
}

// ── Facts, events, errors ────────────────────────────────────────────────────────────────────────

export interface StorageInfo {
  name: string;
  type: string;
  platform: "browser" | "node";
  persistent: boolean;
  version: string;
  schemaVersion: number;
  context: "window" | "worker" | "service-worker" | "node";
}
export interface StorageCapabilities {
  transactions: boolean;
  query: boolean;
  search: boolean;
  metadata: boolean;
  encryption: boolean;
  compression: boolean;
  expiration: boolean;
  sync: boolean;
  backgroundSync: boolean;
  /** Whether changes are told from tab to tab: where there is a `BroadcastChannel`, and the store is persistent. */
  crossTab: boolean;
}
export interface StorageStatus {
  /**
   * Whether an entry could be written, read and deleted just now: false where the database was closed under the store
   * and cannot be opened again, is blocked, or was taken over by a newer version.
   */
  healthy: boolean;
  /** Entries in all collections and namespaces. */
  size: number;
  /** Most entries, where the backend counts them. */
  capacity?: number;
  /** Bytes of the origin, as the browser estimates. */
  usage?: number;
  quota?: number;
  /** Whether the browser protects the origin from eviction. */
  persisted?: boolean;
  namespaces: number;
  pending: number;
}
export interface StorageSpace {
  usage?: number;
  quota?: number;
  /** What `usage` and `quota` count. */
  unit: "bytes" | "entries";
  /** Whether the browser protects the origin from eviction. */
  persisted?: boolean;
}
export interface VerifyOptions extends SignalOption {
  /** Records read, of how many. */
  onProgress?: (done: number, total: number) => void;
}
export interface VerifyReport {
  /** Whether nothing is wrong. Records that are over, and sealed ones that were not opened, are not wrong. */
  sound: boolean;
  /** Every collection and namespace, and `credentials`. */
  collections: VerifiedCollection[];
  outbox: {
    rows: number;
    /** Rows that name nothing that waits to be sent. */
    orphaned: number;
    /** Rows that cannot be read. */
    damaged: number;
  };
  tombstones: { rows: number; besideLive: number };
  /** How much was removed; with `repair`. */
  repaired?: { expired: number; orphaned: number; tombstones: number };
}
export interface VerifiedCollection {
  name: string;
  /** Those that are over among them. */
  records: number;
  /** The records that are not what was written; only sealed ones and those with a checksum can tell it of any damage. */
  corrupted: Key[];
  /** Sealed records whose key was not open. */
  unopened: number;
  expired: number;
  /** The indexes that disagree with the records, and the entries that they have and should have. */
  indexes: { name: string; entries: number; wanted: number }[];
}
export interface StorageMetrics {
  backend: string;
  /** When the store was opened. */
  since: Date;
  /** By the names that {@link StorageError.operation} has. */
  operations: { [operation: string]: OperationMetrics };
}
/** Times are milliseconds, from the call to its answer, waiting for others included. */
export interface OperationMetrics {
  count: number;
  errors: number;
  p50: number;
  p95: number;
  max: number;
}
export interface StorageEvents {
  /**
   * A record was written or deleted: by this store (`"local"`), by another tab, worker or service worker that has the
   * same database open (`"tab"`), or by the endpoint (`"remote"`). A cleared collection has the type `"clear"` and the
   * key `[]`; so has one in which another tab changed more than a thousand records at once, with the type `"many"`.
   * An entry whose life ends, or that a limit or a full disk evicts, is told of as deleted when it is removed.
   */
  change: { collection: string; key: Key; type: "put" | "delete" | "clear" | "many"; source: "local" | "tab" | "remote" };
  /** The store serves from a fallback. Told to listeners that come later, too. */
  degraded: { from: string; to: string; cause: StorageError };
  /**
   * Usage has passed 80 % of the quota, or a write has found no room. It is told once, and again after usage was below.
   * It is looked at soon after opening and after writes, once a second at the most. Chromium tells scripts of 10 GiB
   * more than is used: there the event comes with the first write that finds no room, whose usage is the quota then.
   */
  quota: { usage: number; quota: number; unit: "bytes" | "entries" };
  sync: SyncStatus;
  /** Something failed that no caller waits for. */
  error: StorageError;
  /**
   * The browser lost the connection to the database and it is back; what was under way was repeated, and stored once.
   * `attempts` is how often it was lost or could not be had.
   */
  healed: { attempts: number };
  /**
   * The database is not the one that was open before: the user, the browser or other code deleted or emptied it.
   * `"emptied"`: it had no identity left; `"replaced"`: others had made another one. `unsynced` is how many changes were
   * known that the endpoint had not answered for. With sync on, everything that the endpoint has is fetched again. Told
   * to listeners that come later, too.
   *
   * @example
   * store.on("lost", ({ unsynced }) => console.warn(`Local data was deleted, with ${unsynced} unsent changes.`));
   */
  lost: { reason: "emptied" | "replaced"; unsynced: number };
}
export type Unsubscribe = () => void;

/**
 * A failed call.
 *
 * @example
 * try {
 *   await store.set("name", "Ada", { overwrite: false });
 * } catch (error) {
 *   if (error instanceof StorageError && error.code === "ALREADY_EXISTS") console.log("taken");
 * }
 */
export class StorageError extends Error {
  constructor(
    code: StorageErrorCode,
    message: string,
    details?: { retryable?: boolean; operation?: string; context?: Record<string, string>; cause?: unknown },
  );
  readonly code: StorageErrorCode;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  readonly operation: string;
  /** What was concerned; never a value or a secret. */
  readonly context: Readonly<Record<string, string>>;
}
export type StorageErrorCode =
  | "NOT_FOUND" | "ALREADY_EXISTS" | "INVALID_KEY" | "INVALID_VALUE" | "INVALID_NAMESPACE" | "INVALID_QUERY" | "INVALID_CONFIG"
  | "INVALID_TRANSACTION" | "NOT_EMPTY" | "CONFLICT" | "VALIDATION_FAILED" | "QUOTA_EXCEEDED" | "ACCESS_DENIED"
  | "AUTHENTICATION_FAILED" | "LOCKED" | "KEY_MISSING" | "DECRYPTION_FAILED" | "INSECURE_CONTEXT" | "CORRUPTED" | "NETWORK_ERROR"
  | "TIMEOUT" | "SERIALIZATION_ERROR" | "UNSUPPORTED" | "VERSION_ERROR" | "BLOCKED" | "CONNECTION_LOST" | "CLOSED" | "ABORTED";
