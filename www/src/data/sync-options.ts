import { StorageError, type SyncOptions } from "tidekeep";
import type { Fieldbook } from "./schema.ts";
import type { Session } from "./writer.ts";

/** How a notebook replicates with the server that this script came from: the page and the service worker say the same. */
export function syncOptions(session: Session): SyncOptions<Fieldbook> {
  return {
    endpoint: `${location.origin}/v1/${session.space}`,
    auth: () => token(session),
    // Of two texts no program can say which is right: whoever wrote one decides.
    conflict: { default: "merge", notes: "manual" },
    interval: 15,
  };
}

/** Asked each time something is sent, so that no token is ever kept. */
async function token({ user, space }: Session): Promise<string> {
  const response = await fetch("/dev/token", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sub: user, space }),
  }).catch((cause: unknown) => {
    throw new StorageError("NETWORK_ERROR", "The server cannot be reached", { retryable: true, cause });
  });
  if (!response.ok) throw new Error(`The server gave no token (HTTP ${response.status}).`);
  const answer: unknown = await response.json();
  if (typeof answer === "object" && answer && "token" in answer && typeof answer.token === "string")
    return answer.token;
  throw new Error("The server's answer holds no token.");
}
