import type { Means, Unlocker } from "tidekeep";
import type { App } from "../app.ts";
import { deviceLabel, passkeysWork } from "../data/unlocking.ts";
import { ago } from "../lib/format.ts";
import { button } from "../ui/controls.ts";
import { fill, h, type Child } from "../ui/dom.ts";
import { icon, type IconName } from "../ui/icons.ts";
import { attempt, toast } from "../ui/toasts.ts";
import { askPassphrase } from "./passphrase-dialog.ts";

const faces: Readonly<Record<Unlocker["kind"], { icon: IconName; title: string }>> = {
  passphrase: { icon: "key", title: "Passphrase" },
  device: { icon: "device", title: "Device" },
  passkey: { icon: "passkey", title: "Passkey" },
  key: { icon: "lock", title: "Key of another program" },
  provider: { icon: "lock", title: "Keychain" },
  unknown: { icon: "alert", title: "Unknown to this version" },
};

/** The ways to unlock: which there are, one more, one less, another passphrase. */
export function waysCard(app: App) {
  const { credentials } = app.store;
  const list = h("ul", { class: "outbox ways", "data-testid": "ways" });
  const actions = h("div", { class: "actions" });
  const element = h(
    "div",
    { class: "card", "data-testid": "ways-card" },
    h("h2", {}, "Ways to unlock"),
    h("p", { class: "hint" }, "Each opens the same key by itself. Keep two: what nobody can unlock is lost."),
    list,
    actions,
  );

  const read = async () => {
    element.hidden = credentials.locked;
    if (credentials.locked) return;
    const [ways, passkeys] = await Promise.all([credentials.unlockers(), passkeysWork()]);
    fill(list, ways.map((way) => row(way, ways.length === 1)));
    const has = (kind: Unlocker["kind"]) => ways.some((way) => way.kind === kind && way.here);
    fill(
      actions,
      !has("device") && add("device", "Add this device", { device: true }),
      passkeys && add("passkey", "Add a passkey", { passkey: { rpName: "Fieldbook", user: app.session.user } }),
      has("passphrase") ? passphrase("Change passphrase…", "change") : passphrase("Add a passphrase…", "add"),
    );
  };
  const change = (task: () => Promise<unknown>, done: string) =>
    attempt(async () => {
      await task();
      toast(done);
    }).then(read);

  const add = (kind: "device" | "passkey", label: string, means: Means): HTMLButtonElement => {
    const face = faces[kind];
    const element = button({
      label,
      testid: `add-${kind}`,
      icon: face.icon,
      click: () => {
        element.disabled = true;
        const adding = () => credentials.addUnlocker({ ...means, label: deviceLabel() });
        void change(adding, `${face.title} added.`).finally(() => (element.disabled = false));
      },
    });
    return element;
  };
  const passphrase = (label: string, mode: "change" | "add") =>
    button({
      label,
      testid: `passphrase-${mode}`,
      icon: "key",
      click: () => void askPassphrase(app, mode).then(async (done) => {
        if (done) toast(mode === "change" ? "The passphrase is changed." : "Passphrase added.");
        await read();
      }),
    });

  const row = ({ id, kind, label, created, here }: Unlocker, last: boolean): HTMLElement => {
    const face = faces[kind];
    const remove = button({
      label: `Remove ${face.title.toLowerCase()}${label ? ` “${label}”` : ""}`,
      testid: "way-remove",
      icon: "trash",
      bare: true,
      click: () => void change(() => credentials.removeUnlocker(id), `${face.title} removed.`),
    });
    remove.disabled = last;
    const where = kind === "device" && (here ? "this one" : "another one");
    return h(
      "li",
      { class: "outbox-row way", "data-testid": "way", "data-kind": kind },
      h("span", { class: "way-icon" }, icon(face.icon)),
      h(
        "div",
        { class: "outbox-text" },
        h("p", { class: "row-title" }, face.title),
        details(label, where, `added ${ago(created.getTime())}`),
      ),
      remove,
    );
  };

  return { element, refresh: () => void attempt(read) };
}

const details = (...parts: Child[]): HTMLElement =>
  h("p", { class: "row-detail" }, parts.filter((part) => part !== undefined && part !== false).join(" · "));
