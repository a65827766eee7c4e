import { signal, type Signal } from "./lib/signal.ts";

export interface PlacesRoute {
  pane: "places";
  /** The words looked for; within a country, what the name begins with. */
  search: string;
  country: string;
  /** The place that is open, or "". */
  place: string;
}
export interface NotesRoute {
  pane: "notes";
  /** The note that is open, or "". */
  note: string;
}
export type Route = PlacesRoute | NotesRoute | { pane: "key" } | { pane: "sync" };

export interface Router {
  readonly route: Signal<Route>;
  go(route: Route): void;
  /** Goes there without a new step in the history. */
  replace(route: Route): void;
}

export const placesRoute = (part: Partial<PlacesRoute> = {}): PlacesRoute => ({
  pane: "places",
  search: "",
  country: "",
  place: "",
  ...part,
});

/** The address of a route: the part behind "#". */
export function linkTo(route: Route): string {
  if (route.pane === "notes") return `#/notes${route.note && `/${encodeURIComponent(route.note)}`}`;
  if (route.pane !== "places") return `#/${route.pane}`;
  const query = new URLSearchParams();
  if (route.search) query.set("q", route.search);
  if (route.country) query.set("in", route.country);
  const place = route.place && `/${encodeURIComponent(route.place)}`;
  return `#/places${place}${query.size > 0 ? `?${query.toString()}` : ""}`;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [pane = "", id = ""] = path.split("/", 2).map(decode);
  if (pane === "notes") return { pane, note: id };
  if (pane === "key" || pane === "sync") return { pane };
  const parameters = new URLSearchParams(query);
  return { pane: "places", search: parameters.get("q") ?? "", country: parameters.get("in") ?? "", place: id };
}

/** Follows the address of the page. */
export function openRouter(): Router {
  const route = signal<Route>(parseRoute(location.hash));
  addEventListener("hashchange", () => route.set(parseRoute(location.hash)));
  return {
    route,
    go: (next) => location.assign(linkTo(next)),
    replace(next) {
      history.replaceState(history.state, "", linkTo(next));
      route.set(next);
    },
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
