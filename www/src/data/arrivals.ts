import { signal, type Signal } from "../lib/signal.ts";
import type { Store } from "./store.ts";
import type { SyncView } from "./syncing.ts";

/** How long it is told, milliseconds. */
const fresh = 8000;

/** Ids of the notes that were changed elsewhere a moment ago: in another window, or on another device. */
export function watchArrivals(store: Store, sync: Signal<SyncView | undefined>): Signal<ReadonlySet<string>> {
  const arrivals = signal<ReadonlySet<string>>(new Set());
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  const leave = (id: string) => {
    timers.delete(id);
    arrivals.set(new Set(timers.keys()));
  };
  store.on("change", ({ collection, key, type, source }) => {
    if (collection !== "notes" || type !== "put" || typeof key !== "string") return;
    clearTimeout(timers.get(key));
    // What is written here is no news here, and neither is a whole notebook on a new device.
    const begun = source === "tab" || sync.get()?.status.lastSyncTime;
    if (source === "local" || !begun) return leave(key);
    timers.set(key, setTimeout(leave, fresh, key));
    arrivals.set(new Set(timers.keys()));
  });
  return arrivals;
}
