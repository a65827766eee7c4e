// The work that bench/search.js measures; it runs in Node and in pages.

const shape = (cities) => cities.map(({ name, country, admin1 }, id) => ({ id, name, country, region: `${country} ${admin1}` }));
const fields = ["name", "country", "region"];
const now = () => performance.now();
const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
const round = (number) => Math.round(number * 100) / 100;

async function timed(task) {
  const start = now();
  const value = await task();
  return [now() - start, value];
}

/** The latencies of searches, one after the other: words, beginnings of three letters, two words. */
async function latencies(cities, search) {
  const texts = [];
  for (let at = 0; at < 200; at += 1) {
    const name = cities[(at * 47) % cities.length].name;
    texts.push([name.split(" ")[0], false], [name.slice(0, 3), true], [`${name.slice(0, 2)} ${cities[at].country}`, true]);
  }
  for (const text of texts.slice(0, 60)) await search(...text);
  const times = [];
  for (const text of texts) times.push((await timed(() => search(...text)))[0]);
  times.sort((a, b) => a - b);
  return { searches: times.length, p50: round(percentile(times, 0.5)), p95: round(percentile(times, 0.95)), most: round(times.at(-1)) };
}

/** The longest time for which nothing else went on, while a task ran. */
async function held(task) {
  let [longest, last, on] = [0, now(), true];
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    longest = Math.max(longest, now() - last);
    last = now();
    if (on) channel.port2.postMessage(0);
  };
  channel.port2.postMessage(0);
  const [time, value] = await timed(task);
  on = false;
  channel.port1.close();
  return { time: round(time), longest: round(longest), value };
}

export async function work({ createStorage }, MiniSearch, list, type) {
  const cities = shape(list);
  const options = (search) => ({ name: `bench ${search}`, type, capacity: 1_000_000, collections: { cities: { keyPath: "id", ...(search && { search: fields }) } } });
  const figures = { type, documents: cities.length };
  for (const searched of [false, true]) {
    const store = await createStorage(options(searched));
    const collection = store.collection("cities");
    const { time, longest } = await held(() => collection.putMany(cities));
    const [single] = await timed(() => Promise.all(cities.slice(0, 500).map((city) => collection.put(city))));
    const [one] = await timed(async () => {
      for (const city of cities.slice(0, 200)) await collection.put(city);
    });
    figures[searched ? "searched" : "unsearched"] = { putMany: time, longestTask: longest, "500 puts at once": round(single), "one of 200 puts": round(one / 200) };
    if (searched) {
      const [first] = await timed(() => collection.search("lisboa"));
      figures.firstSearch = round(first);
      figures.tidekeep = await latencies(cities, (text, prefix) => collection.search(text, { prefix, limit: 20 }));
    }
    if (searched && type !== "memory") {
      await store.close();
      const again = await createStorage(options(true));
      const cold = await held(() => again.collection("cities").search("lisboa"));
      figures.coldSearch = { time: cold.time, longestTask: cold.longest };
      const rebuilt = await held(() => again.collection("cities").reindex());
      figures.reindex = { time: rebuilt.time, longestTask: rebuilt.longest };
      await again.destroy();
    } else {
      await store.destroy();
    }
  }
  const peer = new MiniSearch({ fields });
  figures.minisearchBuild = round((await timed(() => peer.addAll(cities)))[0]);
  figures.minisearch = await latencies(cities, (text, prefix) => peer.search(text, { prefix, combineWith: "AND" }).slice(0, 20));
  return figures;
}
