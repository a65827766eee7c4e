import type { OutboxEntry, SettledConflict, SyncStatus, WaitingConflict } from "tidekeep";
import { signal, type Signal } from "../lib/signal.ts";
import { newest, soon } from "../lib/soon.ts";
import type { Store } from "./store.ts";

export type SyncState = "synced" | "waiting" | "sending" | "offline" | "undecided" | "trouble";

export interface SyncView {
  state: SyncState;
  status: SyncStatus;
  waiting: OutboxEntry[];
  /** Refused for good, until someone decides. */
  dead: OutboxEntry[];
  /** Changed on both sides, until someone decides. */
  conflicts: WaitingConflict[];
  /** Decided lately, the last one first. */
  settled: SettledConflict[];
}

/** How often it is read again without a reason, milliseconds: times go by. */
const heartbeat = 10_000;
/** How soon it is looked what became of what is not told: that another window has sent, that changes are heard of. */
const patience = 1000;

/** What sync is doing, read again whenever there is reason to. */
export function watchSync(store: Store): Signal<SyncView | undefined> {
  const view = signal<SyncView | undefined>(undefined);
  const read = newest(async () => {
    const { sync } = store;
    const [status, entries, conflicts, settled] = await Promise.all([
      sync.status(),
      sync.pending(),
      sync.conflicts(),
      sync.conflicts({ settled: true }),
    ]);
    const dead = entries.filter((entry) => entry.state === "dead");
    const waiting = entries.filter((entry) => entry.state !== "dead");
    const state = stateOf(status, waiting.length, dead.length, conflicts.length);
    return { state, status, waiting, dead, conflicts, settled };
  });
  const refresh = soon(
    () =>
      void read().then(
        (next) => next && view.set(next),
        () => undefined,
      ),
  );
  for (const event of ["sync", "conflict", "rejected"] as const) store.on(event, refresh);
  store.on("change", ({ collection }) => collection !== "places" && refresh());
  for (const event of ["online", "offline", "focus"]) addEventListener(event, refresh);
  setInterval(() => document.visibilityState === "visible" && refresh(), heartbeat);
  const shortly = soon(refresh, patience);
  store.on("sync", shortly);
  view.watch((next) => next?.state === "waiting" && !next.status.leader && shortly());
  refresh();
  return view;
}

function stateOf(status: SyncStatus, waiting: number, dead: number, conflicts: number): SyncState {
  if (!status.enabled || !status.online) return "offline";
  if (status.running) return "sending";
  if (status.lastError || dead > 0) return "trouble";
  if (conflicts > 0) return "undecided";
  return waiting > 0 ? "waiting" : "synced";
}

/** How this window learns what was changed elsewhere. */
export type Hearing = "live" | "elsewhere" | "interval";

/** Tells it as long as there is a server to hear of; nothing where that cannot be said. */
export function hearingOf({ enabled, online, running, leader, lastError, lastSyncTime, nextSyncTime }: SyncStatus) {
  if (!enabled || !online) return undefined;
  if (!leader) return "elsewhere" satisfies Hearing;
  if (running || lastError || !lastSyncTime) return undefined;
  // While changes are heard of, no round is planned.
  return (nextSyncTime ? "interval" : "live") satisfies Hearing;
}
