import type { App } from "../app.ts";
import { bytes, number } from "../lib/format.ts";
import { fill, h } from "../ui/dom.ts";
import { attempt } from "../ui/toasts.ts";
import { attribution } from "./attribution.ts";

/** Where the notebook is kept, and how much of it there is. */
export function aboutCard({ store, notes }: App) {
  const facts = h("dl", { class: "facts", "data-testid": "about" });
  const element = h("div", { class: "card" }, h("h2", {}, "On this device"), facts, attribution());
  const fact = (name: string, value: string) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
  const refresh = () =>
    void attempt(async () => {
      const info = store.getInfo();
      const [places, written, status] = await Promise.all([
        store.collection("places").count(),
        notes.count(),
        store.getStatus(),
      ]);
      fill(
        facts,
        fact("Places", number(places)),
        fact("Notes", number(written)),
        fact("Kept in", info.persistent ? info.type : `${info.type}, until the tab is closed`),
        status.usage !== undefined && fact("Disk used", bytes(status.usage)),
        fact("tidekeep", info.version),
      );
    });
  return { element, refresh };
}
