import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { launch } from "./support/browser.js";
import { installed, project } from "./support/paths.js";
import { serve } from "./support/server.js";
import { drivers, start } from "./support/webdriver.js";

const PAGE = "/tabs/index.html";
const folders = { "/": join(project, "plain"), "/tidekeep/": installed, "/tabs/": join(project, "tabs") };

async function until(what, look, holds) {
  const end = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (holds(found)) return found;
    if (Date.now() > end) assert.fail(`${what}: ${JSON.stringify(found)}`);
    await sleep(10);
  }
}

const middle = (times) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];

describe("tabs of one database in Chromium", () => {
  let browser;
  let server;
  before(async () => {
    [browser, server] = await Promise.all([launch(), serve(folders)]);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  /** Some tabs of a profile of their own, with the store open. */
  async function tabs(t, count, options, prepare = () => {}) {
    const context = await browser.newContext();
    t.after(() => context.close());
    const opened = [];
    for (let at = 0; at < count; at += 1) {
      const page = await context.newPage();
      await prepare(page, at);
      await page.goto(server.address + PAGE);
      await page.waitForFunction(() => "tab" in globalThis);
      const call = (name, ...args) => page.evaluate(([name, args]) => tab[name](...args), [name, args]);
      await call("open", options);
      opened.push({ page, call, context });
    }
    return opened;
  }

  test("a change in one tab is told and shown in the other", async (t) => {
    const [first, second] = await tabs(t, 2);
    await second.call("watch");
    await until("the first result", () => second.call("results"), (results) => results.length === 1);
    const took = { told: [], shown: [] };
    for (let n = 0; n < 30; n += 1) {
      const at = await first.call("put", `n ${n}`);
      const results = await until(`note ${n}`, () => second.call("results"), (results) => results.length === n + 2);
      const heard = (await second.call("heard")).find(({ key }) => key === `n ${n}`);
      assert.equal(heard.source, "tab");
      took.told.push(heard.at - at);
      took.shown.push(results.at(-1).at - at);
    }
    for (const [what, times] of Object.entries(took)) {
      t.diagnostic(`ms from acknowledged to ${what} in the other tab: median ${middle(times).toFixed(1)}, most ${Math.max(...times).toFixed(1)}`);
    }
    assert.ok(middle(took.shown) < 100, "far below what people notice");
    const at = await first.call("putMany", "many ", 5_000);
    const [last] = (await until("5 000 notes", () => second.call("results"), (results) => results.at(-1).rows === 5_030)).slice(-1);
    t.diagnostic(`5 000 notes written at once are shown in the other tab after ${Math.round(last.at - at)} ms`);
  });

  test("pages, frames and workers tell each other", async (t) => {
    const [{ call }] = await tabs(t, 1);
    const { took, missing } = await call("meet");
    assert.equal(missing, undefined);
    t.diagnostic(`ms until told and shown: ${Object.entries(took).map(([way, times]) => `${way} ${times.join(" and ")}`).join(", ")}`);
  });

  test("what was written in another tab and told is never read older from the cache", async (t) => {
    const [first, second] = await tabs(t, 2, { cache: {} });
    await second.call("check", "k");
    for (let n = 1; n <= 200; n += 1) await first.call("put", "k", n);
    await until("the last", () => second.call("heard"), (heard) => heard.length === 200);
    assert.equal(await second.call("get", "k"), 200);
    assert.deepEqual(await second.call("stale"), []);
  });

  test("a tab that was frozen shows what was written meanwhile, and its cache has forgotten", async (t) => {
    const [first, second] = await tabs(t, 2, { cache: {} });
    await second.call("watch");
    await first.call("put", "k", 1);
    await until("the first note", () => second.call("results"), (results) => results.at(-1)?.rows === 1);
    assert.equal(await second.call("get", "k"), 1);
    const devtools = await second.context.newCDPSession(second.page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await first.call("put", "k", 2);
    await first.call("put", "other", 1);
    await sleep(300);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await until("the second note", () => second.call("results"), (results) => results.at(-1).rows === 2);
    assert.equal(await second.call("get", "k"), 2);
  });

  test("a lock in one tab locks the others, one that was frozen as it thaws", async (t) => {
    const [first, second, third] = await tabs(t, 3);
    for (const tab of [first, second, third]) await tab.call("unlock");
    const devtools = await third.context.newCDPSession(third.page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    const at = await first.call("lock");
    const [, locked] = await until("the other tab to lock", () => second.call("locks"), (locks) => locks.length === 2);
    assert.deepEqual([locked.locked, locked.reason], [true, "tab"]);
    t.diagnostic(`the other tab is locked after ${(locked.at - at).toFixed(1)} ms`);
    assert.deepEqual([await first.call("secret"), await second.call("secret")], ["LOCKED", "LOCKED"]);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await until("the frozen tab to lock", () => third.call("locks"), (locks) => locks.length === 2);
    assert.equal(await third.call("secret"), "LOCKED");
  });

  test("a page out of sight locks after its time and one in sight does not, and what a device slept through counts", async (t) => {
    const [first, second] = await tabs(t, 2, { encryption: { autoLock: { hidden: 500, idle: 60_000 } } });
    for (const tab of [first, second]) await tab.call("unlock");
    await first.page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    const [, hidden] = await until("the hidden tab to lock", () => first.call("locks"), (locks) => locks.length === 2);
    assert.deepEqual([hidden.locked, hidden.reason], [true, "hidden"]);
    assert.equal(await second.call("secret"), "k", "the other is in sight");
    // A device that slept for a day: the time of day has gone on, timers have not.
    await second.page.evaluate(() => {
      const today = Date.now;
      Date.now = () => today() + 86_400_000;
    });
    assert.equal(await second.call("secret"), "LOCKED");
    assert.equal((await second.call("locks")).at(-1).reason, "idle");
  });

  test("a page that may go into the back/forward cache locks itself", async (t) => {
    const [{ page, call }] = await tabs(t, 1);
    await call("unlock");
    // It stands still from the one to the other.
    await page.evaluate(() => {
      for (const type of ["pagehide", "pageshow"]) dispatchEvent(new PageTransitionEvent(type, { persisted: true }));
    });
    assert.equal(await call("secret"), "LOCKED");
  });

  test("without a channel, a tab says so, shows what was written once it has the focus, and caches nothing", async (t) => {
    const deaf = (page, at) => at === 1 && page.addInitScript(() => delete globalThis.BroadcastChannel);
    const [first, second] = await tabs(t, 2, { cache: {} }, deaf);
    assert.equal(await second.page.evaluate(() => "BroadcastChannel" in globalThis), false);
    await second.call("watch");
    await until("the first result", () => second.call("results"), (results) => results.length === 1);
    await first.call("put", "k", 1);
    assert.equal(await second.call("get", "k"), 1);
    await first.call("put", "k", 2);
    assert.equal(await second.call("get", "k"), 2);
    assert.deepEqual(await second.call("heard"), []);
    await second.page.evaluate(() => dispatchEvent(new Event("focus")));
    await until("the note", () => second.call("results"), (results) => results.at(-1).rows === 1);
  });

  test("1 000 gets in turn from the cache against 1 000 by IndexedDB alone", async (t) => {
    const [{ call }] = await tabs(t, 1, { cache: {} });
    await call("timed", 200);
    const { raw, cached } = await call("timed", 1_000);
    t.diagnostic(`raw ${raw.toFixed(0)} ms, cached ${cached.toFixed(1)} ms: ${(cached / raw).toFixed(3)} of raw`);
    assert.ok(cached < raw / 4);
  });
});

for (const [name, driver] of Object.entries(drivers)) {
  test(`pages, frames and workers tell each other in ${name}`, async (t) => {
    const [server, browser] = await Promise.all([serve(folders), start(driver)]);
    t.after(async () => {
      await browser.close();
      await server.close();
    });
    await browser.open(server.address + PAGE);
    const { took, missing } = await browser.evaluate(`new Promise((resolve) => {
      const look = () => ("tab" in globalThis ? resolve(tab.meet()) : setTimeout(look, 20));
      look();
    })`);
    assert.equal(missing, undefined);
    t.diagnostic(`ms until told and shown: ${Object.entries(took).map(([way, times]) => `${way} ${times.join(" and ")}`).join(", ")}`);
  });
}
