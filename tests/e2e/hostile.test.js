import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { device, endpoint, IMPATIENT, launch } from "./support/device.js";
import { faults } from "./support/gate.js";
import { until } from "./support/wait.js";

const NOTES = ["one", "two", "three"].map((text, index) => ({ id: `n${index}`, text }));
const TEXTS = NOTES.map(({ text }) => text).sort();
const YEAR = 365.25 * 86_400;
const HOUR = 3_600_000;
const MIB = 2 ** 20;
const json = { "content-type": "application/json" };
const LATE = "ffffffff0000ffff-00000000000000ff";

const on = (route, lie) => faults.alters((path, answer) => (path.endsWith(`/${route}`) ? lie(answer) : answer));
const planted = (id, seq, more) => ({ c: "notes", id, seq, rev: seq, hlc: LATE, body: { value: { id, text: "planted" } }, ...more });

/** How the endpoint lies, and the code of the error that a round then ends with; none where it does not matter. */
const LIES = {
  "a cursor that it never gave": { lie: on("changes", (page) => ({ ...page, cursor: "made up" })) },
  "a cursor of a mebibyte": { lie: on("changes", (page) => ({ ...page, cursor: "9".repeat(MIB) })), code: "NETWORK_ERROR" },
  "the same page again and again": {
    lie: on("changes", (page) => ({ ...page, changes: [planted("old", 1)], more: true })),
    code: "NETWORK_ERROR",
  },
  "cursors in circles": {
    lie: on("changes", (page) => ({ ...page, changes: [], more: true, cursor: `${Math.round(performance.now()) % 2}` })),
    code: "NETWORK_ERROR",
  },
  "an older revision": { lie: on("changes", (page) => ({ ...page, changes: [planted("old", 1)], more: false })) },
  "an older revision in the way of a change": {
    lie: on("push", (answer) => ({ ...answer, results: answer.results.map(({ mid }) => ({ mid, status: "conflict", current: planted("old", 1) })) })),
    // It names another document than was sent.
    dead: NOTES.length,
  },
  "documents that were not asked for": {
    lie: on("changes", (page) => ({
      ...page,
      changes: ["strangers", "private", "tidekeep:keys", "tidekeep:outbox"].map((c) => planted("x", page.head + 1, { c, tenant: "other" })),
    })),
  },
  "fields that are not known": {
    lie: faults.alters((_, answer) => ({ ...answer, unheard: { of: [[[]]] }, results: answer.results?.map((result) => ({ ...result, more: 1 })) ?? undefined })),
  },
  "answers for what was not sent": {
    lie: on("push", (answer) => ({ ...answer, results: [{ mid: 4711, status: "rejected", code: "too_large", message: "made up" }] })),
    code: "NETWORK_ERROR",
  },
  "no answer for one of them": { lie: on("push", (answer) => ({ ...answer, results: answer.results.slice(1) })), code: "NETWORK_ERROR" },
  "an answer of an unknown kind": {
    lie: on("push", (answer) => ({ ...answer, results: answer.results.map((result, at) => (at ? result : { ...result, status: "pondered" })) })),
    code: "NETWORK_ERROR",
  },
  "truncated JSON": { lie: faults.answers(200, '{"epoch":"64e991c376ccddd1","head":12', json), code: "NETWORK_ERROR" },
  "JSON a million deep": { lie: faults.answers(200, "[".repeat(1_000_000), json), code: "NETWORK_ERROR" },
  "HTML": { lie: faults.answers(200, "<!doctype html><title>Sign in</title>", { "content-type": "text/html" }), code: "NETWORK_ERROR" },
  "a time that is none": { lie: faults.alters((_, answer) => ({ ...answer, serverTime: 1e15 })) },
};

describe("an endpoint that lies, with", { concurrency: 3 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** A device that has sent a note twice, and has three more to send when the endpoint begins to lie. */
  async function deceived(t, lie) {
    const place = await endpoint(t);
    const a = await device(t, browser, place);
    await a.call("open", { sync: { ...IMPATIENT, live: false }, collections: { notes: { keyPath: "id" }, private: { keyPath: "id", sync: false } } });
    await a.call("write", [{ id: "old", text: "first" }]);
    await a.call("run");
    await a.call("write", [{ id: "old", text: "second" }]);
    await a.call("run");
    place.gate.fault = lie;
    await a.call("write", NOTES);
    return { place, a };
  }

  const whole = async (a) => assert.deepEqual(await a.call("texts"), [...TEXTS, "second"].sort());

  /** The endpoint is honest again: everything is there, and a second device has the same. */
  async function ends(t, place, a) {
    place.gate.fault = undefined;
    await a.call("retryAll");
    await until("everything is sent", () => a.call("status"), ({ pending, failed }) => pending + failed === 0);
    await a.call("run");
    await whole(a);
    const b = await device(t, browser, place);
    await b.call("open");
    await b.call("run");
    await whole(b);
  }

  for (const [name, { lie, code, dead = 0 }] of Object.entries(LIES)) {
    test(`${name} gets a typed error at most, loses nothing, and holds up nothing afterwards`, async (t) => {
      const { place, a } = await deceived(t, lie);
      const { error } = await a.call("run");
      if (code) assert.deepEqual([error?.typed, error?.code], [true, code], error?.message);
      else assert.ok(error === undefined || error.typed, error?.message);
      await whole(a);
      assert.equal((await a.call("status")).failed, dead);
      for (const event of await a.events()) assert.equal(event.typed, true);
      // The store goes on meanwhile.
      await a.call("note", "meanwhile");
      await a.call("remove", "meanwhile");
      await ends(t, place, a);
    });
  }

  test("a wish to be left alone for a year is followed for an hour", async (t) => {
    const failure = JSON.stringify({ code: "unavailable", message: "made up by a test" });
    const { place, a } = await deceived(t, faults.answers(503, failure, { ...json, "retry-after": String(YEAR) }));
    const { error } = await a.call("run");
    assert.deepEqual([error?.typed, error?.code, error?.retryable], [true, "NETWORK_ERROR", true], error?.message);
    const { nextSyncTime } = await a.call("status");
    assert.ok(nextSyncTime - Date.now() <= HOUR, new Date(nextSyncTime).toISOString());
    await whole(a);
    await a.call("close");
    // A new start asks again at once.
    place.gate.fault = undefined;
    await a.call("open", { sync: IMPATIENT });
    await ends(t, place, a);
  });

  for (const route of ["", "push", "changes"]) {
    test(`a gibibyte in answer to ${route || "the status"} is given up, and fills no memory`, async (t) => {
      let sent = 0;
      const endless = faults.streams(2 ** 30, (bytes) => (sent += bytes));
      const wanted = new RegExp(`/v1/team${route && `/${route}`}$`);
      const place = await endpoint(t);
      const a = await device(t, browser, place);
      const memory = await resident(browser);
      await a.call("open", { sync: { ...IMPATIENT, enabled: false, live: false } });
      await a.call("write", NOTES);
      place.gate.fault = (request, response) => (wanted.test(new URL(request.url, "http://x").pathname) ? endless(request, response) : false);
      const start = await memory();
      let most = start;
      const watch = setInterval(async () => (most = Math.max(most, await memory())), 50);
      const { error } = await a.call("run");
      clearInterval(watch);
      t.diagnostic(`${Math.round(sent / MIB)} MiB were sent, and the pages' processes grew by ${Math.round((most - start) / MIB)} MiB`);
      assert.deepEqual([error?.typed, error?.code], [true, "NETWORK_ERROR"], error?.message);
      assert.ok(sent < 64 * MIB, `${sent} bytes were taken`);
      assert.ok(most - start < 256 * MIB, `${(most - start) / MIB} MiB`);
      assert.deepEqual(await a.call("texts"), TEXTS);
      place.gate.fault = undefined;
      await a.call("run");
      assert.equal((await a.call("status")).pending, 0);
    });
  }
});

/** What measures the memory of the processes of pages, in bytes. */
async function resident(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const pids = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
  const of = async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  };
  // Which of them is the page's is not told: all together grow by no less.
  return async () => (await Promise.all(pids.map(of))).reduce((sum, size) => sum + size, 0);
}
