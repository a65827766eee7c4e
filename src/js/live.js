// A stream of server-sent events, read by fetch: `EventSource` cannot send a token.

/** The longest event, in characters. */
const LONGEST = 16 << 20;

/**
 * Calls `hear` with the kind and the data of each event, until the stream ends, `signal` aborts, or it answers false; with
 * two empty texts when the stream has begun. Resolves with the response where that is something else than a stream.
 */
export async function listen(url, token, signal, hear) {
  const headers = { accept: "text/event-stream", ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { headers, signal, cache: "no-store", credentials: "omit" });
  const reader = response.body?.getReader();
  try {
    if (!response.ok || !reader || !/^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "")) {
      return response;
    }
    if (!hear("", "")) return undefined;
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      // An event ends with an empty line, and what is left begins the next one.
      const events = (text + decoder.decode(value, { stream: true })).replace(/\r\n?/g, "\n").split("\n\n");
      text = events.pop();
      if (text.length > LONGEST) return undefined;
      for (const event of events) if (!hear(...parsed(event))) return undefined;
    }
  } finally {
    // Whatever else would come is not taken.
    reader?.cancel().catch(() => undefined);
  }
}

/** The kind and the data of an event. */
function parsed(event) {
  const fields = { event: "message", data: [] };
  for (const line of event.split("\n")) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "data") fields.data.push(value);
    else if (name === "event") fields.event = value;
  }
  return [fields.event, fields.data.join("\n")];
}
