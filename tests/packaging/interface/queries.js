// Promises about queries: pages, iteration, what can be asked, and what is refused.

import { refused, same } from "./check.js";

const places = { collections: { places: { keyPath: "id", indexes: ["name", "country", "*kinds", "*$tags", "$meta.rank"] } } };

const numbered = (from, to) => Array.from({ length: to - from }, (_, at) => from + at);

/** A collection of records 0 to 99: names n00 to n99, ten countries. */
async function hundred(open) {
  const store = await open(places);
  const collection = store.collection("places");
  const text = (n) => String(n).padStart(2, "0");
  await collection.putMany(numbered(0, 100).map((n) => ({ id: n, name: `n${text(n)}`, country: `c${n % 10}`, size: (n * 37) % 100 })));
  return collection;
}

const ids = (rows) => rows.map((row) => row.key);

/** All pages, and how many rows each was read for. */
async function pages(collection, filter, options) {
  const found = [];
  const read = [];
  let after;
  do {
    const page = await collection.query(filter, { ...options, after });
    read.push((await collection.explain(filter, { ...options, after })).rowsRead);
    found.push(ids(page));
    after = page.next;
  } while (after !== undefined);
  return { found, read };
}

export const cases = {
  "pages follow each other by index, at a cost that does not grow": async ({ open }) => {
    const collection = await hundred(open);
    const all = numbered(0, 100);
    const prefix = { field: "name", operator: "startsWith", value: "n" };
    for (const [filter, sort, index] of [
      [[], { field: "id" }, null],
      [prefix, { field: "name" }, "name"],
    ]) {
      for (const order of ["asc", "desc"]) {
        const { found, read } = await pages(collection, filter, { sort: { ...sort, order }, limit: 7 });
        same(found.flat(), order === "asc" ? all : [...all].reverse(), `${index} ${order}`);
        same(found.map((page) => page.length), [...Array(14).fill(7), 2]);
        same(read, [...Array(14).fill(7), 2], "rows read");
      }
    }
    const one = { field: "country", operator: "eq", value: "c3" };
    const { found, read } = await pages(collection, one, { sort: { field: "$key", order: "desc" }, limit: 4 });
    same([found, read], [[[93, 83, 73, 63], [53, 43, 33, 23], [13, 3]], [4, 4, 2]]);
    const exact = await pages(collection, one, { limit: 5 });
    same(exact.found, [[3, 13, 23, 33, 43], [53, 63, 73, 83, 93]], "a last page that is full has no next");
  },

  "pages follow each other in an order of memory, and through conditions": async ({ open }) => {
    const collection = await hundred(open);
    const bySize = numbered(0, 100).sort((a, b) => ((a * 37) % 100) - ((b * 37) % 100));
    same((await pages(collection, [], { sort: { field: "size" }, limit: 9 })).found.flat(), bySize);
    const odd = { field: "name", operator: "endsWith", value: "7" };
    same((await pages(collection, odd, { limit: 3 })).found, [[7, 17, 27], [37, 47, 57], [67, 77, 87], [97]]);
    const some = { or: [{ field: "country", operator: "eq", value: "c1" }, { field: "country", operator: "gte", value: "c9" }] };
    const plan = await collection.explain(some);
    same([plan.index, plan.residual, plan.rowsRead], ["country", [], 20]);
    same((await pages(collection, some, { limit: 6 })).found.flat(), [...numbered(0, 10).map((n) => n * 10 + 1), ...numbered(0, 10).map((n) => n * 10 + 9)]);
  },

  "an or over several fields is read by the index of each, and no record comes twice": async ({ open }) => {
    const collection = await hundred(open);
    const country = { field: "country", operator: "eq", value: "c3" };
    const name = { field: "name", operator: "startsWith", value: "n1" };
    const key = { field: "$key", operator: "gte", value: 98 };
    const wanted = [3, 13, 23, 33, 43, 53, 63, 73, 83, 93, 10, 11, 12, 14, 15, 16, 17, 18, 19, 98, 99];
    const some = { or: [country, { or: [name, key] }] };
    const plan = await collection.explain(some);
    same([plan.index, plan.residual, plan.sorted, plan.rowsRead], ["country or name or $key", [], "none", 22]);
    same(plan.range, 'country ["c3"] or name ["n1" .. "n2") or $key [98 .. {"number":"Infinity"}]');
    for (const limit of [1, 4, 9]) same((await pages(collection, some, { limit })).found.flat(), wanted, `in pages of ${limit}`);
    same(ids(await collection.query(some, { offset: 8, limit: 4 })), wanted.slice(8, 12));
    same(await collection.count(some), 21);
    const rows = await pages(collection, some, { sort: { field: "$key", order: "desc" }, limit: 8 });
    same(rows.found.flat(), [...wanted].sort((a, b) => b - a));
    const small = [some, { field: "size", operator: "lt", value: 50 }];
    same((await collection.explain(small)).residual, ["size lt"]);
    same(ids(await collection.query(small)), wanted.filter((n) => (n * 37) % 100 < 50));
    const unserved = await collection.explain({ or: [country, { field: "size", operator: "eq", value: 1 }] });
    same([unserved.index, unserved.rowsRead], [null, 100], "where a branch has no index, everything is read, once");
  },

  "a page goes on where it was, whatever was written or deleted meanwhile": async ({ open }) => {
    const collection = await hundred(open);
    for (const sort of [{ field: "name" }, { field: "size" }]) {
      const filter = { field: "name", operator: "gte", value: "" };
      const first = await collection.query(filter, { sort, limit: 10 });
      const rest = ids(await collection.query(filter, { sort })).slice(10);
      const last = first.at(-1);
      await collection.delete(last.key);
      const behind = { id: 500, name: `${last.value.name}+`, size: last.value.size + 0.5 };
      await collection.put(behind);
      await collection.put({ id: -1, name: "a", size: -1 });
      const more = await collection.query(filter, { sort, limit: 1000, after: first.next });
      same(ids(more), [500, ...rest], sort.field);
      same("next" in more, false);
      await collection.deleteMany([500, -1]);
      await collection.put(last.value);
    }
  },

  "a cursor that was changed, or is of another query, is INVALID_QUERY": async ({ open, StorageError }) => {
    const collection = await hundred(open);
    const filter = { field: "name", operator: "startsWith", value: "n" };
    const options = { sort: { field: "name" }, limit: 5 };
    const { next } = await collection.query(filter, options);
    same(/^[A-Za-z0-9_-]+$/.test(next), true, "it fits into an address");
    const ask = (after, changes = {}, asked = filter) => () => collection.query(asked, { ...options, ...changes, after });
    for (const at of [0, 5, 20, next.length - 1]) {
      const other = next[at] === "A" ? "B" : "A";
      await refused(StorageError, ask(next.slice(0, at) + other + next.slice(at + 1)), "INVALID_QUERY");
    }
    for (const text of ["", "x", "ä", next.slice(1), `${next}A`, "A".repeat(1000)]) await refused(StorageError, ask(text), "INVALID_QUERY");
    await refused(StorageError, ask(5), "INVALID_CONFIG");
    const foreign = [ask(next, { sort: { field: "name", order: "desc" } }), ask(next, { sort: { field: "id" } }), ask(next, {}, []), ask(next, {}, { ...filter, value: "m" })];
    for (const call of foreign) same((await refused(StorageError, call, "INVALID_QUERY")).message.includes("another query"), true);
    await refused(StorageError, ask(next, { offset: 1 }), "INVALID_QUERY");
    same((await ask(next, { limit: 2 })()).map((row) => row.key), [5, 6], "the limit may differ");
    same((await ask(undefined, { offset: 2, limit: 1 })()).map((row) => row.key), [2]);
    same(((page) => [page.length, "next" in page])(await ask(undefined, { limit: 0 })()), [0, false]);
  },

  "iterating goes through everything, reads ahead, and ends where it is told": async ({ open, StorageError }) => {
    const store = await open({ collections: { many: { keyPath: "id", indexes: ["half"] } } });
    const many = store.collection("many");
    await many.putMany(numbered(0, 1000).map((id) => ({ id, half: id >> 1 })));
    const gone = async (options) => {
      const found = [];
      for await (const { key, value } of many.iterate(options)) found.push(value.id === key ? key : "?");
      return found;
    };
    same(await gone(), numbered(0, 1000));
    const filter = { field: "half", operator: "gte", value: 100 };
    same(await gone({ filter, sort: { field: "half", order: "desc" } }), numbered(200, 1000).reverse());
    same(await gone({ filter, limit: 300, offset: 5 }), numbered(205, 505));
    same([await gone({ limit: 0 }), await gone({ filter: { field: "half", operator: "lt", value: 0 } })], [[], []]);
    const { next } = await many.query(filter, { limit: 3 });
    same(await gone({ filter, limit: 2, after: next }), [203, 204]);
    let seen = 0;
    for await (const row of many.iterate()) {
      if (row.key === 0) await many.put({ id: 0.5, half: 0 });
      if ((seen += 1) === 300) break;
    }
    same(seen, 300);
    for (const options of [{ limit: -1 }, { sorts: 1 }, "x", { limit: "a" }]) await refused(StorageError, () => gone(options), "INVALID_CONFIG");
    await refused(StorageError, () => gone({ filter: { field: "a", operator: "~" } }), "INVALID_QUERY");
  },

  "tags and metadata have indexes, in sealed collections too": async ({ open }) => {
    const store = await open({
      collections: { ...places.collections, secrets: { keyPath: "id", encrypted: true, indexes: ["*$tags", "$meta.rank"] } },
      encryption: { key: "passphrase", passphrase: () => "correct horse battery staple" },
    });
    for (const name of ["places", "secrets"]) {
      const collection = store.collection(name);
      await collection.put({ id: 1, name: "a" }, { tags: ["sea", "hills"], metadata: { rank: 2 } });
      await collection.put({ id: 2, name: "b" }, { tags: ["sea"], metadata: { rank: 1 } });
      await collection.put({ id: 3, name: "c" });
      const asked = [
        [{ field: "$tags", operator: "contains", value: "sea" }, "$tags", [1, 2]],
        [{ field: "$meta.rank", operator: "gt", value: 0 }, "$meta.rank", [2, 1]],
        [{ or: ["hills", "sea"].map((value) => ({ field: "$tags", operator: "contains", value })) }, "$tags", [1, 2]],
      ];
      for (const [filter, index, keys] of asked) {
        same(ids(await collection.query(filter)), keys, `${name} ${index}`);
        const plan = await collection.explain(filter);
        same([plan.index, plan.residual], [index, []]);
        same(await collection.count(filter), 2);
      }
      await collection.put({ id: 1, name: "a" }, { tags: [] });
      same([await collection.count(asked[0][0]), await collection.count(asked[2][0])], [1, 1], "an index follows");
    }
  },

  "what the system keeps can be asked for and sorted by": async ({ open }) => {
    const collection = await hundred(open);
    const before = new Date(Date.now() - 60_000);
    await collection.put({ id: 5, name: "again" }, { ttl: 60_000 });
    const count = (field, operator, value) => collection.count({ field, operator, value });
    same(await count("$version", "gt", 1), 1);
    same([await count("$created", "gt", before), await count("$modified", "lt", before)], [100, 0]);
    same([await count("$expires", "exists", true), await count("$expires", "gt", new Date())], [1, 1]);
    same(ids(await collection.query([], { sort: [{ field: "$version", order: "desc" }, { field: "$key" }], limit: 2 })), [5, 0]);
  },

  "ne and nin leave the missing out, unless it is included": async ({ open, StorageError }) => {
    const store = await open();
    const box = store.namespace("box");
    for (const [key, value] of Object.entries({ a: { x: 1 }, b: { x: 2 }, c: {}, d: { x: null } })) await store.set(key, value, { namespace: "box" });
    const hits = async (filter) => ids(await box.query(filter)).join("");
    same(await hits({ field: "x", operator: "ne", value: 1 }), "bd");
    same(await hits({ field: "x", operator: "ne", value: 1, includeMissing: false }), "bd");
    same(await hits({ field: "x", operator: "ne", value: 1, includeMissing: true }), "bcd");
    same(await hits({ field: "x", operator: "nin", value: [1, null], includeMissing: true }), "bc");
    for (const filter of [{ field: "x", operator: "eq", value: 1, includeMissing: true }, { field: "x", operator: "ne", value: 1, includeMissing: "yes" }]) {
      await refused(StorageError, () => box.query(filter), "INVALID_QUERY");
    }
  },

  "a count by an index is exact while entries whose time is over are still there": async ({ open }) => {
    const collection = await hundred(open);
    await collection.put({ id: 200, name: "n200", country: "c3", kinds: ["a", "b"] }, { ttl: 1 });
    await collection.put({ id: 201, name: "n201", country: "c3", kinds: ["a", "b"] });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const count = (field, operator, value) => collection.count({ field, operator, value });
    same([await count("country", "eq", "c3"), await count("name", "startsWith", "n2"), await count("id", "gte", 200)], [11, 11, 1]);
    same([await count("kinds", "contains", "a"), await count("kinds", "startsWith", ""), await count("size", "gte", 0)], [1, 0, 100]);
    same(await collection.count({ or: ["a", "b"].map((value) => ({ field: "kinds", operator: "contains", value })) }), 1);
  },

  "what is no key is in no index, whatever the engine keeps there": async ({ open }) => {
    const collection = (await open(places)).collection("places");
    await collection.putMany([[{}, "a"], ["a"], [null], null, true, { length: 1 }, [["a", {}]], NaN].map((name, id) => ({ id, name, kinds: name })));
    for (const [operator, value, found] of [["lt", ["b"], [1]], ["gte", [], [1]], ["gt", [""], [1]], ["eq", ["a"], [1]], ["gte", "", []]]) {
      const filter = { field: "name", operator, value };
      same([ids(await collection.query(filter)), await collection.count(filter)], [found, found.length], `${operator} ${value}`);
      if (found.length > 0) same((await pages(collection, filter, { limit: 1, sort: { field: "name", order: "desc" } })).found.flat(), found);
    }
  },

  "a delimiter lists as a folder: what lies directly under the prefix, and the folders": async ({ open, StorageError }) => {
    const store = await open();
    const keys = ["a", "a/1", "a/2", "a/b/1", "a/b/2", "a/b/c/1", "a/z", "a//", "b/1", "ä/1", 7];
    for (const key of keys) await store.set(key, key, { namespace: "files" });
    await store.set("a/over/1", 1, { namespace: "files", ttl: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const list = async (options) => {
      const found = await store.list({ namespace: "files", delimiter: "/", ...options });
      return [found.map((item) => item.key), found.folders];
    };
    same(await list(), [[7, "a"], ["a/", "b/", "ä/"]]);
    same(await list({ prefix: "a/" }), [["a/1", "a/2", "a/z"], ["a//", "a/b/"]]);
    same(await list({ prefix: "a/b/" }), [["a/b/1", "a/b/2"], ["a/b/c/"]]);
    same(await list({ prefix: "a/b" }), [[], ["a/b/"]]);
    same(await list({ prefix: "none/" }), [[], []]);
    same(await list({ prefix: "a/", limit: 2 }), [["a/1"], ["a//"]]);
    same(await list({ prefix: "a/", offset: 2, limit: 2 }), [["a/2"], ["a/b/"]]);
    same(await list({ delimiter: "/b/", prefix: "a" }), [["a", "a//", "a/1", "a/2", "a/z"], ["a/b/"]]);
    const many = numbered(0, 300).flatMap((n) => [`m/${n}/x`, `m/${n}/y`, `m/i${n}`]);
    await store.setMany(many.map((key) => ({ key, value: 1 })), { namespace: "files" });
    const [items, folders] = await list({ prefix: "m/" });
    same([items.length, folders.length, folders[4]], [300, 300, "m/101/"]);
    same("folders" in (await store.list({ namespace: "files" })), false);
    for (const options of [{ delimiter: "" }, { delimiter: "/", pattern: "a*" }, { delimiter: 5 }, { prefix: "\ud800" }]) {
      await refused(StorageError, () => store.list({ namespace: "files", ...options }), "INVALID_CONFIG");
    }
    await refused(StorageError, () => store.keys({ delimiter: "/" }), "INVALID_CONFIG");
  },

  "what cannot be asked is INVALID_QUERY": async ({ open, StorageError }) => {
    const collection = await hundred(open);
    const cyclic = { and: [] };
    cyclic.and.push(cyclic, cyclic);
    const is = (operator, value, field = "name") => ({ field, operator, value });
    const filters = [
      is("like", "a"), is("Eq", "a"), is("eq", undefined), is("eq", NaN), is("gt", NaN), is("eq", {}), is("gt", null), is("in", "abc"), is("between", [1]),
      is("eq", new Date(NaN)), is("eq", "\ud800"), is("startsWith", "\udc00"), is("startsWith", 5), is("exists", 1), is("eq", () => 1), is("eq", Symbol("x")),
      is("eq", 1n), is("eq", 1, ""), is("eq", 1, "$nope"), is("eq", 1, "a..b"), is("eq", 1, "\ud800"), is("eq", 1, 5), is(5, 1), is(undefined, 1),
      cyclic, { not: cyclic }, { and: 5 }, {}, { and: [], or: [] }, 5, "name", [5], [[]], { ...is("eq", 1), extra: 1 },
    ];
    for (const filter of filters) {
      for (const call of [() => collection.query(filter), () => collection.explain(filter), () => collection.count(filter)]) {
        const error = await call().then(() => "nothing", (error) => error);
        if (!(error instanceof StorageError) || !["INVALID_QUERY", "INVALID_VALUE"].includes(error.code)) {
          throw new Error(`filter ${filters.indexOf(filter)}: ${error?.code} ${error?.message ?? error}`);
        }
      }
    }
    const sorts = [5, "name", {}, { field: 5 }, { field: "" }, { field: "$nope" }, { field: "a", order: "up" }, { field: "a", order: 1 }, { field: "a", direction: "desc" }, Array(17).fill({ field: "a" })];
    for (const sort of sorts) await refused(StorageError, () => collection.query([], { sort }), "INVALID_QUERY");
    for (const options of [{ limit: NaN }, { limit: 1.5 }, { offset: -1 }, { limit: "1" }, { page: 1 }]) {
      await refused(StorageError, () => collection.query([], options), "INVALID_CONFIG");
    }
    same((await collection.query([], { sort: { field: "kinds" }, limit: 1 })).length, 1, "what is nowhere sorts as missing");
  },

  "an index that cannot be is INVALID_CONFIG": async ({ open, StorageError }) => {
    for (const index of ["$tags", "$key", "$created", "*$", "$meta", "$meta.", "$meta.a b", "[a+$tags]"]) {
      await refused(StorageError, () => open({ collections: { places: { indexes: [index] } } }), "INVALID_CONFIG");
    }
    for (const index of ["name", "[name+$meta.a]"]) {
      await refused(StorageError, () => open({ collections: { places: { encrypted: true, indexes: [index] } } }), "INVALID_CONFIG");
    }
  },
};
