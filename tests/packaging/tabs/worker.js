import { tab } from "/tabs/tab.js";

addEventListener("message", async ({ data: { id, name, args } }) => {
  postMessage({ id, value: await tab[name](...args) });
});
