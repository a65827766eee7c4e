import { h, type Child, type Props } from "./dom.ts";
import { icon, type IconName } from "./icons.ts";

/** What to name the element in the end-to-end test. */
type TestId = string;

interface ButtonProps {
  label: string;
  testid: TestId;
  icon?: IconName;
  kind?: "primary" | "quiet" | "danger";
  /** Shows the icon only; the label is still read out. */
  bare?: boolean;
  type?: "button" | "submit";
  click?: () => void;
}

export function button({
  label,
  testid,
  icon: name,
  kind = "quiet",
  bare = false,
  type = "button",
  click,
}: ButtonProps): HTMLButtonElement {
  const props: Props = {
    class: `button ${kind}${bare ? " bare" : ""}`,
    type,
    "data-testid": testid,
    "aria-label": bare && label,
    title: bare && label,
  };
  if (click) props.on = { click };
  return h("button", props, name && icon(name), !bare && h("span", {}, label));
}

interface FieldProps {
  label: string;
  testid: TestId;
  hint?: string;
  input: Props;
}

let fields = 0;

/** A labelled input with an optional hint under it. */
export function field({ label, testid, hint, input }: FieldProps): { element: HTMLElement; input: HTMLInputElement } {
  const id = `field-${++fields}`;
  const control = h("input", { id, "data-testid": testid, "aria-describedby": hint && `${id}-hint`, ...input });
  const children: Child[] = [
    h("label", { for: id }, label),
    control,
    hint && h("p", { id: `${id}-hint`, class: "hint" }, hint),
  ];
  return { element: h("div", { class: "field" }, children), input: control };
}

/** Something to say where a list is empty. */
export function emptyState(name: IconName, title: string, text: string, ...more: Child[]): HTMLElement {
  return h("div", { class: "empty", "data-testid": "empty" }, icon(name), h("h2", {}, title), h("p", {}, text), more);
}
