import type { App } from "../app.ts";
import { namePattern, switchSession } from "../data/session.ts";
import { button, field } from "../ui/controls.ts";
import { h } from "../ui/dom.ts";

/** Who writes, and in which notebook. */
export function sessionCard({ session }: App): HTMLElement {
  const input = {
    required: true,
    pattern: namePattern,
    maxlength: 40,
    autocapitalize: "none",
    spellcheck: "false",
    title: "Letters, digits, - and _",
  };
  const space = field({
    label: "Notebook",
    testid: "space",
    hint: "Browsers that name the same notebook share its notes.",
    input: { ...input, autocomplete: "off", value: session.space },
  });
  const user = field({
    label: "Your name",
    testid: "user",
    input: { ...input, autocomplete: "nickname", value: session.user },
  });
  const submit = button({ label: "Open it", testid: "session-save", type: "submit" });
  return h(
    "form",
    {
      class: "card",
      on: {
        submit: (event) => {
          event.preventDefault();
          switchSession({ space: space.input.value, user: user.input.value });
        },
      },
    },
    h("h2", {}, "Notebook"),
    h("div", { class: "field-pair" }, space.element, user.element),
    h("div", { class: "actions" }, submit),
  );
}
