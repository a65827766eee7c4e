/**
 * The work that every engine does, in this order: `[name, what it is, the work]`. Each gives milliseconds, or nothing
 * where the engine has no such thing. What it read is checked, so that no engine is fast by answering wrongly.
 */

import { documents, GROUPS, keyOf, keys } from "./documents.js";
import { expect, median, repeated, timed } from "./measure.js";

const COUNT = 10_000;
const SMALL = 330;
const LARGE = 1_200;

export const works = [
  ["bulk", "write 10 000 documents of 330 B, three indexes", async ({ engine, fresh }) => {
    const all = documents(COUNT, SMALL);
    const taken = await timed(() => engine().putMany(all));
    await fresh();
    return taken;
  }],
  ["get", "1 000 gets in turn, first read", ({ engine }) =>
    timed(async () => {
      for (const id of keys(COUNT, 1_000)) {
        expect((await engine().get(id))?.id === id, `got another document than ${id}`);
      }
    })],
  ["get-again", "the same 1 000 gets again", ({ engine }) =>
    timed(async () => {
      for (const id of keys(COUNT, 1_000)) {
        await engine().get(id);
      }
    })],
  ["get-at-once", "1 000 gets at once, first read", async ({ engine }) => {
    const wanted = keys(COUNT, 2_000).slice(1_000);
    return timed(() => Promise.all(wanted.map((id) => engine().get(id))));
  }],
  ["get-many", "one read of 1 000 keys", async ({ engine }) => {
    const wanted = keys(COUNT, 3_000).slice(2_000);
    let found;
    const taken = await timed(async () => (found = await engine().getMany(wanted)));
    expect(found.every((document, at) => document.id === wanted[at]), "got other documents than were wanted");
    return taken;
  }],
  ["range", "a range of 1 000 by an index", ({ engine }) =>
    repeated(5, async (turn) => {
      const found = await engine().between(turn * 1_500, turn * 1_500 + 999);
      expect(found.length === 1_000, `a range of 1 000 has ${found.length}`);
    })],
  ["filter", "filter, sort, the first 20", ({ engine }) =>
    repeated(9, async (turn) => {
      const found = await engine().ofGroup(turn * 5, 20);
      const fits = found.every(({ group, created }, at) => group === turn * 5 && created === turn * 5 + at * GROUPS);
      expect(found.length === 20 && fits, "the first 20 of a group are others");
    })],
  ["first-page", "page 1 of 20", ({ engine }) => repeated(5, () => engine().pages(20)())],
  ["deep-page", "page 100 of 20", async ({ engine }) => {
    const taken = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const next = engine().pages(20);
      for (let page = 1; page < 100; page += 1) {
        await next();
      }
      let rows;
      taken.push(await timed(async () => (rows = await next())));
      expect(rows[0].created === 1_980 && rows.length === 20, "page 100 is another");
    }
    return median(taken);
  }],
  ["count", "count a range of 5 000", ({ engine }) =>
    repeated(5, async (turn) => {
      const found = await engine().count(turn * 1_000, turn * 1_000 + 4_999);
      expect(found === 5_000, `a range of 5 000 counts ${found}`);
    })],
  ["scan", "filter without an index over 10 000", ({ engine }) =>
    repeated(3, async (turn) => {
      const found = await engine().scan(["lantern meadow", "copper thistle", "cedar drift"][turn]);
      expect(found.length > 0 && found.every(({ done }) => done), "the filter let others through");
    })],
  ["all", "read all 10 000", ({ engine }) =>
    repeated(3, async () => {
      const found = await engine().all();
      expect(found.length === COUNT, `read ${found.length} of 10 000`);
    })],
  ["put", "200 puts in turn", async ({ engine }) => {
    const some = documents(200, SMALL).map((document, at) => ({ ...document, id: keyOf(COUNT + at), created: COUNT + at }));
    return timed(async () => {
      for (const document of some) {
        await engine().put(document);
      }
    });
  }],
  ["put-at-once", "500 puts at once", async ({ engine }) => {
    const some = documents(500, SMALL).map((document, at) => ({ ...document, id: keyOf(COUNT + 500 + at), created: COUNT + 500 + at }));
    return timed(() => Promise.all(some.map((document) => engine().put(document))));
  }],
  ["update", "200 documents changed in turn", async ({ engine }) => {
    const wanted = keys(COUNT, 200);
    const taken = await timed(async () => {
      for (const id of wanted) {
        await engine().update(id, { done: true });
      }
    });
    expect((await engine().get(wanted[7])).done === true, "an update was lost");
    return taken;
  }],
  ["live", "from a write to the callback of a live query", async ({ engine }) => {
    if (!engine().watch) {
      return undefined;
    }
    let heard = () => undefined;
    const stop = engine().watch(20_000, 20_100, () => heard());
    await new Promise((resolve) => (heard = resolve));
    const [document] = documents(1, SMALL);
    const taken = await repeated(9, async (turn) => {
      const told = new Promise((resolve) => (heard = resolve));
      await Promise.all([told, engine().put({ ...document, id: keyOf(20_000 + turn), created: 20_000 + turn })]);
    });
    stop();
    return taken;
  }],
  ["delete", "delete 10 000 by their keys", async ({ engine }) => {
    const ids = Array.from({ length: COUNT }, (_, at) => keyOf(at));
    const taken = await timed(() => engine().deleteMany(ids));
    expect((await engine().between(0, COUNT - 1)).length === 0, "what was deleted is still there");
    return taken;
  }],
  ["bulk-large", "write 10 000 documents of 1.2 KB, three indexes", async ({ engine }) => {
    const all = documents(COUNT, LARGE);
    return timed(() => engine().putMany(all));
  }],
];
