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
