import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { device, endpoint, IMPATIENT, launch } from "./support/device.js";
import { gate } from "./support/gate.js";
import { network, random } from "./support/network.js";
import { until } from "./support/wait.js";

/** Runs; `TIDEKEEP_PARTITIONS` sets another number, and `TIDEKEEP_SEED` the first of their seeds. */
const RUNS = Number(process.env.TIDEKEEP_PARTITIONS ?? 5);
const SEED = Number(process.env.TIDEKEEP_SEED ?? Math.floor(Math.random() * 1e9));
const DEVICES = 3;
const EVENTS = 40;
const KEYS = 12;
const FAULTS = ["cut", "stalled", "stalled up", "stalled down", "slow"];
/** How long after the network is well again everything must have been sent, and be the same everywhere. */
const PATIENCE = 90_000;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (let run = 0; run < RUNS; run++) {
  const seed = SEED + run;
  test(`partitions of seed ${seed}: what was acknowledged is at the endpoint once, and all devices end the same`, async (t) => {
    const chance = random(seed);
    const place = await endpoint(t);
    const ways = [];
    const devices = [];
    for (let number = 0; number < DEVICES; number++) {
      const way = await network(t, place.server.address);
      const far = { ...place, gate: await gate(t, way.address) };
      const one = await device(t, browser, far);
      await one.call("open", { sync: { ...IMPATIENT, interval: 2 } });
      ways.push(way);
      devices.push({ ...one, gate: far.gate });
    }
    /** Of each note the texts that were acknowledged; of `own` ones, which one device alone writes, the last. */
    const [own, shared] = [new Map(), new Map()];
    let acknowledged = 0;
    const tell = { cut: 0, stalled: 0, "stalled up": 0, "stalled down": 0, slow: 0 };
    for (let event = 0; event < EVENTS; event++) {
      const at = chance.below(DEVICES);
      const what = chance.next();
      if (what < 0.6) {
        const text = `${seed}-${event}`;
        if (chance.next() < 0.5) {
          const id = `own-${at}-${chance.below(KEYS)}`;
          await devices[at].call("write", [{ id, text }]);
          own.set(id, text);
        } else {
          const id = `shared-${chance.below(KEYS)}`;
          await devices[at].call("write", [{ id, text }]);
          shared.set(id, [...(shared.get(id) ?? []), text]);
        }
        acknowledged += 1;
      } else if (what < 0.85) {
        const state = chance.pick(FAULTS);
        tell[state] += 1;
        ways[at].set(state, state === "slow" ? 400 : 0);
      } else {
        ways[at].heal();
      }
      await sleep(chance.below(150));
    }
    for (const way of ways) way.heal();
    const healed = performance.now();
    // A network that comes back is told by the browser; what hung is called off by a request's own patience.
    for (const { page } of devices) await page.evaluate(() => dispatchEvent(new Event("online")));
    const quiet = ({ pending, failed }) => pending + failed === 0;
    for (const one of devices) await until("everything is sent", () => one.call("status"), quiet, PATIENCE);
    const sent = performance.now() - healed;

    const truth = await stored(place);
    for (const [id, text] of own) assert.equal(truth.get(id), text, `${id}: the last write of its only writer`);
    for (const [id, texts] of shared) assert.ok(texts.includes(truth.get(id)), `${id}: one of what was written`);
    assert.equal(truth.size, own.size + shared.size);
    const expected = [...truth.values()].sort().join();
    for (const one of devices) {
      await until("a device has everything", () => one.call("texts"), (texts) => texts.join() === expected, PATIENCE);
      for (const { typed } of await one.events()) assert.equal(typed, true);
    }
    const same = performance.now() - healed;
    const operations = new Set(devices.flatMap(({ gate }) => gate.bodies.flatMap(operationsOf)));
    const { head } = JSON.parse(await ask(place, ""));
    assert.ok(head <= operations.size, `${head} effects of ${operations.size} operations`);
    const hurt = ways.reduce((sum, way) => sum + way.hurt, 0);
    assert.ok(hurt > 0, "the network was never in the way");
    t.diagnostic(`seed ${seed}: ${acknowledged} writes, ${head} effects of ${operations.size} operations, ${JSON.stringify(tell)}, in the way ${hurt} times, sent ${Math.round(sent)} ms after healing, the same everywhere after ${Math.round(same)} ms`);
  });
}

async function ask({ server, token }, path) {
  const response = await fetch(`${server.address}/v1/team${path && `/${path}`}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200);
  return response.text();
}

/** What the endpoint has: the text of each note. */
async function stored(place) {
  const [, ...lines] = (await ask(place, "snapshot")).trim().split("\n");
  return new Map(lines.slice(0, -1).map((line) => JSON.parse(line)).map(({ body }) => [body.value.id, body.value.text]));
}

/** The operations of a request, by client and number: a repeat is the same one. */
function operationsOf(body) {
  if (body.length === 0) return [];
  const { client, ops } = JSON.parse(body.toString());
  return ops.map(({ mid }) => `${client} ${mid}`);
}
