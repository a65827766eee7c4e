/** One engine in one page: its works, each timed. */

import { dist } from "./bundles.js";
import { serve } from "../tests/packaging/support/server.js";

const page = (script) => ({ type: "text/html", body: `<!doctype html><title>bench</title><script type="module" src="${script}"></script>` });
const PAGES = { "/index.html": page("/page.js"), "/tab.html": page("/tab.js") };

const started = `new Promise((resolve, reject) => {
  const end = Date.now() + 120_000;
  const look = () => ("run" in globalThis ? resolve() : Date.now() > end ? reject("the page did not start") : setTimeout(look, 20));
  look();
})`;

/** Serves the bundles. */
export function serveBundles() {
  return serve({ "/": dist }, { intercept: (path) => PAGES[path] });
}

/**
 * Runs an engine's works in a page of its own.
 *
 * @returns {Promise<{ taken: Record<string, number>, tasks: Record<string, number | undefined> }>} milliseconds, and the
 *   longest task of the main thread in each work
 */
export async function round(browser, address, engine, number) {
  await opened(browser, address, engine, number);
  return browser.evaluate("run()");
}

/** How an engine's operations take over so many documents, in a page of its own: milliseconds. */
export async function grown(browser, address, engine, count) {
  await opened(browser, address, engine, count);
  return browser.evaluate(`grow(${count})`);
}

async function opened(browser, address, engine, number) {
  await browser.open(`${address}/?engine=${engine}&round=${number}`);
  await browser.evaluate(started);
}
