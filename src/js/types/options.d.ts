/** What a store is opened with. */

import type { CollectionOptions } from "./collection-options.js";
import type { EncryptionOptions } from "./credentials.js";
import type { AnySchema, Schema } from "./schema.js";
import type { DataStore } from "./store.js";
import type { RetryPolicy, SyncOptions } from "./sync.js";

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
