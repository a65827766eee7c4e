import { same } from "./check.js";

const VALUES = 2000;
const BATCH = 50;
const passphrase = "correct horse battery staple";
const LETTERS = ["a", "\"", "\\", "\u00e9", "\u2603", "\u{1F600}", "\0", "\ufeff", "\u2028"];
const VIEWS = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView];
const NAMES = ["a", "b", "$", "v", "__proto__", "toJSON", "constructor", "", "1", "\u00e9"];

/** Mulberry32: whole numbers below an end, the same for a seed each time. */
function dice(seed) {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
}

/** A random value of any type that can be sealed, and what it is made of; every tenth text and array of bytes is long. */
function made(below, depth = 0) {
  const pick = (items) => items[below(items.length)];
  const inner = () => made(below, depth + 1);
  const length = (most) => (below(10) === 0 ? below(16 * most) : below(most));
  const text = () => Array.from({ length: length(400) }, () => pick(LETTERS)).join("");
  const buffer = () => Uint8Array.from({ length: 8 * length(120) }, () => below(256)).buffer;
  const several = (each) => Array.from({ length: below(4) }, each);
  // No number that is a NaN of some other bits: engines may write those as they like.
  const view = () => { const [View, bytes] = [pick(VIEWS), buffer()]; return View === Float32Array || View === Float64Array ? new View(several(() => below(1000) / 8)) : new View(bytes, 8 * below(2) * Number(bytes.byteLength > 8)); };
  const kinds = {
    number: () => pick([0, -0, NaN, Infinity, -Infinity, 5e-324, 2 ** 53, below(1e6) / 7, -below(1e6)]),
    constant: () => pick([null, undefined, true, false]),
    big: () => BigInt(below(2 ** 31)) ** BigInt(below(5)) * pick([1n, -1n]),
    text, buffer, view,
    torn: () => `\ud800${text()}`,
    date: () => new Date(pick([NaN, 8.64e15, below(2 ** 31) - 2 ** 30])),
    pattern: () => new RegExp(pick(["a+", "(?<b>.)\\/", "[\\]]"]), pick(["", "g", "iu", "ms"])),
    list: () => several(inner),
    holes: () => Object.assign(new Array(below(9)), below(2) ? { [below(12)]: inner() } : {}),
    map: () => new Map(several(() => [inner(), inner()])),
    set: () => new Set(several(inner)),
    record: () => several(() => Object.defineProperty({}, pick(NAMES), { value: inner(), enumerable: true, configurable: true, writable: true })).reduce((whole, part) => Object.defineProperties(whole, Object.getOwnPropertyDescriptors(part)), {}),
  };
  const names = Object.keys(kinds);
  return kinds[pick(depth > 3 ? names.slice(0, 9) : names)]();
}

export const cases = {
  [`of ${VALUES} random values each comes back from its seal in its exact type`]: async ({ open }) => {
    const store = await open({ collections: { safe: { encrypted: true } }, capacity: 1_000_000 });
    await store.credentials.unlock({ passphrase });
    const at = { namespace: "safe" };
    for (let from = 0; from < VALUES; from += BATCH) {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const below = dice(seed);
      const entries = Array.from({ length: BATCH }, (_, index) => ({ key: from + index, value: made(below) }));
      // Many at once are sealed in another way than one at a time.
      if (from % (2 * BATCH) === 0) await store.setMany(entries, at);
      else for (const { key, value } of entries) await store.set(key, value, at);
      const found = await store.getMany(entries.map(({ key }) => key), at);
      for (const { key, value } of entries) same(found.get(key), value, `value ${key - from} of seed ${seed}`);
      if (from % (3 * BATCH) === 0) for (const { key, value } of entries) same(await store.get(key, at), value, `value ${key - from} of seed ${seed}, by itself`);
    }
    same(await store.count(at), VALUES);
  },
};
