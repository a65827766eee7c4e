import type { Importing } from "./data/importing.ts";
import type { Notes } from "./data/notes.ts";
import type { Session } from "./data/session.ts";
import type { Store } from "./data/store.ts";
import type { SyncView } from "./data/syncing.ts";
import type { Signal } from "./lib/signal.ts";
import type { Router } from "./route.ts";

/** What every view may use. */
export interface App {
  readonly session: Session;
  readonly store: Store;
  readonly notes: Notes;
  readonly sync: Signal<SyncView | undefined>;
  /** Ids of the notes that were changed elsewhere a moment ago. */
  readonly arrivals: Signal<ReadonlySet<string>>;
  readonly importing: Importing;
  readonly router: Router;
}

/** A part of the page that knows when it is wanted. */
export interface View<Route> {
  readonly element: HTMLElement;
  show(route: Route): void;
}
