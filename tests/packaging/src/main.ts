import * as tidekeep from "tidekeep";
import { answer, fromServiceWorker, fromWorker } from "./clients.js";

const places = {
  page: () => answer(tidekeep),
  worker: () => fromWorker(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" })),
  serviceWorker: (address: string) => fromServiceWorker(address),
};

Object.assign(globalThis, { places });
