import { refused, same, until } from "./check.js";
import { refusal, withEndpoint } from "./endpoint.js";

const COLLECTIONS = { notes: { keyPath: "id" }, places: { keyPath: "id" }, drafts: { keyPath: "id", sync: false } };

/** A store that sends what it is told to, and nothing by itself. */
const options = ({ url }, sync = {}) => ({ collections: COLLECTIONS, sync: { endpoint: url, enabled: false, ...sync } });

const note = (id) => ({ id, text: `note ${id}` });

export const cases = {
  "what is said of sync is told by status, and remembered": ({ reopen, type }) =>
    withEndpoint(async (place) => {
      const store = await reopen(options(place));
      const before = await store.sync.status();
      same([before.enabled, before.interval, before.preferences], [false, 60, { notes: true, places: true, credentials: true }]);
      await store.sync.setPreferences({ places: false });
      await store.sync.setPreferences({ notes: true });
      await store.sync.setInterval(300);
      const told = async (store) => {
        const { enabled, interval, preferences } = await store.sync.status();
        return [enabled, interval, preferences];
      };
      const said = [false, 300, { notes: true, places: false, credentials: true }];
      same(await told(store), said);
      if (type !== "indexeddb") return;
      await store.close();
      const later = await reopen(options(place, { interval: 10, preferences: { places: true } }));
      same(await told(later), said);
    }),

  "preferences are of collections that replicate, and true or false; intervals are seconds, one at least": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place));
      for (const wrong of [{ nothing: true }, { drafts: true }, { notes: 1 }, null, "notes", { "tidekeep:keys": false }]) {
        await refused(StorageError, () => store.sync.setPreferences(wrong), "INVALID_CONFIG");
      }
      for (const wrong of [0, -1, NaN, Infinity, "often"]) {
        await refused(StorageError, () => store.sync.setInterval(wrong), "INVALID_CONFIG");
      }
      await refused(StorageError, () => store.sync.run({ collections: ["drafts"] }), "INVALID_CONFIG");
      for (const wrong of [{ preferences: { drafts: true } }, { exclude: { drafts: [] } }, { exclude: { notes: "a" } }]) {
        await refused(StorageError, () => open(options(place, wrong)), "INVALID_CONFIG");
      }
      same(place.requests.length, 0);
    }),

  "what is switched off is in no request and is not taken; it goes, and takes what it missed, when it is on again": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place, { preferences: { places: false } }));
      await store.collection("places").put(note("mine"));
      await store.collection("notes").put(note("a"));
      place.plant("places", "theirs", note("theirs"));
      same((await store.sync.run()).pushed, 1);
      same(place.sent(), ["notes/a"]);
      if (place.requests.some(({ query }) => query.get("c")?.split(",").includes("places"))) throw new Error("it was asked for");
      same(await store.collection("places").get("theirs"), undefined);
      same((await store.sync.status()).pending, 1);

      await store.sync.setPreferences({ places: true });
      const { pushed, pulled } = await store.sync.run();
      same([pushed, pulled], [1, 1]);
      same(place.sent(), ["notes/a", "places/mine"]);
      same((await store.collection("places").get("theirs")).text, "note theirs");
    }),

  "while sync is off no request leaves; switched on, everything does": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place));
      await store.collection("notes").putMany([note("a"), note("b")]);
      await new Promise((done) => setTimeout(done, 300));
      same(place.requests.length, 0);
      await store.sync.enable(true);
      await until(() => place.sent().length === 2);
      await until(async () => (await store.sync.status()).pending === 0);
    }),

  "a run of some collections sends those, in the direction that is asked for": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place));
      await store.sync.run();
      for (const name of ["notes", "places"]) await store.collection(name).put(note("mine"));
      place.plant("notes", "theirs", note("theirs"));
      same((await store.sync.run({ collections: ["places"], direction: "push" })).pushed, 1);
      same(place.sent(), ["places/mine"]);
      const { pushed, pulled } = await store.sync.run({ collections: ["notes"] });
      same([pushed, pulled], [1, 1]);
    }),

  "a run that is called off is ABORTED, and what it had sent is answered for": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place));
      await store.sync.run();
      await store.collection("notes").put(note("a"));
      const controller = new AbortController();
      place.requests.length = 0;
      place.answer = (route) => void (route === "push" && controller.abort());
      const error = await refused(StorageError, () => store.sync.run({ signal: controller.signal }), "ABORTED");
      same(error.operation, "sync.run");
      await until(async () => (await store.sync.status()).pending === 0);
      await until(async () => !(await store.sync.status()).running);
      same(place.routes().filter((route) => route === "changes"), []);
    }),

  "with nothing new a run is one pull and no push, and one change of a thousand records sends one": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place));
      const notes = store.collection("notes");
      await notes.putMany(Array.from({ length: 1000 }, (_, n) => note(`n${n}`)));
      await store.sync.run();
      same(place.sent().length, 1000);
      place.requests.length = 0;
      await store.sync.run();
      same(place.routes(), ["changes"]);
      place.requests.length = 0;
      await notes.put({ id: "n500", text: "changed" });
      await store.sync.run();
      same(place.sent(), ["notes/n500"]);
      same(place.routes(), ["push", "changes"]);
    }),

  "secrets among settings stay on the device, unless the application says otherwise": ({ open }) =>
    withEndpoint(async (place) => {
      const keys = ["theme", "api_keys", "private_keys", "wallet_data", "private_note", "map_key"];
      const settings = (exclude) => ({ collections: { settings: {} }, sync: { endpoint: place.url, enabled: false, ...exclude } });
      const store = await open(settings());
      for (const key of keys) await store.set(key, `of ${key}`, { namespace: "settings" });
      place.plant("settings", "private_theirs", "theirs");
      await store.sync.run();
      same(place.sent(), ["settings/theme"]);
      same(place.requests.some(({ text }) => text.includes("of map_key")), false);
      same(await store.get("private_theirs", { namespace: "settings" }), undefined);
      same((await store.sync.status()).pending, 0);
    }),

  "which keys stay on the device is the application's to say": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open({
        collections: { settings: {}, notes: { keyPath: "id" } },
        sync: { endpoint: place.url, enabled: false, exclude: { settings: [], notes: ["draft-*", "mine"] } },
      });
      await store.set("api_keys", "shared", { namespace: "settings" });
      await store.collection("notes").putMany(["draft-1", "mine", "open"].map(note));
      await store.collection("notes").delete("mine");
      await store.sync.run();
      same(place.sent().sort(), ["notes/open", "settings/api_keys"]);
    }),

  "large requests are compressed where the endpoint takes that; one that refuses it gets them plain from then on": ({ open }) =>
    withEndpoint(async (place) => {
      const store = await open(options(place));
      const notes = store.collection("notes");
      const large = (id) => ({ id, text: "all the same ".repeat(1000) });
      const pushes = () => place.requests.filter(({ route }) => route === "push").map(({ encoding, bytes }) => [encoding, bytes > 13_000]);
      await notes.put(note("small"));
      await store.sync.run();
      await notes.put(large("a"));
      await store.sync.run();
      const can = typeof CompressionStream === "function";
      same(pushes(), [[null, false], can ? ["gzip", false] : [null, true]]);
      place.requests.length = 0;
      place.answer = (route, { encoding }) => (route === "push" && encoding ? refusal(415, "unsupported_encoding") : undefined);
      await notes.put(large("b"));
      await store.sync.run();
      await notes.put(large("c"));
      await store.sync.run();
      same(pushes(), [...(can ? [["gzip", false]] : []), [null, true], [null, true]]);
      same(place.documents.size, 4);
      same((await store.sync.status()).pending, 0);
    }),

  "a request that fails is tried as often as the policy says, and nothing is lost": ({ open, StorageError }) =>
    withEndpoint(async (place) => {
      const tried = async (store) => {
        place.requests.length = 0;
        await refused(StorageError, () => store.sync.run({ direction: "push" }), "NETWORK_ERROR");
        return place.routes().filter((route) => route === "push").length;
      };
      const quick = { baseDelay: 5, maxDelay: 3_600_000 };
      for (const [retryPolicy, wanted] of [[quick, 3], [{ ...quick, attempts: 1 }, 1], [{ ...quick, attempts: 5 }, 5]]) {
        const store = await open(options(place, { retryPolicy }));
        place.answer = (route) => (route === "push" ? refusal(500, "internal") : undefined);
        await store.collection("notes").put(note("a"));
        same(await tried(store), wanted);
        place.answer = (route) => (route === "push" ? refusal(404, "not_found") : undefined);
        same(await tried(store), 1);
        same((await store.sync.status()).failed, 0);
        place.answer = undefined;
        same((await store.sync.run()).pushed, 1);
        await store.close();
      }
      for (const wrong of [{ attempts: 0 }, { attempts: 1.5 }, { attempts: "3" }]) {
        await refused(StorageError, () => open(options(place, { retryPolicy: wrong })), "INVALID_CONFIG");
      }
      await refused(StorageError, () => open(options(place, { priority: { notes: "urgent" } })), "INVALID_CONFIG");
    }),
};
