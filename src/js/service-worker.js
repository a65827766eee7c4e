/**
 * What an application's own service worker needs to send what waits while no page is open.
 *
 * @module tidekeep/service-worker
 */

import { createStorage } from "./index.js";

/** How long one event may take, milliseconds; the browser tries again later. */
const PATIENCE = 60_000;
/** How often it is looked whether anything still waits. */
const LOOK = 250;
const PREFIX = "tidekeep:";

/**
 * Sends what waits in the outbox of a store whenever the browser says that the network is there.
 *
 * @param {import("./types.d.ts").StorageOptions | ((name: string) => unknown)} options
 */
export function drain(options) {
  const heard = (event) => {
    if (!event.tag.startsWith(PREFIX)) return;
    const name = event.tag.slice(PREFIX.length);
    if (typeof options === "function") event.waitUntil(Promise.resolve(options(name)).then((found) => found && send(found, name)));
    else if (name === (options.name ?? "tidekeep")) event.waitUntil(send(options, name));
  };
  // The browser wants to hear of these listeners while the worker's script runs for the first time.
  for (const type of ["sync", "periodicsync"]) globalThis.addEventListener?.(type, heard);
}

async function send({ encryption, signal, profile, ...options }, name) {
  if (!options.sync || !(await exists(name))) return;
  // What is sealed travels sealed: no key is needed, and none asked for.
  const store = await createStorage({ ...options, name, type: "indexeddb", sync: { ...options.sync, live: false } });
  try {
    const end = Date.now() + PATIENCE;
    for (;;) {
      const { enabled, pending } = await store.sync.status();
      // Where a page leads, it sends, and this waits for it. What is switched off stays so.
      if (pending === 0 || !enabled) return;
      if (Date.now() > end) throw new Error(`${pending} changes of “${name}” still wait to be sent`);
      await new Promise((done) => setTimeout(done, LOOK));
    }
  } finally {
    await store.close();
  }
}

/** Whether there is such a database: where it is gone, none is made. */
async function exists(name) {
  const databases = await indexedDB.databases?.().catch(() => undefined);
  return databases === undefined || databases.some((database) => database.name === name);
}
