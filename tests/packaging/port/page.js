import { connect, StorageError } from "/tidekeep/port.js";

globalThis.found = (async () => {
  const worker = new Worker("worker.js", { type: "module" });
  await new Promise((resolve) => worker.addEventListener("message", ({ data }) => data === "ready" && resolve()));
  const store = connect(worker);
  const told = [];
  store.on("change", ({ key }) => told.push(key));
  await store.set("k", new Map([["date", new Date(5)]]));
  const value = await store.get("k");
  const error = await store.set("k", 1, { overwrite: false }).catch((thrown) => thrown);
  const notes = store.collection("notes");
  await notes.put({ id: "1", place: "Lisbon" });
  const { type, context } = await store.getInfo();
  const other = connect(new BroadcastChannel("behind a port"));
  await other.set("k", 2);
  const answer = {
    value: `Map(${value.size}) of Date ${value.get("date").getTime()}`,
    info: [type, context],
    error: [error instanceof StorageError, error.code, error.context.key],
    told: told.slice(0, 2),
    denied: await store.credentials.list().catch(({ code }) => code),
    inLisbon: (await notes.query({ field: "place", operator: "eq", value: "Lisbon" })).map(({ key }) => key),
    shared: await store.get("k"),
  };
  worker.postMessage("stop");
  await new Promise((resolve) => setTimeout(resolve, 50));
  return { ...answer, lost: await store.get("k").catch(({ code }) => code), wasm: performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".wasm")).length };
})();
