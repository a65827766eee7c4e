import { drivers, start as startDriver } from "../../packaging/support/webdriver.js";
import { scratch } from "../../e2e/support/scratch.js";
import { until } from "../../e2e/support/wait.js";
import { start as startChromium } from "./chromium.js";

/** The page in an engine, in a profile of its own that goes with the test. */
const open = {
  async chromium(t, address) {
    const browser = await startChromium(await scratch());
    t.after(browser.kill);
    return browser.open(address);
  },
  async firefox(t, address) {
    return driven(t, drivers.firefox, address);
  },
  async webkit(t, address) {
    return driven(t, drivers.webkit, address);
  },
};

async function driven(t, driver, address) {
  const browser = await startDriver(driver);
  t.after(browser.close);
  await browser.open(address);
  await until("the page", () => browser.evaluate("'page' in globalThis").catch(() => false));
  return browser;
}

export const ENGINES = Object.keys(open);

/** The fast engines do what they are asked; for the others, a call may take no longer than a driver waits. */
const CHUNK_SECONDS = 10;

/**
 * Has a page check something so many times, in calls of a few seconds each; gives the sums of what it counted.
 *
 * @param {string} engine
 * @param {string} check The page's function; it takes `{ seed, from, count }`, and gives counts and `problems`.
 */
export async function inEngine(t, engine, address, check, { seed, count, first = 50 }) {
  const page = await open[engine](t, address);
  const sums = {};
  const problems = [];
  for (let from = 0, chunk = first; from < count && problems.length === 0; ) {
    const now = Math.min(chunk, count - from);
    const began = performance.now();
    const found = await page.evaluate(`page.${check}(${JSON.stringify({ seed, from, count: now })})`);
    from += now;
    problems.push(...found.problems);
    for (const [name, number] of Object.entries(found)) if (typeof number === "number") sums[name] = (sums[name] ?? 0) + number;
    const perSecond = now / ((performance.now() - began) / 1000);
    chunk = Math.max(1, Math.min(4 * chunk, Math.floor(perSecond * CHUNK_SECONDS)));
  }
  return { ...sums, problems, page };
}
