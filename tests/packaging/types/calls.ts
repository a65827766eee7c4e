import { createStorage, init, StorageError } from "tidekeep";
import type { Item, Key, StorageErrorCode, StorageInfo, SyncReport, Unsubscribe, WriteOutcome } from "tidekeep";
import { same } from "./same.js";

await init();
await init(new URL("https://example.org/tidekeep_bg.wasm"));
await init(new Uint8Array());
// @ts-expect-error not a source
await init(null);

await using store = await createStorage();

// Values are unknown until the caller says what they are.
same<unknown>()(await store.get("key"));
same<number | undefined>()(await store.get<number>("key"));
same<Map<Key, Date>>()(await store.getMany<Date>(["a", 1, new Date(), ["a", 1]]));
// @ts-expect-error IndexedDB has no such key
await store.get(true);
// @ts-expect-error nor this one
await store.set({ id: 1 }, "value");

await store.set("key", { any: "value" }, { tags: ["a"], ttl: 1000, ifVersion: 2, durability: "strict" });
// @ts-expect-error no such durability
await store.set("key", 1, { durability: "absolute" });
// @ts-expect-error an expiration is a Date
await store.set("key", 1, { expiration: 1000 });
// @ts-expect-error an option is given or left out, not undefined
await store.set("key", 1, { namespace: undefined });
same<Map<Key, WriteOutcome>>()(await store.setMany([{ key: "a", value: 1, tags: ["b"] }], { atomic: false }));
same<boolean>()(await store.delete("key"));
same<Item[]>()(await store.list({ prefix: "a" }));
same<number>()(await store.count({ filter: { field: "a", operator: "exists", value: true } }));
same<number>()(await store.get<number>("key", { required: true }));
// @ts-expect-error without `required` it may be undefined
same<number>()(await store.get<number>("key"));

same<StorageInfo>()(store.getInfo());
same<SyncReport>()(await store.sync.run({ direction: "push" }));
await store.credentials.set("service", "secret");
same<string | undefined>()(await store.credentials.get("service"));

const stop = store.on("change", ({ collection, type }) => {
  same<string>()(collection);
  same<"put" | "delete" | "clear" | "many">()(type);
});
same<Unsubscribe>()(stop);
// @ts-expect-error there is no such event
store.on("changed", () => undefined);

try {
  await createStorage({ type: "indexeddb", fallbacks: ["memory"] });
} catch (error) {
  if (error instanceof StorageError) {
    same<StorageErrorCode>()(error.code);
    same<boolean>()(error.retryable);
    // @ts-expect-error there is no such code
    error.code === "OUT_OF_CHEESE";
  }
}
