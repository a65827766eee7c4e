import { createStorage, type DataStore } from "tidekeep";
import { autoLock } from "./locking.ts";
import { collections, databaseName, type Fieldbook } from "./schema.ts";
import { offline, type Session } from "./session.ts";
import { syncOptions } from "./sync-options.ts";

export type Store = DataStore<Fieldbook>;

/** Opens the notebook of a space, and sync with the server that this page came from. */
export function openStore(session: Session): Promise<Store> {
  return createStorage<Fieldbook>({
    name: databaseName(session.space),
    collections,
    encryption: { autoLock: autoLock() },
    sync: { ...syncOptions(session), enabled: !offline.get() },
  });
}
