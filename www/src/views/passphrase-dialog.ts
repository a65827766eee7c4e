import { StorageError } from "tidekeep";
import type { App } from "../app.ts";
import { describeTrouble, sentences } from "../data/advice.ts";
import { button, field } from "../ui/controls.ts";
import { h } from "../ui/dom.ts";

const shortest = 8;

const submits = { enter: "Unlock", choose: "Seal with it", change: "Change it", add: "Add it" };
const texts = {
  enter: {
    title: "Unlock your key",
    text: "Your passphrase opens what is sealed in this notebook, on this device and on the others.",
  },
  choose: {
    title: "Choose a passphrase",
    text: "It seals your key before it is stored or sent. Nobody can recover it: keep it somewhere safe. If you chose one on another device, sync first and use that one.",
  },
  change: {
    title: "Change the passphrase",
    text: "From now on the new one unlocks, on every device that syncs. Nothing is sealed again for it.",
  },
  add: {
    title: "Add a passphrase",
    text: "It unlocks on every device, and where the other ways are lost. Keep it somewhere safe.",
  },
};

/** Asks for a passphrase until it unlocks, or is taken as one that does; resolves whether it was. */
export function askPassphrase({ store, session }: App, mode: keyof typeof texts): Promise<boolean> {
  const choosing = mode !== "enter";
  const { title, text } = texts[mode];
  const first = field({
    label: "Passphrase",
    testid: "passphrase",
    ...(choosing && { hint: `At least ${shortest} characters. Several words are best.` }),
    input: {
      type: "password",
      required: true,
      minlength: choosing && shortest,
      autocomplete: choosing ? "new-password" : "current-password",
    },
  });
  const again = field({
    label: "Once more",
    testid: "passphrase-confirm",
    input: { type: "password", required: choosing, autocomplete: "new-password" },
  });
  again.element.hidden = !choosing;
  // Only for password managers, which would else file the passphrase under no name.
  const account = h("input", {
    type: "text",
    autocomplete: "username",
    value: `Fieldbook ${session.space}`,
    hidden: true,
  });
  const trouble = h("p", { class: "trouble-line", role: "alert", "data-testid": "passphrase-error" });
  const submit = button({
    label: submits[mode],
    testid: "unlock-submit",
    kind: "primary",
    type: "submit",
  });
  const cancel = button({ label: "Cancel", testid: "unlock-cancel", click: () => dialog.close() });

  const { credentials } = store;
  const use = (passphrase: string): Promise<unknown> => {
    if (mode === "change") return credentials.changePassphrase(passphrase);
    return mode === "add" ? credentials.addUnlocker({ passphrase }) : credentials.unlock({ passphrase });
  };
  const unlock = async () => {
    if (choosing && first.input.value !== again.input.value) return refuse("The two are not the same.");
    trouble.textContent = "";
    submit.disabled = true;
    try {
      await use(first.input.value);
      dialog.close("open");
    } catch (error) {
      refuse(reason(error));
    } finally {
      submit.disabled = false;
    }
  };
  const refuse = (message: string) => {
    trouble.textContent = message;
    first.input.select();
    first.input.focus();
  };

  const form = h(
    "form",
    { on: { submit: (event) => (event.preventDefault(), void unlock()) } },
    h("h2", { id: "passphrase-title" }, title),
    h("p", {}, text),
    account,
    first.element,
    again.element,
    trouble,
    h("div", { class: "actions" }, cancel, submit),
  );
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "passphrase-title", "data-testid": "unlock-dialog" },
    form,
  );

  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "open");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function reason(error: unknown): string {
  const wrong = ["AUTHENTICATION_FAILED", "DECRYPTION_FAILED", "ACCESS_DENIED"];
  if (error instanceof StorageError && wrong.includes(error.code))
    return "This is not the passphrase that was chosen. Try again.";
  return sentences(describeTrouble(error));
}
