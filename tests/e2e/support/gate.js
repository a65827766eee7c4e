import { createServer, request as ask } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm" };
const project = fileURLToPath(new URL("..", import.meta.url));
const folders = { "/tidekeep/": join(project, "node_modules/tidekeep"), "/": join(project, "page") };

/**
 * A server in front of the real endpoint: it serves the page and the installed package, and passes everything else on,
 * unless a fault is set, which then answers in the endpoint's stead.
 *
 * @typedef {import("node:http").IncomingMessage} Request
 * @typedef {import("node:http").ServerResponse} Response
 * @typedef {(request: Request, response: Response) => boolean | void} Fault Answers, or returns false to let it pass.
 */
export async function gate(t, endpoint) {
  const gate = {
    address: "",
    /** @type {Fault | undefined} */
    fault: undefined,
    /** The requests to the endpoint so far: when, and what for. */
    requests: [],
    /** Their bodies that were passed on, each as it was before it was compressed. */
    bodies: [],
    /** The streams that are open now. */
    open: new Set(),
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://localhost").pathname;
    if (!path.startsWith("/v1/") && !path.startsWith("/dev/")) {
      return void file(path, response);
    }
    gate.requests.push({ at: performance.now(), method: request.method, path, url: request.url });
    if (path.endsWith("/live")) {
      gate.open.add(response);
      response.once("close", () => gate.open.delete(response));
    }
    if (!gate.fault || gate.fault(request, response) === false) {
      const parts = [];
      request.on("data", (bytes) => parts.push(bytes));
      request.once("end", () => {
        const body = Buffer.concat(parts);
        gate.bodies.push(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body);
      });
      pass(endpoint, request, response, request.alters);
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  gate.address = `http://127.0.0.1:${server.address().port}`;
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return gate;
}

/** The page and the installed package alone. Gives the address. */
export async function site(t) {
  const server = createServer((request, response) => void file(new URL(request.url, "http://localhost").pathname, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return `http://127.0.0.1:${server.address().port}`;
}

async function file(path, response) {
  const prefix = Object.keys(folders).find((prefix) => path.startsWith(prefix));
  const name = path.endsWith("/") ? "index.html" : normalize(path.slice(prefix.length));
  const body = await readFile(join(folders[prefix], name)).catch(() => undefined);
  const type = TYPES[extname(name)] ?? "application/octet-stream";
  response.writeHead(body === undefined ? 404 : 200, { "content-type": type }).end(body);
}

function pass(endpoint, request, response, alters) {
  const { method, headers, url } = request;
  if (alters) delete headers["accept-encoding"];
  const onward = ask(`${endpoint}${url}`, { method, headers }, (answer) => {
    if (alters) return void altered(answer, response, alters);
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  // Whoever goes away leaves the endpoint, too.
  response.once("close", () => onward.destroy());
  request.pipe(onward);
}

/** Hands on what `alters` makes of an answer, where that is JSON. */
async function altered(answer, response, alters) {
  const { "content-length": _, ...headers } = answer.headers;
  const body = Buffer.concat(await answer.toArray());
  let told = body;
  try {
    told = JSON.stringify(alters(JSON.parse(body.toString())));
  } catch {
    // What is no JSON is handed on as it is.
  }
  response.writeHead(answer.statusCode, headers).end(told);
}

/** Faults by what the endpoint does. */
export const faults = {
  /** Answers everything alike. */
  answers: (status, body, headers) => (_request, response) => void response.writeHead(status, headers).end(body),
  /** Takes the request and says nothing. */
  hangs: () => () => undefined,
  /** Begins an answer and breaks it off. */
  breaksOff: () => (request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 1000 });
    response.write('{"epoch":"');
    setImmediate(() => request.socket.destroy());
  },
  /** Answers only what would change something. */
  onPush: (fault) => (request, response) => (request.url.endsWith("/push") ? fault(request, response) : false),
  /** Says something else than is so: what `lie` makes of an answer, by its path. */
  alters: (lie) => (request) => {
    const { pathname } = new URL(request.url, "http://localhost");
    request.alters = (answer) => ("code" in answer ? answer : lie(pathname, answer));
    return false;
  },
  /** Answers so many bytes of what may yet become JSON, as fast as they are taken; tells how many went. */
  streams: (size, tell) => (_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const piece = Buffer.alloc(65_536, " ");
    let left = size;
    const pour = () => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length;
        tell(piece.length);
        if (!response.write(piece)) return void response.once("drain", pour);
      }
      response.end();
    };
    pour();
  },
  /** Is not there. */
  isGone: () => (request) => void request.socket.destroy(),
};

/** A token of the real endpoint. */
export async function tokenOf(endpoint, space = "team") {
  const response = await fetch(`${endpoint}/dev/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ sub: "ada", space }),
  });
  return (await response.json()).token;
}
