import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };

/**
 * Serves folders by the first part of the path, "/" last.
 *
 * @param {Record<string, string>} folders
 * @param {{ headers?: Record<string, string>, intercept?: (path: string) => Answer | undefined }} [options] `intercept`
 *   may answer a request in the folder's stead.
 * @typedef {{ status?: number, type?: string, body?: string | Uint8Array }} Answer A body left out is that of the file.
 */
export async function serve(folders, { headers = {}, intercept = () => undefined } = {}) {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const requests = [];
  const server = createServer(async (request, response) => {
    const asked = decodeURIComponent(new URL(request.url, "http://localhost").pathname);
    const path = asked.endsWith("/") ? `${asked}index.html` : asked;
    requests.push(path);
    const prefix = prefixes.find((candidate) => path.startsWith(candidate));
    const file = join(folders[prefix], normalize(path.slice(prefix.length)));
    const special = intercept(path) ?? {};
    const body = special.body ?? (await readFile(file).catch(() => undefined));
    const type = special.type ?? TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(special.status ?? (body === undefined ? 404 : 200), { "content-type": type, ...headers });
    response.end(body ?? "not found");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://localhost:${server.address().port}`,
    /** The paths asked for so far. */
    requests,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
