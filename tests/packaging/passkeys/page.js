// A page whose store is unlocked by passkeys; each call answers what it gave, or how it failed.

import { createStorage, passkeySupport } from "/tidekeep/index.js";

const name = "passkeys";
const ending = new AbortController();
let store;

const calls = {
  support: () => passkeySupport(),
  open: async () => {
    store = await createStorage({ name });
  },
  locked: () => store.credentials.locked,
  lock: () => store.credentials.lock(),
  unlock: (options) => store.credentials.unlock(options),
  add: (options) => store.credentials.addUnlocker(options),
  remove: (id) => store.credentials.removeUnlocker(id),
  unlockers: () => store.credentials.unlockers(),
  set: async (secret) => void (await store.credentials.set("maps", secret)),
  get: () => store.credentials.get("maps"),
  /** Asks for a passkey until it is called off. */
  unlockUntilCalledOff: () => store.credentials.unlock({ passkey: true, signal: ending.signal }),
  callOff: () => ending.abort(new Error("enough")),
};

globalThis.page = async (call, ...args) => {
  const start = performance.now();
  try {
    return { value: await calls[call](...args) };
  } catch (error) {
    const { code = error?.name, message, context, operation, retryable } = error;
    return { code, message, context, operation, retryable, ms: performance.now() - start };
  }
};
