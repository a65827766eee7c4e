import type { App, View } from "../app.ts";
import { allCountries, findPlaces } from "../data/places.ts";
import { countryName } from "../lib/format.ts";
import { newest } from "../lib/soon.ts";
import { placesRoute, type PlacesRoute } from "../route.ts";
import { fill, h } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";
import { attempt } from "../ui/toasts.ts";
import { countryList } from "./country-list.ts";
import { importCard } from "./import-card.ts";
import { resultList } from "./result-list.ts";

const page = 50;
const typingPause = 120;

/** Finds places: by words, or by country and the beginning of their name. */
export function exploreView(app: App): View<PlacesRoute> {
  const { store, router, importing } = app;
  let current = placesRoute();
  let limit = page;
  let timer = 0;

  const input = h("input", {
    type: "search",
    id: "search",
    class: "search-input",
    placeholder: "Find a place…",
    autocomplete: "off",
    spellcheck: "false",
    enterkeyhint: "search",
    "aria-describedby": "search-status",
    "data-testid": "search",
    on: {
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(() => retarget({ search: input.value }), typingPause);
      },
    },
  });
  const chip = h("button", {
    class: "chip",
    type: "button",
    "data-testid": "country-chip",
    on: { click: () => retarget({ country: "" }) },
  });
  const label = h("label", { for: "search", class: "visually-hidden" }, "Words of a place's name, region or country");
  const form = h(
    "form",
    { role: "search", class: "search", on: { submit: (event) => (event.preventDefault(), results.focus()) } },
    h("div", { class: "search-box" }, label, icon("search"), input, chip),
  );
  const results = resultList(app, () => {
    limit += page;
    void search(current);
  });
  const countries = countryList();

  const retarget = (part: Partial<PlacesRoute>) => router.replace({ ...current, ...part });
  const find = newest((route: PlacesRoute) =>
    findPlaces(store, { text: route.search, country: route.country, limit }),
  );
  const search = (route: PlacesRoute) =>
    attempt(async () => {
      const found = await find(route);
      if (found) results.show(route, found, found.places.length >= limit);
    });
  const browse = () => attempt(async () => countries.show(await allCountries(store)));

  const refresh = () => {
    const searching = Boolean(current.search.trim() || current.country);
    results.element.hidden = !searching;
    countries.element.hidden = searching;
    void (searching ? search(current) : browse());
  };

  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      results.focus();
    }
  });
  importing.view.watch((view) => view?.stage === "finished" && refresh());

  return {
    element: h(
      "section",
      { class: "pane list-pane", "aria-label": "Places" },
      h("h1", { tabindex: -1, class: "pane-title" }, "Places"),
      importCard(app),
      form,
      results.element,
      countries.element,
    ),
    show(route) {
      const same = route.search === current.search && route.country === current.country;
      current = route;
      if (document.activeElement !== input) input.value = route.search;
      chip.hidden = !route.country;
      fill(
        chip,
        countryName(route.country || "FR"),
        icon("close"),
        h("span", { class: "visually-hidden" }, "Search the whole world instead"),
      );
      results.select(route);
      if (!same) limit = page;
      if (!same || !results.shown()) refresh();
    },
  };
}
