import { same, shape, until } from "./check.js";

const KEYS = [1, -1.5, Infinity, -Infinity, "text", "~tilde", "\u0000 “ä” \u{1F600}", new Date(5), new Uint8Array([1, 2, 255]).buffer, [], [1, ["a", new Date(0)]]];

/** A listener that keeps what it hears. */
function hears(store, event = "change") {
  const heard = [];
  store.on(event, (told) => heard.push(told));
  return heard;
}

/** Lets everything that is on its way between tabs arrive. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 60));

export const cases = {
  "a change made elsewhere is told as “tab”, one for each key, and never to the store that made it": async ({ open, type }) => {
    const [here, there] = [await open(), await open()];
    same(here.getCapabilities().crossTab, type === "indexeddb", "crossTab");
    const [heard, own] = [hears(here), hears(there)];
    for (const [at, key] of KEYS.entries()) await there.set(key, at);
    await there.delete("text");
    await there.delete("never there");
    await there.clear({ namespace: "default" });
    const wanted = [...KEYS.map((key) => [key, "put"]), ["text", "delete"], [[], "clear"]];
    if (type === "memory") {
      await settled();
      return same(heard, [], "what a store in memory hears of another");
    }
    await until(() => heard.length >= wanted.length, `the changes, ${shape(heard)}`);
    await settled();
    same(heard.map(({ key, type }) => [key, type]), wanted);
    same([...new Set(heard.map(({ source, collection }) => `${source} ${collection}`))], ["tab default"]);
    same(own.every(({ source }) => source === "local") && own.length === wanted.length, true, "what the writer hears");
  },

  "changes committed together are told together and in order, and very many as one for their collection": async ({ open, type }) => {
    if (type === "memory") return;
    const [here, there] = [await open(), await open()];
    const heard = hears(here);
    const entries = (count) => Array.from({ length: count }, (_, at) => ({ key: at, value: at }));
    await there.setMany(entries(1_000));
    await until(() => heard.length === 1_000, "1 000 changes");
    same(heard.every(({ key, type }, at) => key === at && type === "put"), true, "each in its place");
    await there.setMany(entries(1_001), { namespace: "box" });
    await until(() => heard.length === 1_001, "one change for many");
    same(heard.at(-1), { collection: "box", key: [], type: "many", source: "tab" });
  },

  "what strangers say on the channel does nothing": async ({ open, name, type }) => {
    if (typeof BroadcastChannel !== "function") return;
    const store = await open();
    const [heard, failed] = [hears(store), hears(store, "error")];
    const stranger = new BroadcastChannel(`tidekeep:${name()}`);
    const loop = { tidekeep: 1 };
    loop.loop = loop;
    for (const message of [
      "wrote", "", "null", "[]", "{", "9".repeat(10_000), "[".repeat(100_000), 1, null, undefined, loop, new Map(), new Uint8Array(5),
      '{"tidekeep":2,"wrote":true,"commits":[[["notes","put","a"]]]}',
      '{"tidekeep":1,"wrote":true,"commits":[[["credentials","put","a"]]]}',
      '{"tidekeep":1,"wrote":true,"commits":[[["notes","put","~{}"]]]}',
      { tidekeep: 1, wrote: true, commits: [] },
    ]) stranger.postMessage(message);
    await settled();
    same([heard, failed], [[], []]);
    // One that is well-formed is believed: whoever can speak here can write the database itself.
    stranger.postMessage('{"tidekeep":1,"wrote":false,"commits":[[["notes","put","~[1]"]]]}');
    if (type === "indexeddb") await until(() => heard.length === 1, "the well-formed one");
    stranger.close();
    await store.set("still", "works");
    same(await store.get("still"), "works");
  },

  "a store that is closed hears nothing more": async ({ open }) => {
    const [here, there] = [await open(), await open()];
    const heard = hears(here);
    await here.close();
    await there.set("k", 1);
    await settled();
    same(heard, []);
  },
};
