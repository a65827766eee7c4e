import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };
const project = fileURLToPath(new URL("..", import.meta.url));
const folders = { "/tidekeep/": join(project, "node_modules/tidekeep"), "/": join(project, "page") };

/** Lets the page have shared memory and exact clocks. */
const ISOLATED = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

/**
 * Serves the page and the installed package, and takes reports: what a page says, whatever becomes of it afterwards.
 *
 * @param {import("node:test").TestContext} t
 */
export async function serve(t) {
  const place = {
    address: "",
    /** Called with each fact that a page reports. */
    onReport: (_fact) => {},
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/reports") {
      const parts = await request.toArray().catch(() => undefined);
      if (parts) JSON.parse(Buffer.concat(parts).toString()).forEach((fact) => place.onReport(fact));
      return void response.writeHead(204, ISOLATED).end();
    }
    const prefix = Object.keys(folders).find((prefix) => pathname.startsWith(prefix));
    const name = pathname.endsWith("/") ? "index.html" : normalize(pathname.slice(prefix.length));
    const body = await readFile(join(folders[prefix], name)).catch(() => undefined);
    const type = TYPES[extname(name)] ?? "application/octet-stream";
    response.writeHead(body === undefined ? 404 : 200, { "content-type": type, ...ISOLATED }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  place.address = `http://localhost:${server.address().port}/`;
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return place;
}
