import type { Country } from "../data/schema.ts";
import { countryName, number, plural } from "../lib/format.ts";
import { linkTo, placesRoute } from "../route.ts";
import { fill, h } from "../ui/dom.ts";

const collator = new Intl.Collator("en");

/** All countries by name, each with how many places it has. */
export function countryList() {
  const status = h("p", { class: "list-status" });
  const list = h("ul", { class: "countries", "data-testid": "countries" });
  const element = h("div", {}, status, list);
  return {
    element,
    show(countries: readonly Country[]) {
      status.textContent =
        countries.length > 0 ? `Or by country: ${plural(countries.length, "country", "countries")}` : "";
      const named = countries.map((country) => ({ ...country, name: countryName(country.code) }));
      fill(list, named.sort((a, b) => collator.compare(a.name, b.name)).map(entry));
    },
  };
}

function entry({ code, name, places }: Country & { name: string }): HTMLElement {
  const link = h(
    "a",
    { class: "country", href: linkTo(placesRoute({ country: code })), "data-testid": `country-${code}` },
    h("span", { class: "code", "aria-hidden": "true" }, code),
    h("span", { class: "country-name" }, name),
    h("span", { class: "tally" }, number(places), h("span", { class: "visually-hidden" }, " places")),
  );
  return h("li", {}, link);
}
