import type { OutboxEntry } from "tidekeep";
import type { App, View } from "../app.ts";
import { describeTrouble, sentences } from "../data/advice.ts";
import { offline } from "../data/session.ts";
import type { SyncView } from "../data/syncing.ts";
import { ago, moment, plural } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h, setAttribute } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";
import { keyedList } from "../ui/keyed.ts";
import { attempt } from "../ui/toasts.ts";
import { aboutCard } from "./about-card.ts";
import { outboxRow } from "./outbox-row.ts";
import { sessionCard } from "./session-card.ts";
import { stateLabels } from "./sync-pill.ts";

/** Codes of a server that answers, and refuses whoever asks. */
const shut = ["AUTHENTICATION_FAILED", "ACCESS_DENIED"];

/** What waits to be sent, what was refused, and the switch between online and offline. */
export function syncView(app: App): View<unknown> {
  const { sync } = app.store;
  const symbol = h("span", { class: "sync-symbol" });
  const title = h("h2", {});
  const text = h("p", { "data-testid": "sync-text" });
  const trouble = h("p", { class: "trouble-line", "data-testid": "last-error" });
  const toggle = h(
    "button",
    {
      class: "switch",
      type: "button",
      role: "switch",
      "aria-labelledby": "online-label",
      "data-testid": "online-switch",
      on: {
        click: () =>
          void attempt(async () => {
            const on = toggle.getAttribute("aria-checked") !== "true";
            offline.set(!on);
            setAttribute(toggle, "aria-checked", String(on));
            await sync.enable(on);
          }),
      },
    },
    h("span", { class: "knob" }),
  );
  const now = button({
    label: "Sync now",
    testid: "sync-now",
    icon: "repeat",
    kind: "primary",
    click: () => {
      now.disabled = true;
      void attempt(() => sync.run()).finally(() => (now.disabled = false));
    },
  });
  const head = h(
    "div",
    { class: "card sync-card", "data-testid": "sync-card" },
    h("div", { class: "sync-head" }, symbol, h("div", {}, title, text)),
    trouble,
    h("div", { class: "actions" }, h("span", { class: "switch-label", id: "online-label" }, "Online"), toggle, now),
  );

  const waiting = section("Waiting to be sent", "pending-list", app);
  const dead = section("Refused by the server", "dead-list", app);

  app.sync.watch((view) => {
    if (!view) return;
    const { status } = view;
    head.dataset["state"] = view.state;
    fill(symbol, icon(stateLabels[view.state].icon));
    title.textContent = titleOf(view);
    text.textContent = lineOf(view);
    const error = status.enabled ? status.lastError : undefined;
    trouble.hidden = !error;
    fill(trouble, error && [sentences(describeTrouble(error)), h("code", {}, error.code)]);
    setAttribute(toggle, "aria-checked", String(status.enabled));
    now.hidden = !status.enabled;
    waiting.show(view.waiting);
    dead.show(view.dead);
  });

  const about = aboutCard(app);
  const element = h(
    "section",
    { class: "pane single", "aria-label": "Sync" },
    h("h1", { tabindex: -1, class: "pane-title" }, "Sync"),
    head,
    dead.element,
    waiting.element,
    sessionCard(app),
    about.element,
  );
  return { element, show: () => about.refresh() };
}

function section(heading: string, testid: string, app: App) {
  const count = h("span", { class: "count" });
  const list = h("ul", { class: "outbox", "data-testid": testid });
  const element = h("div", { class: "card" }, h("h2", {}, heading, " ", count), list);
  const update = keyedList<OutboxEntry>(
    list,
    ({ id }) => id,
    (entry) => outboxRow(app, entry),
  );
  return {
    element,
    show(entries: readonly OutboxEntry[]) {
      element.hidden = entries.length === 0;
      count.textContent = String(entries.length);
      update(entries);
    },
  };
}

function titleOf({ state, status, waiting, dead }: SyncView): string {
  switch (state) {
    case "synced":
      return status.lastSyncTime ? "Everything is in sync" : "Nothing waits to be sent";
    case "sending":
      return "Syncing…";
    case "waiting":
      return `${plural(waiting.length, "change")} on the way`;
    case "offline":
      return waiting.length > 0 ? `${plural(waiting.length, "change")} kept here` : "Working offline";
    case "trouble":
      if (dead.length > 0) return `${plural(dead.length, "change")} refused`;
      return shut.includes(status.lastError?.code ?? "")
        ? "The server does not let us in"
        : "The server cannot be reached";
  }
}

function lineOf({ state, status }: SyncView): string {
  if (state === "offline")
    return status.enabled
      ? "There is no network. Changes are sent when it is back."
      : "You chose to work offline. Changes are sent when you go online.";
  if (state === "trouble" && status.nextSyncTime) return `Tried again by itself at ${moment(status.nextSyncTime)}.`;
  return status.lastSyncTime ? `Last synced ${ago(status.lastSyncTime.getTime())}.` : "Not synced yet on this device.";
}
