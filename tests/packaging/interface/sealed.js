import { refused, same } from "./check.js";

const passphrase = "correct horse battery staple";

const safe = async (open) => {
  const store = await open({ collections: { safe: { encrypted: true } } });
  await store.credentials.unlock({ passphrase });
  return { store, at: { namespace: "safe" } };
};

const bytes = (length) => new Uint8Array(length).map((_, at) => at * 7);
const named = Object.assign([1, 2], { name: "pair" });
const holes = [1, , 3, ,];
const length = 5000;

const exact = {
  holes, named, empty: new Array(7), long: "\u{1F600}x".repeat(length), torn: `\ud800${"x".repeat(length)}`, mark: `\ufeff${"x".repeat(length)}`,
  buffer: bytes(length).buffer, view: new DataView(bytes(length).buffer), floats: new Float64Array(length).fill(-0), part: bytes(length).subarray(3, 4900),
  deep: { list: [new Map([[bytes(length), new Set(["y".repeat(length), null, undefined])]])], $: "part", v: ["text", 0, 1] },
  tagged: { $: "array", v: [1] }, bigs: new BigInt64Array([-1n, 2n]), big: -(2n ** 200n), zero: -0, none: undefined, never: new Date(NaN), exotic: JSON.parse('{"__proto__": 1, "toJSON": 2}'),
};

export const cases = {
  "sealed values of every kind and length come back exactly, alone and among many": async ({ open }) => {
    const { store, at } = await safe(open);
    const all = [...Object.entries(exact), ["all", exact]];
    for (const [key, value] of all) await store.set(key, value, at);
    for (const [key, value] of all) same(await store.get(key, at), value, key);
    await store.setMany(all.map(([key, value]) => ({ key: `many ${key}`, value })), at);
    const found = await store.getMany(all.map(([key]) => `many ${key}`), at);
    for (const [key, value] of all) same(found.get(`many ${key}`), value, `many ${key}`);
    const back = await store.get("holes", at);
    same([1 in back, 3 in back, back.length, (await store.get("named", at)).name], [false, false, 4, "pair"]);
    const large = bytes(300_000);
    await store.set("large", large, at);
    same(await store.get("large", at), large);
  },

  "what cannot be sealed exactly is refused, and nothing is written": async ({ open, StorageError }) => {
    const { store, at } = await safe(open);
    const loop = {};
    loop.self = loop;
    const inexact = [loop, new Error("e"), Object(1), Object("s"), Object(true), new Blob(["b"])];
    if ("resizable" in ArrayBuffer.prototype) inexact.push(new ArrayBuffer(8, { maxByteLength: 16 }), new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })));
    for (const value of inexact) {
      for (const whole of [value, { value }, [bytes(length), value]]) await refused(StorageError, () => store.set("k", whole, at), "SERIALIZATION_ERROR");
    }
    same(await store.has("k", at), false);
  },

  "the last of several sealed writes of one key wins, whichever takes longest to seal": async ({ open }) => {
    const { store, at } = await safe(open);
    for (const sizes of [[400_000, 1, 2], [1, 400_000, 3], [400_000, 5000, 4999]]) {
      const results = await Promise.all(sizes.map((size) => store.set("k", bytes(size), at)));
      same(await store.get("k", at), bytes(sizes[2]));
      same(results.map(({ version }) => version - results[0].version), [0, 1, 2]);
    }
  },
};
