import type { App } from "../app.ts";
import type { PlaceLabel } from "../data/schema.ts";
import { button } from "../ui/controls.ts";
import { h } from "../ui/dom.ts";
import { attempt } from "../ui/toasts.ts";

export const longest = 10_000;

/** What was typed and not saved, by place, so that a look elsewhere does not cost it. */
const drafts = new Map<string, string>();

/** Takes a new note on a place. */
export function composer({ notes }: App, place: PlaceLabel): HTMLElement {
  const input = h("textarea", {
    id: "composer",
    rows: 3,
    maxlength: longest,
    placeholder: `What is ${place.name} like?`,
    "data-testid": "note-text",
    on: { input: () => keep(), keydown: (event) => saveByKey(event, form) },
  });
  const save = button({ label: "Save note", testid: "note-save", kind: "primary", type: "submit" });
  const keep = () => {
    drafts.set(place.id, input.value);
    save.disabled = input.value.trim() === "";
  };
  const form = h(
    "form",
    {
      class: "composer",
      on: {
        submit: (event) => {
          event.preventDefault();
          const text = input.value.trim();
          if (!text) return;
          save.disabled = true;
          void attempt(async () => {
            await notes.add(place, text);
            if (input.value.trim() === text) input.value = "";
            input.focus();
          }).then(keep);
        },
      },
    },
    h("label", { for: "composer", class: "visually-hidden" }, `New note on ${place.name}`),
    input,
    h("div", { class: "actions" }, h("span", { class: "hint" }, "Ctrl + Enter saves"), save),
  );

  input.value = drafts.get(place.id) ?? "";
  keep();
  return form;
}

/** Ctrl or Command with Enter sends the form. */
export function saveByKey(event: KeyboardEvent, form: HTMLFormElement): void {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
}
