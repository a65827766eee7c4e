import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { drivers, start } from "../packaging/support/webdriver.js";
import { device, endpoint, launch } from "./support/device.js";
import { faults } from "./support/gate.js";
import { until } from "./support/wait.js";

/** Nothing is pulled at the interval while a test runs. */
const SELDOM = { interval: 3600 };
const ROUNDS = 20;

const middle = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
const of = (requests, route) => requests.filter(({ path }) => path.endsWith(`/${route}`)).length;

/** Writes in one device and waits until the other tells of it; gives the milliseconds between. */
async function tells(writer, reader, id) {
  const written = await writer("note", id);
  const told = await until(`${id} is told`, () => reader("changes"), (all) => all.some(({ key }) => key === id));
  const { at, source } = told.find(({ key }) => key === id);
  assert.equal(source, "remote");
  return at - written;
}

async function measured(t, engine, writer, reader) {
  await tells(writer, reader, "first");
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await tells(writer, reader, `n${round}`));
  t.diagnostic(`${engine}: ms from acknowledged to told: median ${middle(times)}, most ${Math.max(...times)}`);
  assert.ok(Math.max(...times) < 1000, `${times}`);
}

describe("live", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** Two devices; what is asked of the endpoint goes through a gate. */
  async function pair(t, sync = SELDOM, prepare = () => undefined) {
    const place = await endpoint(t);
    prepare(place.gate);
    const [a, b] = await Promise.all([device(t, browser, place), device(t, browser, place)]);
    for (const one of [a, b]) {
      await one.call("open", { sync });
      await until("the first round", () => one.call("status"), ({ lastSyncTime }) => lastSyncTime);
    }
    return { ...place, a, b };
  }

  test("a change in one device is told in the other within a second, without another request", async (t) => {
    const { a, b, gate } = await pair(t);
    await until("both hear", () => of(gate.requests, "live") === 2);
    const before = of(gate.requests, "changes");
    await measured(t, "Chromium", a.call, b.call);
    assert.equal(of(gate.requests, "changes"), before);
    assert.equal(of(gate.requests, "live"), 2);
    assert.deepEqual((await a.call("changes")).filter(({ source }) => source === "remote"), [], "its own echo");
    assert.deepEqual(await b.events(), []);
  });

  for (const [name, engine] of Object.entries(drivers)) {
    test(`in ${name}, too`, async (t) => {
      const { gate, token } = await endpoint(t);
      const open = async () => {
        const session = await start(engine);
        t.after(session.close);
        await session.open(gate.address);
        const call = (method, ...args) => session.evaluate(`device[${JSON.stringify(method)}](...${JSON.stringify(args)})`);
        await until("the page", () => session.evaluate("'device' in globalThis"));
        await call("bear", token);
        await call("open", { sync: SELDOM });
        return call;
      };
      const writer = await open();
      const reader = await open();
      await until("both hear", () => of(gate.requests, "live") === 2);
      await measured(t, name, writer, reader);
    });
  }

  const NO_STREAM = {
    "is 404": faults.answers(404, '{"code":"not_found","message":"no"}', { "content-type": "application/json" }),
    "is a page of HTML": faults.answers(200, "<!doctype html><title>Sign in</title>", { "content-type": "text/html" }),
    "is held back by a proxy that fills its buffer first": (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    },
  };
  for (const [name, fault] of Object.entries(NO_STREAM)) {
    test(`where the stream ${name}, requests are held, and a change is told as soon`, async (t) => {
      const { a, b, gate } = await pair(t, SELDOM, (gate) => {
        gate.fault = (request, response) => (request.url.includes("/live") ? fault(request, response) : false);
      });
      const held = () => gate.requests.filter(({ url }) => url.includes("wait=25")).length;
      await until("requests are held", () => held() >= 2);
      await measured(t, "Chromium by long poll", a.call, b.call);
    });
  }

  test("where nothing can be held either, changes are pulled at the interval", async (t) => {
    const { a, b, gate } = await pair(t, { interval: 2 }, (gate) => {
      gate.fault = (request) => {
        if (request.url.includes("/live")) return void request.socket.destroy();
        // It answers at once.
        request.url = request.url.replace("&wait=25", "");
        return false;
      };
    });
    await tells(a.call, b.call, "first");
    const took = await tells(a.call, b.call, "second");
    t.diagnostic(`told after ${took} ms at an interval of 2 s; ${of(gate.requests, "changes")} pulls`);
  });

  test("a stream that breaks is begun anew, and nothing is missed", async (t) => {
    const { a, b, gate, server } = await pair(t);
    await tells(a.call, b.call, "before");
    await server.kill();
    await a.call("note", "meanwhile");
    await server.start();
    await until("it is told", () => b.call("changes"), (all) => all.some(({ key }) => key === "meanwhile"));
    await tells(a.call, b.call, "after");
    await until("both listen again", () => of(gate.requests, "live") >= 4);
  });

  test("a page that nobody sees hears nothing, and everything once it is seen", async (t) => {
    const { a, b, gate } = await pair(t);
    await tells(a.call, b.call, "before");
    const sight = (state) =>
      b.page.evaluate((state) => {
        Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, state);
    await sight("hidden");
    await until("the stream is closed", () => gate.open.size === 1);
    await a.call("note", "unseen");
    await sight("visible");
    await until("it is told", () => b.call("changes"), (all) => all.some(({ key }) => key === "unseen"));
    await tells(a.call, b.call, "after");
    await b.call("close");
    await until("the stream is closed", () => gate.open.size === 1);
  });

  test("a token that ends is asked for anew", async (t) => {
    const { a, b, gate } = await pair(t);
    await tells(a.call, b.call, "before");
    let refused = 0;
    gate.fault = (request, response) => {
      if (request.headers.authorization !== "Bearer old") return false;
      refused += 1;
      return void response.writeHead(401, { "content-type": "application/json" }).end('{"code":"unauthorized","message":"no"}');
    };
    const good = await b.page.evaluate(() => globalThis.token);
    await b.call("bear", "old");
    for (const response of gate.open) response.destroy();
    await until("it is refused", () => refused >= 2);
    await b.call("bear", good);
    await a.call("note", "refused");
    await b.call("run");
    await until("it is told", () => b.call("changes"), (all) => all.some(({ key }) => key === "refused"));
    await tells(a.call, b.call, "after");
  });
});
