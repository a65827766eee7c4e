import assert from "node:assert/strict";
import { createServer, request as ask } from "node:http";
import { test } from "node:test";
import { device, endpoint, launch } from "./support/device.js";
import { gate } from "./support/gate.js";

const DELAY = 50;
const COUNT = 100;

/** A way to the endpoint on which every request takes so many milliseconds more. */
async function slow(t, address) {
  const server = createServer((request, response) => {
    setTimeout(() => {
      const onward = ask(`${address}${request.url}`, { method: request.method, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      onward.on("error", () => response.destroy());
      request.pipe(onward);
    }, DELAY);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return `http://127.0.0.1:${server.address().port}`;
}

const notes = (from) => Array.from({ length: COUNT }, (_, n) => ({ id: `${from}${n}`, text: `note ${n} of ${from}` }));

test(`${COUNT} records are pushed and ${COUNT} pulled within two seconds over a network of ${DELAY} ms, and no task is long`, async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const direct = await endpoint(t);
  const far = { ...direct, gate: await gate(t, await slow(t, direct.server.address)) };
  const sync = { enabled: false };
  const [a, b] = [await device(t, browser, direct), await device(t, browser, far)];
  await a.call("open", { sync });
  await b.call("open", { sync });
  await b.call("run");
  await a.call("write", notes("theirs"));
  await a.call("run");
  await b.call("write", notes("mine"));
  await b.page.evaluate(() => {
    globalThis.long = [];
    new PerformanceObserver((list) => globalThis.long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });
  far.gate.requests.length = 0;
  const began = performance.now();
  const report = await b.call("run");
  const took = performance.now() - began;
  const long = await b.page.evaluate(() => globalThis.long);
  t.diagnostic(`${Math.round(took)} ms, ${far.gate.requests.length} requests, tasks above 50 ms: ${JSON.stringify(long)}, ${JSON.stringify(report)}`);
  assert.equal((await b.call("texts")).length, 2 * COUNT);
  assert.equal((await b.call("status")).pending, 0);
  assert.ok(took < 2_000, `${took} ms`);

  far.gate.requests.length = 0;
  await b.call("run");
  assert.deepEqual(far.gate.requests.map(({ path }) => path.split("/").at(-1)), ["changes"], "with nothing new, one pull and no push");
});
