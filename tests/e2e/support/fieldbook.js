import { PATIENCE, until } from "./wait.js";

/** The demo application in a page, used as someone would use it. */
export function fieldbook(page, address) {
  page.setDefaultTimeout(PATIENCE);
  const id = (name) => page.getByTestId(name);
  const trouble = [];
  page.on("pageerror", (error) => trouble.push(error.message));

  const app = {
    page,
    id,
    /** What the page threw and nobody caught. */
    trouble,

    /** Opens a notebook. Answers whether its service worker served the page. */
    async open(space, user) {
      const response = await page.goto(`${address}/?space=${space}&user=${user}`);
      await id("sync-status").waitFor();
      return response.fromServiceWorker();
    },
    /** Goes to a part of the application by its address. */
    go: (route) => page.evaluate((hash) => location.assign(hash), `#/${route}`),
    /** Waits until the service worker holds the shell. */
    shell: () => page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => active.scriptURL)),

    async importPlaces(patience) {
      await app.go("places");
      await id("import").click();
      await id("import-card").waitFor({ state: "hidden", timeout: patience });
    },
    /** How many places and notes the application counts on this device. */
    async counts() {
      await app.go("sync");
      await id("about").getByText("Places").waitFor();
      const facts = await id("about").locator("div").allInnerTexts();
      return Object.fromEntries(facts.map((fact) => fact.split("\n")));
    },
    /** Looks for places of a country by the beginning of their name; tells how many rows were read through which index. */
    async find(prefix, country) {
      await app.go(`places?q=${encodeURIComponent(prefix)}&in=${country}`);
      const range = `["${country}","${prefix}"`;
      const line = await until("the plan", () => id("explain").textContent(), (text) => text.includes(range));
      const [, index, rowsRead] = /^index (\S+) .*?([\d,]+) rows? read/.exec(line) ?? [];
      return { index, rowsRead: Number(rowsRead?.replaceAll(",", "")), hits: await id("result").count(), line };
    },
    /** Looks for places of the whole world by words, as someone types them; tells what came, the best first. */
    async findByWords(words) {
      await app.go("places");
      await id("search").fill(words);
      const last = words.toLowerCase().split(" ").at(-1);
      const line = await until("the words", () => id("explain").textContent(), (text) => text.includes(last));
      return { line, places: (await id("result").allInnerTexts()).map((text) => text.split("\n")) };
    },
    /** Opens the place at some position of what was found. */
    async openResult(position) {
      const link = id("result").nth(position);
      const place = await link.getAttribute("data-place");
      await link.click();
      await page.locator(`[data-testid=place][data-place="${place}"]`).getByTestId("note-text").waitFor();
    },
    /** Writes a note on the open place; done once it is stored and shown. */
    async note(text) {
      await id("note-text").fill(text);
      await id("note-save").click();
      await id("note-body").getByText(text, { exact: true }).waitFor();
    },
    /** Waits until these are the texts of all notes. */
    async expectNotes(texts) {
      await app.go("notes");
      const expected = texts.toSorted().join("\n");
      const shown = async () => (await id("notes").locator(".row-excerpt").allTextContents()).sort();
      await until("the notes are there", shown, (found) => found.join("\n") === expected);
    },
    /** Opens the note with this text and answers its card. */
    async card(text) {
      await app.go("notes");
      const link = id("note-link").filter({ hasText: text });
      const note = (await link.getAttribute("href")).split("/").at(-1);
      await link.click();
      return page.locator(`[data-note="${note}"]`);
    },
    async edit(text, replacement) {
      const card = await app.card(text);
      await card.getByTestId("note-edit").click();
      await card.getByTestId("note-edit-text").fill(replacement);
      await card.getByTestId("note-edit-save").click();
      await card.getByText(replacement, { exact: true }).waitFor();
    },
    async remove(text) {
      const card = await app.card(text);
      await card.getByTestId("note-delete").click();
      await card.waitFor({ state: "detached" });
    },

    /** Chooses the passphrase of a new notebook, and seals the key under it. */
    async sealKey(passphrase, key) {
      await app.go("key");
      await app.choosePassphrase("unlock", passphrase);
      await app.keepKey(key);
    },
    /** Enters a new passphrase twice, in the dialog that this button opens. */
    async choosePassphrase(button, passphrase) {
      await id(button).click();
      await id("passphrase").fill(passphrase);
      await id("passphrase-confirm").fill(passphrase);
      await id("unlock-submit").click();
    },
    /** Seals the key, once unlocked. */
    async keepKey(key) {
      await id("key-field").fill(key);
      await id("key-save").click();
      await id("key-reveal").waitFor();
    },
    /** The kinds of the ways to unlock, in alphabetical order. */
    async ways() {
      await id("way").first().waitFor();
      return (await id("way").evaluateAll((ways) => ways.map((way) => way.dataset.kind))).sort();
    },
    waitForWays: (kinds) => until(`there are ${kinds}`, app.ways, (ways) => ways.join() === kinds.join()),
    /** Waits for a sealed key, and asks for its passphrase. */
    async askForKey() {
      await app.go("key");
      await id("key-card").getByText("A key is sealed here").waitFor();
      await id("unlock").click();
    },
    async enterPassphrase(passphrase) {
      await id("passphrase").fill(passphrase);
      await id("unlock-submit").click();
    },
    async revealKey() {
      await id("key-reveal").click();
      await id("key-hide").waitFor();
      return id("key-value").textContent();
    },

    /** The parts of the sealed bytes that the application reads from the disk. */
    async diskParts() {
      const rows = id("disk-row").locator("tr[data-part]");
      await rows.first().waitFor();
      const parts = await rows.evaluateAll((rows) =>
        rows.map((row) => [row.dataset.part, row.querySelector("code").textContent.replaceAll(" ", "")]),
      );
      return parts.map(([name, hex]) => ({ name, bytes: Buffer.from(hex, "hex") }));
    },

    /** How sync stands, by the sign that is always in sight. */
    state: () => id("sync-status").getAttribute("data-state"),
    pending: async () => Number(await id("pending-count").textContent()),
    waitForState: (state) => until(`sync is ${state}`, app.state, (now) => now === state),
    waitForPending: (count) => until(`${count} changes wait`, app.pending, (now) => now === count),
  };
  return app;
}

/** Notes from now on what tasks of more than 50 ms the main thread of a page has; call before it is opened. */
export async function watchLongTasks(page) {
  await page.addInitScript(() => {
    globalThis.longTasks = [];
    new PerformanceObserver((list) => {
      globalThis.longTasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })));
    }).observe({ type: "longtask", buffered: true });
  });
}
