/**
 * Serves the shell, so that the app starts without a network, and lets tidekeep send what waits while no page is open.
 * What a page sends to the endpoint passes by here untouched.
 */
import { drain } from "tidekeep/service-worker";
import { collections, spaceOf, type Fieldbook } from "../data/schema.ts";
import { syncOptions } from "../data/sync-options.ts";
import { writerOf } from "../data/writer.ts";

declare const self: ServiceWorkerGlobalScope;

const { version, shell, data } = __PRECACHE__;
const shellCache = `fieldbook-shell-${version}`;
/** Reference data has its hash in its name, so it stays from one version to the next. */
const dataCache = "fieldbook-data";
const passedBy = ["/v1/", "/dev/"];

drain<Fieldbook>(async (name) => {
  const space = spaceOf(name);
  const user = space && (await writerOf(space));
  return space && user ? { name, collections, sync: syncOptions({ space, user }) } : undefined;
});

self.addEventListener("install", (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(shellCache);
      await cache.addAll(shell.map((url) => new Request(url, { cache: "reload" })));
    })(),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const old = (await caches.keys()).filter((name) => name.startsWith("fieldbook-shell-") && name !== shellCache);
      await Promise.all(old.map((name) => caches.delete(name)));
      const cache = await caches.open(dataCache);
      const stale = (await cache.keys()).filter(({ url }) => !data.includes(new URL(url).pathname));
      await Promise.all(stale.map((request) => cache.delete(request)));
      await self.clients.claim();
    })(),
  );
});

self.addEventListener("message", (event) => {
  if (event.data === "activate") event.waitUntil(self.skipWaiting());
  if (event.data === "fetch-data") event.waitUntil(Promise.all(data.map((url) => fromDataCache(url))));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (passedBy.some((prefix) => pathname.startsWith(prefix))) return;
  if (request.mode === "navigate") event.respondWith(fromShell("/", request));
  else if (data.includes(pathname)) event.respondWith(fromDataCache(pathname));
  else if (shell.includes(pathname)) event.respondWith(fromShell(pathname, request));
});

async function fromShell(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(shellCache);
  return (await cache.match(path)) ?? fetch(request);
}

async function fromDataCache(path: string): Promise<Response> {
  const cache = await caches.open(dataCache);
  const kept = await cache.match(path);
  if (kept) return kept;
  const response = await fetch(path);
  if (response.ok) await cache.put(path, response.clone());
  return response;
}
