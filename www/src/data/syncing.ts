import type { OutboxEntry, SyncStatus } from "tidekeep";
import { signal, type Signal } from "../lib/signal.ts";
import { newest, soon } from "../lib/soon.ts";
import type { Store } from "./store.ts";

export type SyncState = "synced" | "waiting" | "sending" | "offline" | "trouble";

export interface SyncView {
  state: SyncState;
  status: SyncStatus;
  waiting: OutboxEntry[];
  /** Refused for good, until someone decides. */
  dead: OutboxEntry[];
}

/** What sync is doing, read again whenever there is reason to. */
export function watchSync(store: Store): Signal<SyncView | undefined> {
  const view = signal<SyncView | undefined>(undefined);
  const read = newest(async () => {
    const [status, entries] = await Promise.all([store.sync.status(), store.sync.pending()]);
    return describe(status, entries);
  });
  const refresh = soon(
    () =>
      void read().then(
        (next) => next && view.set(next),
        () => undefined,
      ),
  );
  store.on("sync", refresh);
  store.on("change", ({ collection }) => collection !== "places" && refresh());
  for (const event of ["online", "offline", "focus"]) addEventListener(event, refresh);
  refresh();
  return view;
}

function describe(status: SyncStatus, entries: OutboxEntry[]): SyncView {
  const dead = entries.filter((entry) => entry.state === "dead");
  const waiting = entries.filter((entry) => entry.state !== "dead");
  return { status, waiting, dead, state: stateOf(status, waiting.length, dead.length) };
}

function stateOf(status: SyncStatus, waiting: number, dead: number): SyncState {
  if (!status.enabled || !status.online) return "offline";
  if (status.running) return "sending";
  if (status.lastError || dead > 0) return "trouble";
  return waiting > 0 ? "waiting" : "synced";
}
