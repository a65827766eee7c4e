import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { startOn } from "../durability/support/engines.js";
import { search } from "./support/canaries.js";
import { site } from "./support/gate.js";
import { scratch } from "./support/scratch.js";

const PLACES = [
  "row", "wide row", "packed hexadecimal", "packed base64", "packed wide row", "long row", "bytes", "blob", "key",
  "indexed field", "row that was replaced", "row that was deleted", "local storage", "cookie", "cache",
];

const DELETED = ["row that was replaced", "row that was deleted"];

/**
 * What an engine leaves nothing of: Chromium enciphers cookies, MiniBrowser keeps none, and SQLite in Firefox and WebKit
 * overwrites what it deletes.
 */
const GONE = { chromium: ["cookie"], firefox: DELETED, webkit: ["cookie", ...DELETED] };

for (const engine of ["chromium", "firefox", "webkit"]) {
  test(`the search finds what lies in a profile of ${engine} in the clear, wherever it lies`, async (t) => {
    const address = await site(t);
    const profile = await scratch();
    const texts = Object.fromEntries(PLACES.map((place) => [place, randomBytes(18).toString("hex")]));
    const look = async (when) => {
      const { hits } = await search(profile, texts);
      const missed = PLACES.filter((place) => !GONE[engine].includes(place) && !hits.some((hit) => hit.startsWith(`${place} as `)));
      assert.deepEqual(missed, [], when);
      return hits.map((hit) => hit.replace(/.* in /, ""));
    };
    const visit = async (task) => {
      const browser = await startOn(engine, profile);
      const page = await browser.open(`${address}/plant.html`);
      await page.evaluate(task);
      // Cookies are held back for half a minute, unless the browser ends by itself.
      await browser.close();
    };
    await visit(`page.plant(${JSON.stringify(texts)})`);
    const files = new Set(await look("as they were written"));
    if (engine === "chromium") {
      // LevelDB makes a table of its log when 4 MB have come after.
      await visit("page.flood()");
      const tables = (await look("as they lie in tables")).filter((file) => file.endsWith(".ldb"));
      assert.ok(tables.length > 0, "LevelDB made no table");
      tables.forEach((file) => files.add(file));
    }
    console.log(`figure: planted in ${engine}: ${PLACES.length - GONE[engine].length} of ${PLACES.length} places, all found, in ${files.size} files`);
  });
}
