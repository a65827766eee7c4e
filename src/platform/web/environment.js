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

/** Asks the browser to protect the origin from eviction; answers whether it does. */
export function persist() {
  const asked = globalThis.navigator?.storage?.persist?.();
  return Promise.resolve(asked).then((granted) => granted === true, () => false);
}

let renewed;

/**
 * Has Chromium begin a new log below IndexedDB; elsewhere, nothing. Once in each page and worker, unless it is to happen
 * again.
 *
 * A browser that is killed in the middle of a write leaves a part of a record at the end of LevelDB's log. LevelDB passes
 * over it and goes on writing behind it; at the next opening but one it takes what it finds there for damage, and Chromium
 * deletes every database of the origin. Where a database is deleted, LevelDB moves what the log holds to a table and drops
 * the log: docs/adr/0009-what-a-kill-leaves-in-chromium.md.
 */
export function renewLog(again) {
  if (again || !renewed) renewed = /Chrom(e|ium)\//.test(globalThis.navigator?.userAgent) ? dropLog('tidekeep:log') : Promise.resolve();
  return renewed;
}

function dropLog(name) {
  return new Promise((resolve) => {
    // What keeps it from working is met by what opens the database itself, too, and told there.
    const settle = (request, done) => {
      request.onsuccess = () => done(request.result);
      request.onerror = (event) => {
        event.preventDefault();
        resolve();
      };
    };
    try {
      settle(globalThis.indexedDB.open(name), (database) => {
        database.close();
        settle(globalThis.indexedDB.deleteDatabase(name), resolve);
      });
    } catch {
      resolve();
    }
  });
}

/** Resolves when there is nothing better to do, within a second. */
export function idle() {
  return new Promise((resolve) => {
    if (typeof globalThis.requestIdleCallback === 'function') requestIdleCallback(() => resolve(), { timeout: 1000 });
    else setTimeout(resolve, 0);
  });
}

/** Resolves in a task of its own, behind what waits already; unlike a timer, also in pages that nobody sees. */
export function breathe() {
  if (typeof globalThis.scheduler?.yield === 'function') return globalThis.scheduler.yield();
  return new Promise((resolve) => {
    if (typeof globalThis.setImmediate === 'function') return setImmediate(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** Whether the browser believes that it has a network. Unknown is yes. */
export function online() {
  return globalThis.navigator?.onLine !== false;
}

/** Whether tabs and workers of the origin can tell each other anything. */
export function hasChannel() {
  return typeof globalThis.BroadcastChannel === 'function';
}

/**
 * Calls back when the network comes or goes, and when the page comes back: into view, out of the back/forward cache, or
 * from being frozen; without a channel, with the focus too. `onSeen` is told "visible" or "hidden", at first and when that
 * changes, and "away" when the page may go into the back/forward cache, where no message reaches it. Gives a function
 * that ends it.
 */
export function watchPresence(onOnline, onBack, onSeen) {
  const target = globalThis;
  if (typeof target.addEventListener !== 'function') return () => {};
  const page = target.document;
  const back = () => onBack();
  const listeners = [
    [target, 'online', () => onOnline(true)],
    [target, 'offline', () => onOnline(false)],
    [target, 'pageshow', (event) => { if (event.persisted) onBack(); }],
    [target, 'pagehide', (event) => { if (event.persisted) onSeen('away'); }],
    [page, 'visibilitychange', () => onSeen(page.visibilityState)],
    [page, 'resume', back],
    [page, 'visibilitychange', () => { if (page.visibilityState === 'visible') onBack(); }],
    [hasChannel() ? undefined : target, 'focus', back],
  ];
  for (const [where, type, listener] of listeners) where?.addEventListener(type, listener);
  if (page) onSeen(page.visibilityState);
  return () => {
    for (const [where, type, listener] of listeners) where?.removeEventListener(type, listener);
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

/**
 * Joins the other tabs and workers of the origin: `onHeard` is called with each text that one of them tells, never with
 * one's own. Gives [tell, end]; where there is no channel, it tells nobody.
 */
export function openChannel(name, onHeard) {
  if (!hasChannel()) return [() => {}, () => {}];
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => { if (typeof data === 'string') onHeard(data); };
  channel.unref?.(); // Node would wait for it
  return [(text) => channel.postMessage(text), () => channel.close()];
}

/**
 * Asks for the lock `name`, for as long as nobody else has it; gives a function that lets it go, nothing where another
 * tab has it. Where there are no locks, everybody has it.
 */
export function tryLock(name) {
  const free = () => {};
  const locks = globalThis.navigator?.locks;
  if (typeof locks?.request !== 'function') return Promise.resolve(free);
  return new Promise((resolve) => {
    const held = (lock) => (lock ? new Promise((letGo) => resolve(letGo)) : resolve(undefined));
    locks.request(name, { ifAvailable: true }, held).catch(() => resolve(free));
  });
}

/** Calls back when the page goes out of sight; gives a function that ends it. */
export function watchHidden(onHidden) {
  const page = globalThis.document;
  const seen = () => { if (page.visibilityState === 'hidden') onHidden(); };
  page?.addEventListener('visibilitychange', seen);
  return () => page?.removeEventListener('visibilitychange', seen);
}

/**
 * Calls back with true when the page comes to a standstill, frozen or put into the back/forward cache, and with false when
 * it goes on. Gives a function that ends it.
 */
export function watchStandstill(onChange) {
  const page = globalThis.document;
  if (!page) return () => {};
  const listeners = [
    [globalThis, 'pagehide', ({ persisted }) => { if (persisted) onChange(true); }],
    [globalThis, 'pageshow', ({ persisted }) => { if (persisted) onChange(false); }],
    [page, 'freeze', () => onChange(true)],
    [page, 'resume', () => onChange(false)],
  ];
  for (const [where, type, listener] of listeners) where.addEventListener(type, listener);
  return () => {
    for (const [where, type, listener] of listeners) where.removeEventListener(type, listener);
  };
}

/** Reports what a listener threw as if nobody had caught it, without stopping anything. */
export function report(thrown) {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(thrown);
  else console.error(thrown);
}

/** Where a page remembers what it knows of a database, outside of it. Workers, Node and pages without storage have none. */
function memory(task) {
  if (context() !== 'window') return undefined;
  try {
    return task(globalThis.localStorage);
  } catch {
    return undefined; // not allowed here, or full
  }
}

const place = (database) => `tidekeep:${database}`;

/** What was remembered of a database. */
export function recall(database) {
  return memory((storage) => storage.getItem(place(database))) ?? undefined;
}

/** Remembers it. */
export function remember(database, text) {
  memory((storage) => storage.setItem(place(database), text));
}

/** Forgets it. */
export function forget(database) {
  memory((storage) => storage.removeItem(place(database)));
}

/** A text, compressed; undefined where the platform cannot. */
export async function gzip(text) {
  if (typeof CompressionStream !== 'function') return undefined;
  try {
    const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return undefined;
  }
}
