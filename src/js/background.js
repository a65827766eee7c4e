// Asking the browser to wake the application's service worker for what waits, where it has Background Sync.

/** Whether the browser can wake a service worker when the network is there. */
export const canWake = () =>
  typeof globalThis.SyncManager === "function" && Boolean(globalThis.navigator?.serviceWorker ?? globalThis.registration);

/**
 * Asks for the event `sync` of a store while something waits that this page cannot send, and when it goes out of sight
 * while something waits. Gives a function that ends it.
 */
export function wakeFor(store) {
  const page = globalThis.document;
  const { name, persistent } = store.getInfo();
  if (!page || !persistent || !canWake() || !navigator.serviceWorker) return () => {};
  let worker;
  let waits = false;
  let asked = false;
  const find = async () => (worker ??= await navigator.serviceWorker.getRegistration());
  const ask = async () => {
    asked = true;
    // Not permitted, or no worker: whoever opens the store next sends what waits.
    await (worker ?? (await find()))?.sync.register(`tidekeep:${name}`);
  };
  const quietly = () => void ask().catch(() => undefined);
  find().catch(() => undefined);
  store.on("change", ({ source }) => (waits ||= source === "local"));
  store.on("sync", ({ pending, online, lastError }) => {
    waits = pending > 0;
    if (!waits) asked = false;
    else if (!asked && (!online || lastError)) quietly();
  });
  const hidden = () => {
    if (waits && page.visibilityState === "hidden") quietly();
  };
  page.addEventListener("visibilitychange", hidden);
  return () => page.removeEventListener("visibilitychange", hidden);
}
