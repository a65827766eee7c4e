/**
 * The work of what the other engines do not have, in this order: `[name, what it is, the work]`. Each gives milliseconds.
 */

import { blueprints, documents, keys } from "./documents.js";
import { expect, quantile, repeated, timed } from "./measure.js";

const COUNT = 10_000;
const SMALL = 330;
const BLUEPRINTS = 1_000;
const passphrase = "correct horse battery staple";

/** The stores that one work leaves to the next. */
const kept = {};

export const own = [
  ["unindexed-bulk", "write 10 000 documents of 330 B, no index", ({ openOwn }) => bulk(openOwn, "unindexed", {})],
  ["sealed-bulk", "the same, sealed", ({ openOwn }) => bulk(openOwn, "sealed", { encrypted: true })],
  ["unsealed-all", "read all 10 000", () => readAll("unindexed")],
  ["sealed-all", "the same, sealed", () => readAll("sealed")],
  ["searched-bulk", "write 10 000 documents of 330 B, their text searchable", ({ openOwn }) => bulk(openOwn, "searched", { search: ["name", "body"] })],
  ["search", "search 10 000 for a word and the beginning of another, the first 20", async () => {
    const { store, documents } = kept.searched;
    const taken = await repeated(15, async (turn) => {
      const found = await documents.search(["lantern mea", "copper thi", "cedar dri"][turn % 3], { prefix: true, limit: 20 });
      expect(found.length === 20, `20 documents were to be found, not ${found.length}`);
    });
    await store.destroy();
    return taken;
  }],
  ["tabs", "from a write to the callback of a live query in another tab", acrossTabs],
  ["blueprint-save", "save a blueprint of 20 KB into 1 000, index and search included, p95", async ({ openOwn }) => {
    kept.blueprints = await openOwn("blueprints", {}, { indexes: ["title"], search: ["title", "summary"] });
    const all = blueprints(BLUEPRINTS);
    await kept.blueprints.documents.putMany(all);
    return late(40, (turn) => kept.blueprints.documents.put({ ...all[turn], title: `renamed ${all[turn].title}` }));
  }],
  ["blueprint-load", "load one of 1 000 blueprints, first read, p95", async () => {
    const wanted = keys(BLUEPRINTS, 40);
    return late(40, (turn) => kept.blueprints.documents.get(wanted[turn]));
  }],
  ["blueprint-list", "list 1 000 blueprints, p95", () =>
    late(10, async () => {
      const found = await kept.blueprints.documents.list();
      expect(found.length === BLUEPRINTS, `listed ${found.length} of 1 000`);
    })],
  ["blueprint-all", "read 1 000 blueprints, p95", () =>
    late(5, async () => {
      const found = await kept.blueprints.documents.all();
      expect(found.length === BLUEPRINTS, `read ${found.length} of 1 000`);
    })],
  ["blueprint-search", "search 1 000 blueprints, the first 20, p95", async () => {
    const taken = await late(20, async (turn) => {
      const found = await kept.blueprints.documents.search(["renamed", "lantern mea", "copper"][turn % 3], { prefix: true, limit: 20 });
      expect(found.length === 20, `20 blueprints were to be found, not ${found.length}`);
    });
    await kept.blueprints.store.destroy();
    return taken;
  }],
  ["blueprint-save-sealed", "save a sealed blueprint of 20 KB, p95", async ({ openOwn }) => {
    kept.sealed = await openOwn("sealed-blueprints", {}, { encrypted: true });
    await kept.sealed.store.credentials.unlock({ passphrase });
    const all = blueprints(100);
    await kept.sealed.documents.putMany(all);
    return late(40, (turn) => kept.sealed.documents.put({ ...all[turn], title: "another" }));
  }],
  ["blueprint-load-sealed", "load a sealed blueprint of 20 KB, first read, p95", async () => {
    const wanted = keys(100, 40);
    const taken = await late(40, (turn) => kept.sealed.documents.get(wanted[turn]));
    await kept.sealed.store.destroy();
    return taken;
  }],
];

async function bulk(openOwn, name, collection) {
  kept[name] = await openOwn(name, {}, collection);
  const { store, documents: stored } = kept[name];
  if (collection.encrypted) await store.credentials.unlock({ passphrase });
  const all = documents(COUNT, SMALL);
  return timed(() => stored.putMany(all));
}

async function readAll(name) {
  const { store, documents } = kept[name];
  const taken = await repeated(3, async () => {
    const found = await documents.all();
    expect(found.length === COUNT, `read ${found.length} of 10 000`);
  });
  await store.destroy();
  return taken;
}

/** A frame of the same origin stands for the tab: it has its own module, store and connection. */
async function acrossTabs({ openOwn, name }) {
  const { store, documents: stored } = await openOwn("tabs", {}, { indexes: ["created"] });
  const frame = document.createElement("iframe");
  let heard;
  const told = () => new Promise((resolve) => (heard = resolve));
  addEventListener("message", () => heard());
  const ready = told();
  frame.src = `/tab.html?name=${name}-tabs`;
  document.body.append(frame);
  await ready;
  const [record] = documents(1, SMALL);
  const taken = await repeated(9, async (turn) => {
    const seen = told();
    await Promise.all([seen, stored.put({ ...record, created: turn })]);
  });
  frame.remove();
  await store.destroy();
  return taken;
}

/** The 95th percentile of what a work takes. */
async function late(times, work) {
  const taken = [];
  for (let turn = 0; turn < times; turn += 1) taken.push(await timed(() => work(turn)));
  return quantile(taken, 0.95);
}
