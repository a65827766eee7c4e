import * as tidekeep from "/tidekeep/index.js";
import { answer, fromServiceWorker, fromWorker } from "/scenario/clients.js";

globalThis.tidekeep = tidekeep;
globalThis.places = {
  page: () => answer(tidekeep),
  worker: () => fromWorker(new Worker("/worker.js", { type: "module" })),
  serviceWorker: (address) => fromServiceWorker(address),
};
