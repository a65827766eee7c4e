import { refused, same } from "./check.js";

const books = { collections: { books: { keyPath: "id", search: [{ field: "title", weight: 3 }, "about.text", "tags"] } } };
const keys = (hits) => hits.map((hit) => hit.key);

export const cases = {
  "a search finds words in declared fields, the best first, with score and matched words": async ({ open }) => {
    const store = await open(books);
    const { search } = store.getCapabilities();
    same(search, true);
    const collection = store.collection("books");
    await collection.putMany([
      { id: "sea", title: "The sea", about: { text: "Waves and wind" }, year: 1978 },
      { id: "land", title: "The land", about: { text: "A sea of grass, far from the sea" }, tags: ["grass", "wind"] },
      { id: "sky", title: "The sky", about: {}, tags: "wind" },
    ]);
    const hits = await collection.search("SEA");
    same(keys(hits), ["sea", "land"]);
    same([hits[0].value.year, hits[0].matched, hits[0].score > hits[1].score, hits.next], [1978, ["sea"], true, undefined]);
    same(keys(await collection.search("sea wind")).sort(), ["land", "sea"]);
    same(keys(await collection.search("grass sea")), ["land"]);
    same(keys(await collection.search("grass waves")), []);
    same(keys(await collection.search("grass waves", { match: "any" })).sort(), ["land", "sea"]);
    same(keys(await collection.search("sea", { fields: ["title"] })), ["sea"]);
    same(keys(await collection.search("1978")), [], "a field that is not declared");
    await collection.update("sky", { title: "The sea of stars" });
    await collection.delete("sea");
    same(keys(await collection.search("sea")).sort(), ["land", "sky"]);
    await collection.clear();
    same(keys(await collection.search("sea")), []);
  },

  "a search by beginnings takes each word, or the last": async ({ open }) => {
    const collection = (await open(books)).collection("books");
    await collection.putMany(["sea", "seal", "season", "search party"].map((title) => ({ id: title, title })));
    same(keys(await collection.search("sea", { prefix: true })), ["sea", "seal", "season", "search party"]);
    same(keys(await collection.search("sear part", { prefix: true })), ["search party"]);
    same(keys(await collection.search("sear part", { prefix: "last" })), []);
    same((await collection.search("search par", { prefix: "last" }))[0].matched, ["search", "party"]);
    same(keys(await collection.search("sea", { prefix: false })), ["sea"]);
  },

  "hits come in pages that fit together": async ({ open, StorageError }) => {
    const collection = (await open(books)).collection("books");
    const all = Array.from({ length: 45 }, (_, at) => ({ id: `b${String(at).padStart(2, "0")}`, title: at % 2 ? "one sea" : "sea" }));
    await collection.putMany(all);
    const found = [];
    let after;
    do {
      const page = await collection.search("sea", { after, limit: 10 });
      found.push(...keys(page));
      after = page.next;
    } while (after);
    const wanted = [0, 1].flatMap((odd) => all.filter((_, at) => at % 2 === odd).map(({ id }) => id));
    same(found, wanted);
    same((await collection.search("sea")).length, 20, "without a limit");
    const { next } = await collection.search("sea", { limit: 3 });
    await refused(StorageError, () => collection.search("one", { after: next }), "INVALID_QUERY");
    await refused(StorageError, () => collection.search("sea", { after: `${next}x`.replace(".", "") }), "INVALID_QUERY");
    same(keys(await collection.search("sea", { limit: 0 })), []);
  },

  "words are cut and folded as the examples of the format say": async ({ open, words }) => {
    const collection = (await open(books)).collection("books");
    for (const [at, { text, words: wanted }] of words.entries()) {
      await collection.put({ id: `${at}`, title: text });
      const hits = await collection.search(text, { match: "all", limit: 100 });
      const own = hits.find(({ key }) => key === `${at}`);
      same(own ? [...own.matched].sort() : [], [...new Set(wanted)].sort(), JSON.stringify(text));
    }
  },

  "what is hard to search for has a defined answer": async ({ open, StorageError }) => {
    const store = await open({ collections: { ...books.collections, plain: {}, sealed: { keyPath: "id", encrypted: true } } });
    const collection = store.collection("books");
    const long = "a".repeat(100_000);
    await collection.putMany([
      { id: "lone", title: "lone \ud800 surrogate\udc00s" },
      { id: "emoji", title: "🙂 👩‍👩‍👧" },
      { id: "long", title: `${long} b` },
      { id: "odd", title: { text: "sea" }, about: 7, tags: [1995, null, new Date(0), ["deep"], "sea"] },
      { id: "none" },
    ]);
    for (const text of ["", "  ", "\n", "…", "🙂", "\ud800"]) same(await collection.search(text), [], JSON.stringify(text));
    same(keys(await collection.search("surrogate s")), ["lone"]);
    same(keys(await collection.search(long)), ["long"]);
    same(keys(await collection.search("1995 sea")), ["odd"]);
    const many = (count) => Array.from({ length: count }, (_, at) => `w${at}`).join(" ");
    same(await collection.search(many(100)), []);
    for (const count of [101, 10_000]) await refused(StorageError, () => collection.search(many(count)), "INVALID_QUERY");
    const again = await collection.search("sea ".repeat(10_000));
    same(keys(again), ["odd"], "one word, ten thousand times");
    for (const text of [undefined, null, 7, {}]) await refused(StorageError, () => collection.search(text), "INVALID_QUERY");
    await refused(StorageError, () => collection.search("sea", { fields: ["year"] }), "INVALID_QUERY");
    await refused(StorageError, () => store.collection("plain").search("sea"), "INVALID_QUERY");
    await refused(StorageError, () => store.collection("sealed").reindex(), "INVALID_QUERY");
    for (const options of [{ match: "some" }, { prefix: "first" }, { limit: -1 }, { fuzzy: 1 }, { after: 1 }]) {
      await refused(StorageError, () => collection.search("sea", options), "INVALID_CONFIG");
    }
  },

  "a search index that makes no sense is refused at opening": async ({ open, StorageError }) => {
    const wrong = [
      { search: ["title"], encrypted: true }, { search: "title" }, { search: [""] }, { search: [7] }, { search: ["title", "title"] },
      { search: [{ weight: 2 }] }, { search: [{ field: "title", weight: 0 }] }, { search: [{ field: "title", boost: 2 }] },
    ];
    for (const options of wrong) await refused(StorageError, () => open({ collections: { books: options } }), "INVALID_CONFIG");
  },

  "an entry whose time is over is not found": async ({ open }) => {
    const collection = (await open(books)).collection("books");
    await collection.put({ id: "past", title: "sea" }, { expiration: new Date(0) });
    await collection.put({ id: "there", title: "sea" });
    same(keys(await collection.search("sea")), ["there"]);
  },

  "a write that fails leaves the index as it was": async ({ open, StorageError }) => {
    const collection = (await open(books)).collection("books");
    await collection.put({ id: "1", title: "first" });
    const batch = [{ id: "2", title: "second" }, { id: "1", title: "other" }];
    await refused(StorageError, () => collection.putMany(batch, { overwrite: false }), "ALREADY_EXISTS");
    same([keys(await collection.search("first")), keys(await collection.search("second other", { match: "any" }))], [["1"], []]);
    const outcomes = await collection.putMany(batch, { overwrite: false, atomic: false });
    same([...outcomes.values()].map(({ success }) => success), [true, false]);
    same(keys(await collection.search("first second other", { match: "any" })).sort(), ["1", "2"]);
  },

  "an index outlives its store, and is built where it was declared later, over other fields too": async ({ open, type }) => {
    if (type === "memory") return;
    const undeclared = await open({ collections: { books: { keyPath: "id" } } });
    const all = Array.from({ length: 1200 }, (_, at) => ({ id: `${at}`, title: `title t${at}`, note: `note n${at}` }));
    await undeclared.collection("books").putMany(all);
    await undeclared.close();
    const told = [];
    const first = await open({ collections: { books: { keyPath: "id", search: ["title"] } } });
    same(keys(await first.collection("books").search("t1199", { onProgress: (...progress) => told.push(progress) })), ["1199"]);
    same([told.length > 2, told.at(-1)], [true, [1200, 1200]]);
    await first.collection("books").put({ id: "0", title: "changed" });
    await first.close();
    const second = await open({ collections: { books: { keyPath: "id", search: ["title", "note"] } } });
    told.length = 0;
    same(keys(await second.collection("books").search("n7", { onProgress: (...progress) => told.push(progress) })), ["7"]);
    same(told.at(-1), [1200, 1200]);
    same([keys(await second.collection("books").search("changed")), keys(await second.collection("books").search("t0"))], [["0"], []]);
    await second.close();
    told.length = 0;
    const third = await open({ collections: { books: { keyPath: "id", search: ["title"] } } });
    same(keys(await third.collection("books").search("t7", { onProgress: (...progress) => told.push(progress) })), ["7"]);
    same(told, [], "the index serves the older declaration too");
    await third.collection("books").reindex({ onProgress: (...progress) => told.push(progress) });
    same([told.at(-1), keys(await third.collection("books").search("t8"))], [[1200, 1200], ["8"]]);
  },

  "a search finds what another store over the same database has written": async ({ open, type }) => {
    if (type === "memory") return;
    const [one, two] = [await open(books), await open(books)].map((store) => store.collection("books"));
    for (let at = 0; at < 100; at += 1) {
      await (at % 2 ? one : two).put({ id: `${at % 7}`, title: `sea w${at}` });
      if (at % 10 === 9) same([keys(await one.search(`w${at}`)), keys(await two.search(`w${at - 1}`))], [[`${at % 7}`], [`${(at - 1) % 7}`]]);
    }
    same([(await one.search("sea")).length, (await two.search("sea")).length, keys(await two.search("w50"))], [7, 7, []]);
    await two.clear();
    same(await one.search("sea"), []);
  },

  "what a version without the index changes is found, and so are records under another keyPath": async ({ open, type }) => {
    if (type === "memory") return;
    const first = await open(books);
    await first.collection("books").putMany([{ id: "1", isbn: "a", title: "sea" }, { id: "2", isbn: "b", title: "land" }]);
    same(keys(await first.collection("books").search("sea")), ["1"]);
    const older = await open({ collections: { books: { keyPath: "id" } } });
    await older.collection("books").update("2", { title: "the sea" });
    same(keys(await first.collection("books").search("sea")).sort(), ["1", "2"], "in a store that is open meanwhile");
    await older.collection("books").putMany([{ id: "1", isbn: "a", title: "sky" }]);
    await first.collection("books").put({ id: "3", isbn: "c", title: "sea" });
    same([keys(await first.collection("books").search("sky")), keys(await first.collection("books").search("sea")).sort()], [["1"], ["2", "3"]]);
    await first.close();
    await older.close();
    const rekeyed = await open({ collections: { books: { ...books.collections.books, keyPath: "isbn" } } });
    same(keys(await rekeyed.collection("books").search("sea")).sort(), ["b", "c"]);
  },

  "logs stay short, and hundreds of writes at once are all found": async ({ open, type, rows }) => {
    const store = await open(books);
    const collection = store.collection("books");
    await Promise.all(Array.from({ length: 500 }, (_, at) => collection.put({ id: `${at}`, title: `sea w${at}` })));
    same([(await collection.search("sea", { limit: 1000 })).length, keys(await collection.search("w499"))], [500, ["499"]]);
    if (type === "memory") return;
    for (let at = 0; at < 64; at += 1) await collection.put({ id: "0", title: "again" });
    await store.close();
    const left = (await rows("tidekeep:search/books")).length;
    if (left > 150) throw new Error(`${left} blocks are left of 564`);
  },

  "writes keep their order, however long their texts are": async ({ open }) => {
    const collection = (await open(books)).collection("books");
    const title = "word ".repeat(200_000);
    const long = collection.put({ id: "1", title });
    const short = collection.put({ id: "1", title: "short" });
    await Promise.all([long, short]);
    same((await collection.get("1")).title, "short");
    same([keys(await collection.search("short")), await collection.search("word")], [["1"], []]);
  },
};
