// What the place we run in is and offers. Nothing here throws.

/** "window", "worker", "service-worker" or "node". */
export function context() {
  if (typeof globalThis.process?.versions?.node === 'string') return 'node';
  if (typeof globalThis.ServiceWorkerGlobalScope === 'function' && globalThis instanceof ServiceWorkerGlobalScope) return 'service-worker';
  return typeof globalThis.document === 'object' ? 'window' : 'worker';
}

/** Whether Web Crypto is there: in secure contexts only. */
export function hasCrypto() {
  return typeof globalThis.crypto?.subtle === 'object';
}

/** What the browser says of its storage: usage and quota in bytes, and whether it is protected from eviction. */
export async function estimate() {
  const storage = globalThis.navigator?.storage;
  const [space, persisted] = await Promise.all([
    Promise.resolve(storage?.estimate?.()).catch(() => undefined),
    Promise.resolve(storage?.persisted?.()).catch(() => undefined),
  ]);
  return { usage: space?.usage, quota: space?.quota, persisted };
}

/** Whether the browser believes that it has a network. Unknown is yes. */
export function online() {
  return globalThis.navigator?.onLine !== false;
}

/** Calls back when the network comes or goes, and when the page is seen again; gives a function that ends it. */
export function watchPresence(onOnline, onVisible) {
  const target = globalThis;
  if (typeof target.addEventListener !== 'function') return () => {};
  const up = () => onOnline(true);
  const down = () => onOnline(false);
  const seen = () => { if (target.document.visibilityState === 'visible') onVisible(); };
  target.addEventListener('online', up);
  target.addEventListener('offline', down);
  target.document?.addEventListener('visibilitychange', seen);
  return () => {
    target.removeEventListener('online', up);
    target.removeEventListener('offline', down);
    target.document?.removeEventListener('visibilitychange', seen);
  };
}

/**
 * Holds the lock `name` among all tabs, workers and service workers of the origin, from when it is free until the
 * returned function is called; `onHeld` tells when it is ours. Where there are no locks, it is ours at once.
 */
export function holdLock(name, onHeld) {
  const locks = globalThis.navigator?.locks;
  if (typeof locks?.request !== 'function') {
    onHeld(true);
    return () => {};
  }
  let release;
  let ended = false;
  const abort = new AbortController();
  const held = () => new Promise((resolve) => {
    release = resolve;
    if (ended) resolve();
    else onHeld(true);
  });
  locks.request(name, { signal: abort.signal }, held).catch(() => {
    // Called off, or not allowed here; two senders at once are safe.
    if (!ended) onHeld(true);
  });
  return () => {
    ended = true;
    abort.abort();
    release?.();
  };
}

/** Tells the other tabs and workers of the origin; gives [tell, end]. Where there is no channel, it tells nobody. */
export function openChannel(name, onHeard) {
  if (typeof globalThis.BroadcastChannel !== 'function') return [() => {}, () => {}];
  const channel = new BroadcastChannel(name);
  channel.onmessage = () => onHeard();
  channel.unref?.(); // Node would wait for it
  return [() => channel.postMessage('wrote'), () => channel.close()];
}

/** Reports what a listener threw as if nobody had caught it, without stopping anything. */
export function report(thrown) {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(thrown);
  else console.error(thrown);
}
