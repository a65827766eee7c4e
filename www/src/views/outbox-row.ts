import type { OutboxEntry } from "tidekeep";
import type { App } from "../app.ts";
import { adviceFor, sentences } from "../data/advice.ts";
import { clock, plural } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { h } from "../ui/dom.ts";
import type { Row } from "../ui/keyed.ts";
import { attempt } from "../ui/toasts.ts";

/** A change that has not left this device, and what can be done about it once it was refused. */
export function outboxRow(app: App, first: OutboxEntry): Row<OutboxEntry> {
  const { sync } = app.store;
  const title = h("p", { class: "row-title" });
  const detail = h("p", { class: "row-detail" });
  const actions = first.state === "dead" && [
    button({
      label: "Try again",
      testid: "retry",
      icon: "repeat",
      click: () => void attempt(() => sync.retry(first.id)),
    }),
    button({
      label: "Discard",
      testid: "discard",
      kind: "danger",
      click: () => void attempt(() => sync.discard(first.id)),
    }),
  ];
  const element = h(
    "li",
    { class: "outbox-row", "data-testid": first.state === "dead" ? "dead-entry" : "pending-entry" },
    h("div", { class: "outbox-text" }, title, detail),
    actions && h("div", { class: "actions" }, actions),
  );
  void titleOf(app, first).then(
    (text) => (title.textContent = text),
    () => undefined,
  );
  return {
    element,
    update({ state, attempts, nextAttempt, error }) {
      const tried = attempts > 0 ? `, tried ${plural(attempts, "time")}` : "";
      const again = attempts > 0 && nextAttempt ? `, again at ${clock(nextAttempt)}` : "";
      const underWay = state === "sending" && app.sync.get()?.state === "sending";
      // What holds up all that waits is said once, above the list.
      detail.textContent =
        state === "dead" && error
          ? sentences({ message: error.message, advice: adviceFor(error.code) })
          : underWay
            ? "being sent"
            : `waiting${tried}${again}`;
    },
  };
}

async function titleOf({ notes }: App, { collection, key }: OutboxEntry): Promise<string> {
  if (collection === "credentials") return "Your key, sealed";
  if (collection !== "notes" || typeof key !== "string") return "What opens your key, sealed";
  const note = await notes.get(key);
  return note ? `${note.label.name}: ${note.text.slice(0, 80)}` : "A deleted note";
}
