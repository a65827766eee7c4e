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
  /**
   * How conflicts are decided: a record was changed here, and the endpoint has another state that this change was not made
   * on. One policy for all collections, or `{ default, [collection] }`. Default `"latest"`. Of `credentials` and keys, the
   * latest wins whatever is said.
   *
   * @example
   * const shared = await createStorage({
   *   name: "shared",
   *   collections: { stock: { keyPath: "id" }, drafts: { keyPath: "id" } },
   *   sync: {
   *     endpoint: "https://example.org/v1/shared",
   *     conflict: {
   *       default: "merge",
   *       drafts: "manual",
   *       stock: ({ local, remote, base }) => {
   *         const [ours, theirs, before] = [local, remote, base] as ({ id: string; count: number } | undefined)[];
   *         if (!ours || !theirs) return ours ?? theirs;
   *         return { ...theirs, count: ours.count + theirs.count - (before?.count ?? 0) };
   *       },
   *     },
   *     enabled: false,
   *   },
   * });
   */
  conflict?: ConflictPolicy | ({ [C in keyof S & string]?: ConflictPolicy } & { default?: ConflictPolicy });
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

/**
 * How a conflict is decided.
 *
 * - `"latest"`: the later stamp of a hybrid logical clock wins. The endpoint decides so too, so that no device may see what
 *   lost there.
 * - `"merge"`: field by field, down into plain objects, against what both changes were made on. Of a field that both
 *   changed, arrays and other values as wholes, the later change stays; so it does of values that are no plain objects. A
 *   deletion gives way to a change: what is deleted can be deleted again, what was written could not be had back. Tags,
 *   metadata and expiration are those of the later change.
 * - `"local"`: what was changed on the device that meets the conflict wins: the one that sends later.
 * - `"remote"`: what the endpoint has wins.
 * - `"manual"`: it waits in `sync.conflicts()` until `sync.resolve()`. Nothing of the record is sent meanwhile, and
 *   everything else is.
 * - A function is called in the tab that sends, and nowhere else. What it answers, now or later, is checked as every value
 *   that is written, and `undefined` deletes. Where it throws, takes longer than a minute or answers what cannot be
 *   written, the conflict waits as a manual one, and is asked again once the endpoint has yet another state.
 *
 * What is decided but cannot be stored, because another record has its value in a unique index, waits as a manual
 * conflict, too. A deletion against a change is a conflict like others, but under `"merge"`. Where records are sealed and
 * the keys are locked, a conflict that needs their values waits, listed, until they are unlocked.
 */
export type ConflictPolicy = "latest" | "merge" | "local" | "remote" | "manual" | ((conflict: Conflict) => unknown);

/** A record that was changed on both sides. A side that deleted it has no value. */
export interface Conflict {
  id: string;
  collection: string;
  key: Key;
  local?: unknown;
  remote?: unknown;
  /** What both were made on, where that is known. */
  base?: unknown;
}

/** A conflict that waits for a decision. */
export interface WaitingConflict extends Conflict {
  /** When it was met. */
  at: Date;
  /** Why no value is told (`LOCKED`), or why it was left to be decided by hand. */
  error?: StorageError;
}

/** A conflict that was decided. The side that lost has its value here, or both have. */
export interface SettledConflict extends Conflict {
  /** When it was decided. */
  at: Date;
  by: "latest" | "merge" | "local" | "remote" | "function" | "resolve";
  /** What stayed: one side, or a value of its own. */
  outcome: "local" | "remote" | "value";
  error?: StorageError;
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
  /** Tries what was set aside again. A refused record that is written again is sent again, too: that is how it is mended. */
  retry(id: string): Promise<void>;
  /** Gives up a pending change: the record becomes what the endpoint has, or goes, where the endpoint has none. */
  discard(id: string): Promise<void>;
  /** The conflicts that wait for a decision: manual ones, those whose function failed, and those of locked records. */
  conflicts(options?: { settled?: false }): Promise<WaitingConflict[]>;
  /** The conflicts that were decided lately, the last one first: a hundred at most, for thirty days. */
  conflicts(options: { settled: true }): Promise<SettledConflict[]>;
  /**
   * Decides a conflict: by what is here, by what the endpoint has, or by another value; `undefined` as the value deletes.
   * What was written meanwhile counts as what is here.
   *
   * @example
   * for (const { id, local, remote } of await store.sync.conflicts()) {
   *   await store.sync.resolve(id, { value: { ...(remote as object), ...(local as object) } });
   * }
   */
  resolve(id: string, choice: "local" | "remote" | { value: unknown }): Promise<void>;
}

export interface SyncReport {
  pushed: number;
  pulled: number;
  /** Documents that had changed on both sides, however that was decided. */
  conflicts: number;
  /** Documents that were set aside. */
  failed: number;
  /** Those documents, each with its error. */
  failures: OutboxEntry[];
  durationMs: number;
  /** When it ended. */
  at: Date;
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
  /** Conflicts that wait for a decision. */
  conflicts: number;
  lastSyncTime?: Date;
  nextSyncTime?: Date;
  lastError?: StorageError;
  /** What the last whole round of this tab did. */
  lastReport?: SyncReport;
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
