<<<<<<< HEAD
import { run } from "/tabs/program.js";

onmessage = async ({ data }) => postMessage(await run(data));
=======
import { tab } from "/tabs/tab.js";

addEventListener("message", async ({ data: { id, name, args } }) => {
  postMessage({ id, value: await tab[name](...args) });
});
>>>>>>> a0daedb (Test tabs, frames and workers of one database with each other)
