import type { App } from "../app.ts";
import type { Note } from "../data/schema.ts";
import type { SyncView } from "../data/syncing.ts";
import { ago, moment } from "../lib/format.ts";
import { linkTo } from "../route.ts";
import { button } from "../ui/controls.ts";
import { fill, h, setAttribute } from "../ui/dom.ts";
import type { Row } from "../ui/keyed.ts";
import { attempt, toast } from "../ui/toasts.ts";
import { longest, saveByKey } from "./composer.ts";

/** A note as a card, which turns into an editor and back. */
export function noteCard({ notes }: App, first: Note): Row<Note> {
  let note = first;
  let editing = false;
  const element = h("li", { class: "note", "data-testid": "note", "data-note": first.id });
  const waiting = h("span", { class: "waiting", hidden: true, "data-testid": "note-waiting" }, "not sent yet");
  const arrived = h("span", { class: "arrived", hidden: true, "data-testid": "note-arrived" }, "just arrived");
  const versions = h(
    "a",
    { class: "versions", href: linkTo({ pane: "sync" }), hidden: true, "data-testid": "note-versions" },
    "two versions",
  );

  const read = () => {
    editing = false;
    const time = h(
      "time",
      { datetime: new Date(note.modified).toISOString(), title: moment(note.modified) },
      ago(note.modified),
    );
    fill(
      element,
      h("p", { class: "note-text", "data-testid": "note-body" }, note.text),
      h(
        "div",
        { class: "note-foot" },
        h("span", { class: "note-when" }, time, waiting, versions, arrived),
        button({ label: "Edit note", testid: "note-edit", icon: "pencil", bare: true, click: write }),
        button({ label: "Delete note", testid: "note-delete", icon: "trash", bare: true, click: remove }),
      ),
    );
  };

  const write = () => {
    editing = true;
    const input = h("textarea", {
      "aria-label": "Text of the note",
      rows: 4,
      maxlength: longest,
      required: true,
      "data-testid": "note-edit-text",
      on: { keydown: (event) => (event.key === "Escape" ? leave() : saveByKey(event, form)) },
    });
    const leave = () => (read(), element.querySelector<HTMLElement>("[data-testid=note-edit]")?.focus());
    const form = h(
      "form",
      {
        class: "composer",
        on: {
          submit: (event) => {
            event.preventDefault();
            const text = input.value.trim();
            if (text === "" || text === note.text) return leave();
            void attempt(() => notes.edit(note, text)).then((saved) => {
              if (!saved) return;
              note = { ...note, text, modified: Date.now() };
              leave();
            });
          },
        },
      },
      input,
      h(
        "div",
        { class: "actions" },
        button({ label: "Cancel", testid: "note-edit-cancel", click: leave }),
        button({ label: "Save", testid: "note-edit-save", kind: "primary", type: "submit" }),
      ),
    );
    input.value = note.text;
    fill(element, form);
    input.focus();
  };

  const remove = () =>
    void attempt(async () => {
      await notes.remove(note);
      toast("Note deleted.", { label: "Undo", run: () => void attempt(() => notes.restore(note)) });
    });

  read();
  return {
    element,
    busy: () => editing,
    update(next) {
      if (next.modified === note.modified && next.text === note.text) return;
      note = next;
      if (!editing) read();
    },
  };
}

/** Says on each card below `parent` whether its note has yet to leave this device, has two versions, or just arrived. */
export function markNotes(parent: Element, view: SyncView | undefined, arrivals: ReadonlySet<string>): void {
  const waiting = new Set(view?.waiting.map(({ key }) => key));
  const contested = new Set(view?.conflicts.map(({ key }) => key));
  for (const card of parent.querySelectorAll<HTMLElement>("[data-note]")) {
    const id = card.dataset["note"] ?? "";
    const mark = (name: string, on: boolean) => {
      const sign = card.querySelector<HTMLElement>(`.${name}`);
      if (sign) sign.hidden = !on;
    };
    mark("waiting", waiting.has(id));
    mark("versions", contested.has(id));
    mark("arrived", arrivals.has(id));
    setAttribute(card, "data-arrived", arrivals.has(id));
  }
}
