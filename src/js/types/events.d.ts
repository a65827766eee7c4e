/** What a store tells without being asked. */

import type { StorageError } from "./errors.js";
import type { Key } from "./schema.js";
import type { OutboxEntry, SyncStatus, WaitingConflict } from "./sync.js";

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
  /**
   * A conflict waits: to be decided by hand, or for the keys. Told in the tab that sends, once for each state of the
   * endpoint's; again after the next start, and once the keys are there.
   *
   * @example
   * store.on("conflict", ({ id, local, remote }) => console.log(id, local, remote));
   */
  conflict: WaitingConflict;
  /**
   * A record was set aside: the endpoint refused it for good, or it is not fit to be sent; or what came of it could not be
   * read. It stays as it was written, and in `sync.pending()`, until it is written again, retried or discarded. Told in the
   * tab that sends.
   *
   * @example
   * store.on("rejected", ({ id, error }) => console.warn(`${id} was not accepted: ${error?.message}`));
   */
  rejected: OutboxEntry;
  /** Something failed that no caller waits for. */
  error: StorageError;
  /**
   * The keys of this tab were open and are locked, or the other way round: by a call here (`"call"`), by a `lock()` in
   * another tab (`"tab"`), after `autoLock` (`"idle"`, `"hidden"`), or because the browser puts the page aside (`"hidden"`).
   * What was opened before is the application's to let go of.
   *
   * @example
   * store.on("lock", ({ locked, reason }) => {
   *   if (locked) console.log(`locked: ${reason}`);
   * });
   */
  lock: { locked: boolean; reason: "call" | "idle" | "hidden" | "tab" };
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
