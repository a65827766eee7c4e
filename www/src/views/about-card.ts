import type { App } from "../app.ts";
import { bytes, number } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h } from "../ui/dom.ts";
import { attempt, toast } from "../ui/toasts.ts";
import { attribution } from "./attribution.ts";

/** Where the notebook is kept, how much of it there is, and how much room is left. */
export function aboutCard({ store, notes }: App) {
  const facts = h("dl", { class: "facts", "data-testid": "about" });
  const meter = h("meter", { min: 0, low: 0, high: 0.8, optimum: 0, max: 1, "aria-labelledby": "room" });
  const room = h("p", { id: "room", class: "room-line", "data-testid": "room" });
  const protect = button({
    label: "Protect from eviction",
    testid: "persist",
    icon: "lock",
    click: () =>
      void attempt(async () => {
        const granted = await store.persist();
        toast(granted ? "The browser keeps this notebook." : "The browser does not promise it for this site yet.");
        await read();
      }),
  });
  const element = h(
    "div",
    { class: "card" },
    h("h2", {}, "On this device"),
    facts,
    h("div", { class: "room" }, meter, room),
    h("div", { class: "actions" }, protect),
    attribution(),
  );
  const fact = (name: string, value: string) => h("div", {}, h("dt", {}, name), h("dd", {}, value));

  const read = async () => {
    const info = store.getInfo();
    const [places, written, space] = await Promise.all([
      store.collection("places").count(),
      notes.count(),
      store.estimate(),
    ]);
    fill(
      facts,
      fact("Places", number(places)),
      fact("Notes", number(written)),
      fact("Kept in", info.persistent ? info.type : `${info.type}, until the tab is closed`),
      fact("tidekeep", info.version),
    );
    const { usage, quota, persisted } = space;
    const known = usage !== undefined && quota !== undefined && quota > 0;
    meter.hidden = !known;
    if (known) meter.value = usage / quota;
    room.textContent = [
      known && `${bytes(usage)} used of ${bytes(quota)} that this site may have`,
      persisted === true && "kept until you remove it",
      persisted === false && "the browser may evict it when the disk is short",
    ]
      .filter(Boolean)
      .join(" · ");
    protect.hidden = persisted !== false;
  };
  store.on("quota", ({ usage, quota }) => {
    toast(`${bytes(usage)} of ${bytes(quota)} are used. Free some space before the notebook is full.`);
  });
  return { element, refresh: () => void attempt(read) };
}
