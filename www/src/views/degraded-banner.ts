import type { App } from "../app.ts";
import { h } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";

/** Says so, for as long as notes are only kept in memory. */
export function degradedBanner({ store }: App): HTMLElement {
  const text =
    "This browser does not let the site keep data. Notes stay until this tab is closed, and only what is synced survives it.";
  const banner = h(
    "div",
    { class: "banner", role: "alert", "data-testid": "degraded" },
    icon("alert"),
    h("p", {}, text),
  );
  banner.hidden = store.getInfo().persistent;
  store.on("degraded", () => (banner.hidden = false));
  return banner;
}
