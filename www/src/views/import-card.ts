import { total } from "virtual:world";
import type { App } from "../app.ts";
import { adviceFor, sentences } from "../data/advice.ts";
import type { ImportView } from "../data/importing.ts";
import { number } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { h } from "../ui/dom.ts";

interface Face {
  title: string;
  text: string;
  /** Places written, or undefined while that is not known. */
  done?: number | undefined;
  bar: boolean;
  start?: string;
}

/** Brings the list of places into the storage; gone once that is done. */
export function importCard({ importing, store }: App): HTMLElement {
  const title = h("h2", {});
  const text = h("p", { "data-testid": "import-status" });
  const bar = h("progress", { max: total, "aria-label": "Places imported", "data-testid": "import-progress" });
  const startLabel = h("span", {});
  const start = h(
    "button",
    { class: "button primary", type: "button", "data-testid": "import", on: { click: () => importing.start() } },
    startLabel,
  );
  const pause = button({ label: "Pause", testid: "import-pause", click: () => void importing.pause() });
  const card = h(
    "div",
    { class: "card import-card", "data-testid": "import-card" },
    title,
    text,
    bar,
    h("div", { class: "actions" }, start, pause),
  );

  importing.view.watch((view) => {
    card.hidden = !view || view.stage === "finished";
    if (!view) return;
    const face = store.getInfo().persistent ? faceOf(view) : inMemory;
    card.dataset["stage"] = view.stage;
    title.textContent = face.title;
    text.textContent = face.text;
    bar.hidden = !face.bar;
    if (face.done === undefined) bar.removeAttribute("value");
    else bar.value = face.done;
    start.hidden = !face.start;
    startLabel.textContent = face.start ?? "";
    pause.hidden = !face.bar || Boolean(face.start);
  });
  return card;
}

const inMemory: Face = {
  title: "No room for the world here",
  text: "The list of places needs a browser that lets this site keep data.",
  bar: false,
};

function faceOf(view: ImportView): Face {
  switch (view.stage) {
    case "none":
      return {
        title: "Bring the world along",
        text: `${number(total)} places are copied into this browser once. After that they are found without a network.`,
        bar: false,
        start: "Import places",
      };
    case "queued":
      return {
        title: "Importing places",
        text: "Getting ready. If another tab is importing, this one waits for it.",
        bar: true,
      };
    case "reading":
      return { title: "Importing places", text: "Reading the list…", bar: true };
    case "writing":
      return { title: "Importing places", text: progress(view.done, view.total), done: view.done, bar: true };
    case "paused":
      return {
        title: "The import stopped on its way",
        text: progress(view.done, view.total),
        done: view.done,
        bar: true,
        start: "Continue",
      };
    case "failed":
      return {
        title: "The import did not finish",
        text: sentences({ message: view.message, advice: adviceFor(view.code) }),
        bar: false,
        start: "Try again",
      };
    case "finished":
      return { title: "All places are here", text: number(view.total), bar: false };
  }
}

const progress = (done: number, all: number) => `${number(done)} of ${number(all)} places`;
