import type { App } from "../app.ts";
import { choices, lockAfter } from "../data/locking.ts";
import { h } from "../ui/dom.ts";

/** When it locks by itself. */
export function lockCard({ store }: App) {
  const seconds = lockAfter.get();
  const known = choices.some(([choice]) => choice === seconds);
  const options = known ? choices : [[seconds, `${seconds} seconds`] as const, ...choices];
  const select = h(
    "select",
    {
      id: "lock-after",
      "data-testid": "lock-after",
      on: {
        change: () => {
          lockAfter.set(Number(select.value));
          location.reload();
        },
      },
    },
    options.map(([value, label]) => h("option", { value, selected: value === seconds }, label)),
  );
  const element = h(
    "div",
    { class: "card lock-card" },
    h(
      "div",
      {},
      h("h2", {}, "Locks by itself"),
      h("p", { class: "hint" }, "Without use, and sooner where nobody looks. Another choice locks at once."),
    ),
    h("div", { class: "field" }, h("label", { for: "lock-after" }, "After"), select),
  );
  return { element, refresh: () => void (element.hidden = store.credentials.locked) };
}
