/** How what an engine does grows with the documents that it holds. */

import { documents, GROUPS, keyOf, keys } from "./documents.js";
import { expect, repeated, timed } from "./measure.js";

/** So many documents are written at once. */
const PORTION = 10_000;
const TIMES = 25;

/** The operations, by name and in words. */
export const operations = {
  write: "write one of them, all written by thousands",
  put: "put one more",
  get: "get one, first read",
  range: "a range of 100 by an index",
  first: "filter, sort, the first 20",
  page: "three pages of 20",
  count: "count a range of 100",
};

/** The time of each operation over so many documents, milliseconds; of the short ones the median. */
export async function growth(open, name, count) {
  let engine = await open(name);
  const all = documents(count, 330);
  const written = await timed(async () => {
    for (let at = 0; at < count; at += PORTION) await engine.putMany(all.slice(at, at + PORTION));
  });
  await engine.close();
  engine = await open(name);
  const wanted = keys(count, TIMES);
  const step = Math.floor((count - 100) / TIMES);
  const figures = { write: written / count };
  figures.put = await repeated(TIMES, (turn) => engine.put({ ...all[turn], id: keyOf(count + turn), created: count + turn }));
  figures.get = await repeated(TIMES, async (turn) => expect((await engine.get(wanted[turn])).id === wanted[turn], "got another document"));
  figures.range = await repeated(TIMES, async (turn) => {
    const found = await engine.between(turn * step, turn * step + 99);
    expect(found.length === 100, `a range of 100 has ${found.length}`);
  });
  figures.first = await repeated(TIMES, async (turn) => expect((await engine.ofGroup(turn % GROUPS, 20)).length === 20, "20 of a group were to be found"));
  figures.page = await repeated(TIMES, async () => {
    const next = engine.pages(20);
    await next();
    await next();
    expect((await next())[0].created === 40, "page 3 is another");
  });
  figures.count = await repeated(TIMES, async (turn) => {
    const found = await engine.count(turn * step, turn * step + 99);
    expect(found === 100, `a range of 100 counts ${found}`);
  });
  await engine.close();
  return figures;
}
