// What each of two tabs does: random transactions over few records, and what each of them saw and wrote.

import { createStorage } from "/tidekeep/index.js";

const KEYS = ["a", "b", "c", "d", "e"];
const GROUPS = 3;

/** A generator of numbers below 1, from a seed. Source: mulberry32. */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

// Nothing is ever sent: the outbox is there because it has a row for each commit, in the order of the commits.
const open = (name) =>
  createStorage({ name, type: "indexeddb", collections: { cells: { keyPath: "id", indexes: ["group"] }, markers: {} }, sync: { endpoint: `${location.origin}/nowhere` } });

/** Makes the database and the record that both count up. */
export async function prepare({ name }) {
  const store = await open(name);
  await store.set("counter", 0);
  await store.close();
}

/**
 * Runs transactions, some at once. Each leaves a marker, by which the outbox tells when it was committed.
 *
 * @param {{ name: string, seed: number, tab: string, count: number, isolation: string }} options
 */
export async function run({ name, seed, tab, count, isolation }) {
  const store = await open(name);
  const random = generator(seed);
  const below = (n) => Math.floor(random() * n);
  const history = [];
  let begun = 0;
  let refused = 0;
  let increments = 0;
  const lane = async () => {
    while (begun < count) {
      const id = `${tab}${(begun += 1)}`;
      let steps;
      const body = async (tx) => {
        steps = [];
        const cells = tx.collection("cells");
        for (let left = 1 + below(4); left > 0; left -= 1) {
          await step(cells, steps, `${id}.${left}.${below(1e9)}`);
          if (below(3) === 0) await new Promise((done) => setTimeout(done, below(4)));
        }
        if (below(3) === 0) {
          const n = await tx.get("counter");
          await tx.set("counter", n + 1);
          steps.push({ counter: n });
        }
        if (steps.some(({ put, gone, counter }) => put ?? gone ?? counter !== undefined)) await tx.set(id, 1, { namespace: "markers" });
      };
      const committed = await store.transaction(body, { isolation, retries: 8 }).then(
        () => true,
        (error) => {
          if (error?.code !== "CONFLICT") throw error;
          return false;
        },
      );
      if (committed) history.push({ id, steps });
      else refused += 1;
      increments += committed && steps.some(({ counter }) => counter !== undefined) ? 1 : 0;
    }
  };
  const step = async (cells, steps, write) => {
    const key = KEYS[below(KEYS.length)];
    const shown = (rows) => rows.map(({ value }) => `${value.id}=${value.write}`);
    const group = below(GROUPS);
    switch (below(8)) {
      case 0:
      case 1:
        return steps.push({ get: key, saw: (await cells.get(key))?.write ?? null });
      case 2:
        return steps.push({ group, saw: shown(await cells.query({ field: "group", operator: "eq", value: group }, { sort: { field: "$key" } })) });
      case 3:
        return steps.push({ first: 2, saw: shown(await cells.query([], { sort: { field: "$key" }, limit: 2 })) });
      case 4:
        return steps.push({ count: await cells.count() });
      case 5:
        return steps.push({ gone: key, was: await cells.delete(key) });
      case 6:
        await cells.put({ id: key, group, write });
        return steps.push({ put: key, group, write });
      default: {
        const before = await cells.get(key);
        await cells.put({ id: key, group, write });
        steps.push({ get: key, saw: before?.write ?? null }, { put: key, group, write });
      }
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  await store.close();
  return { history, refused, increments };
}

/** What is stored in the end, and the markers in the order of their commits. */
export async function stored({ name }) {
  const store = await open(name);
  const cells = (await store.collection("cells").all()).map(({ id, write }) => `${id}=${write}`);
  const counter = await store.get("counter");
  await store.close();
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) });
  });
  const rows = await new Promise((resolve, reject) => {
    const request = database.transaction("tidekeep:outbox").objectStore("tidekeep:outbox").getAll();
    Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) });
  });
  database.close();
  const named = rows.flatMap(({ docs }) => docs).filter(([collection]) => collection === "markers");
  return { cells, counter, order: named.map(([, key]) => key) };
}
