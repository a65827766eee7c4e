import { createStorage } from "/tidekeep/index.js";
import { serve } from "/tidekeep/port.js";

const store = await createStorage({ name: "behind a port", collections: { notes: { keyPath: "id", indexes: ["place"] } } });
const stop = serve(store, globalThis);
serve(store, new BroadcastChannel("behind a port"));
addEventListener("message", ({ data }) => data === "stop" && stop());
postMessage("ready");
