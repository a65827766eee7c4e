import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./children.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = process.env.TIDEKEEP_SERVER ?? join(root, "target/debug/tidekeep-server");
const app = process.env.TIDEKEEP_APP ?? join(root, "www/dist");

/** Ports that no outgoing connection gets by chance, so that a server can come back on its own. */
const PORTS = { from: 20_000, to: 30_000 };

/**
 * The real endpoint, with the built application, over a database in `folder`, where its log is as well. It can be
 * killed and started again on the same port.
 */
export async function serve(t, folder) {
  const port = await freePort();
  const log = join(folder, "server.log");
  let server;
  let wanted = false;

  const endpoint = {
    address: `http://127.0.0.1:${port}`,
    async start() {
      const database = join(folder, "server.sqlite");
      const words = ["--dev", "--listen", `127.0.0.1:${port}`, "--database", database, "--static", app];
      server = launch(program, words, ["ignore", "pipe", "pipe"]);
      server.child.stderr.pipe(createWriteStream(log, { flags: "a" }));
      wanted = true;
      server.child.once("exit", (code, signal) => {
        if (wanted) {
          t.diagnostic(`the server ended by itself: ${signal ?? code}`);
        }
      });
      const line = once(createInterface({ input: server.child.stdout }), "line");
      await Promise.race([
        line,
        server.closed.then(() => Promise.reject(new Error(`the server ended before it listened; see ${log}`))),
      ]);
    },
    kill() {
      wanted = false;
      return server?.kill();
    },
  };
  t.after(() => endpoint.kill());
  await endpoint.start();
  return endpoint;
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
