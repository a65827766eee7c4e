import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { passkeySupport } from "tidekeep";
import { launch } from "./support/browser.js";
import { installed, project } from "./support/paths.js";
import { serve } from "./support/server.js";

const PAGE = "/passkeys/index.html";
const folders = { "/": join(project, "plain"), "/tidekeep/": installed, "/passkeys/": join(project, "passkeys") };
const PASSPHRASE = { passphrase: "correct horse battery staple" };
const SECRET = "sk-1";

/** Of this device, verifies its user, derives secrets, and has somebody who always agrees. */
const AUTHENTICATOR = {
  protocol: "ctap2",
  ctap2Version: "ctap2_1",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  hasPrf: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

describe("passkeys in Chromium", () => {
  let browser;
  let server;
  before(async () => {
    [browser, server] = await Promise.all([launch(), serve(folders)]);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  /** A page of a profile of its own. `fresh` leaves it for one that knows nothing of what was opened. */
  async function tab(t, { address = server.address, script = () => {} } = {}) {
    const context = await browser.newContext();
    t.after(() => context.close());
    const page = await context.newPage();
    await page.addInitScript(script);
    const authenticators = await context.newCDPSession(page);
    await authenticators.send("WebAuthn.enable");
    const send = (what, details) => authenticators.send(`WebAuthn.${what}`, details);
    const call = (...given) => page.evaluate((given) => globalThis.page(...given), given);
    const must = async (...given) => {
      const { value, code, message } = await call(...given);
      assert.equal(code, undefined, message);
      return value;
    };
    const fresh = async () => {
      await page.goto(address + PAGE);
      await page.waitForFunction(() => "page" in globalThis);
      await must("open");
    };
    await fresh();
    return {
      page,
      call,
      must,
      fresh,
      add: async (options) => {
        const added = await send("addVirtualAuthenticator", { options: { ...AUTHENTICATOR, ...options } });
        return added.authenticatorId;
      },
      remove: (authenticatorId) => send("removeVirtualAuthenticator", { authenticatorId }),
      verify: (authenticatorId, isUserVerified) => send("setUserVerified", { authenticatorId, isUserVerified }),
      present: (authenticatorId, enabled) => send("setAutomaticPresenceSimulation", { authenticatorId, enabled }),
      kept: async (authenticatorId) => (await send("getCredentials", { authenticatorId })).credentials.length,
    };
  }

  /** A store that a passphrase unlocks, and a passkey. */
  async function unlockable(t, options) {
    const opened = await tab(t);
    const authenticator = await opened.add(options);
    await opened.must("unlock", PASSPHRASE);
    await opened.must("set", SECRET);
    await opened.must("add", { passkey: { user: "ada" }, label: "this device" });
    return { ...opened, authenticator };
  }

  const refused = async (asked, code) => {
    const { code: found, message, ...rest } = await asked;
    assert.equal(found, code, message);
    return { message, ...rest };
  };

  test("one unlocks the store again in a page that knows nothing, and after each lock", async (t) => {
    const { call, must, fresh, page } = await unlockable(t);
    assert.deepEqual((await must("unlockers")).map(({ kind, label }) => [kind, label]).sort(), [["passkey", "this device"], ["passphrase", undefined]]);
    await fresh();
    assert.equal((await call("get")).code, "LOCKED");
    await must("unlock", { passkey: true });
    assert.equal(await must("get"), SECRET);
    await must("lock");
    assert.equal((await call("get")).code, "LOCKED");
    await must("unlock", { passkey: true });
    assert.equal(await must("get"), SECRET);
    const took = await page.evaluate(async () => {
      const times = [];
      for (let round = 0; round < 20; round += 1) {
        await globalThis.page("lock");
        const start = performance.now();
        await globalThis.page("unlock", { passkey: true });
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[10];
    });
    t.diagnostic(`an unlocking by a passkey of a virtual authenticator: ${took.toFixed(1)} ms, the median of 20`);
  });

  test("one alone begins a store and opens it", async (t) => {
    const { add, must, fresh } = await tab(t);
    await add();
    await must("unlock", { passkey: { rpName: "Fieldbook", user: "ada" } });
    await must("set", SECRET);
    await fresh();
    await must("unlock", { passkey: true });
    assert.equal(await must("get"), SECRET);
  });

  test("of several any one opens the store, with one request; one that was removed does not", async (t) => {
    const { add, remove, present, must, call, fresh, authenticator } = await unlockable(t);
    const key = await add({ transport: "usb" });
    // Both are there, and the user reaches for the second.
    await present(authenticator, false);
    await must("add", { passkey: true, label: "security key" });
    await fresh();
    await must("unlock", { passkey: true });
    assert.equal(await must("get"), SECRET);
    await present(authenticator, true);
    await present(key, false);
    await must("lock");
    await must("unlock", { passkey: true });
    await remove(authenticator);
    await present(key, true);
    const [{ id }] = (await must("unlockers")).filter(({ label }) => label === "security key");
    await must("remove", id);
    await must("lock");
    await refused(call("unlock", { passkey: { timeout: 2000 } }), "ACCESS_DENIED");
    await remove(key);
    await must("unlock", PASSPHRASE);
    assert.equal(await must("get"), SECRET);
  });

  test("a passkey of another authenticator opens nothing, nor does an unverified user", async (t) => {
    const { add, remove, verify, must, call, authenticator } = await unlockable(t);
    await must("lock");
    await verify(authenticator, false);
    await refused(call("unlock", { passkey: true }), "ACCESS_DENIED");
    await remove(authenticator);
    await add();
    const { operation } = await refused(call("unlock", { passkey: true }), "ACCESS_DENIED");
    assert.equal(operation, "credentials.unlock");
    assert.equal(await must("locked"), true);
    assert.equal((await call("get")).code, "LOCKED");
  });

  test("a second one in the same place is refused, and the first stays", async (t) => {
    const { must, call, fresh, kept, authenticator } = await unlockable(t);
    await refused(call("add", { passkey: true }), "ALREADY_EXISTS");
    assert.equal(await kept(authenticator), 1);
    assert.equal((await must("unlockers")).length, 2);
    await fresh();
    await must("unlock", { passkey: true });
  });

  test("where nothing can be derived, none is left behind, and nothing is added", async (t) => {
    const { add, must, call, kept } = await tab(t);
    const authenticator = await add({ hasPrf: false });
    await must("unlock", PASSPHRASE);
    const { message } = await refused(call("add", { passkey: true }), "UNSUPPORTED");
    assert.match(message, /PRF/);
    assert.equal((await must("unlockers")).length, 1);
    assert.equal(await kept(authenticator), 0);
  });

  test("a request ends with its signal, and in time, even where nobody answers", async (t) => {
    const { add, remove, must, call, page, authenticator } = await unlockable(t);
    await must("lock");
    await remove(authenticator);
    const late = await refused(call("unlock", { passkey: { timeout: 300 } }), "TIMEOUT");
    assert.ok(late.ms >= 300 && late.ms < 5000, `${late.ms} ms`);
    assert.equal(late.retryable, true);
    await add({ automaticPresenceSimulation: false });
    const asked = call("unlockUntilCalledOff");
    await page.waitForTimeout(200);
    await must("callOff");
    await refused(asked, "ABORTED");
    await refused(call("unlockUntilCalledOff"), "ABORTED");
    assert.equal(await must("locked"), true);
  });

  test("what cannot be asked is told apart: options, domains, and stores that know no passkey", async (t) => {
    const { add, must, call } = await tab(t);
    await add();
    await must("unlock", PASSPHRASE);
    await must("lock");
    await refused(call("unlock", { passkey: true }), "KEY_MISSING");
    await refused(call("unlock", { passkey: true, ...PASSPHRASE }), "INVALID_CONFIG");
    await must("unlock", PASSPHRASE);
    const { context } = await refused(call("add", { passkey: { rpId: "example.com" } }), "INVALID_CONFIG");
    assert.equal(context.option, "passkey.rpId");
    for (const passkey of [3, "yes", { rpid: "localhost" }, { user: "" }, { timeout: 0 }, { timeout: "1" }]) {
      await refused(call("add", { passkey }), "INVALID_CONFIG");
    }
  });

  test("pages by IP address and pages that are not secure have none, and say so", async (t) => {
    const byNumber = await tab(t, { address: server.address.replace("localhost", "127.0.0.1") });
    await byNumber.must("unlock", PASSPHRASE);
    assert.equal(await byNumber.must("support"), "no");
    await refused(byNumber.call("add", { passkey: true }), "UNSUPPORTED");
    const insecure = await tab(t, { script: () => Object.defineProperty(globalThis, "isSecureContext", { value: false }) });
    await insecure.must("unlock", PASSPHRASE);
    assert.equal(await insecure.must("support"), "no");
    await refused(insecure.call("add", { passkey: true }), "INSECURE_CONTEXT");
  });

  test("whether the browser has what it takes can be asked", async (t) => {
    const { must } = await tab(t);
    assert.equal(await must("support"), "yes");
    assert.equal(await passkeySupport(), "no", "in Node");
  });
});
