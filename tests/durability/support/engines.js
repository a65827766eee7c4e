import { scratch } from "../../e2e/support/scratch.js";
import { start as startChromium } from "./chromium.js";
import { startDriven } from "./driven.js";
import { start as startMiniBrowser } from "./minibrowser.js";

export const ENGINES = process.env.TIDEKEEP_ENGINES?.split(",") ?? ["chromium", "firefox", "webkit"];

/** Starts an engine on a profile. */
export const start = (engine, profile) => (engine === "chromium" ? startChromium(profile) : startDriven(engine, profile));

/** Starts an engine whose profile is a folder that outlives it, with one page. */
export const startOn = (engine, profile) => (engine === "webkit" ? startMiniBrowser(profile) : start(engine, profile));

/** How long a call of a page may take: a driver waits no longer than a minute. */
const CHUNK_SECONDS = 5;

/**
 * Has a page check something so many times, in calls of a few seconds each; gives the sums of what it counted.
 *
 * @param {string} check The page's function; it takes `{ seed, from, count }`, and gives counts and `problems`.
 */
export async function inEngine(t, engine, address, check, { seed, count, first = 50 }) {
  const browser = await start(engine, await scratch());
  t.after(browser.close);
  const page = await browser.open(address);
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
    chunk = Math.max(1, Math.min(2 * chunk, Math.floor(perSecond * CHUNK_SECONDS)));
  }
  return { ...sums, problems };
}
