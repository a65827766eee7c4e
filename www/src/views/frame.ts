import type { App } from "../app.ts";
import { linkTo, placesRoute, type Route } from "../route.ts";
import { h, setAttribute } from "../ui/dom.ts";
import { icon, type IconName } from "../ui/icons.ts";
import { degradedBanner } from "./degraded-banner.ts";
import { exploreView } from "./explore.ts";
import { keyView } from "./key.ts";
import { notesView } from "./notes.ts";
import { overviewView } from "./overview.ts";
import { placeView } from "./place.ts";
import { syncPill } from "./sync-pill.ts";
import { syncView } from "./sync.ts";

const tabs: { pane: Route["pane"]; label: string; icon: IconName; route: Route }[] = [
  { pane: "places", label: "Places", icon: "globe", route: placesRoute() },
  { pane: "notes", label: "Notes", icon: "note", route: { pane: "notes", note: "" } },
  { pane: "key", label: "Key", icon: "key", route: { pane: "key" } },
  { pane: "sync", label: "Sync", icon: "cloud", route: { pane: "sync" } },
];

/** The whole page: header, tabs, and the panes that the route asks for. */
export function frame(app: App): HTMLElement[] {
  const links = tabs.map((tab) =>
    h(
      "a",
      { class: "tab", href: linkTo(tab.route), "data-testid": `tab-${tab.pane}` },
      icon(tab.icon),
      h("span", {}, tab.label),
    ),
  );
  const brand = h(
    "a",
    { class: "brand", href: linkTo(placesRoute()) },
    h("img", { src: "/icons/icon.svg", alt: "", width: 32, height: 32 }),
    h("span", {}, "Fieldbook"),
  );
  const header = h(
    "header",
    { class: "top" },
    brand,
    h("nav", { class: "tabs", "aria-label": "Sections" }, links),
    syncPill(app),
  );

  const explore = exploreView(app);
  const overview = overviewView(app);
  const place = placeView(app);
  const notes = notesView(app);
  const key = keyView(app);
  const sync = syncView(app);
  const main = h(
    "main",
    { class: "panes", id: "main" },
    ...[overview, explore, notes, place, key, sync].map(({ element }) => element),
  );

  app.router.route.watch((route) => {
    const open = route.pane === "places" ? route.place : route.pane === "notes" ? route.note : "";
    main.dataset["pane"] = route.pane;
    main.dataset["open"] = open ? "yes" : "no";
    main.dataset["searching"] = route.pane === "places" && (route.search || route.country) ? "yes" : "no";
    tabs.forEach((tab, index) => {
      const link = links[index];
      if (link) setAttribute(link, "aria-current", tab.pane === route.pane && "page");
    });
    explore.element.hidden = route.pane !== "places";
    notes.element.hidden = route.pane !== "notes";
    key.element.hidden = route.pane !== "key";
    sync.element.hidden = route.pane !== "sync";
    place.element.hidden = !open;
    overview.element.hidden = Boolean(open) || (route.pane !== "places" && route.pane !== "notes");
    document.title = `${tabs.find(({ pane }) => pane === route.pane)?.label ?? ""} · Fieldbook`;
    if (route.pane === "places") explore.show(route);
    if (route.pane === "notes") notes.show(route);
    if (route.pane === "key") key.show(route);
    if (route.pane === "sync") sync.show(route);
    if (open && (route.pane === "places" || route.pane === "notes")) place.show(route);
  });

  const notesLink = links[tabs.findIndex(({ pane }) => pane === "notes")];
  app.arrivals.watch(({ size }) => notesLink && setAttribute(notesLink, "data-news", size > 0));

  return [
    h(
      "a",
      {
        class: "skip",
        href: "#main",
        on: {
          click: (event) => (
            event.preventDefault(),
            main.querySelector<HTMLElement>("section:not([hidden]) h1, article:not([hidden]) h1")?.focus()
          ),
        },
      },
      "Skip to content",
    ),
    header,
    degradedBanner(app),
    main,
  ];
}
