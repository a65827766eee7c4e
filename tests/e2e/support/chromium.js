import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { launch } from "./children.js";
import { until } from "./wait.js";

const program = process.env.TIDEKEEP_CHROMIUM ?? "/usr/bin/chromium";

/** No first-run pages, no traffic of its own, nothing that a headless run could ask for. */
const FLAGS = [
  "--headless=new",
  "--remote-debugging-port=0",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--password-store=basic",
  "--use-mock-keychain",
  "--window-size=1280,900",
];

/**
 * Starts Chromium on a profile as a user would: a process of its own, which can be killed, and started again on what it
 * left behind.
 *
 * @param {string} profile The folder of the profile; made if it is not there.
 */
export async function start(t, profile) {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const portFile = join(profile, "DevToolsActivePort");
  await rm(portFile, { force: true });
  const words = [...FLAGS, ...sandbox, `--user-data-dir=${profile}`, "about:blank"];
  const { gone, kill } = launch(program, words, "ignore");
  t.after(kill);

  const written = () => readFile(portFile, "utf8").catch(() => "");
  const text = await until("Chromium's port", written, (text) => gone() || text.includes("\n"));
  if (gone()) {
    throw new Error("Chromium ended before it could be reached");
  }
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${Number.parseInt(text, 10)}`);
  const [context] = browser.contexts();
  return {
    context,
    version: browser.version(),
    /** The first page, which a start opens. */
    page: context.pages()[0] ?? (await context.newPage()),
    /** Kills it with all its processes, at once, as `kill -9` does. */
    kill,
  };
}
