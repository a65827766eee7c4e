/** One engine in one page: its works, each timed. */

import { dist } from "./bundles.js";
import { serve } from "../tests/packaging/support/server.js";

const PAGE = '<!doctype html><title>bench</title><script type="module" src="/page.js"></script>';

const started = `new Promise((resolve, reject) => {
  const end = Date.now() + 120_000;
  const look = () => ("run" in globalThis ? resolve() : Date.now() > end ? reject("the page did not start") : setTimeout(look, 20));
  look();
})`;

/** Serves the bundles. */
export function serveBundles() {
  return serve({ "/": dist }, { intercept: (path) => (path === "/index.html" ? { type: "text/html", body: PAGE } : undefined) });
}

/**
 * Runs an engine's works in a page of its own.
 *
 * @returns {Promise<{ taken: Record<string, number>, tasks: Record<string, number | undefined> }>} milliseconds, and the
 *   longest task of the main thread in each work
 */
export async function round(browser, address, engine, number, works) {
  await browser.open(`${address}/?engine=${engine}&round=${number}`);
  await browser.evaluate(started);
  return browser.evaluate(`run(${JSON.stringify(works)})`);
}
