import { chromium } from "playwright-core";

const here = (args) => ({
  executablePath: process.env.TIDEKEEP_CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? ["--no-sandbox", ...args] : args,
});

/** Starts Chromium, for whom root needs to switch off the sandbox. */
export function launch(...args) {
  return chromium.launch(here(args));
}

/** Starts Chromium on a profile in a folder. What `launch` opens is private, and its IndexedDB is in memory. */
export function launchOn(folder, ...args) {
  return chromium.launchPersistentContext(folder, here(args));
}

/** Opens a page in a profile of its own, and runs the scenario in one of its places. */
export async function runIn(browser, address, place, ...args) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    const trouble = [];
    page.on("pageerror", (error) => trouble.push(error.message));
    page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
    await page.goto(address);
    await page.waitForFunction(() => "places" in globalThis).catch((error) => {
      throw new Error(`the page did not start: ${trouble.join("; ")}`, { cause: error });
    });
    const answer = await page.evaluate(([place, args]) => globalThis.places[place](...args), [place, args]);
    return { ...answer, trouble };
  } finally {
    await context.close();
  }
}
