import { launch } from "../../e2e/support/children.js";
import { until } from "../../e2e/support/wait.js";

const program = process.env.TIDEKEEP_CHROMIUM ?? "/usr/bin/chromium";

/** No first-run pages, no traffic of its own, nothing that a headless run could ask for. */
const FLAGS = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--password-store=basic",
  "--use-mock-keychain",
];

/**
 * Starts Chromium on a profile, as processes of their own that can be stopped and killed, and started again on what they
 * left. The debugging protocol goes over a pipe.
 *
 * @param {string} profile The folder of the profile; made if it is not there.
 * @param {string[]} [flags]
 */
export async function start(profile, flags = []) {
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const words = [...FLAGS, ...sandbox, ...flags, `--user-data-dir=${profile}`, "about:blank"];
  const { child, closed, kill } = launch(program, words, ["ignore", "ignore", "ignore", "pipe", "pipe"]);
  const events = [];
  const call = protocol(child.stdio[3], child.stdio[4], closed, events);
  await call("Browser.getVersion");

  return {
    pid: child.pid,
    call,
    /** What it told of service workers. */
    events,
    kill,
    /** Asks it to end, and waits until it has. */
    async close() {
      await call("Browser.close").catch(() => undefined);
      await closed;
    },
    async open(url) {
      const { targetId } = await call("Target.createTarget", { url: "about:blank" });
      const { sessionId } = await call("Target.attachToTarget", { targetId, flatten: true });
      const ask = (method, params) => call(method, params, sessionId);
      const close = () => call("Target.closeTarget", { targetId });
      /** Runs an expression in the page and awaits it. */
      const evaluate = async (expression) => {
        const params = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await ask("Runtime.evaluate", params);
        if (exceptionDetails) {
          throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        }
        return result.value;
      };
      await ask("Page.navigate", { url });
      const ready = () => evaluate("'page' in globalThis").catch(() => false); // what is asked too early may be cut off
      await until("the page", ready);
      return { ask, evaluate, close };
    },
    /** Kills the processes in which pages run, and waits until the browser has noticed. */
    async killRenderers() {
      const renderers = async () => {
        const { processInfo } = await call("SystemInfo.getProcessInfo");
        return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
      };
      const killed = await renderers();
      for (const pid of killed) killOne(pid);
      await until("the renderers' end", async () => !(await renderers()).some((pid) => killed.includes(pid)));
    },
  };
}

function killOne(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

/** Calls by the debugging protocol; those that wait when the browser ends are refused. */
function protocol(input, output, closed, events) {
  const waiting = new Map();
  let last = 0;
  let ended = false;
  const end = () => {
    ended = true;
    for (const { reject } of waiting.values()) reject(new Error("the browser has ended"));
    waiting.clear();
  };
  void closed.then(end);
  input.on("error", () => undefined);
  output.on("error", () => undefined);
  let rest = "";
  output.setEncoding("utf8").on("data", (text) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop();
    for (const message of messages) {
      const { id, result, error, method, params, sessionId } = JSON.parse(message);
      if (method?.startsWith("ServiceWorker.")) events.push({ method, params });
      if (method === "Inspector.targetCrashed" || method === "Target.detachedFromTarget") {
        for (const [number, call] of waiting) {
          if (call.sessionId === sessionId && sessionId) {
            call.reject(new Error("the page has crashed"));
            waiting.delete(number);
          }
        }
      }
      const call = waiting.get(id);
      waiting.delete(id);
      if (error) call?.reject(new Error(`${call.method}: ${error.message}`));
      else call?.resolve(result);
    }
  });
  return (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(new Error("the browser has ended"));
      const id = (last += 1);
      waiting.set(id, { resolve, reject, method, sessionId });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
}
