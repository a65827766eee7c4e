import type { Means, Unlocker } from "tidekeep";
import type { App, View } from "../app.ts";
import { passkeysWork } from "../data/unlocking.ts";
import { newest } from "../lib/soon.ts";
import { button, emptyState, field } from "../ui/controls.ts";
import { fill, h, type Child } from "../ui/dom.ts";
import { icon, type IconName } from "../ui/icons.ts";
import { attempt, toast } from "../ui/toasts.ts";
import { diskCard } from "./disk-card.ts";
import { lockCard } from "./lock-card.ts";
import { askPassphrase } from "./passphrase-dialog.ts";
import { rotationCard } from "./rotation-card.ts";
import { waysCard } from "./ways-card.ts";

/** The name under which the key is kept. */
const service = "places-api";

/** What is there, and which ways to unlock can be tried here. */
interface Look {
  kept: boolean;
  begun: boolean;
  ways: Unlocker["kind"][];
}

/** Why it locked without anybody's doing here. */
const reasons = {
  idle: "Locked: it was not used for a while.",
  hidden: "Locked: nobody was looking.",
  tab: "Locked in another tab.",
};

/** An API key, sealed: to be read only after the passphrase, here and on the other devices. */
export function keyView(app: App): View<unknown> {
  const { credentials } = app.store;
  const body = h("div", { class: "card key-card", "data-testid": "key-card" });
  const cards = [waysCard(app), lockCard(app), rotationCard(app), diskCard(app)];
  const refresh = () => cards.forEach((card) => card.refresh());
  const element = h(
    "section",
    { class: "pane single", "aria-label": "Key" },
    h("h1", { tabindex: -1, class: "pane-title" }, "Key"),
    h(
      "p",
      { class: "lead" },
      "A place for the API key of a service you use. It is sealed with AES-256-GCM before it is stored, and travels sealed: the server never sees it.",
    ),
    body,
    cards.map((card) => card.element),
  );

  const look = newest(async (): Promise<Look> => {
    const [kept, ways, passkeys] = await Promise.all([
      credentials.has(service),
      credentials.unlockers(),
      passkeysWork(),
    ]);
    const here = ways.filter(({ kind, here }) => (kind === "passkey" ? passkeys : kind !== "device" || here));
    // What is sealed may arrive before what unlocks it.
    return { kept, begun: kept || ways.length > 0, ways: here.map(({ kind }) => kind) };
  });
  let shown = "";
  const show = (now: Look) => {
    shown = JSON.stringify(now);
    body.dataset["state"] = credentials.locked ? "locked" : now.kept ? "kept" : "empty";
    fill(body, credentials.locked ? locked(now) : now.kept ? shut() : form(false));
    refresh();
  };
  const render = () =>
    attempt(async () => {
      const now = await look();
      if (now) show(now);
    });
  // What arrives from another device, while this page invites to choose a passphrase.
  app.sync.watch(() => {
    if (element.hidden) return;
    refresh();
    if (!credentials.locked) return;
    void look().then(
      (now) => now && JSON.stringify(now) !== shown && show(now),
      () => undefined,
    );
  });
  app.store.on("lock", ({ locked, reason }) => {
    if (locked && reason !== "call") toast(reasons[reason]);
    void render();
  });

  const byPassphrase = async (mode: "enter" | "choose") => {
    await askPassphrase(app, mode);
    body.querySelector<HTMLElement>("input, button")?.focus();
  };
  const unlockButton = (label: string, testid: string, name: IconName, options: Means): HTMLElement => {
    const element = button({
      label,
      testid,
      icon: name,
      click: () => {
        element.disabled = true;
        void attempt(() => credentials.unlock(options)).finally(() => (element.disabled = false));
      },
    });
    return element;
  };
  const lockButton = () => button({ label: "Lock", testid: "key-lock", icon: "lock", click: () => credentials.lock() });

  const locked = ({ kept, begun, ways }: Look): Child => {
    const wants = (kind: Unlocker["kind"]) => ways.includes(kind);
    const invitation = kept ? "Unlock to read, replace or remove it." : "Unlock, and put one in.";
    const elsewhere = "Nothing unlocks it on this device. Add a passphrase where it can be unlocked, and sync.";
    return emptyState(
      "lock",
      kept ? "A key is sealed here" : "No key is kept yet",
      !begun ? "Choose what unlocks it, and put one in." : ways.length > 0 ? invitation : elsewhere,
      h(
        "div",
        { class: "actions unlocking" },
        (wants("passphrase") || !begun) &&
          button({
            label: begun ? "Unlock…" : "Choose a passphrase…",
            testid: "unlock",
            kind: "primary",
            icon: "unlock",
            click: () => void byPassphrase(begun ? "enter" : "choose"),
          }),
        (wants("device") || !begun) &&
          unlockButton(begun ? "With this device" : "Use this device", "unlock-device", "device", { device: true }),
        wants("passkey") && unlockButton("With a passkey", "unlock-passkey", "passkey", { passkey: true }),
      ),
    );
  };

  const form = (replacing: boolean): Child => {
    const { element: row, input } = field({
      label: replacing ? "New API key" : "API key",
      testid: "key-field",
      hint: "Stored as ciphertext, the moment you save it.",
      input: {
        class: "masked",
        required: true,
        placeholder: "Paste it here",
        autocomplete: "off",
        spellcheck: "false",
        maxlength: 4096,
      },
    });
    const save = async () => {
      await credentials.set(service, input.value);
      input.value = "";
      await render();
      toast("The key is sealed.");
    };
    return h(
      "form",
      { on: { submit: (event) => (event.preventDefault(), void attempt(save)) } },
      row,
      h(
        "div",
        { class: "actions" },
        replacing ? button({ label: "Cancel", testid: "key-cancel", click: () => void render() }) : lockButton(),
        button({ label: "Seal key", testid: "key-save", kind: "primary", icon: "lock", type: "submit" }),
      ),
    );
  };

  const remove = async () => {
    const secret = await credentials.get(service);
    await credentials.delete(service);
    await render();
    const restore = async () => {
      if (secret !== undefined) await credentials.set(service, secret);
      await render();
    };
    toast("The key is removed.", { label: "Undo", run: () => void attempt(restore) });
  };

  const shut = (): Child => {
    const value = h(
      "output",
      { class: "secret", "aria-label": "API key", "data-testid": "key-value" },
      "••••••••••••••••",
    );
    const reveal = button({
      label: "Reveal",
      testid: "key-reveal",
      icon: "eye",
      click: () =>
        void attempt(async () => {
          value.textContent = (await credentials.get(service)) ?? "";
          value.classList.add("open");
          reveal.replaceWith(button({ label: "Hide", testid: "key-hide", icon: "eye", click: () => void render() }));
        }),
    });
    return [
      h("p", { class: "key-title" }, icon("unlock"), "Unlocked on this device"),
      value,
      h(
        "div",
        { class: "actions" },
        reveal,
        button({ label: "Replace", testid: "key-replace", click: () => fill(body, form(true)) }),
        button({ label: "Remove", testid: "key-remove", kind: "danger", click: () => void attempt(remove) }),
        lockButton(),
      ),
    ];
  };

  return { element, show: () => void render() };
}
