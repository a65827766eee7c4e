import type * as Tidekeep from "tidekeep";
import { scenario, type Report } from "./scenario.js";

/** A report, or what went wrong, in a form that can be posted. */
export type Answer = { report: Report } | { error: string };

/** Runs the scenario here. */
export async function answer(tidekeep: typeof Tidekeep): Promise<Answer> {
  try {
    return { report: await scenario(tidekeep, "indexeddb") };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

/** What a worker posts once it has run the scenario. */
export function fromWorker(worker: Worker): Promise<Answer> {
  return new Promise((resolve) => {
    worker.addEventListener("message", (event: MessageEvent<Answer>) => resolve(event.data));
    worker.addEventListener("error", (event) => resolve({ error: `the worker failed: ${event.message}` }));
  });
}

/** Installs a service worker and asks it to run the scenario. */
export async function fromServiceWorker(address: string): Promise<Answer> {
  const registration = await navigator.serviceWorker.register(address, { type: "module" });
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  if (!worker) {
    return { error: "the service worker was not installed" };
  }
  return new Promise((resolve) => {
    const channel = new MessageChannel();
    channel.port1.addEventListener("message", (event: MessageEvent<Answer>) => resolve(event.data));
    channel.port1.start();
    worker.addEventListener("error", () => resolve({ error: "the service worker failed" }));
    worker.postMessage("run", [channel.port2]);
  });
}

/** In a service worker: answers those who ask. */
export function answerOnMessage(tidekeep: typeof Tidekeep): void {
  addEventListener("message", (event: MessageEvent) => {
    void answer(tidekeep).then((result) => event.ports[0]?.postMessage(result));
  });
}
