import { signal, type Signal } from "../lib/signal.ts";
import { listId, type ImportOrder, type ImportReport } from "./import-messages.ts";
import { databaseName } from "./schema.ts";
import type { Session } from "./session.ts";
import type { Store } from "./store.ts";

export type ImportView = { stage: "none" } | { stage: "paused"; done: number; total: number } | ImportReport;

/** The import of the world, done by a worker; this is its page side. */
export interface Importing {
  readonly view: Signal<ImportView | undefined>;
  /** Starts, or continues where an earlier try stopped. */
  start(): void;
  /** Stops the worker where it is: what is written stays. */
  pause(): Promise<void>;
}

export function openImporting(store: Store, session: Session): Importing {
  const view = signal<ImportView | undefined>(undefined);
  let worker: Worker | undefined;

  const stop = () => {
    worker?.terminate();
    worker = undefined;
  };
  const look = async () => {
    const state = await store.collection("imports").get(listId);
    if (!state) view.set({ stage: "none" });
    else if (state.done === state.total) view.set({ stage: "finished", total: state.total });
    else view.set({ stage: "paused", done: state.done, total: state.total });
  };
  const hear = ({ data }: MessageEvent<ImportReport>) => {
    view.set(data);
    if (data.stage === "finished" || data.stage === "failed") stop();
  };
  const crash = () => {
    stop();
    view.set({ stage: "failed", code: "", message: "The import stopped unexpectedly." });
  };

  void look().catch(() => view.set({ stage: "none" }));
  return {
    view,
    start() {
      if (worker) return;
      // Imported data should outlast a shortage of disk; a browser that refuses changes nothing else.
      void navigator.storage.persist?.().catch(() => false);
      worker = new Worker(new URL("../background/import.ts", import.meta.url), { type: "module" });
      worker.addEventListener("message", hear);
      worker.addEventListener("error", crash);
      worker.postMessage({ database: databaseName(session.space) } satisfies ImportOrder);
      view.set({ stage: "queued" });
    },
    async pause() {
      stop();
      await look();
    },
  };
}
