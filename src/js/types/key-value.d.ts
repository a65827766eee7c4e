/** Calls by key, of a store and of a transaction. */

import type { Entry, Item, Metadata, WriteOutcome, WriteResult } from "./entries.js";
import type { Folder, FolderOptions, ListOptions } from "./lists.js";
import type { Filter, QueryOptions, QueryPage } from "./query.js";
import type { Key } from "./schema.js";
import type { SignalOption } from "./signal.js";
import type { DataStore } from "./store.js";

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

export interface NamespaceOption extends SignalOption {
  namespace?: string;
  /** The call takes part in this transaction; see {@link DataStore.beginTransaction}. */
  transactionId?: string;
}

export interface GetOptions extends NamespaceOption {
  includeMetadata?: boolean;
  required?: boolean;
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
  /**
   * `true`: seal the entry, at rest and on the wire, in a collection that is not encrypted as a whole. `LOCKED` without
   * open keys; nothing is ever written in the clear instead. Left out, a sealed entry stays sealed, and any other lies
   * in the clear. `false`: let it lie in the clear from now on; `INVALID_CONFIG` where the whole collection is encrypted.
   *
   * Its key, tags, metadata and times stay in the clear. No index, search or filter sees a field of its value: it is
   * found by key, tags and metadata, and a unique index does not know it. Reading its value, in whatever call, needs
   * open keys; `keys`, `list`, `has` and `getMetadata` do not.
   *
   * @example
   * const store = await createStorage({ name: "settings" });
   * await store.credentials.unlock({ passphrase: "correct horse battery staple" });
   * await store.set("recovery", "violet-otter-38", { encrypt: true });
   * await store.get("recovery");
   */
  encrypt?: boolean;
}

export interface SetOptions extends NamespaceOption, EntryOptions {
  durability?: "strict" | "relaxed";
}

export interface SetManyOptions extends SetOptions {
  atomic?: boolean;
  onProgress?: (done: number, total: number) => void;
}
