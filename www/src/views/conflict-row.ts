import type { WaitingConflict } from "tidekeep";
import type { App } from "../app.ts";
import { describeTrouble, sentences } from "../data/advice.ts";
import type { Note } from "../data/schema.ts";
import { difference, type Piece } from "../lib/difference.ts";
import { ago, moment } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h, type Child } from "../ui/dom.ts";
import type { Row } from "../ui/keyed.ts";
import { attempt, toast } from "../ui/toasts.ts";

interface Side {
  name: "mine" | "theirs";
  title: string;
  label: string;
  note: Note | undefined;
  pieces: Piece[] | undefined;
  keep: () => void;
}

/** A note that was changed on both sides: both texts, and which of them to keep. */
export function conflictRow(app: App, first: WaitingConflict): Row<WaitingConflict> {
  const element = h("li", { class: "conflict", "data-testid": "conflict" });
  let shown = "";

  const resolve = (choice: "local" | "remote" | { value: Note }, said: string) =>
    void attempt(() => app.store.sync.resolve(first.id, choice)).then((done) => done && toast(said));

  const show = ({ local, remote, error }: WaitingConflict) => {
    // Of the collections of this notebook only notes are decided by hand.
    const [mine, theirs] = [local, remote] as (Note | undefined)[];
    const pieces = mine && theirs ? difference(mine.text, theirs.text) : [];
    const sides: Side[] = [
      {
        name: "mine",
        title: "Mine",
        label: "Keep mine",
        note: mine,
        pieces: pieces[0],
        keep: () => resolve("local", mine ? "Your text stays." : "The note stays deleted."),
      },
      {
        name: "theirs",
        title: "Theirs",
        label: "Keep theirs",
        note: theirs,
        pieces: pieces[1],
        keep: () => resolve("remote", theirs ? "Their text stays." : "The note is deleted."),
      },
    ];
    const both = (mine: Note, theirs: Note) =>
      resolve(
        { value: { ...mine, text: `${theirs.text}\n\n${mine.text}`, modified: Date.now() } },
        "Both texts are in the note now.",
      );
    fill(
      element,
      h("h3", { class: "row-title" }, (mine ?? theirs)?.label.name ?? "A note"),
      error && h("p", { class: "trouble-line" }, sentences(describeTrouble(error))),
      h("div", { class: "sides" }, sides.map(panel)),
      mine &&
        theirs &&
        h(
          "div",
          { class: "actions" },
          button({ label: "Keep both texts", testid: "keep-both", click: () => both(mine, theirs) }),
        ),
    );
  };

  return {
    element,
    update(conflict) {
      const now = JSON.stringify([conflict.local, conflict.remote, conflict.error?.code]);
      if (now === shown) return;
      shown = now;
      show(conflict);
    },
  };
}

function panel({ name, title, label, note, pieces, keep }: Side): HTMLElement {
  const when =
    note &&
    h("time", { datetime: new Date(note.modified).toISOString(), title: moment(note.modified) }, ago(note.modified));
  const text = pieces?.map(({ text, own }) => (own ? marked(text) : text)) ?? note?.text ?? "Deleted";
  return h(
    "div",
    { class: `side ${name}` },
    h("p", { class: "side-head" }, h("span", {}, title), when),
    h("p", { class: note ? "note-text" : "note-text gone", "data-testid": `${name}-text` }, text),
    button({ label, testid: `keep-${name}`, kind: "primary", click: keep }),
  );
}

/** What only one side has; the space behind it is nobody's. */
const marked = (text: string): Child => [h("mark", {}, text.trimEnd()), text.slice(text.trimEnd().length)];
