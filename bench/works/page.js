/**
 * The page of one engine in one round. It is as cold as a page can be: the engine's code is loaded, and its first
 * document stored, before anything else happens.
 */

import { documents } from "./documents.js";
import { growth } from "./growth.js";
import { timed, watchTasks } from "./measure.js";
import { own } from "./own.js";
import { works } from "./works.js";

const parameters = new URLSearchParams(location.search);
const name = `bench-${parameters.get("engine")}-${parameters.get("round")}`;
const [first] = documents(1, 330);

let open;
let openWith;
const cold = await timed(async () => {
  ({ open, openWith } = await import(`/engines/${parameters.get("engine")}.js`));
  const engine = await open(`${name}-cold`);
  await engine.put(first);
  globalThis.coldEngine = engine;
});

/** The times of the engine's operations over so many documents. */
globalThis.grow = async (count) => {
  await globalThis.coldEngine.close();
  const figures = await growth(open, `${name}-growth`, count);
  await clear();
  return figures;
};

/** Does all works and answers how long each took, and its longest task. */
globalThis.run = async () => {
  await globalThis.coldEngine.close();
  const longestTask = watchTasks();
  let engine = await open(name);
  const circumstances = {
    engine: () => engine,
    /** Opens a store of its own, with what only tidekeep has. */
    openOwn: (of, ...options) => openWith(`${name}-${of}`, ...options),
    name,
    /** Opens the database anew: what was written is then in no cache. */
    fresh: async () => {
      await engine.close();
      engine = await open(name);
    },
  };
  const taken = { cold };
  const tasks = {};
  await longestTask();
  for (const [work, , perform] of openWith ? [...works, ...own] : works) {
    const milliseconds = await perform(circumstances);
    if (milliseconds !== undefined) {
      taken[work] = milliseconds;
      tasks[work] = await longestTask();
    }
  }
  await engine.close();
  await clear();
  return { taken, tasks };
};

async function clear() {
  for (const { name } of await indexedDB.databases()) {
    indexedDB.deleteDatabase(name);
  }
}
