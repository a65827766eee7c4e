/** Made at build time from the list of cities: see `build/world.ts`. */
declare module "virtual:world" {
  export const total: number;
  export const rows: readonly string[];
}

/** Written into the built service worker: see `build/service-worker.ts`. */
declare const __PRECACHE__: import("../build/precache.ts").Precache;
