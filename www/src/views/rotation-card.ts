import type { App } from "../app.ts";
import { plural } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { h } from "../ui/dom.ts";
import { attempt, toast } from "../ui/toasts.ts";

/** Another data key: everything that is sealed is sealed anew, and no way to unlock changes. */
export function rotationCard({ store }: App) {
  const { credentials } = store;
  const bar = h("progress", { max: 1, value: 0, "aria-labelledby": "rotation-line", "data-testid": "rotation-bar" });
  const line = h("p", { id: "rotation-line", class: "hint", role: "status", "data-testid": "rotation-line" });
  const start = button({ label: "Seal anew", testid: "rotate", icon: "repeat", click: () => void rotate() });
  const element = h(
    "div",
    { class: "card", "data-testid": "rotation-card" },
    h("h2", {}, "A new key"),
    h("p", { class: "hint" }, "Seals everything again under a fresh key, on this device and, once synced, on the others. Nobody has to enter anything."),
    h("div", { class: "rotation" }, bar, line),
    h("div", { class: "actions" }, start),
  );
  bar.hidden = true;

  const rotate = async () => {
    start.disabled = true;
    bar.hidden = false;
    bar.removeAttribute("value");
    line.textContent = "Making a key…";
    const onProgress = (done: number, total: number) => {
      bar.max = Math.max(1, total);
      bar.value = done;
      line.textContent = `${done} of ${plural(total, "value")} sealed anew`;
    };
    const done = await attempt(() => credentials.rotate({ onProgress }));
    bar.hidden = true;
    start.disabled = false;
    line.textContent = "";
    if (done) toast("Everything is sealed under a new key.");
  };

  return { element, refresh: () => void (element.hidden = credentials.locked) };
}
