import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { createStorage, StorageError } from "tidekeep";
import { connect, serve } from "tidekeep/port";
import { launch } from "./support/browser.js";
import { installed, plainFolders, project } from "./support/paths.js";
import { serve as serveFiles } from "./support/server.js";

const collections = { notes: { keyPath: "id", indexes: ["place"], schema: { properties: { n: { type: "number" } } } }, sealed: { keyPath: "id", encrypted: true } };

/** A store in memory, served, and what connects to it. */
async function served(t, { serving, connecting, ...options } = {}) {
  const store = await createStorage({ type: "memory", collections, ...options });
  const { port1, port2 } = new MessageChannel();
  const stop = serve(store, port1, serving);
  const remote = connect(port2, connecting);
  t.after(async () => {
    stop();
    port1.close();
    await store.close();
  });
  return { store, remote, stop, port1, port2 };
}

/** The error of a call, which is a StorageError of this code. */
async function refused(call, code) {
  const error = await call.then((value) => assert.fail(`answered with ${value}`), (thrown) => thrown);
  assert.ok(error instanceof StorageError, String(error?.stack));
  assert.equal(error.code, code, error.message);
  return error;
}

describe("a store behind a port", () => {
  test("has the calls of a store, or is known not to", async (t) => {
    const { store, remote } = await served(t);
    const missing = (here, there, left) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(here)).filter((name) => !(name in there) && !name.startsWith("__") && !["constructor", "free", ...left].includes(name));
    assert.deepEqual(missing(store, remote, ["destroy", "transaction"]), []);
    assert.deepEqual(missing(store.collection("notes"), remote.collection("notes"), []), []);
    assert.deepEqual(missing(store.credentials, remote.credentials, ["locked"]), []);
    assert.deepEqual(missing(store.sync, remote.sync, []), []);
  });

  test("keeps every kind of value, and the caller's own keys", async (t) => {
    const { remote } = await served(t);
    const value = { date: new Date(5), map: new Map([[1, new Set([2n])]]), bytes: new Uint8Array([1, 2]), nothing: undefined, null: null, big: 3n };
    const [date, list] = [new Date(7), ["a", 1]];
    await remote.set(date, value);
    await remote.set(list, null);
    assert.deepEqual(await remote.get(date), value);
    assert.equal(await remote.get(list), null);
    assert.equal(await remote.get("no"), undefined);
    const found = await remote.getMany(new Set([date, "no", list]));
    assert.deepEqual([found.size, found.get(date), found.get(list)], [2, value, null]);
    const outcomes = await remote.setMany([{ key: date, value: 1 }, { key: "b", value: 2 }], { atomic: false });
    assert.deepEqual([outcomes.get(date).success, outcomes.get("b").version], [true, 1]);
    assert.equal((await remote.deleteMany([date])).get(date), true);
    await remote.set("m", 1, { metadata: { a: 1 }, tags: ["t"] });
    const entry = await remote.get("m", { includeMetadata: true });
    assert.deepEqual([entry.value, entry.version, entry.metadata, entry.tags, entry.created instanceof Date], [1, 1, { a: 1 }, ["t"], true]);
    assert.equal((await remote.getInfo()).type, "memory");
    assert.equal((await remote.getStatus()).healthy, true);
  });

  test("has collections, whose updates by a function lose nothing", async (t) => {
    const { store, remote } = await served(t);
    const notes = remote.collection("notes");
    await notes.putMany(new Set([{ id: "1", place: "b", n: 0 }, { id: "2", place: "a", n: 0 }]));
    assert.deepEqual((await notes.query({ field: "place", operator: "gte", value: "a" }, { sort: { field: "place" } })).map(({ key }) => key), ["2", "1"]);
    assert.equal((await notes.explain({ field: "place", operator: "eq", value: "a" })).index, "place");
    await Promise.all(Array.from({ length: 10 }, () => notes.update("1", (note) => ({ ...note, n: note.n + 1 }))));
    await notes.update("1", { place: "c" });
    assert.deepEqual(await store.collection("notes").get("1"), { id: "1", place: "c", n: 10 });
    assert.equal((await refused(notes.update("9", (note) => note), "NOT_FOUND")).operation, "update");
    const own = new Error("own");
    await assert.rejects(notes.update("1", () => { throw own; }), (thrown) => thrown === own);
    await refused(notes.update("1", () => Promise.resolve()), "INVALID_VALUE");
    assert.deepEqual([await notes.count(), await notes.delete("2"), await notes.keys({ prefix: "1" }), await notes.all()], [2, true, ["1"], [{ id: "1", place: "c", n: 10 }]]);
    assert.deepEqual(await remote.namespace("drafts").keys(), []);
    await notes.putMany(Array.from({ length: 600 }, (_, n) => ({ id: `many ${n}`, place: "many", n })));
    const seen = [];
    for await (const { value } of notes.iterate({ filter: { field: "place", operator: "eq", value: "many" }, sort: { field: "n" } })) seen.push(value.n);
    assert.deepEqual(seen, Array.from({ length: 600 }, (_, n) => n));
  });

  test("fails with the store's own errors, whole", async (t) => {
    const { remote } = await served(t);
    await remote.set("k", 1);
    const taken = await refused(remote.set("k", 2, { overwrite: false }), "ALREADY_EXISTS");
    assert.deepEqual([taken.operation, taken.retryable, taken.context.key, taken.name], ["set", false, "k", "StorageError"]);
    const unfit = await refused(remote.collection("notes").put({ id: "1", n: "one" }), "VALIDATION_FAILED");
    assert.deepEqual(unfit.context, { collection: "notes", key: "1", path: "n", wanted: "a number" });
    const outcomes = await remote.collection("notes").putMany([{ id: "1", n: 1 }, { id: "2", n: "x" }], { atomic: false });
    assert.ok(outcomes.get("2").error instanceof StorageError && outcomes.get("2").error.code === "VALIDATION_FAILED");
    await refused(remote.collection("bad:name").get("1"), "INVALID_NAMESPACE");
    await refused(remote.sync.status(), "UNSUPPORTED");
    await refused(remote.metrics(), "INVALID_CONFIG");
    await refused(remote.set("f", () => undefined), "INVALID_VALUE");
    await refused(remote.setMany("text"), "INVALID_VALUE");
    await refused(remote.get({ no: "key" }), "INVALID_KEY");
    await refused(remote.get("k", { unknown: 1 }), "INVALID_CONFIG");
  });

  test("tells events until they are not wanted", async (t) => {
    const { store, remote } = await served(t);
    const told = [];
    const stop = remote.on("change", (event) => {
      told.push(event.key);
      throw new Error("a listener's own failure");
    });
    const uncaught = [];
    const console_error = console.error;
    console.error = (error) => uncaught.push(error.message);
    t.after(() => (console.error = console_error));
    await remote.set("a", 1);
    await store.set("b", 1);
    await remote.get("a");
    stop();
    await remote.set("c", 1);
    assert.deepEqual(told, ["a", "b"]);
    remote.on("no such event", () => undefined);
    await remote.get("a");
    assert.deepEqual(uncaught.length, 3);
    assert.match(uncaught[2], /no such event/);
  });

  test("serves no secrets, unless asked to", async (t) => {
    const { remote } = await served(t);
    for (const call of [() => remote.credentials.list(), () => remote.credentials.get("x"), () => remote.credentials.unlock({ passphrase: "p" }), () => remote.clear({ includeCredentials: true })]) {
      await refused(call(), "ACCESS_DENIED");
    }
    await refused(remote.namespace("credentials").list(), "INVALID_NAMESPACE");
    const open = await served(t, { serving: { credentials: true } });
    await open.remote.credentials.unlock({ passphrase: "correct horse battery staple" });
    await open.remote.credentials.set("service", { token: "secret" });
    assert.deepEqual(await open.remote.credentials.get("service"), { token: "secret" });
    await open.remote.collection("sealed").put({ id: "1", text: "sealed" });
    await open.remote.credentials.changePassphrase("another horse, another battery");
    const id = await open.remote.credentials.addUnlocker({ device: true, label: "this one" });
    assert.deepEqual((await open.remote.credentials.unlockers()).map(({ kind }) => kind).sort(), ["device", "passphrase"]);
    await open.remote.credentials.removeUnlocker(id);
    await open.remote.credentials.rotate();
    assert.equal((await open.remote.credentials.unlockers()).length, 1);
    await open.remote.credentials.lock();
    await refused(open.remote.credentials.get("service"), "LOCKED");
    await refused(open.remote.collection("sealed").get("1"), "LOCKED");
  });

  test("can be called off, and tells of progress", async (t) => {
    let give;
    const passphrase = () => new Promise((resolve) => (give = resolve));
    const { store, remote } = await served(t, { encryption: { passphrase } });
    await refused(remote.get("k", { signal: AbortSignal.abort() }), "ABORTED");
    const steps = [];
    await remote.setMany([{ key: "a", value: 1 }], { onProgress: (...step) => steps.push(step) });
    assert.deepEqual(steps, [[0, 1], [1, 1]]);
    const reason = new Error("enough");
    const controller = new AbortController();
    const waiting = remote.set("1", { id: "1" }, { namespace: "sealed", signal: controller.signal });
    while (!give) await remote.get("k");
    controller.abort(reason);
    assert.equal((await refused(waiting, "ABORTED")).cause, reason);
    await remote.get("k");
    give("correct horse battery staple");
    await store.set("2", { id: "2" }, { namespace: "sealed" });
    assert.deepEqual(await remote.keys({ namespace: "sealed" }), ["2"]);
  });

  test("answers what is malformed by typed errors, and lets others' messages be", async (t) => {
    const { port2 } = await served(t);
    const ask = async (message) => {
      port2.postMessage(message);
      const [answer] = await once(port2, "message");
      return answer;
    };
    for (const [message, code] of [
      [{ id: 1, route: "storage://nothing" }, "UNSUPPORTED"],
      [{ id: 1, route: "storage://destroy" }, "UNSUPPORTED"],
      [{ id: 1, route: "storage://close/x" }, "UNSUPPORTED"],
      [{ id: 1, route: "storage://constructor" }, "UNSUPPORTED"],
      [{ id: 1, route: "storage://__proto__/get" }, "UNSUPPORTED"],
      [{ id: 1, route: "storage://collection/constructor" }, "UNSUPPORTED"],
      [{ id: 1, route: "http://get" }, "UNSUPPORTED"],
      [{ id: 1, route: 7 }, "UNSUPPORTED"],
      [{ id: 1, route: null }, "UNSUPPORTED"],
      [{ id: 1, route: "storage://get", body: 7 }, "INVALID_VALUE"],
      [{ id: 1, route: "storage://get", body: ["k"] }, "INVALID_VALUE"],
      [{ id: 1, route: "storage://get", body: { key: "k", extra: 1 } }, "INVALID_VALUE"],
      [{ id: 1, route: "storage://get" }, "INVALID_KEY"],
      [{ id: 1, route: "storage://get", abortable: true, progress: true, body: { key: "k", options: 7 } }, "INVALID_CONFIG"],
      [{ id: 1, route: "storage://collection/get", body: { key: "k" } }, "INVALID_VALUE"],
      [{ id: 1, route: "storage://collection/get", body: { collection: {}, key: "k" } }, "INVALID_VALUE"],
      [{ id: 1, route: "storage://getMany", body: { keys: 7 } }, "INVALID_VALUE"],
      [{ id: 1, route: "storage://on", body: { event: "nothing", listener: 1 } }, "INVALID_CONFIG"],
    ]) {
      const { id, error } = await ask(message);
      assert.deepEqual([id, error?.code], [1, code], JSON.stringify(message));
    }
    assert.equal((await ask({ id: { toString: 1 }, route: "storage://get" })).error.code, "INVALID_VALUE");
    for (const other of [null, 7, "text", [], {}, { id: 1 }, { type: "webpack" }]) port2.postMessage(other);
    assert.deepEqual(await ask({ id: "plain", route: "storage://has", body: { key: "k" } }), { client: undefined, id: "plain", value: false });
  });

  test("is lost with its port or its server, and closed by its own side", async (t) => {
    const lost = await served(t);
    const slow = lost.remote.setMany(Array.from({ length: 2000 }, (_, key) => ({ key, value: key })));
    lost.port1.close();
    await refused(slow, "CONNECTION_LOST");
    assert.equal((await refused(lost.remote.get("k"), "CONNECTION_LOST")).retryable, true);

    const stopped = await served(t);
    await stopped.remote.get("k");
    stopped.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await refused(stopped.remote.get("k"), "CONNECTION_LOST");

    const closed = await served(t);
    const waiting = closed.remote.get("k");
    await closed.remote.close();
    await refused(waiting, "CLOSED");
    await refused(closed.remote.get("k"), "CLOSED");
    assert.equal(await closed.store.get("k"), undefined);
  });

  test("without an answer, a call has a time limit", async (t) => {
    const { port1, port2 } = new MessageChannel();
    t.after(() => port1.close());
    const error = await refused(connect(port2, { timeout: 30 }).get("k"), "TIMEOUT");
    assert.deepEqual([error.retryable, error.operation], [true, "get"]);
    for (const timeout of [0, -1, NaN, "1"]) assert.throws(() => connect(port2, { timeout }), { code: "INVALID_CONFIG" });
    for (const bad of [undefined, null, {}, { postMessage() {} }]) {
      assert.throws(() => connect(bad), { code: "INVALID_CONFIG" });
      assert.throws(() => serve({}, bad), { code: "INVALID_CONFIG" });
    }
  });

  test("serves many on one channel, each with its own answers and events", async (t) => {
    const store = await createStorage({ type: "memory" });
    const name = `channel ${Math.random()}`;
    const [one, two, three] = [1, 2, 3].map(() => new BroadcastChannel(name));
    const stop = serve(store, one);
    const clients = [connect(two), connect(three)];
    t.after(() => [one, two, three].forEach((channel) => channel.close()));
    const told = [];
    clients.forEach((client, at) => client.on("change", ({ key }) => told.push([at, key])));
    await Promise.all(clients.map((client) => client.get("k")));
    await Promise.all(clients.map((client, at) => client.set(at, at)));
    assert.deepEqual(await Promise.all(clients.map((client, at) => client.get(at))), [0, 1]);
    await clients[0].close();
    await clients[1].set("last", 1);
    await clients[1].get("last");
    assert.deepEqual(told.filter(([at]) => at === 0).length, 2);
    assert.deepEqual(told.filter(([at]) => at === 1).length, 3);
    stop();
  });

  test("crosses into a worker thread, which loads no WebAssembly to use it", async (t) => {
    const { store } = await served(t);
    const { port1, port2 } = new MessageChannel();
    const source = `
      import { workerData, parentPort } from "node:worker_threads";
      const { connect, StorageError } = await import(workerData.module);
      WebAssembly.compile = WebAssembly.instantiate = () => { throw new Error("WebAssembly"); };
      const store = connect(workerData.port);
      await store.set("from", new Map([["a", new Date(1)]]));
      const error = await store.set("from", 1, { overwrite: false }).catch((thrown) => thrown);
      parentPort.postMessage([error instanceof StorageError, error.code, error.context.key]);
      await store.close();
      workerData.port.close();`;
    const stop = serve(store, port1);
    const module = new URL(import.meta.resolve("tidekeep/port")).href;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: { port: port2, module }, transferList: [port2] });
    const [answer] = await once(worker, "message");
    assert.deepEqual(answer, [true, "ALREADY_EXISTS", "from"]);
    assert.deepEqual(await store.get("from"), new Map([["a", new Date(1)]]));
    stop();
    port1.close();
    await once(worker, "exit");
  });

  test("of the connecting side, nothing reaches for the WebAssembly", async () => {
    const seen = new Set();
    const visit = async (file) => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, specifier] of (await readFile(file, "utf8")).matchAll(/^(?:import|export)\b[^;]*?\bfrom\s*["']([^"']+)["']/gm)) await visit(join(file, "..", specifier));
    };
    await visit(join(installed, "port.js"));
    assert.ok([...seen].every((file) => !/tidekeep\.js$|index\.js$|wasm/.test(file)), [...seen].join(", "));
  });
});

describe("in Chromium", () => {
  let browser, server;
  before(async () => {
    [server, browser] = await Promise.all([serveFiles({ ...plainFolders(), "/port/": join(project, "port") }), launch()]);
  });
  after(() => Promise.all([browser?.close(), server?.close()]));

  test("a page uses the store of a worker, over IndexedDB, and a second page over a channel", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${server.address}/port/index.html`);
    const found = await page.evaluate(() => globalThis.found);
    assert.deepEqual(found, {
      value: "Map(1) of Date 5", info: ["indexeddb", "worker"], error: [true, "ALREADY_EXISTS", "k"], told: ["k", "1"], denied: "ACCESS_DENIED", inLisbon: ["1"], shared: 2, lost: "CONNECTION_LOST", wasm: 0,
    });
    await context.close();
  });
});
