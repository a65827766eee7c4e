/** An open store. */

import type { Collection } from "./collection.js";
import type { Credentials } from "./credentials.js";
import type { Metadata } from "./entries.js";
import type { StorageEvents, Unsubscribe } from "./events.js";
import type { StorageCapabilities, StorageInfo, StorageSpace, StorageStatus } from "./facts.js";
import type { KeyValue } from "./key-value.js";
import type { StorageMetrics } from "./metrics.js";
import type { AnySchema, Key, Schema } from "./schema.js";
import type { Sync } from "./sync.js";
import type { Transaction, TransactionOptions } from "./transaction.js";
import type { VerifyOptions, VerifyReport } from "./verify.js";

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
  readonly sync: Sync<S>;

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
