import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { device, endpoint, launch } from "./support/device.js";

const TOTAL = Number(process.env.TIDEKEEP_COLD ?? 10_000);
const PAGE = 500;

/** Pushes so many notes as another device would. */
async function seed({ server, token }) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  for (let from = 0; from < TOTAL; from += PAGE) {
    const ops = Array.from({ length: PAGE }, (_, n) => {
      const id = `n${from + n}`;
      const hlc = `${Date.now().toString(16).padStart(12, "0")}0000-00000000000000ff`;
      return { mid: from + n + 1, c: "notes", id, base: null, hlc, mode: "lww", body: { value: { id, text: `note ${id} `.repeat(8) } } };
    });
    const body = JSON.stringify({ client: "seed", ops });
    const response = await fetch(`${server.address}/v1/team/push`, { method: "POST", headers, body });
    assert.equal(response.status, 200, await response.text());
  }
}

/** The page's JavaScript heap after a collection, in MiB. */
async function heap(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  return Math.round((await session.send("Runtime.getHeapUsage")).usedSize / 2 ** 20);
}

test(`an empty device takes ${TOTAL} records in pages, and one whose page was closed midway goes on where it was`, async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  const place = await endpoint(t);
  await seed(place);
  const context = await browser.newContext();
  t.after(() => context.close());
  const first = await device(t, browser, place, { context });
  await first.call("open", { sync: { enabled: false } });
  const heaps = [await heap(first.page)];
  const began = performance.now();
  first.call("run").catch(() => undefined);
  let progress;
  while (!(progress?.done > TOTAL * 0.4)) {
    await sleep(20);
    ({ progress } = await first.call("status"));
  }
  assert.equal(progress.total, TOTAL);
  heaps.push(await heap(first.page));
  await first.page.close();
  const before = performance.now() - began;
  place.gate.requests.length = 0;

  const second = await device(t, browser, place, { context });
  await second.call("open", { sync: { enabled: false } });
  const again = performance.now();
  const report = await second.call("run");
  const rest = performance.now() - again;
  heaps.push(await heap(second.page));
  assert.equal((await second.call("texts")).length, TOTAL);
  const pages = place.gate.requests.filter(({ path }) => path.endsWith("/changes")).length;
  assert.ok(pages <= (TOTAL - progress.done) / PAGE + 1, `${pages} pages after ${progress.done} were there`);
  t.diagnostic(`${Math.round(before)} ms until the page was closed at ${progress.done}, ${Math.round(rest)} ms for the rest in ${pages} pages; heap in MiB ${heaps}; ${JSON.stringify(report)}`);

  // One record of all these is changed, and one is sent.
  place.gate.requests.length = place.gate.bodies.length = 0;
  await second.call("write", [{ id: "n77", text: "changed" }]);
  const changed = performance.now();
  await second.call("run");
  const took = performance.now() - changed;
  const bodies = place.gate.bodies.filter(({ length }) => length > 0);
  const ids = bodies.flatMap((body) => JSON.parse(body.toString()).ops).map(({ id }) => id);
  assert.deepEqual(ids, ["n77"]);
  const routes = place.gate.requests.map(({ path }) => path.split("/").at(-1));
  t.diagnostic(`one changed record of ${TOTAL}: 1 operation of ${bodies[0].length} bytes, requests: ${routes.join(", ")}, ${Math.round(took)} ms`);
});
