import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { start } from "../durability/support/chromium.js";
import { device, endpoint, launch } from "./support/device.js";
import { scratch } from "./support/scratch.js";
import { until } from "./support/wait.js";

const TABS = 8;
/** How many times a tab that leads is stopped; `TIDEKEEP_ELECTIONS=1000` for the long run. */
const ELECTIONS = Number(process.env.TIDEKEEP_ELECTIONS ?? 20);
/** Within so much another leads, milliseconds. */
const SOON = 10_000;

/** How a tab that leads comes to an end, or to a standstill. */
const STOPS = {
  async frozen({ ask, evaluate }) {
    await ask("Page.setWebLifecycleState", { state: "frozen" });
    const runs = evaluate("new Promise((resolve) => setTimeout(resolve, 0, true))");
    assert.equal(await Promise.race([runs, sleep(500, false)]), false, "the page is not frozen");
  },
  async killed({ ask, close }) {
    ask("Page.crash").catch(() => undefined);
    await sleep(200);
    await close();
  },
  async navigated({ ask, close }) {
    await ask("Page.navigate", { url: "about:blank" });
    await close();
  },
  async closed({ call, close }) {
    await call("close");
    await close();
  },
};

test("of eight tabs of one profile one sends, whatever happens to it, and each effect comes once", async (t) => {
    const place = await endpoint(t);
    const browser = await start(await scratch());
    t.after(browser.kill);
    let tabs = [];
    let count = 0;
    const open = async () => {
      const page = await browser.open(place.gate.address);
      const call = (name, ...args) => page.evaluate(`page[${JSON.stringify(name)}](...${JSON.stringify(args)})`);
      await call("bear", place.token);
      await call("open");
      tabs.push({ ...page, call });
      // Nobody sees any of them, so that none is asked to lead before others.
      await browser.call("Target.activateTarget", { targetId: blank });
    };
    const { targetId: blank } = await browser.call("Target.createTarget", { url: "about:blank" });
    for (let n = 0; n < TABS; n += 1) await open();
    const written = new Set();
    const write = async (tab) => {
      const id = `n${(count += 1)}`;
      await tab.call("note", id);
      written.add(id);
    };
    /** The tab that leads, among those that are not stopped. */
    const leader = async (among) => {
      const statuses = await Promise.all(among.map((tab) => tab.call("status")));
      const leading = among.filter((_, at) => statuses[at].leader);
      return leading.length === 1 ? leading[0] : undefined;
    };
    const kinds = Object.keys(STOPS);
    const took = Object.fromEntries(kinds.map((kind) => [kind, []]));
    for (let round = 0; round < ELECTIONS; round += 1) {
      const first = await until("one leads", () => leader(tabs), Boolean, SOON);
      const others = tabs.filter((tab) => tab !== first);
      // All of them write, before, while and after the one that leads is stopped.
      await Promise.all(tabs.map(write));
      const kind = kinds[round % kinds.length];
      const began = performance.now();
      await STOPS[kind](first);
      await Promise.all(others.map(write));
      const next = await until(`another leads after one is ${kind}`, () => leader(others), Boolean, SOON);
      took[kind].push(Math.round(performance.now() - began));
      await Promise.all(others.map(write));
      await until("all is sent", () => next.call("status"), ({ pending, failed }) => pending + failed === 0, 2 * SOON);
      if (kind === "frozen") {
        // It goes on as one of those that wait, and what it writes is sent too.
        await first.ask("Page.setWebLifecycleState", { state: "active" });
        await write(first);
        await until("all is sent", () => next.call("status"), ({ pending, failed }) => pending + failed === 0, 2 * SOON);
        await until("one leads again", () => leader(tabs), Boolean, SOON);
        await first.close();
      }
      tabs = others;
      await open();
    }
    for (const [kind, times] of Object.entries(took).filter(([, times]) => times.length > 0)) {
      t.diagnostic(`${kind}: another leads after ${times.join(", ")} ms`);
      assert.ok(Math.max(...times) < SOON, `${kind}: ${times}`);
    }
    // Sequences count effects: one for each note, and none came twice.
    const { changes, head } = await everything(place);
    const ids = changes.map(({ id }) => id);
    assert.deepEqual(ids.toSorted(), [...written].sort());
    assert.equal(head, written.size, `${head} effects of ${written.size} writes`);
    t.diagnostic(`${ELECTIONS} elections, ${written.size} writes in ${TABS} tabs, ${head} effects`);
  });

test("a tab that is seen takes over at once from one that is not", async (t) => {
    const browser = await launch();
    t.after(() => browser.close());
    const place = await endpoint(t);
    const first = await device(t, browser, place);
    await first.call("open");
    await until("the first leads", () => first.call("status"), ({ leader }) => leader);
    const second = await device(t, browser, place, { context: first.context });
    await second.call("open");
    const sight = ({ page }, state) =>
      page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, state);
    await sight(second, "hidden");
    for (const [from, to] of [[first, second], [second, first]]) {
      await sight(from, "hidden");
      const began = performance.now();
      await sight(to, "visible");
      await until("it leads", () => to.call("status"), ({ leader }) => leader, SOON);
      t.diagnostic(`it leads after ${Math.round(performance.now() - began)} ms`);
      await until("the other does not", () => from.call("status"), ({ leader }) => !leader, SOON);
      assert.ok(performance.now() - began < 1500);
    }
  });

/** Every document that the endpoint has. */
async function everything({ server, token }) {
  const changes = [];
  for (let since = ""; ; ) {
    const response = await fetch(`${server.address}/v1/team/changes?limit=1000&since=${since}`, { headers: { authorization: `Bearer ${token}` } });
    const page = await response.json();
    changes.push(...page.changes);
    if (!page.more) return { changes, head: page.head };
    since = page.cursor;
  }
}
