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

/** An authenticator of the device, whose user is there and agrees. */
const AUTHENTICATOR = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  hasPrf: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

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

test("the application unlocks by the device, and by a passphrase that is added and changed", async (t) => {
  const { app, page } = await open(t);
  const { id } = app;
  const secrets = { key: `sk-${random()}`, first: random(), second: random() };
  await app.go("key");
  await id("unlock-device").click();
  await app.keepKey(secrets.key);
  assert.deepEqual(await app.ways(), ["device"]);
  assert.equal(await id("way-remove").isDisabled(), true, "the last way stays");

  await page.reload();
  await id("unlock-device").click();
  assert.equal(await app.revealKey(), secrets.key);

  await app.choosePassphrase("passphrase-add", secrets.first);
  await app.waitForWays(["device", "passphrase"]);
  await app.choosePassphrase("passphrase-change", secrets.second);
  await id("toasts").getByText("The passphrase is changed.").waitFor();
  await id("way").and(page.locator("[data-kind=device]")).getByTestId("way-remove").click();
  await app.waitForWays(["passphrase"]);

  await id("key-lock").click();
  await id("unlock").click();
  await app.enterPassphrase(secrets.first);
  await id("passphrase-error").getByText("not the passphrase").waitFor();
  await app.enterPassphrase(secrets.second);
  assert.equal(await app.revealKey(), secrets.key);
  assert.deepEqual(app.trouble, []);
});

test("the application unlocks by a passkey, where there is one", async (t) => {
  const { context, page, server } = await open(t);
  const authenticators = await context.newCDPSession(page);
  await authenticators.send("WebAuthn.enable");
  await authenticators.send("WebAuthn.addVirtualAuthenticator", { options: AUTHENTICATOR });
  // A passkey belongs to a name, and not to an IP address.
  const app = fieldbook(page, server.address.replace("127.0.0.1", "localhost"));
  const secrets = { key: `sk-${random()}`, passphrase: random() };
  await app.open("vault", "ada");
  await app.sealKey(secrets.passphrase, secrets.key);
  await app.id("add-passkey").click();
  await app.waitForWays(["passkey", "passphrase"]);
  await page.reload();
  await app.id("unlock-passkey").click();
  assert.equal(await app.revealKey(), secrets.key);
  assert.deepEqual(app.trouble, []);
});

test("the application seals anew under another key, and everything opens as it did", async (t) => {
  const { app } = await open(t);
  const { id } = app;
  const secrets = { key: `sk-${random()}`, passphrase: random() };
  await app.sealKey(secrets.passphrase, secrets.key);
  const keyId = async () => (await app.diskParts()).find(({ name }) => name === "key").bytes.toString("hex");
  const before = await keyId();
  await id("rotate").click();
  await id("toasts").getByText("Everything is sealed under a new key.").waitFor();
  await until("another key sealed it", keyId, (now) => now !== before);
  await id("key-lock").click();
  await id("unlock").click();
  await app.enterPassphrase(secrets.passphrase);
  assert.equal(await app.revealKey(), secrets.key);
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
