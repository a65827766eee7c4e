import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { device, endpoint, IMPATIENT, launch } from "./support/device.js";
import { faults } from "./support/gate.js";
import { until } from "./support/wait.js";

const NOTES = ["one", "two", "three"].map((text, index) => ({ id: `n${index}`, text }));
const TEXTS = NOTES.map(({ text }) => text).sort();
const HTML = "<!doctype html><title>Sign in to the network</title>";
const html = { "content-type": "text/html" };
const json = { "content-type": "application/json" };
const failure = (code) => JSON.stringify({ code, message: "made up by a test" });
const YEARS = 10 * 365.25 * 86_400_000;

/** What a round meets, and what it then says. */
const BAD = {
  "HTML in place of the protocol": { fault: faults.answers(200, HTML, html), code: "NETWORK_ERROR" },
  "a JSON of another kind": { fault: faults.answers(200, '{"hello":"world"}', json), code: "NETWORK_ERROR" },
  "401": { fault: faults.answers(401, failure("unauthorized"), json), code: "AUTHENTICATION_FAILED" },
  "403": { fault: faults.answers(403, failure("forbidden"), json), code: "ACCESS_DENIED" },
  "413 for everything": { fault: faults.answers(413, failure("too_large"), json), code: "NETWORK_ERROR" },
  "500": { fault: faults.answers(500, failure("internal"), json), code: "NETWORK_ERROR" },
  "500 on pushing only": { fault: faults.onPush(faults.answers(500, "oops")), code: "NETWORK_ERROR" },
  "no connection": { fault: faults.isGone(), code: "NETWORK_ERROR" },
  "an answer that breaks off": { fault: faults.breaksOff(), code: "NETWORK_ERROR" },
};

describe("an endpoint that gives", { concurrency: 3 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** A device with notes that have yet to be sent, behind a fault. */
  async function waiting(t, fault, sync = IMPATIENT) {
    const place = await endpoint(t);
    place.gate.fault = fault;
    const a = await device(t, browser, place);
    await a.call("open", { sync });
    await a.call("write", NOTES);
    return { ...place, a, place };
  }

  /** Nothing is lost: the notes are there, and each waits. */
  async function kept(a, states = ["waiting", "sending"]) {
    assert.deepEqual(await a.call("texts"), TEXTS);
    const pending = await a.call("pending");
    assert.deepEqual(pending.map(({ key }) => key).sort(), NOTES.map(({ id }) => id));
    for (const { state } of pending) {
      assert.ok(states.includes(state), state);
    }
    return pending;
  }

  /** Everything is sent without being asked for, and a second device has it. */
  async function drains(t, { a, place }) {
    place.gate.fault = undefined;
    await until("everything is sent", () => a.call("status"), ({ pending, failed }) => pending + failed === 0);
    await until("the trouble is over", () => a.call("status"), ({ lastError }) => lastError === undefined);
    const b = await device(t, browser, place);
    await b.call("open");
    await b.call("run");
    assert.deepEqual(await b.call("texts"), TEXTS);
  }

  for (const [name, { fault, code }] of Object.entries(BAD)) {
    test(`${name} is a typed error, costs nothing, and is over when the endpoint is well again`, async (t) => {
      const setting = await waiting(t, fault);
      const { error } = await setting.a.call("run");
      assert.deepEqual([error?.typed, error?.code], [true, code], error?.message);
      await kept(setting.a);
      const status = await setting.a.call("status");
      assert.deepEqual([status.lastError?.typed, status.lastError?.code], [true, code]);
      assert.equal(status.pending, NOTES.length);
      await drains(t, setting);
    });
  }

  test("not even a token is a typed error, and is asked again soon, though nothing tells of a network", async (t) => {
    const place = await endpoint(t);
    place.gate.fault = faults.isGone();
    const a = await device(t, browser, place);
    // The usual waits: the test is about which of them is taken.
    await a.call("open", { fetchesToken: true });
    await a.call("write", NOTES);
    const { error } = await a.call("run");
    assert.deepEqual([error?.typed, error?.code, error?.retryable], [true, "NETWORK_ERROR", true], error?.message);
    await kept(a);
    await drains(t, { a, place });
  });

  test("413 on pushing sets aside what is too large even alone, until it is tried again", async (t) => {
    const setting = await waiting(t, faults.onPush(faults.answers(413, failure("too_large"), json)));
    const { a } = setting;
    await until("the notes are set aside", () => a.call("status"), ({ failed }) => failed === NOTES.length);
    for (const { error } of await kept(a, ["dead"])) {
      assert.deepEqual([error.typed, error.code], [true, "QUOTA_EXCEEDED"]);
    }
    setting.gate.fault = undefined;
    await a.call("retryAll");
    await drains(t, setting);
  });

  test("429 with Retry-After is left alone for as long as it asked, and asked again then", async (t) => {
    const seconds = 3;
    const busy = faults.answers(429, failure("rate_limited"), { ...json, "retry-after": String(seconds) });
    const setting = await waiting(t, busy);
    const { a, gate } = setting;
    await until("the endpoint was asked", () => gate.requests.length);
    const { error } = await a.call("run");
    assert.deepEqual([error?.typed, error?.code, error?.retryable], [true, "NETWORK_ERROR", true], error?.message);
    await kept(a);
    gate.fault = undefined;
    await drains(t, setting);
    const [refused, again] = gate.requests.map(({ at }) => at);
    assert.ok(again - refused >= seconds * 1000 - 50, `asked again after ${again - refused} ms`);
  });

  test("nothing at all is a typed error once patience ends, and costs nothing", async (t) => {
    // One round alone: each takes a minute to give up.
    const setting = await waiting(t, faults.hangs(), { ...IMPATIENT, enabled: false });
    const { a } = setting;
    const { error } = await a.call("run");
    assert.deepEqual([error?.typed, error?.code], [true, "TIMEOUT"], error?.message);
    await kept(a);
    const status = await a.call("status");
    assert.deepEqual([status.lastError?.typed, status.lastError?.code], [true, "TIMEOUT"]);
    assert.equal(status.pending, NOTES.length);
    setting.gate.fault = undefined;
    await a.call("enable", true);
    await drains(t, setting);
  });

  test("nothing does not hold up the store, nor its closing", async (t) => {
    const setting = await waiting(t, faults.hangs());
    const { a } = setting;
    await until("the endpoint is asked", () => setting.gate.requests.length);
    const run = a.call("run");
    await kept(a);
    await a.call("write", [{ id: "n3", text: "four" }]);
    assert.equal((await a.call("status")).pending, 4);
    await a.call("close");
    const { error } = await run;
    assert.deepEqual([error?.typed, error?.code], [true, "CLOSED"], error?.message);
  });
});

describe("a device whose clock is ten years", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  for (const [which, off] of [["ahead", YEARS], ["behind", -YEARS]]) {
    test(`${which} is told so, loses nothing, and lets the later change win`, async (t) => {
      const place = await endpoint(t);
      const wrong = await device(t, browser, place, { off });
      const right = await device(t, browser, place);
      await wrong.call("open", { sync: { ...IMPATIENT, enabled: false } });
      await right.call("open", { sync: { ...IMPATIENT, interval: 1 } });
      await wrong.call("write", NOTES);
      await wrong.call("enable", true);
      await until("everything is sent", () => wrong.call("status"), ({ pending, failed }) => pending + failed === 0);
      const told = (await wrong.events()).find(({ context }) => "milliseconds off" in context);
      assert.deepEqual([told?.typed, told?.code], [true, "VALIDATION_FAILED"]);
      assert.ok(Math.abs(Number(told.context["milliseconds off"]) - off) < 60_000, told.context["milliseconds off"]);
      await until("the notes arrive", () => right.call("texts"), (texts) => texts.join() === TEXTS.join());

      // Each changes what the other wrote, one after the other.
      await right.call("write", [{ id: "n0", text: "one, changed by the right clock" }]);
      await until("it is sent", () => right.call("status"), ({ pending }) => pending === 0);
      const seen = async () => (await wrong.call("run"), wrong.call("texts"));
      await until("it arrives", seen, (texts) => texts.includes("one, changed by the right clock"));
      await wrong.call("write", [{ id: "n0", text: "one, changed by the wrong clock" }]);
      await wrong.call("remove", "n1");
      const expected = ["one, changed by the wrong clock", "three"];
      await until("it comes back", () => right.call("texts"), (texts) => texts.join() === expected.join());
      assert.deepEqual(await wrong.call("texts"), expected);
    });
  }
});
