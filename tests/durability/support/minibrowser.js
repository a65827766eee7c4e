import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { launch } from "../../e2e/support/children.js";
import { until } from "../../e2e/support/wait.js";
import { openDisplay } from "../../packaging/support/webdriver.js";

/** How long the page waits for an errand before it asks again, in milliseconds. */
const HELD = 10_000;

/**
 * Starts WebKitGTK on a profile in a folder. A driven one keeps everything in memory, so this is MiniBrowser without a
 * driver, and its one page asks for what it is to do: `tests/e2e/page/errands.js`.
 */
export async function start(profile) {
  const program = installed();
  const display = await openDisplay();
  const work = await errands();
  let browser;
  const end = async () => {
    await browser?.kill();
    await work.close();
    display.close();
  };
  /** Whether any of its processes is there. */
  const isThere = () => {
    try {
      return process.kill(-browser.child.pid, 0);
    } catch {
      return false;
    }
  };
  return {
    async open(url) {
      const env = { ...process.env, ...display.variables };
      for (const kind of ["DATA", "CACHE", "CONFIG", "STATE"]) env[`XDG_${kind}_HOME`] = join(profile, kind.toLowerCase());
      if (process.getuid?.() === 0) env.WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS = "1";
      const address = new URL(url);
      address.searchParams.set("errands", work.address);
      browser = launch(program, [address.href], "ignore", env);
      await until("the page", () => work.evaluate("'page' in globalThis"));
      return { evaluate: work.evaluate, close: () => work.evaluate("void setTimeout(() => location.replace('about:blank'))") };
    },
    /** Kills it with all its processes, at once. */
    kill: end,
    /** Ends it, and waits until its other processes have written what they have and are gone too. */
    async close() {
      browser?.child.kill();
      await until("the browser's end", () => !browser || !isThere());
      await end();
    },
  };
}

/** It lies beside its engine, in the folder of the machine's architecture. */
function installed() {
  const found = readdirSync("/usr/lib").map((folder) => join("/usr/lib", folder, "webkit2gtk-4.1/MiniBrowser")).find(existsSync);
  if (!found) throw new Error("there is no MiniBrowser; it comes with WebKitGTK's driver");
  return found;
}

/** A server that has expressions evaluated by whoever asks. */
async function errands() {
  const [queue, waiting] = [[], new Map()];
  let [last, hand] = [0, () => undefined];
  const server = createServer(async (request, response) => {
    const told = JSON.parse(Buffer.concat(await request.toArray()).toString() || "null");
    const asker = waiting.get(told?.id);
    if (told?.error) asker?.reject(new Error(told.error));
    else asker?.resolve(told?.value);
    waiting.delete(told?.id);
    if (queue.length === 0) await Promise.race([new Promise((resolve) => (hand = resolve)), new Promise((resolve) => setTimeout(resolve, HELD).unref())]);
    response.writeHead(200, { "access-control-allow-origin": "*", "content-type": "application/json" });
    response.end(JSON.stringify(queue.shift() ?? null));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${server.address().port}/`,
    evaluate: (expression) =>
      new Promise((resolve, reject) => {
        const id = (last += 1);
        waiting.set(id, { resolve, reject });
        queue.push({ id, expression });
        hand();
      }),
    close: () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())),
  };
}
