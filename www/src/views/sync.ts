import type { OutboxEntry, SettledConflict, WaitingConflict } from "tidekeep";
import type { App, View } from "../app.ts";
import { describeTrouble, sentences } from "../data/advice.ts";
import { offline } from "../data/session.ts";
import { hearingOf, type Hearing, type SyncView } from "../data/syncing.ts";
import { ago, clock, number, plural } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h, setAttribute } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";
import { keyedList, type Row } from "../ui/keyed.ts";
import { attempt } from "../ui/toasts.ts";
import { aboutCard } from "./about-card.ts";
import { conflictRow } from "./conflict-row.ts";
import { outboxRow } from "./outbox-row.ts";
import { sessionCard } from "./session-card.ts";
import { hasLoser, settledRow } from "./settled-row.ts";
import { stateLabels } from "./sync-pill.ts";

/** Codes of a server that answers, and refuses whoever asks. */
const shut = ["AUTHENTICATION_FAILED", "ACCESS_DENIED"];

const hearing: Readonly<Record<Hearing, string>> = {
  live: "Changes made elsewhere appear here as they happen.",
  elsewhere: "Another window of this browser talks to the server for this one.",
  interval: "Changes made elsewhere are asked for from time to time.",
};

/** How many of the texts that were not kept are shown. */
const kept = 5;

/** What waits to be sent, what was refused, what two sides changed, and the switch between online and offline. */
export function syncView(app: App): View<unknown> {
  const { sync } = app.store;
  const symbol = h("span", { class: "sync-symbol" });
  const title = h("h2", {});
  const text = h("p", { "data-testid": "sync-text" });
  const heard = h("p", { class: "heard", "data-testid": "heard" });
  const bar = h("progress", { max: 1, value: 0, "aria-labelledby": "progress-line", "data-testid": "sync-progress" });
  const barLine = h("p", { id: "progress-line", class: "hint" });
  const progress = h("div", { class: "rotation" }, bar, barLine);
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
    h("div", { class: "sync-head" }, symbol, h("div", {}, title, text, heard)),
    progress,
    trouble,
    h("div", { class: "actions" }, h("span", { class: "switch-label", id: "online-label" }, "Online"), toggle, now),
  );

  const idOf = ({ id }: { id: string }) => id;
  const waiting = section<OutboxEntry>("Waiting to be sent", "pending-list", idOf, (entry) => outboxRow(app, entry));
  const dead = section<OutboxEntry>("Refused by the server", "dead-list", idOf, (entry) => outboxRow(app, entry));
  const conflicts = section<WaitingConflict>(
    "Two versions",
    "conflicts",
    idOf,
    (conflict) => conflictRow(app, conflict),
    "These were changed here and elsewhere. Nothing of them is sent until you have chosen; everything else is.",
  );
  const settled = section<SettledConflict>(
    "Not kept",
    "settled-list",
    ({ id, at }) => `${id} ${at.getTime()}`,
    (conflict) => settledRow(app, conflict),
    "What lost against another version. It stays here for thirty days.",
  );

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
    const how = hearingOf(status);
    setAttribute(heard, "data-hearing", how);
    heard.hidden = !how;
    heard.textContent = how ? hearing[how] : "";
    progress.hidden = !status.progress;
    bar.max = Math.max(1, status.progress?.total ?? 1);
    bar.value = status.progress?.done ?? 0;
    barLine.textContent = status.progress
      ? `${number(status.progress.done)} of ${plural(status.progress.total, "change")} taken in`
      : "";
    setAttribute(toggle, "aria-checked", String(status.enabled));
    now.hidden = !status.enabled;
    waiting.show(view.waiting);
    dead.show(view.dead);
    conflicts.show(view.conflicts);
    settled.show(view.settled.filter(hasLoser).slice(0, kept));
  });

  const about = aboutCard(app);
  const element = h(
    "section",
    { class: "pane single", "aria-label": "Sync" },
    h("h1", { tabindex: -1, class: "pane-title" }, "Sync"),
    head,
    conflicts.element,
    dead.element,
    waiting.element,
    settled.element,
    sessionCard(app),
    about.element,
  );
  return { element, show: () => about.refresh() };
}

function section<T>(
  heading: string,
  testid: string,
  keyOf: (item: T) => string,
  row: (item: T) => Row<T>,
  hint?: string,
) {
  const count = h("span", { class: "count" });
  const list = h("ul", { class: "outbox", "data-testid": testid });
  const about = hint !== undefined && h("p", { class: "hint" }, hint);
  const element = h("div", { class: "card" }, h("h2", {}, heading, " ", count), about, list);
  element.hidden = true;
  const update = keyedList<T>(list, keyOf, row);
  return {
    element,
    show(items: readonly T[]) {
      element.hidden = items.length === 0;
      count.textContent = String(items.length);
      update(items);
    },
  };
}

function titleOf({ state, status, waiting, dead, conflicts }: SyncView): string {
  switch (state) {
    case "synced":
      return status.lastSyncTime || !status.leader ? "Everything is in sync" : "Nothing waits to be sent";
    case "sending":
      return "Syncing…";
    case "waiting":
      return `${plural(waiting.length, "change")} on the way`;
    case "undecided":
      return `${plural(conflicts.length, "note")} with two versions`;
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
  if (state === "trouble" && status.nextSyncTime) return `Tried again by itself at ${clock(status.nextSyncTime)}.`;
  if (status.lastSyncTime) return `Last synced ${ago(status.lastSyncTime.getTime())}.`;
  return status.leader ? "Not synced yet on this device." : "";
}
