import type { App, View } from "../app.ts";
import type { Note } from "../data/schema.ts";
import { ago, countryName, plural } from "../lib/format.ts";
import { newest, soon } from "../lib/soon.ts";
import { linkTo, placesRoute, type NotesRoute } from "../route.ts";
import { button, emptyState } from "../ui/controls.ts";
import { fill, h, setAttribute } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";
import { keyedList, type Row } from "../ui/keyed.ts";
import { attempt } from "../ui/toasts.ts";

const page = 100;
const typingPause = 120;

/** All notes, the last changed first; or those with some words, the best first. */
export function notesView({ notes, arrivals }: App): View<NotesRoute> {
  let open = "";
  let limit = page;
  const status = h("p", { class: "list-status", role: "status", "data-testid": "notes-count" });
  const list = h("ul", { class: "rows", "data-testid": "notes" });
  const nothing = h("div", {});
  const more = button({ label: "Show more", testid: "notes-more", click: () => ((limit += page), follow()) });
  const input = h("input", {
    type: "search",
    id: "notes-search",
    class: "search-input",
    placeholder: "Find a note…",
    autocomplete: "off",
    enterkeyhint: "search",
    "data-testid": "notes-search",
    on: { input: soon(() => void refresh(), typingPause) },
  });
  const form = h(
    "form",
    { role: "search", class: "search", on: { submit: (event) => event.preventDefault() } },
    h(
      "div",
      { class: "search-box" },
      h("label", { for: "notes-search", class: "visually-hidden" }, "Words of a note"),
      icon("search"),
      input,
    ),
  );
  const element = h(
    "section",
    { class: "pane list-pane", "aria-label": "Notes" },
    h("h1", { tabindex: -1, class: "pane-title" }, "Notes"),
    form,
    status,
    list,
    nothing,
    more,
  );

  const row = (first: Note): Row<Note> => {
    const link = h("a", {
      class: "row note-row",
      href: linkTo({ pane: "notes", note: first.id }),
      "data-testid": "note-link",
    });
    return {
      element: h("li", {}, link),
      update(note) {
        setAttribute(link, "aria-current", note.id === open && "true");
        setAttribute(link, "data-arrived", arrivals.get().has(note.id));
        fill(
          link,
          h("span", { class: "row-title" }, note.label.name),
          h(
            "span",
            { class: "row-when" },
            arrivals.get().has(note.id)
              ? h("span", { class: "arrived", "data-testid": "note-arrived" }, "just arrived")
              : ago(note.modified),
          ),
          h("span", { class: "row-detail" }, countryName(note.label.country)),
          h("span", { class: "row-excerpt" }, note.text.slice(0, 200)),
        );
      },
    };
  };
  const update = keyedList<Note>(list, ({ id }) => id, row);

  const show = (found: readonly Note[]) =>
    attempt(async () => {
      const count = await notes.count();
      const words = input.value.trim();
      update(found);
      status.textContent = words
        ? `${plural(found.length, "note")} with these words, the best first`
        : count > 0
          ? `${plural(count, "note")}, the last changed first`
          : "";
      form.hidden = count === 0;
      more.hidden = found.length < limit;
      const link = h("a", { class: "button primary", href: linkTo(placesRoute()) }, "Find a place");
      fill(
        nothing,
        count === 0
          ? emptyState("note", "A blank book", "Notes belong to places. Find one, and write down what you saw.", link)
          : found.length === 0 && emptyState("search", "Nothing like that", "Every word must be in the note."),
      );
    });

  const find = newest((words: string) => notes.find(words, limit));
  let last: readonly Note[] = [];
  const refresh = () =>
    attempt(async () => {
      const words = input.value.trim();
      const found = words ? await find(words) : last;
      if (found) await show(found);
    });
  let leave = () => {};
  /** Follows the notes, as many as are to be shown. */
  const follow = () => {
    leave();
    leave = notes.recent(limit, (recent) => {
      last = recent;
      void refresh();
    });
  };
  follow();
  arrivals.watch(() => void refresh());

  return {
    element,
    show(route) {
      open = route.note;
      void refresh();
    },
  };
}
