/** Who writes, and which notebook: browsers that name the same space share their notes. */
export interface Session {
  readonly space: string;
  readonly user: string;
}

/** Where the page leaves word for the service worker, which has no localStorage. */
const cacheName = "fieldbook-writers";
const address = (space: string): string => `/writers/${space}`;

/** Keeps who writes in a notebook, so that the service worker can send in that name. */
export async function rememberWriter({ space, user }: Session): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.put(address(space), new Response(user));
}

/** Who writes in a notebook on this device, if anyone does. */
export async function writerOf(space: string): Promise<string | undefined> {
  const cache = await caches.open(cacheName);
  return (await cache.match(address(space)))?.text();
}
