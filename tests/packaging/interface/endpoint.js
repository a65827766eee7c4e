// An endpoint in the place of `fetch`, for cases that look at what is sent.

const BASE = "https://endpoint.invalid/v1/space";
const json = (body, status = 200, headers = {}) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });

/** A refusal, as the protocol has it. */
export const refusal = (status, code, headers) => json({ code, message: "made up by a case" }, status, headers);

async function bodyOf(request) {
  const bytes = await request.arrayBuffer();
  const encoding = request.headers.get("content-encoding");
  const plain = encoding ? new Blob([bytes]).stream().pipeThrough(new DecompressionStream(encoding)) : new Blob([bytes]).stream();
  return { bytes: bytes.byteLength, encoding, text: await new Response(plain).text() };
}

/**
 * Lets `fetch` reach an endpoint in memory for the time of a task. `requests` has each one: its route, its query and the
 * text of its body. `answer` may be set to a function that answers in its stead, or gives undefined to let it pass.
 */
export async function withEndpoint(task) {
  const documents = new Map();
  let head = 0;
  const stamp = () => `${Date.now().toString(16).padStart(12, "0")}0000-00000000000000ff`;
  const put = (change) => {
    head += 1;
    documents.set(`${change.c}/${change.id}`, { ...change, seq: head, rev: head });
    return head;
  };
  const place = {
    url: BASE,
    requests: [],
    features: ["filter", "gzip"],
    answer: undefined,
    /** May be set to a function that says which operations are refused for good. */
    refuses: undefined,
    documents,
    /** The documents of the bodies that came, by collection and id. */
    sent: () => place.requests.filter(({ route }) => route === "push").flatMap(({ text }) => JSON.parse(text).ops.map(({ c, id }) => `${c}/${id}`)),
    routes: () => place.requests.map(({ route }) => route),
    /** Stores a document as another device would. */
    plant: (c, id, value) => put({ c, id, hlc: stamp(), body: { value } }),
    /** Stores a document by what another device would send. */
    plantBody: (c, id, body) => put({ c, id, hlc: stamp(), body }),
    /** Deletes a document as another device would. */
    uproot: (c, id) => put({ c, id, hlc: stamp(), del: true }),
    /** What it has of a document; undefined where that is deleted. */
    value: (c, id) => documents.get(`${c}/${id}`)?.body?.value,
  };
  const routes = {
    status: () => json({ protocol: 1, epoch: "e", head, floor: 0, serverTime: Date.now(), limits: { maxOps: 500, maxBytes: 1 << 20, maxDocBytes: 1 << 18, maxDepth: 64 }, features: place.features }),
    push: (_, text) => {
      const results = JSON.parse(text).ops.map((op) => {
        const { mid, c, id, hlc, mode, base, body, del } = op;
        if (place.refuses?.(op)) return { mid, status: "rejected", code: "invalid_body", message: "made up by a case" };
        const current = documents.get(`${c}/${id}`);
        const stands = current && !(current.del && base === null);
        if (mode === "cas" && stands && current.rev !== base) return { mid, status: "conflict", current };
        const seq = put({ c, id, hlc, ...(del ? { del } : { body }) });
        return { mid, status: "ok", seq, rev: seq };
      });
      return json({ epoch: "e", head, serverTime: Date.now(), results });
    },
    snapshot: (query) => {
      const wanted = query.get("c")?.split(",");
      const found = [...documents.values()].filter(({ c, del }) => !del && (!wanted || wanted.includes(c)));
      const lines = [{ epoch: "e", head, cursor: `${head}`, serverTime: Date.now() }, ...found, { count: found.length }];
      return new Response(lines.map((line) => JSON.stringify(line)).join("\n"), { headers: { "content-type": "application/x-ndjson" } });
    },
    changes: (query) => {
      const since = Number(query.get("since") ?? 0);
      const wanted = query.get("c")?.split(",");
      const changes = [...documents.values()].filter(({ c, seq }) => seq > since && (!wanted || wanted.includes(c))).sort((a, b) => a.seq - b.seq);
      return json({ changes, cursor: `${head}`, more: false, head, serverTime: Date.now() });
    },
  };
  const original = globalThis.fetch;
  globalThis.fetch = async (asked, init) => {
    const request = new Request(asked, init);
    if (!request.url.startsWith(BASE)) return original(asked, init);
    const { pathname, searchParams } = new URL(request.url);
    const route = pathname.split("/")[3] ?? "status";
    const body = await bodyOf(request);
    place.requests.push({ route, query: searchParams, ...body });
    return (await place.answer?.(route, body)) ?? routes[route](searchParams, body.text);
  };
  try {
    await task(place);
  } finally {
    globalThis.fetch = original;
  }
}
