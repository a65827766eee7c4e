/**
 * The page of one engine in one round. It is as cold as a page can be: the engine's code is loaded, and its first
 * document stored, before anything else happens.
 */

import { documents } from "./documents.js";
import { timed, watchTasks } from "./measure.js";
import { works } from "./works.js";

const parameters = new URLSearchParams(location.search);
const name = `bench-${parameters.get("engine")}-${parameters.get("round")}`;
const [first] = documents(1, 330);

let open;
const cold = await timed(async () => {
  ({ open } = await import(`/engines/${parameters.get("engine")}.js`));
  const engine = await open(`${name}-cold`);
  await engine.put(first);
  globalThis.coldEngine = engine;
});

/** Does the works of these names and answers how long each took, and its longest task. */
globalThis.run = async (wanted) => {
  await globalThis.coldEngine.close();
  const longestTask = watchTasks();
  let engine = await open(name);
  const circumstances = {
    engine: () => engine,
    /** Opens the database anew: what was written is then in no cache. */
    fresh: async () => {
      await engine.close();
      engine = await open(name);
    },
  };
  const taken = { cold };
  const tasks = {};
  await longestTask();
  for (const [work, , perform] of works) {
    if (wanted && !wanted.includes(work)) {
      continue;
    }
    const milliseconds = await perform(circumstances);
    if (milliseconds !== undefined) {
      taken[work] = milliseconds;
      tasks[work] = await longestTask();
    }
  }
  await engine.close();
  for (const { name } of await indexedDB.databases()) {
    indexedDB.deleteDatabase(name);
  }
  return { taken, tasks };
};
