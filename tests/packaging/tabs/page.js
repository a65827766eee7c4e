import { tab } from "/tabs/tab.js";

/** A worker as a tab of its own. */
function workerTab() {
  const worker = new Worker("/tabs/worker.js", { type: "module" });
  const waiting = new Map();
  worker.onmessage = ({ data: { id, value } }) => waiting.get(id)(value);
  return (name, ...args) =>
    new Promise((resolve) => {
      const id = waiting.size;
      waiting.set(id, resolve);
      worker.postMessage({ id, name, args });
    });
}

/** A frame as a tab of its own. */
async function frameTab() {
  const frame = document.createElement("iframe");
  frame.src = "/tabs/index.html";
  document.body.append(frame);
  while (!frame.contentWindow.tab) await new Promise((resolve) => setTimeout(resolve, 10));
  return (name, ...args) => frame.contentWindow.tab[name](...args);
}

const until = async (look) => {
  const end = Date.now() + 20_000;
  while (!(await look())) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return true;
};

/** Each of a page, a frame and a worker writes, and the others hear of it; what came about, and how long it took. */
async function meet() {
  const places = { page: async (name, ...args) => tab[name](...args), frame: await frameTab(), worker: workerTab() };
  const took = {};
  for (const [, call] of Object.entries(places)) await call("open", { cache: {} });
  for (const [, call] of Object.entries(places)) await call("watch");
  for (const [from, call] of Object.entries(places)) {
    const written = await call("put", `from ${from}`);
    for (const [to, other] of Object.entries(places)) {
      if (to === from) continue;
      const told = async () => (await other("heard")).find(({ key, source }) => key === `from ${from}` && source === "tab");
      const shown = async () => (await other("results")).find(({ added }) => added.includes(`from ${from}`));
      if (!(await until(told)) || !(await until(shown))) return { missing: `${from} to ${to}` };
      took[`${from} to ${to}`] = [(await told()).at - written, (await shown()).at - written].map(Math.round);
    }
  }
  return { took };
}

globalThis.tab = { ...tab, meet, worker: workerTab };
