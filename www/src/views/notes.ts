import type { App, View } from "../app.ts";
import type { Note } from "../data/schema.ts";
import { ago, countryName, plural } from "../lib/format.ts";
import { linkTo, placesRoute, type NotesRoute } from "../route.ts";
import { button, emptyState } from "../ui/controls.ts";
import { fill, h, setAttribute } from "../ui/dom.ts";
import { keyedList, type Row } from "../ui/keyed.ts";
import { attempt } from "../ui/toasts.ts";

const page = 100;

/** All notes, the last changed first. */
export function notesView({ notes }: App): View<NotesRoute> {
  let open = "";
  let limit = page;
  const status = h("p", { class: "list-status", role: "status", "data-testid": "notes-count" });
  const list = h("ul", { class: "rows", "data-testid": "notes" });
  const nothing = h("div", {});
  const more = button({ label: "Show more", testid: "notes-more", click: () => ((limit += page), void refresh()) });
  const element = h(
    "section",
    { class: "pane list-pane", "aria-label": "Notes" },
    h("h1", { tabindex: -1, class: "pane-title" }, "Notes"),
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
        fill(
          link,
          h("span", { class: "row-title" }, note.label.name),
          h("span", { class: "row-when" }, ago(note.modified)),
          h("span", { class: "row-detail" }, countryName(note.label.country)),
          h("span", { class: "row-excerpt" }, note.text.slice(0, 200)),
        );
      },
    };
  };
  const update = keyedList<Note>(list, ({ id }) => id, row);

  const refresh = () =>
    attempt(async () => {
      const [count, found] = await Promise.all([notes.count(), notes.all(limit)]);
      update(found);
      status.textContent = count > 0 ? `${plural(count, "note")}, the last changed first` : "";
      more.hidden = found.length < limit;
      const link = h("a", { class: "button primary", href: linkTo(placesRoute()) }, "Find a place");
      fill(
        nothing,
        count === 0 &&
          emptyState("note", "A blank book", "Notes belong to places. Find one, and write down what you saw.", link),
      );
    });

  notes.revision.watch(() => void refresh());
  return {
    element,
    show(route) {
      open = route.note;
      void refresh();
    },
  };
}
