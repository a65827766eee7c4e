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

import type { StorageError } from "./types/errors.js";
import type { StorageOptions } from "./types/options.js";
import type { AnySchema, Schema } from "./types/schema.js";
import type { DataStore } from "./types/store.js";

export type * from "./types/collection.js";
export type * from "./types/collection-options.js";
export type * from "./types/credentials.js";
export type * from "./types/entries.js";
export * from "./types/errors.js";
export type * from "./types/events.js";
export type * from "./types/facts.js";
export type * from "./types/key-value.js";
export type * from "./types/lists.js";
export type * from "./types/metrics.js";
export type * from "./types/options.js";
export type * from "./types/passkey.js";
export type * from "./types/query.js";
export type * from "./types/schema.js";
export type * from "./types/search.js";
export type * from "./types/signal.js";
export type * from "./types/store.js";
export type * from "./types/sync.js";
export type * from "./types/transaction.js";
export type * from "./types/validation.js";
export type * from "./types/verify.js";
export type * from "./types/watch.js";

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

/**
 * Whether the browser hands on what passkeys derive, so that one can unlock a store: `"no"` in workers, in Node, in pages
 * that are not secure or are opened by an IP address; `"unknown"` where the browser does not tell. Whether an
 * authenticator can do it shows when a passkey is made there.
 *
 * @example
 * const offered = (await passkeySupport()) !== "no";
 */
export function passkeySupport(): Promise<"yes" | "no" | "unknown">;
