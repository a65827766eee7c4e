import { once } from "node:events";
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { join } from "node:path";

const program = process.env.TIDEKEEP_SERVER ?? "tidekeep-server";
export const app = process.env.TIDEKEEP_APP ?? "www/dist";

/** Ports that no outgoing connection gets by chance, so that a server can come back on its own. */
const PORTS = { from: 20_000, to: 30_000 };

/**
 * The real endpoint, with the built application, over a database in `folder`. It can be stopped and started again on
 * the same port.
 */
export async function serve(t, folder) {
  const database = join(folder, "server.sqlite");
  const log = join(folder, "server.log");
  const port = await freePort();
  let child;

  const server = {
    address: `http://127.0.0.1:${port}`,
    port,
    /** Where everything is that the endpoint writes. */
    folder,
    async start() {
      const listen = ["--listen", `127.0.0.1:${port}`];
      const words = ["--dev", ...listen, "--database", database, "--static", app];
      child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
      const errors = createWriteStream(log, { flags: "a" });
      child.stderr.pipe(errors);
      const lines = createInterface({ input: child.stdout });
      await Promise.race([
        once(lines, "line"),
        once(child, "error").then(([error]) => Promise.reject(error)),
        once(child, "exit").then(([code]) => Promise.reject(new Error(`the server ended with ${code}; see ${log}`))),
      ]);
    },
    /** Stops it and waits until it is gone. */
    async stop(signal = "SIGTERM") {
      if (!child || child.exitCode !== null || child.signalCode !== null) {
        return;
      }
      child.kill(signal);
      await once(child, "close");
    },
  };
  t.after(() => server.stop("SIGKILL"));
  await server.start();
  return server;
}

async function freePort() {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (free) {
      probe.close();
      await once(probe, "close");
      return port;
    }
  }
}
