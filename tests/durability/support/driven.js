import { readFileSync, readdirSync } from "node:fs";
import { drivers, start } from "../../packaging/support/webdriver.js";
import { until } from "../../e2e/support/wait.js";

/**
 * Starts Firefox, or WebKitGTK, by its driver. Firefox has its profile in a folder; a driven WebKitGTK has one in memory,
 * which ends with it.
 */
export async function startDriven(engine, profile) {
  const options = { args: ["-headless", "-profile", profile] };
  const driver = engine === "firefox" ? { ...drivers.firefox, capabilities: { "moz:firefoxOptions": options } } : drivers[engine];
  const browser = await start(driver);
  const page = {
    evaluate: browser.evaluate,
    close: () => browser.open("about:blank"),
  };
  return {
    close: browser.close,
    async open(url) {
      await browser.open(url);
      await until("the page", () => browser.evaluate("'page' in globalThis").catch(() => false));
      return page;
    },
    /** Kills it with all its processes, at once, as `kill -9` does. */
    async kill() {
      const all = descendants(browser.driver).filter((pid) => pid !== browser.driver);
      for (const pid of all) kill(pid);
      await until("the browser's end", () => !all.some(isRunning));
      await browser.close();
    },
  };
}

const words = (pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It has just ended.
  }
};
const status = (pid) => read(`/proc/${pid}/stat`).replace(/^.*\) /s, "").split(" ");
const isRunning = (pid) => !["", "Z", "X"].includes(status(pid)[0]);

/** A process and all that it has started. */
function descendants(root) {
  const parents = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid)).map((pid) => [Number(pid), Number(status(pid)[1])]);
  const found = [root];
  for (const ancestor of found) found.push(...parents.filter(([, parent]) => parent === ancestor).map(([pid]) => pid));
  return found;
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
