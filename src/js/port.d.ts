/**
 * A store behind a port: one context holds it, and others call it by messages, with the same calls, errors and events.
 *
 * A port is a `MessagePort`, a `Worker` or the scope inside it, a `BroadcastChannel`, or anything with `postMessage()` and
 * `addEventListener()`. The connecting side loads no WebAssembly. Messages are `{ client, id, route, body }`, as in
 * `{ id: 1, route: "storage://get", body: { key: "theme", options: {} } }`, answered by `{ client, id, value }` or
 * `{ client, id, error }`.
 *
 * @example
 * import { createStorage } from "tidekeep";
 * import { connect, serve } from "tidekeep/port";
 *
 * const { port1, port2 } = new MessageChannel();
 * // Where the store is, such as a worker:
 * const stop = serve(await createStorage({ type: "memory" }), port1);
 * // Where it is used, such as a page:
 * const store = connect(port2);
 * await store.set("theme", "dark");
 * console.log(await store.get("theme"));
 * await store.close();
 * stop();
 *
 * @module tidekeep/port
 */

import type {
  AnySchema, Collection, CollectionSchema, Credentials, DataStore, Key, Schema, StorageCapabilities, StorageInfo, StorageMetrics, Unsubscribe,
} from "./types.js";

export { StorageError } from "./types.js";

/** What messages go through. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  removeEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  /** Where there is one, it is called: a `MessagePort` holds its messages back until then. */
  start?(): void;
}

/**
 * Serves a store on a port until the returned function is called; then what listens ends, and what waits on the other
 * side rejects with `CONNECTION_LOST`. A store may be served on many ports; a channel that several share has one that
 * serves. Neither closing nor destroying the store is served.
 *
 * Whoever has the port may do everything with the data: read records of encrypted collections too, once they are
 * unlocked. The secrets in `credentials` are another matter: without `credentials: true`, calls for them are
 * `ACCESS_DENIED`.
 */
export function serve<S extends Schema<S>>(store: DataStore<S>, port: Port, options?: { credentials?: boolean }): Unsubscribe;

/**
 * The store that is served at the other end of a port. A call without an answer rejects with `TIMEOUT` after `timeout`
 * milliseconds, 30 000 by default: what was asked may have happened. Once the port is known to be closed, calls reject
 * with `CONNECTION_LOST`.
 */
export function connect<S extends Schema<S> = AnySchema>(port: Port, options?: { timeout?: number }): RemoteStore<S>;

/**
 * A store as it is seen through a port: what answers at once in a store is a promise here. A transaction is begun and
 * committed by its id; the body of `transaction()` would have to run on the other side.
 */
export interface RemoteStore<S extends Schema<S> = AnySchema>
  extends Omit<
    DataStore<S>,
    "collection" | "namespace" | "transaction" | "credentials" | "getInfo" | "getCapabilities" | "metrics" | "close" | "destroy"
  > {
  collection<C extends keyof S & string>(name: C): RemoteCollection<S[C]>;
  namespace<T = unknown>(name: string): RemoteCollection<{ key: Key; value: T }>;
  /** Served only where the other side says so. */
  readonly credentials: RemoteCredentials;
  getInfo(): Promise<StorageInfo>;
  getCapabilities(): Promise<StorageCapabilities>;
  metrics(): Promise<StorageMetrics>;
  /** Ends the connection; later calls fail with `CLOSED`. The store stays open, and the port is the caller's. */
  close(): Promise<void>;
}
/** The function of an `update` runs on this side; it writes over the version that it saw, or begins again. */
export type RemoteCollection<C extends CollectionSchema> = Collection<C>;
export interface RemoteCredentials extends Omit<Credentials, "locked" | "lock"> {
  lock(): Promise<void>;
}
