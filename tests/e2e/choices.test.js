import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { drivers, start } from "../packaging/support/webdriver.js";
import { launch } from "./support/device.js";
import { fieldbook } from "./support/fieldbook.js";
import { plantNote } from "./support/notes.js";
import { scratch } from "./support/scratch.js";
import { serve } from "./support/server.js";
import { until } from "./support/wait.js";

const SPACE = "expedition";
const FIRST = "Tram 28 to the castle";
/** Far below the interval of 15 seconds at which anything would be asked for anyway. */
const PROMPTLY = 5000;
/** Far below the minute for which a service worker tries. */
const LEADS = 15_000;

/** Refuses every change for good, as an endpoint does. */
async function refuse(route) {
  const { ops } = route.request().postDataJSON();
  if (ops.length === 0) return route.continue();
  const answer = await route.fetch({ postData: { ...route.request().postDataJSON(), ops: [] } });
  const results = ops.map(({ mid }) => ({ mid, status: "rejected", code: "forbidden", message: "not welcome here" }));
  return route.fulfill({ response: answer, json: { ...(await answer.json()), results } });
}

describe("Fieldbook", () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** The endpoint, with a notebook of one note. */
  async function notebook(t) {
    const server = await serve(t, await scratch());
    await plantNote(server.address, SPACE, FIRST);
    return server;
  }

  /** The notebook in a window of a profile of its own, or of `context`. */
  async function open(t, { address }, user, context) {
    const own = context ?? (await browser.newContext());
    if (!context) t.after(() => own.close());
    const app = fieldbook(await own.newPage(), address);
    await app.open(SPACE, user);
    await app.waitForState("synced");
    return Object.assign(app, { context: own });
  }

  /** Stays in the origin without the application; gives what wakes its service worker as a network does that is found again. */
  async function waker({ context }, { address }) {
    const other = await context.newPage();
    await other.goto(`${address}/icons/icon.svg`);
    const session = await context.newCDPSession(other);
    const registrations = [];
    session.on("ServiceWorker.workerRegistrationUpdated", (event) => registrations.push(...event.registrations));
    await session.send("ServiceWorker.enable");
    const { registrationId } = await until("the worker is known", () => registrations.at(-1));
    const tag = `tidekeep:fieldbook-${SPACE}`;
    const event = { origin: address, registrationId, tag, lastChance: false };
    return Object.assign(() => session.send("ServiceWorker.dispatchSyncEvent", event), { page: other });
  }

  const text = (app, name) => app.id(name).first().textContent();

  /** Does something, and waits until the endpoint has answered for it. */
  const sends = (app, task) => Promise.all([app.page.waitForResponse("**/push"), task()]);

  /** Both change the note with this text; `a` sends last, and meets the conflict. */
  async function collide(a, b, from, mine, theirs) {
    await Promise.all([a.expectNotes([from]), b.expectNotes([from])]);
    await a.context.setOffline(true);
    await a.waitForState("offline");
    await a.edit(from, mine);
    await sends(b, () => b.edit(from, theirs));
    await a.context.setOffline(false);
    await a.waitForState("undecided");
  }

  test("a note that two devices changed is shown with both texts, and becomes the one that is chosen", async (t) => {
    const place = await notebook(t);
    const [a, b] = await Promise.all([open(t, place, "ada"), open(t, place, "ben")]);

    await collide(a, b, FIRST, "Tram 28 to the old castle", "Tram 12 to the castle");
    assert.equal(await a.pending(), 0, "it holds up nothing");
    await a.id("note-versions").waitFor();
    await a.go("sync");
    assert.equal(await text(a, "mine-text"), "Tram 28 to the old castle");
    assert.equal(await text(a, "theirs-text"), "Tram 12 to the castle");
    await a.id("keep-mine").click();
    await a.id("conflict").waitFor({ state: "detached" });
    await a.waitForState("synced");
    await b.expectNotes(["Tram 28 to the old castle"]);
    await a.expectNotes(["Tram 28 to the old castle"]);

    await collide(a, b, "Tram 28 to the old castle", "Mine again", "Theirs at last");
    await a.go("sync");
    // It waits as long as it takes: also for a page that is opened again.
    await a.page.reload();
    await a.waitForState("undecided");
    await a.id("keep-theirs").click();
    await a.waitForState("synced");
    await a.expectNotes(["Theirs at last"]);
    await b.expectNotes(["Theirs at last"]);

    // What lost is not gone.
    await a.go("sync");
    const lost = a.id("settled").filter({ hasText: "Mine again" });
    await lost.getByTestId("bring-back").click();
    await a.waitForPending(0);
    await b.expectNotes(["Mine again"]);

    await collide(a, b, "Mine again", "One half", "The other half");
    await a.go("sync");
    await a.id("keep-both").click();
    await a.waitForState("synced");
    await b.expectNotes(["The other half\n\nOne half"]);
    assert.deepEqual([...a.trouble, ...b.trouble], []);
  });

  test("a note that one device deleted and the other changed is shown so, and stays deleted if that is chosen", async (t) => {
    const place = await notebook(t);
    const [a, b] = await Promise.all([open(t, place, "ada"), open(t, place, "ben")]);
    await Promise.all([a.expectNotes([FIRST]), b.expectNotes([FIRST])]);
    await a.context.setOffline(true);
    await a.waitForState("offline");
    await a.remove(FIRST);
    await sends(b, () => b.edit(FIRST, "Tram 12"));
    await a.context.setOffline(false);
    await a.waitForState("undecided");
    await a.go("sync");
    assert.equal(await text(a, "mine-text"), "Deleted");
    assert.equal(await text(a, "theirs-text"), "Tram 12");
    await a.id("keep-mine").click();
    await a.waitForState("synced");
    await Promise.all([a.expectNotes([]), b.expectNotes([])]);
    assert.deepEqual([...a.trouble, ...b.trouble], []);
  });

  test("a change appears by itself in another window and on another device, which say that it just arrived", async (t) => {
    const place = await notebook(t);
    const a = await open(t, place, "ada");
    const [beside, b] = [await open(t, place, "ada", a.context), await open(t, place, "ben")];
    for (const app of [a, beside, b]) await app.expectNotes([FIRST]);
    await b.go("sync");
    await until("the other device hears", () => b.id("heard").getAttribute("data-hearing"), (how) => how === "live");
    await b.go("notes");

    let from = FIRST;
    for (const [writer, others, to] of [[a, [beside, b], "written here"], [beside, [a, b], "written beside"], [b, [a, beside], "written elsewhere"]]) {
      await writer.edit(from, to);
      const written = performance.now();
      const shown = async (app, name) => {
        await app.id("notes").locator(".row-excerpt").getByText(to, { exact: true }).waitFor({ timeout: PROMPTLY });
        t.diagnostic(`${to}: in ${name} after ${Math.round(performance.now() - written)} ms`);
        await app.id("notes").getByTestId("note-arrived").waitFor({ timeout: PROMPTLY });
      };
      await Promise.all([shown(others[0], "the first"), shown(others[1], "the second")]);
      await writer.waitForPending(0);
      assert.equal(await writer.id("note-arrived").locator("visible=true").count(), 0, "its own is no news");
      await writer.go("notes");
      from = to;
    }
    // It passes.
    await until("the sign is gone", () => a.id("note-arrived").locator("visible=true").count(), (count) => count === 0);
    assert.deepEqual([...a.trouble, ...beside.trouble, ...b.trouble], []);
  });

  test("without a network the page loads again, and what was written there is sent once it is closed", async (t) => {
    const place = await notebook(t);
    const a = await open(t, place, "ada");
    const worker = await a.shell();
    assert.equal(new URL(worker).pathname, "/sw.js");
    await a.context.setOffline(true);
    await a.waitForState("offline");
    const answer = await a.page.reload();
    assert.equal(answer.fromServiceWorker(), true);
    await a.waitForState("offline");
    await a.edit(FIRST, "Written without a network");
    await a.waitForPending(1);
    assert.deepEqual(a.trouble, []);

    const wake = await waker(a, place);
    await a.page.close();
    await a.context.setOffline(false);
    await wake();
    const b = await open(t, place, "ben");
    await b.expectNotes(["Written without a network"]);
  });

  test("a service worker that does not reach the endpoint gives way to a page that is opened", async (t) => {
    const place = await notebook(t);
    const a = await open(t, place, "ada");
    await a.shell();
    await a.context.setOffline(true);
    await a.edit(FIRST, "Written without it");
    await a.waitForPending(1);
    const wake = await waker(a, place);
    await a.page.close();
    await wake();
    const held = () => wake.page.evaluate(() => navigator.locks.query().then(({ held }) => held.length));
    await until("the worker leads", held);
    const again = fieldbook(await a.context.newPage(), place.address);
    await again.open(SPACE, "ada");
    await again.waitForState("offline");
    await a.context.setOffline(false);
    const began = performance.now();
    await again.waitForState("synced");
    await again.waitForPending(0);
    t.diagnostic(`sent ${Math.round(performance.now() - began)} ms after the network was there`);
    assert.ok(performance.now() - began < LEADS);
    const b = await open(t, place, "ben");
    await b.expectNotes(["Written without it"]);
  });

  for (const [name, engine] of Object.entries(drivers)) {
    test(`in ${name}, the page loads again once its server is gone`, async (t) => {
      const place = await notebook(t);
      const session = await start(engine);
      t.after(session.close);
      const open = async () => {
        await session.open(`${place.address}/?space=${SPACE}&user=ada`);
        const state = "document.querySelector('[data-testid=sync-status]')?.dataset.state";
        await until("the page says how sync stands", () => session.evaluate(state));
      };
      await open();
      assert.equal(await session.evaluate("navigator.serviceWorker.ready.then(({ active }) => new URL(active.scriptURL).pathname)"), "/sw.js");
      const texts = "document.querySelector('[data-testid=notes]')?.textContent";
      await until("the note is there", () => session.evaluate(texts), (text) => text?.includes(FIRST));
      await place.kill();
      await open();
      assert.equal(await session.evaluate("navigator.serviceWorker.controller !== null"), true);
      await until("the note is still there", () => session.evaluate(texts), (text) => text?.includes(FIRST));
    });
  }

  test("what the endpoint refuses is shown with the reason, and is tried again or discarded", async (t) => {
    const place = await notebook(t);
    const a = await open(t, place, "ada");
    await a.page.route("**/push", refuse);
    await a.edit(FIRST, "Too much");
    await a.waitForState("trouble");
    await a.id("toast-action").click();
    const dead = a.id("dead-entry");
    await dead.getByText("not welcome here").waitFor();
    await a.page.unroute("**/push");
    await dead.getByTestId("retry").click();
    await a.waitForState("synced");
    await dead.waitFor({ state: "detached" });

    await a.page.route("**/push", refuse);
    await a.edit("Too much", "Far too much");
    await a.waitForState("trouble");
    await a.go("sync");
    await a.page.unroute("**/push");
    await dead.getByTestId("discard").click();
    await dead.waitFor({ state: "detached" });
    await a.expectNotes(["Too much"]);
    assert.deepEqual(a.trouble, []);
  });
});
