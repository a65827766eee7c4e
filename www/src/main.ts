import "@fontsource-variable/fraunces/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/overlays.css";
import "./styles/switch.css";
import "./styles/overview.css";
import "./styles/import.css";
import "./styles/places.css";
import "./styles/notes.css";
import "./styles/panels.css";
import "./styles/disk.css";
import "./styles/sync.css";
import { describeTrouble } from "./data/advice.ts";
import { watchArrivals } from "./data/arrivals.ts";
import { openImporting } from "./data/importing.ts";
import { openNotes } from "./data/notes.ts";
import { openSession } from "./data/session.ts";
import { openStore } from "./data/store.ts";
import { watchSync } from "./data/syncing.ts";
import { rememberWriter } from "./data/writer.ts";
import { registerServiceWorker } from "./lib/offline.ts";
import { openRouter } from "./route.ts";
import { emptyState } from "./ui/controls.ts";
import { fill, h } from "./ui/dom.ts";
import { toast, toastRegion, toastTrouble } from "./ui/toasts.ts";
import { frame } from "./views/frame.ts";

const root = document.querySelector("#app") ?? document.body;

try {
  const session = openSession(new URL(location.href));
  const store = await openStore(session);
  const sync = watchSync(store);
  const app = {
    session,
    store,
    notes: openNotes(store),
    sync,
    arrivals: watchArrivals(store, sync),
    importing: openImporting(store, session),
    router: openRouter(),
  };
  fill(root, frame(app), toastRegion());
  // What a round of sync meets, and what was refused, is told by the pill and the panel, for as long as it lasts.
  store.on("error", (error) => error.operation !== "sync.run" && !error.context["document"] && toastTrouble(error));
  store.on("rejected", () =>
    toast("The server refused a change.", { label: "Look", run: () => app.router.go({ pane: "sync" }) }),
  );
  // Without it nothing is lost: the page sends what waits when it is open again.
  void rememberWriter(session).catch(() => undefined);
} catch (error) {
  const { code, message, advice } = describeTrouble(error);
  const panel = emptyState(
    "alert",
    "The notebook could not be opened",
    message,
    h("p", {}, advice),
    h("code", {}, code),
  );
  fill(root, h("main", { class: "plain-page", role: "alert", "data-testid": "fatal" }, panel));
}

addEventListener("unhandledrejection", ({ reason }) => toastTrouble(reason));
void registerServiceWorker((start) => toast("A newer Fieldbook is ready.", { label: "Start it", run: start })).catch(
  () => undefined,
);
