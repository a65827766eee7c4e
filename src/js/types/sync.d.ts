/** Replication with an endpoint. */

import type { StorageError } from "./errors.js";
import type { AnySchema, Key, Schema } from "./schema.js";
import type { SignalOption } from "./signal.js";

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
  /**
   * Whether changes of other devices are heard of as they happen, in the tab that sends, while the page is seen: by
   * server-sent events, by requests that the endpoint holds where those do not get through, and at the interval where
   * neither does. While they are heard of, nothing is pulled at the interval. Default true.
   *
   * @example
   * const store = await createStorage({ type: "memory", sync: { endpoint: "https://example.org/v1/my-space", live: true } });
   * store.on("change", ({ key, source }) => source === "remote" && console.log("changed elsewhere:", key));
   * await store.close();
   */
  live?: boolean;
  retryPolicy?: RetryPolicy;
  /** Whether rounds go by themselves until `sync.enable` says otherwise. Default true. */
  enabled?: boolean;
  /** Which of these collections are on or off until `sync.setPreferences` says otherwise. Default: all are on. */
  preferences?: SyncPreferences<S>;
  /**
   * Keys that stay on this device: whole, as a beginning before `*`, or as an end after it. Of a collection `settings`
   * that is not named here, `api_keys`, `private_keys`, `wallet_data`, `private_*` and `*_key` stay; `settings: []` lets
   * them replicate, too.
   */
  exclude?: { [C in (keyof S & string) | "credentials"]?: string[] };
  /**
   * What goes first where more waits than one request holds. Default `"normal"`. What is lower gets a share of every
   * request, however much comes in above it; the order of the changes of one record is kept in any case.
   */
  priority?: { [C in (keyof S & string) | "credentials"]?: "high" | "normal" | "low" };
}

/** Which collections take part in sync. */
export type SyncPreferences<S extends Schema<S> = AnySchema> = { [C in (keyof S & string) | "credentials"]?: boolean };

/**
 * How what failed is tried again: a few times in quick succession, then when there is a reason to, until it succeeds or
 * is refused for good. Reasons are a write, the network or the view coming back, `sync.run`, the interval, and `maxDelay`
 * since the last try. Nothing is lost or set aside by giving up for a while. `Retry-After` is honoured; what is refused
 * (400 to 499 but 408, 425 and 429) is not repeated in quick succession.
 */
export interface RetryPolicy {
  /** How often a request is tried in quick succession. Default 3. */
  attempts?: number;
  backoff?: "exponential" | "linear" | "fixed";
  /** The bound of the first wait, in milliseconds; a wait is a random share of its bound. Default 500. */
  baseDelay?: number;
  /** The bound of every wait, in milliseconds. Default 30 000. */
  maxDelay?: number;
}

export interface Sync<S extends Schema<S> = AnySchema> {
  /**
   * Switches rounds that go by themselves on or off, in all tabs, and remembers it. What is written meanwhile waits. The
   * same holds for `setPreferences` and `setInterval`.
   */
  enable(on: boolean): Promise<void>;
  /**
   * Switches collections on or off. What is switched off is neither sent nor taken, and what is written to it waits;
   * switched on again, it goes, and takes what it has missed. Collections that are not named stay as they are; one that
   * does not replicate is `INVALID_CONFIG`.
   *
   * @example
   * await store.sync.setPreferences({ notes: false });
   * const { preferences } = await store.sync.status();
   */
  setPreferences(preferences: SyncPreferences<S>): Promise<void>;
  /**
   * Seconds between pulls without any other reason, one at least.
   *
   * @example
   * await store.sync.setInterval(300);
   */
  setInterval(seconds: number): Promise<void>;
  /**
   * One round, of all that replicates or of `collections`; resolves when it is done. Called off by `signal`, it rejects
   * at once and takes no further step; what it had begun, a request or a commit, is carried to its end.
   *
   * @example
   * const { pushed, pulled } = await store.sync.run();
   * await store.sync.run({ collections: ["notes"], direction: "push" });
   */
  run(
    options?: { direction?: "both" | "push" | "pull"; collections?: ((keyof S & string) | "credentials")[] } & SignalOption,
  ): Promise<SyncReport>;
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
  /** Seconds between pulls without any other reason. */
  interval: number;
  /** Of each collection that can replicate, whether it is on. */
  preferences: { [collection: string]: boolean };
  running: boolean;
  online: boolean;
  /**
   * How far a round is that takes many pages, as on a new device: up to which of the endpoint's changes, and of how many.
   * In the tab where the round is.
   */
  progress?: { done: number; total: number };
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
