import type { SettledConflict } from "tidekeep";
import type { App } from "../app.ts";
import type { Note } from "../data/schema.ts";
import { ago } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h } from "../ui/dom.ts";
import type { Row } from "../ui/keyed.ts";
import { attempt, toast } from "../ui/toasts.ts";

/** Both sides can have lost: to a text that was put together of them. */
const losersOf = ({ outcome, local, remote }: SettledConflict): Note[] =>
  (outcome === "local" ? [remote] : outcome === "remote" ? [local] : [local, remote]).filter(
    (value): value is Note => value !== undefined,
  );

/** Whether anything was kept of what lost. */
export const hasLoser = (conflict: SettledConflict): boolean =>
  conflict.collection === "notes" && losersOf(conflict).length > 0;

/** A conflict that was decided, and the text that was not kept, which can be had back. */
export function settledRow({ notes }: App, conflict: SettledConflict): Row<SettledConflict> {
  const when = h("span", { class: "row-when" });
  const bringBack = (note: Note) =>
    void attempt(async () => {
      await notes.restore({ ...note, modified: Date.now() });
      toast("The note has that text again.");
    });
  const texts = losersOf(conflict).map((note) =>
    h(
      "div",
      { class: "kept" },
      h("p", { class: "row-excerpt", "data-testid": "kept-text" }, note.text),
      button({ label: "Bring back", testid: "bring-back", click: () => bringBack(note) }),
    ),
  );
  const element = h(
    "li",
    { class: "outbox-row", "data-testid": "settled" },
    h(
      "div",
      { class: "outbox-text" },
      h("p", { class: "settled-head" }, h("span", { class: "row-title" }, losersOf(conflict)[0]?.label.name), when),
      texts,
    ),
  );
  return { element, update: ({ at }) => fill(when, ago(at.getTime())) };
}
