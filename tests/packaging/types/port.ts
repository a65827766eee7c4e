import type { DataStore, StorageInfo } from "tidekeep";
import { StorageError } from "tidekeep";
import type { RemoteCollection, RemoteStore } from "tidekeep/port";
import { connect, serve, StorageError as PortError } from "tidekeep/port";
import { same } from "./same.js";

interface App {
  notes: { key: string; value: { id: string; text: string }; indexes: "text" };
}
declare const store: DataStore<App>;

const { port1 } = new MessageChannel();
for (const port of [port1, new Worker("worker.js"), new BroadcastChannel("name")]) {
  serve(store, port)();
  serve(store, port, { credentials: true });
}
// @ts-expect-error no port
serve(store, {});
// @ts-expect-error no such option
serve(store, port1, { secrets: true });

const remote = connect<App>(port1, { timeout: 1000 });
same<RemoteStore<App>>()(remote);
same<RemoteCollection<App["notes"]>>()(remote.collection("notes"));
same<{ id: string; text: string } | undefined>()(await remote.collection("notes").get("1"));
// @ts-expect-error the schema has no such collection
remote.collection("drafts");
// @ts-expect-error there is no such field
await remote.collection("notes").query({ field: "title", operator: "eq", value: "" });
same<StorageInfo>()(await remote.getInfo());
same<string | undefined>()(await remote.get<string>("key"));
// @ts-expect-error not served
await remote.destroy();
// @ts-expect-error not known at once
remote.credentials.locked;
same<typeof StorageError>()(PortError);
