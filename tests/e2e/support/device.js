import { chromium } from "playwright-core";
import { gate, tokenOf } from "./gate.js";
import { scratch } from "./scratch.js";
import { serve } from "./server.js";

/** Waits are short, so that a healed endpoint is asked again soon. */
export const IMPATIENT = { retryPolicy: { baseDelay: 100, maxDelay: 1000 } };

/** Starts Chromium, for whom root needs to switch off the sandbox. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.TIDEKEEP_CHROMIUM ?? "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
}

/** The real endpoint behind a gate. */
export async function endpoint(t) {
  const folder = await scratch();
  const server = await serve(t, folder);
  const entrance = await gate(t, server.address);
  return { server, folder, gate: entrance, token: await tokenOf(server.address) };
}

/**
 * A page with the package, in a profile of its own or in that of `context`.
 *
 * @param {{ context?: import("playwright-core").BrowserContext, off?: number }} [options] `off`: by how many
 *   milliseconds its clock is wrong.
 */
export async function device(t, browser, { gate: { address }, token }, { context, off = 0 } = {}) {
  const own = context ?? (await browser.newContext());
  if (!context) {
    t.after(() => own.close());
  }
  const page = await own.newPage();
  await page.addInitScript((token) => void (globalThis.token = token), token);
  if (off !== 0) {
    await page.addInitScript(shiftClock, off);
  }
  await page.goto(address);
  await page.waitForFunction(() => "device" in globalThis);
  /** Calls the page's device. */
  const call = (name, ...args) => page.evaluate(([name, args]) => device[name](...args), [name, args]);
  return { page, context: own, call, events: () => page.evaluate(() => device.events) };
}

/** Sets the clock of a page wrong, as far as a script can tell: `Date` is all that a page has of it. */
function shiftClock(off) {
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) {
      super(...(args.length === 0 ? [Real.now() + off] : args));
    }
    static now() {
      return Real.now() + off;
    }
  };
}
