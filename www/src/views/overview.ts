import { total } from "virtual:world";
import type { App, View } from "../app.ts";
import { number, plural } from "../lib/format.ts";
import { h } from "../ui/dom.ts";
import { attempt } from "../ui/toasts.ts";
import { worldMap } from "../ui/world-map.ts";
import { attribution } from "./attribution.ts";

const pins = 500;

/** The world as the list has it, with a pin wherever there is a note. */
export function overviewView({ notes, session }: App): View<unknown> {
  const map = worldMap("Map of the world in dots; pins where you took notes", 2);
  const caption = h("p", { class: "overview-caption" });
  const element = h(
    "section",
    { class: "pane overview", "aria-label": "Overview" },
    h(
      "div",
      { class: "overview-frame" },
      map.element,
      h("p", { class: "overview-title" }, "Wherever you are, ", h("br"), "write it down."),
      caption,
      attribution(),
    ),
  );

  notes.recent(
    pins,
    (recent) =>
      void attempt(async () => {
        const count = await notes.count();
        map.mark(recent.map(({ label }) => label));
        const places = new Set(recent.map(({ place }) => place)).size;
        caption.textContent =
          count > 0
            ? `${plural(count, "note")} on ${plural(places, "place")} in “${session.space}”.`
            : `${number(total)} places, and no note yet in “${session.space}”.`;
      }),
  );
  return { element, show: () => undefined };
}
