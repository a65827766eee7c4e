import type { QueryPlan } from "tidekeep";
import type { App } from "../app.ts";
import type { Means, PlacesFound } from "../data/places.ts";
import type { Place } from "../data/schema.ts";
import { countryName, number, plural } from "../lib/format.ts";
import { linkTo, type PlacesRoute } from "../route.ts";
import { button, emptyState } from "../ui/controls.ts";
import { fill, h, setAttribute } from "../ui/dom.ts";
import { keyedList, type Row } from "../ui/keyed.ts";

/** The places found, and in small print how the storage found them. */
export function resultList(app: App, onMore: () => void) {
  let route: PlacesRoute | undefined;
  const status = h("p", { id: "search-status", class: "list-status", role: "status", "data-testid": "result-count" });
  const list = h("ul", { class: "rows", "data-testid": "results", on: { keydown: (event) => moveFocus(event, list) } });
  const nothing = h("div", {});
  const more = button({ label: "Show more", testid: "more", click: onMore });
  const plan = h("p", { class: "explain", "data-testid": "explain" });
  const element = h("div", { class: "results" }, status, plan, list, nothing, more);
  const update = keyedList<Place>(
    list,
    ({ id }) => id,
    (place) => row(place),
  );

  const row = (place: Place): Row<Place> => {
    const link = h(
      "a",
      { class: "row", "data-testid": "result", "data-place": place.id },
      h("span", { class: "row-title" }, place.name),
      h("span", { class: "row-detail" }, place.region && `${place.region}, `, countryName(place.country)),
    );
    const follow = () => {
      if (!route) return;
      setAttribute(link, "href", linkTo({ ...route, place: place.id }));
      setAttribute(link, "aria-current", route.place === place.id && "true");
    };
    return { element: h("li", {}, link), update: follow };
  };

  let shown: Place[] | undefined;
  return {
    element,
    shown: () => shown !== undefined,
    focus: () => list.querySelector("a")?.focus(),
    /** Follows which place is open. */
    select(next: PlacesRoute) {
      route = next;
      if (shown) update(shown);
    },
    show(next: PlacesRoute, { places, means, milliseconds }: PlacesFound, mayBeMore: boolean) {
      route = next;
      shown = places;
      update(places);
      more.hidden = !mayBeMore;
      status.textContent =
        places.length === 0
          ? "No place found"
          : mayBeMore
            ? `The first ${number(places.length)} places`
            : plural(places.length, "place");
      const importing = app.importing.view.get()?.stage !== "finished";
      const hint = importing
        ? "Not all places are imported yet."
        : next.country
          ? "Within a country, the beginning of a name is compared; accents and case do not matter."
          : "Every word must be there, in the name, the region or the country; accents and case do not matter.";
      fill(nothing, places.length === 0 && emptyState("search", "Nothing like that", hint));
      plan.textContent = explainLine(means, milliseconds);
    },
  };
}

function explainLine(means: Means, milliseconds: number): string {
  const parts = means.by === "words" ? wordParts(means.words) : planParts(means.plan);
  const took = `${milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)} ms`;
  return [...parts, took].filter(Boolean).join(" · ");
}

const wordParts = (words: readonly string[]) => ["full-text index", words.length > 0 && `words ${words.slice(0, 8).join(", ")}`];

const planParts = ({ index, range, residual, sorted, rowsRead }: QueryPlan) => [
  index === null ? "no index" : `index ${index}`,
  range && `range ${range.replaceAll("\uffff", "…")}`,
  `${plural(rowsRead, "row")} read`,
  residual.length > 0 && `then filtered by ${residual.join(", ")}`,
  sorted === "memory" && "sorted in memory",
];

/** Arrow keys walk the list; up from its top goes back to the search. */
function moveFocus(event: KeyboardEvent, list: HTMLElement): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  const links = [...list.querySelectorAll("a")];
  const next = links.findIndex((link) => link === document.activeElement) + step;
  if (next < 0) document.querySelector<HTMLElement>("#search")?.focus();
  else links[next]?.focus();
}
