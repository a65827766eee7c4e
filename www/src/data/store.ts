import { createStorage, StorageError, type DataStore } from "tidekeep";
import { autoLock } from "./locking.ts";
import { collections, databaseName, type Fieldbook } from "./schema.ts";
import { offline, type Session } from "./session.ts";

export type Store = DataStore<Fieldbook>;

/** Opens the notebook of a space, and sync with the server that this page came from. */
export function openStore(session: Session): Promise<Store> {
  return createStorage<Fieldbook>({
    name: databaseName(session.space),
    collections,
    encryption: { autoLock: autoLock() },
    sync: {
      endpoint: `${location.origin}/v1/${session.space}`,
      auth: () => token(session),
      enabled: !offline.get(),
      interval: 15,
    },
  });
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
