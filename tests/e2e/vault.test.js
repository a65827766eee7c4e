import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { start } from "./support/chromium.js";
import { fieldbook } from "./support/fieldbook.js";
import { scratch } from "./support/scratch.js";
import { serve } from "./support/server.js";
import { until } from "./support/wait.js";

const random = () => randomBytes(18).toString("base64url").replaceAll(/[-_]/g, "x");

/** The application in a browser of its own. */
async function open(t) {
  const folder = await scratch();
  const [server, chromium] = await Promise.all([serve(t, folder), start(t, join(folder, "profile"))]);
  const app = fieldbook(chromium.page, server.address);
  await app.open("vault", "ada");
  return { ...chromium, server, app };
}

test("the application shows the sealed bytes as they lie on the disk, and beside them what they open to", async (t) => {
  const { app } = await open(t);
  const secrets = { key: `sk-${random()}`, passphrase: random() };
  await app.sealKey(secrets.passphrase, secrets.key);

  const parts = await app.diskParts();
  assert.deepEqual(parts.map(({ name, bytes }) => [name, bytes.length]), [
    ["magic", 4],
    ["version", 1],
    ["suite", 1],
    ["key", 16],
    ["nonce", 12],
    ["ciphertext", Buffer.byteLength(JSON.stringify(secrets.key))],
    ["tag", 16],
  ]);
  assert.equal(parts[0].bytes.toString(), "TKSE");
  const disk = app.id("disk");
  assert.ok(!(await disk.innerText()).includes(secrets.key));
  await app.id("disk-open").click();
  assert.equal(await app.id("disk-value").textContent(), secrets.key);

  await app.id("key-lock").click();
  await app.id("disk-locked").waitFor();
  await until("the opened value is gone", () => disk.innerText(), (text) => !text.includes(secrets.key));
  assert.deepEqual(app.trouble, []);
});

test("the application locks by itself when it is not used, and shows nothing then", async (t) => {
  const { app, page } = await open(t);
  const { id } = app;
  const secrets = { key: `sk-${random()}`, passphrase: random() };
  await page.evaluate(() => localStorage.setItem("fieldbook.lock", "2"));
  await page.reload();
  await app.sealKey(secrets.passphrase, secrets.key);
  await id("key-reveal").click();
  await id("key-hide").waitFor();
  await id("toasts").getByText("it was not used for a while").waitFor();
  await id("key-card").and(page.locator("[data-state=locked]")).waitFor();
  assert.ok(!(await page.locator("body").innerText()).includes(secrets.key));
  assert.deepEqual(app.trouble, []);
});
