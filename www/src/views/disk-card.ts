import type { App } from "../app.ts";
import { readDisk, type DiskRow } from "../data/disk.ts";
import { hex, partsOf, type Part } from "../data/envelope.ts";
import { databaseName } from "../data/schema.ts";
import { plural } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h, type Child } from "../ui/dom.ts";
import { icon } from "../ui/icons.ts";
import { attempt } from "../ui/toasts.ts";

const meanings: Readonly<Record<Part["name"], (part: Part) => [title: string, text: string]>> = {
  magic: ({ bytes }) => ["Magic", `“${new TextDecoder().decode(bytes)}”: a sealed value of tidekeep`],
  version: ({ bytes }) => ["Version", `Number ${bytes[0] ?? ""} of this format`],
  suite: ({ bytes }) => ["Suite", `${bytes[0] ?? ""}: AES-256-GCM`],
  key: () => ["Key id", "Which data key sealed it. It says nothing of the key"],
  nonce: () => ["Nonce", "Random, and never used again under this key"],
  ciphertext: ({ bytes }) => ["Ciphertext", `What is sealed: ${plural(bytes.length, "byte")}, and that is all it tells`],
  tag: () => ["Tag", "Opens only unchanged, and only in this place"],
};

/** The rows of the credentials as they lie on the disk, each beside what it opens to. */
export function diskCard({ store, session }: App) {
  const { credentials } = store;
  const list = h("div", { class: "disk-rows" });
  const element = h(
    "div",
    { class: "card disk-card", "data-testid": "disk" },
    h("h2", {}, "What a reader of the disk would see"),
    h(
      "p",
      { class: "hint" },
      "Read straight from the browser's database, past tidekeep, as from a stolen copy of it. The server holds the same sealed bytes.",
    ),
    list,
  );

  let shown = "";
  /** What is opened, by the sealed bytes: it stays open until they change, or the keys are locked. */
  const boxes = new Map<string, HTMLElement>();
  const read = async () => {
    // In memory nothing is on the disk, and to look for it would make a database.
    const persistent = store.getInfo().persistent;
    const rows = persistent ? await readDisk(databaseName(session.space), "credentials") : [];
    const look = JSON.stringify([credentials.locked, rows.map(({ clear, envelope }) => [clear, hex(envelope)])]);
    if (look === shown) return;
    shown = look;
    if (credentials.locked) boxes.clear();
    fill(list, rows.map(row));
    element.hidden = rows.length === 0;
  };

  const row = ({ key, clear, envelope }: DiskRow): HTMLElement => {
    const parts = partsOf(envelope);
    return h(
      "section",
      { class: "disk-row", "aria-label": key, "data-testid": "disk-row" },
      section("eye", "In the clear", dump(clear)),
      section("lock", `Sealed, ${plural(envelope.length, "byte")}`, ribbon(parts), table(parts)),
      section("unlock", "Opened", opened(key, hex(envelope))),
    );
  };

  const opened = (key: string, sealed: string): HTMLElement => {
    if (credentials.locked)
      return h("p", { class: "hint", "data-testid": "disk-locked" }, "Locked: there is nothing to show.");
    const before = boxes.get(sealed);
    if (before) return before;
    const box = h("div", { class: "disk-opened" });
    boxes.set(sealed, box);
    const show = button({
      label: "Open it here",
      testid: "disk-open",
      icon: "unlock",
      click: () =>
        void attempt(async () => {
          const value = await credentials.get(key);
          const props = { class: "secret open", "aria-label": "Opened value", "data-testid": "disk-value" };
          fill(box, h("output", props, value ?? ""));
        }),
    });
    fill(box, show);
    return box;
  };

  return { element, refresh: () => void attempt(read) };
}

function section(name: Parameters<typeof icon>[0], title: string, ...children: Child[]): HTMLElement {
  return h("div", { class: "disk-section" }, h("h3", {}, icon(name), title), children);
}

/** Names and values, as they stand there. */
const dump = (clear: DiskRow["clear"]): HTMLElement =>
  h("dl", { class: "dump" }, clear.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));

/** The parts in their order, each as wide as it is long. */
const ribbon = (parts: readonly Part[]): HTMLElement =>
  h("div", { class: "ribbon", "aria-hidden": "true" }, parts.map(({ name, bytes }) => stripe(name, bytes.length)));

function stripe(name: Part["name"], length: number): HTMLElement {
  const element = h("span", { class: `part-${name}` });
  element.style.flexGrow = String(length);
  return element;
}

const table = (parts: readonly Part[]): HTMLElement =>
  h(
    "table",
    { class: "parts" },
    h("caption", { class: "visually-hidden" }, "The parts of the sealed bytes, in hexadecimal"),
    h("thead", { class: "visually-hidden" }, h("tr", {}, h("th", { scope: "col" }, "Part"), h("th", { scope: "col" }, "Bytes"))),
    h("tbody", {}, parts.map(partRow)),
  );

function partRow(part: Part): HTMLElement {
  const [title, text] = meanings[part.name](part);
  return h(
    "tr",
    { "data-part": part.name },
    h("th", { scope: "row" }, h("span", { class: `swatch part-${part.name}`, "aria-hidden": "true" }), title),
    h("td", {}, h("code", {}, hex(part.bytes)), h("p", { class: "hint" }, text)),
  );
}
