/**
 * Two lines in an application's own service worker, and what waits to be sent is sent after its pages are closed, when the
 * network is back, and after the browser was started again: where the browser has Background Sync, as Chromium does.
 * Elsewhere it is sent when the application is opened next; nothing depends on the worker.
 *
 * The page does the rest by itself: it asks the browser for the event while something waits that it cannot send, if there
 * is a service worker. A worker that is bundled, or registered with `{ type: "module" }`, can import this.
 *
 * @module tidekeep/service-worker
 */

import type { AnySchema, Schema, StorageOptions } from "./types.js";

/**
 * Sends what waits in a store's outbox on the event `sync`, and on `periodicsync`. Call it while the worker's script runs
 * for the first time.
 *
 * The options are those that the page gives to `createStorage`: the name, the collections, `sync` with its endpoint.
 * `sync.auth` is asked for a token when something is sent. What is sealed travels sealed: `encryption` is not looked at.
 * An application with several stores gives a function, which is told the name of the store.
 *
 * @example
 * import { drain } from "tidekeep/service-worker";
 *
 * drain({
 *   name: "fieldbook",
 *   collections: { notes: { keyPath: "id" } },
 *   sync: { endpoint: "/v1/my-space", auth: async () => (await fetch("/my/token")).text() },
 * });
 */
export function drain<S extends Schema<S> = AnySchema>(
  options: StorageOptions<S> | ((name: string) => StorageOptions<S> | undefined | Promise<StorageOptions<S> | undefined>),
): void;
