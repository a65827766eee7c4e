// The work that bench/sealing.js measures, in a page.

const now = () => performance.now();
const round = (number) => Math.round(number * 100) / 100;
const passphrase = "correct horse battery staple";

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

async function timed(task) {
  const start = now();
  await task();
  return now() - start;
}

/** The medians of two tasks that take turns, first one ahead and then the other; and their ratio. */
async function beside(rounds, tasks) {
  const names = Object.keys(tasks);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let at = 0; at <= rounds; at += 1) {
    for (const name of at % 2 ? names : names.toReversed()) {
      const time = await tasks[name]();
      if (at > 0) times[name].push(time); // the first round warms up
    }
  }
  const [subject, yardstick] = names.map((name) => median(times[name]));
  return { [names[0]]: round(subject), [names[1]]: round(yardstick), ratio: round(subject / yardstick), spread: names.map((name) => [Math.min(...times[name]), Math.max(...times[name])].map(round)) };
}

/** Records of about 330 B, as JSON. */
const records = (count) =>
  Array.from({ length: count }, (_, id) => ({
    id, title: `Entry number ${id} of the field book`, author: `person-${id % 97}`, created: 1_700_000_000_000 + id * 60_000, done: id % 3 === 0,
    tags: ["field", `day-${id % 31}`], place: { name: "Upper meadow, north of the brook", latitude: 46.5 + id / 100_000, longitude: 7.9 },
    text: "Two pairs at the nest, one carrying food. Light wind, clear; the path was wet from the night before.",
  }));

const settled = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));

async function bulk({ createStorage }, type, count, rounds) {
  const list = records(count);
  const put = (encrypted) => async () => {
    const store = await createStorage({ name: `bench bulk ${encrypted}`, type, capacity: 1_000_000, collections: { log: { keyPath: "id", encrypted } } });
    if (encrypted) await store.credentials.unlock({ passphrase });
    const time = await timed(() => store.collection("log").putMany(list));
    await store.destroy();
    return time;
  };
  return beside(rounds, { sealed: put(true), plain: put(false) });
}

/** One value of so many bytes, beside bare Web Crypto and IndexedDB: encrypt, and the same put. */
async function large({ createStorage }, bytes, kind, rounds) {
  const binary = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(binary.subarray(at, Math.min(bytes, at + 65_536)));
  const value = kind === "bytes" ? binary : "The brook ran high. ".repeat(bytes / 20);
  const store = await createStorage({ name: "bench large", type: "indexeddb", collections: { blobs: { encrypted: true } } });
  await store.credentials.unlock({ passphrase });
  const request = indexedDB.open("bench bare", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("blobs");
  const bare = await settled(request);
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  let [at, besideAt] = [0, 0];
  const tasks = {
    tidekeep: () => timed(() => store.set(`t${(at += 1)}`, value, { namespace: "blobs" })),
    bare: () =>
      timed(async () => {
        const plain = kind === "bytes" ? value : new TextEncoder().encode(value);
        const iv = crypto.getRandomValues(new Uint8Array(12));
        const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain));
        const transaction = bare.transaction("blobs", "readwrite", { durability: "relaxed" });
        transaction.objectStore("blobs").put({ iv, sealed }, `b${(besideAt += 1)}`);
        await new Promise((resolve, reject) => Object.assign(transaction, { oncomplete: resolve, onabort: reject }));
      }),
  };
  const written = await beside(rounds, tasks);
  const reading = {
    tidekeep: () => timed(() => store.get("t1", { namespace: "blobs" })),
    bare: () =>
      timed(async () => {
        const { iv, sealed } = await settled(bare.transaction("blobs").objectStore("blobs").get("b1"));
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
        if (kind !== "bytes") new TextDecoder().decode(plain);
      }),
  };
  const read = await beside(rounds, reading);
  await store.destroy();
  bare.close();
  await settled(indexedDB.deleteDatabase("bench bare"));
  return { written, read };
}

/** What a value of each size takes, one after the other: sealed and plain in memory, and bare Web Crypto. Microseconds. */
async function sizes({ createStorage }) {
  const store = await createStorage({ name: "bench sizes", type: "memory", capacity: 1_000_000, collections: { sealed: { encrypted: true }, plain: {} } });
  await store.credentials.unlock({ passphrase });
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const figures = {};
  for (const size of [64, 330, 1024, 2048, 3072, 4000, 4096, 6144, 8192, 16_384, 32_768, 65_536, 262_144]) {
    const value = new Uint8Array(size).map((_, at) => at * 7);
    const count = size > 20_000 ? 20 : 100;
    const many = (task) => () => timed(async () => { for (let at = 0; at < count; at += 1) await task(at); });
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const written = await beside(5, { sealed: many((at) => store.set(at, value, { namespace: "sealed" })), plain: many((at) => store.set(at, value, { namespace: "plain" })) });
    const read = await beside(5, { sealed: many((at) => store.get(at, { namespace: "sealed" })), plain: many((at) => store.get(at, { namespace: "plain" })) });
    const bare = await beside(5, { one: many(() => crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, value)), together: () => timed(() => Promise.all(Array.from({ length: count }, () => crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, value)))) });
    const each = (time) => Math.round((1000 * time) / count);
    figures[size] = { sealing: each(written.sealed - written.plain), opening: each(read.sealed - read.plain), webCrypto: each(bare.one), webCryptoTogether: each(bare.together) };
  }
  await store.destroy();
  if (wanted.includes("once")) figures["unlocking once, ms"] = round(await unlocked(tidekeep));
  return figures;
}

/** Unlocking by passphrase a store that stays, in a browser that knows nothing of it; a new one the first time. */
async function unlocked({ createStorage }) {
  const store = await createStorage({ name: "bench unlock", type: "indexeddb" });
  const time = await timed(() => store.credentials.unlock({ passphrase }));
  await store.close();
  return time;
}

/** A store that is there, again and again in one page, beside bare PBKDF2. Firefox remembers what it has derived. */
async function unlock(tidekeep, rounds) {
  await unlocked(tidekeep);
  const password = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveBits"]);
  const salted = () => ({ name: "PBKDF2", hash: "SHA-256", iterations: 600_000, salt: crypto.getRandomValues(new Uint8Array(16)) });
  return beside(rounds, {
    unlock: () => unlocked(tidekeep),
    bare: () => timed(() => crypto.subtle.deriveBits(salted(), password, 256)),
  });
}

export async function work(tidekeep, wanted = ["bulk", "large", "sizes", "unlock"]) {
  const figures = {};
  if (wanted.includes("bulk")) {
    const bulks = (figures["records of 330 B, ms"] = { "10000, memory": await bulk(tidekeep, "memory", 10_000, 5) });
    for (const count of [5000, 10_000, 20_000]) bulks[`${count}, indexeddb`] = await bulk(tidekeep, "indexeddb", count, 7);
  }
  if (wanted.includes("large")) {
    figures["one value of 10 MB, ms"] = { bytes: await large(tidekeep, 10_000_000, "bytes", 9), text: await large(tidekeep, 10_000_000, "text", 9) };
  }
  if (wanted.includes("sizes")) figures["one value of so many bytes, µs"] = await sizes(tidekeep);
  if (wanted.includes("unlock")) figures["unlocking by passphrase, ms"] = await unlock(tidekeep, 9);
  if (wanted.includes("once")) figures["unlocking once, ms"] = round(await unlocked(tidekeep));
  return figures;
}
