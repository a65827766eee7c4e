import type { App, View } from "../app.ts";
import type { Note, PlaceLabel } from "../data/schema.ts";
import { coordinates, countryName, plural } from "../lib/format.ts";
import { newest } from "../lib/soon.ts";
import { linkTo, type NotesRoute, type PlacesRoute } from "../route.ts";
import { emptyState } from "../ui/controls.ts";
import { fill, h } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";
import { keyedList } from "../ui/keyed.ts";
import { attempt } from "../ui/toasts.ts";
import { locatorMap } from "../ui/world-map.ts";
import { attribution } from "./attribution.ts";
import { composer } from "./composer.ts";
import { markNotes, noteCard } from "./note-card.ts";

type OpenRoute = PlacesRoute | NotesRoute;

/** One place: where it is, and the notes on it. */
export function placeView(app: App): View<OpenRoute> {
  const { notes } = app;
  const element = h("article", { class: "pane detail", "data-testid": "place" });
  let open: { place: PlaceLabel; shown: Promise<void>; leave: () => void } | undefined;

  const mark = () => markNotes(element, app.sync.get(), app.arrivals.get());
  const find = newest((route: OpenRoute) => lookUp(app, route));
  const show = (route: OpenRoute) =>
    attempt(async () => {
      const place = await find(route);
      const back = h(
        "a",
        {
          class: "back",
          href: linkTo(route.pane === "places" ? { ...route, place: "" } : { pane: "notes", note: "" }),
          "data-testid": "back",
        },
        icon("back"),
        route.pane === "places" ? "Places" : "Notes",
      );
      if (place === undefined) return;
      if (place === "gone") {
        open?.leave();
        open = undefined;
        delete element.dataset["place"];
        return fill(
          element,
          back,
          emptyState(
            "pin",
            "Not in this notebook",
            "The note was deleted, or the place is not imported on this device.",
          ),
        );
      }
      if (open?.place.id !== place.id) {
        open?.leave();
        open = contents(place);
      }
      element.firstElementChild?.replaceWith(back);
      await open.shown;
      const card = route.pane === "notes" && element.querySelector(`[data-note="${CSS.escape(route.note)}"]`);
      if (card) card.scrollIntoView({ block: "nearest" });
      else element.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    });

  const contents = (place: PlaceLabel) => {
    const list = h("ul", { class: "note-list", "data-testid": "place-notes" });
    const heading = h("h2", {}, "Notes");
    const update = keyedList<Note>(
      list,
      ({ id }) => id,
      (note) => noteCard(app, note),
    );
    element.dataset["place"] = place.id;
    const placement = [place.region, countryName(place.country)].filter(Boolean).join(", ");
    fill(
      element,
      h("span", {}),
      h(
        "div",
        { class: "place-head" },
        locatorMap(place, `Map of the surroundings of ${place.name}`),
        h(
          "div",
          { class: "place-title" },
          h("h1", { tabindex: -1, "data-testid": "place-name" }, place.name),
          h("p", {}, placement),
          h("p", { class: "coordinates" }, coordinates(place.lat, place.lng)),
        ),
      ),
      h("div", { class: "place-notes" }, heading, composer(app, place), list),
      attribution(),
    );
    let leave = () => {};
    const shown = new Promise<void>((resolve) => {
      leave = notes.of(place.id, (found) => {
        heading.textContent = found.length > 0 ? plural(found.length, "note") : "No notes yet";
        update(found);
        mark();
        resolve();
      });
    });
    return { place, shown, leave };
  };

  app.sync.watch(mark);
  app.arrivals.watch(mark);
  return { element, show: (route) => void show(route) };
}

/** From the list; from one of its notes where the list does not have it. */
async function lookUp({ store, notes }: App, route: OpenRoute): Promise<PlaceLabel | "gone"> {
  if (route.pane === "notes") return (await notes.get(route.note))?.label ?? "gone";
  const listed = await store.collection("places").get(route.place);
  return listed ?? (await notes.labelOf(route.place)) ?? "gone";
}
