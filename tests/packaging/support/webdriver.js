import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** Firefox, and WebKitGTK which is the engine of Safari, through their drivers; Chromium has Playwright. */
export const drivers = {
  firefox: {
    program: "geckodriver",
    arguments: (port) => ["--port", port],
    capabilities: { "moz:firefoxOptions": { args: ["-headless"] } },
  },
  webkit: { program: "WebKitWebDriver", arguments: (port) => [`--port=${port}`], capabilities: {}, needsDisplay: true },
};

/** Starts a browser by its driver. */
export async function start({ program, arguments: words, capabilities, needsDisplay }) {
  const display = needsDisplay ? await openDisplay() : undefined;
  const env = { ...process.env, ...display?.variables };
  if (process.getuid?.() === 0) {
    env.WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS = "1";
  }
  const port = await freePort();
  const driver = spawn(program, words(String(port)), { env, stdio: "ignore" });
  const failed = once(driver, "error").then(([error]) => Promise.reject(error));
  failed.catch(() => undefined);

  const call = async (method, path, body) => {
    const headers = { "content-type": "application/json" };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
    const { value } = await response.json();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
    }
    return value;
  };
  const stop = () => {
    driver.kill();
    display?.close();
  };

  try {
    await Promise.race([answers(port), failed]);
    const { sessionId, capabilities: granted } = await call("POST", "/session", { capabilities: { alwaysMatch: capabilities } });
    const session = `/session/${sessionId}`;
    await call("POST", `${session}/timeouts`, { script: 300_000, pageLoad: 60_000 });
    return {
      driver: driver.pid,
      /** The browser's own process, where its driver tells. */
      pid: granted["moz:processID"],
      open: (url) => call("POST", `${session}/url`, { url }),
      /** Runs an expression in the page and awaits it. */
      evaluate: async (expression) => {
        const script = `
          const done = arguments[arguments.length - 1];
          Promise.resolve().then(() => (${expression})).then(
            (value) => done({ value: value ?? null }),
            (error) => done({ error: String(error) }),
          );`;
        const { value, error } = await call("POST", `${session}/execute/async`, { script, args: [] });
        if (error) {
          throw new Error(error);
        }
        return value;
      },
      close: async () => {
        await call("DELETE", session).catch(() => undefined);
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Waits until a driver listens. */
async function answers(port) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const status = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined);
    if (status?.ok) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error("the driver did not listen within 30 s");
    }
    await sleep(50);
  }
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** An X server that nobody sees; it says its number once it listens. */
export async function openDisplay() {
  const words = ["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"];
  const server = spawn("Xvfb", words, { stdio: ["ignore", "pipe", "ignore"] });
  const [number] = await Promise.race([
    once(server.stdout, "data"),
    once(server, "exit").then(() => Promise.reject(new Error("Xvfb stopped before it had a display"))),
  ]);
  return { variables: { DISPLAY: `:${String(number).trim()}`, GDK_BACKEND: "x11" }, close: () => server.kill() };
}
