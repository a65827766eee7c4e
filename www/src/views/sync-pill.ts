import type { App } from "../app.ts";
import type { SyncState } from "../data/syncing.ts";
import { number } from "../lib/format.ts";
import { linkTo } from "../route.ts";
import { fill, h } from "../ui/dom.ts";
import { icon, type IconName } from "../ui/icons.ts";

export const stateLabels: Readonly<Record<SyncState, { label: string; icon: IconName }>> = {
  synced: { label: "Synced", icon: "check" },
  waiting: { label: "Waiting", icon: "send" },
  sending: { label: "Syncing", icon: "repeat" },
  offline: { label: "Offline", icon: "cloudOff" },
  undecided: { label: "To decide", icon: "fork" },
  trouble: { label: "Trouble", icon: "alert" },
};

/** Always in sight: how sync is doing, and how many changes have not left this device. */
export function syncPill({ sync }: App): HTMLElement {
  const count = h("span", { class: "count", "data-testid": "pending-count" }, "0");
  const label = h("span", { class: "pill-label" }, "…");
  const symbol = h("span", { class: "pill-icon" });
  const pill = h(
    "a",
    { class: "pill", href: linkTo({ pane: "sync" }), "data-testid": "sync-status" },
    h("span", { class: "visually-hidden" }, "Sync: "),
    symbol,
    label,
    count,
    h("span", { class: "visually-hidden" }, " waiting to be sent"),
  );
  sync.watch((view) => {
    if (!view) return;
    const waiting = view.waiting.length;
    const { label: text, icon: name } = stateLabels[view.state];
    if (pill.dataset["state"] !== view.state) fill(symbol, icon(name));
    pill.dataset["state"] = view.state;
    label.textContent = text;
    count.textContent = number(waiting);
    count.classList.toggle("none", waiting === 0);
  });
  return pill;
}
