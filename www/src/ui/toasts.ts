import { describeTrouble } from "../data/advice.ts";
import { button } from "./controls.ts";
import { h, type Child } from "./dom.ts";
import { icon } from "./icons.ts";

const shown = 4;
const region = h("div", { class: "toasts", role: "status", "aria-live": "polite", "data-testid": "toasts" });

/** Where toasts appear; belongs into the page once. */
export const toastRegion = (): HTMLElement => region;

export interface Action {
  label: string;
  run: () => void;
}

/** Says something in passing, with one thing that can be done about it. */
export function toast(text: string, action?: Action): void {
  show("toast", [h("p", {}, text)], action, 7000);
}

/** Tells of a failure and what to do about it; stays until it is closed. */
export function toastTrouble(error: unknown): void {
  const { code, message, advice } = describeTrouble(error);
  const title = h("p", { class: "toast-title" }, icon("alert"), message);
  const line = h("p", {}, advice, code && h("code", {}, code));
  show("toast trouble", [title, line], undefined, 20_000);
}

/** Runs what may fail; a failure becomes a toast. Resolves whether it went well. */
export async function attempt(task: () => Promise<unknown>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch (error) {
    toastTrouble(error);
    return false;
  }
}

function show(kind: string, children: Child[], action: Action | undefined, milliseconds: number): void {
  const close = () => element.remove();
  const act = action && button({ label: action.label, testid: "toast-action", click: () => (close(), action.run()) });
  const dismiss = button({ label: "Dismiss", testid: "toast-close", icon: "close", bare: true, click: close });
  const element = h(
    "div",
    { class: kind, "data-testid": "toast" },
    h("div", { class: "toast-text" }, children),
    act,
    dismiss,
  );
  region.append(element);
  while (region.childElementCount > shown) region.firstElementChild?.remove();
  setTimeout(close, milliseconds);
}
