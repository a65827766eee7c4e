import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { device, endpoint, launch } from "./support/device.js";
import { until } from "./support/wait.js";

/** Far below the interval of a minute at which anything would be sent anyway. */
const PROMPTLY = 10_000;

describe("two tabs of one profile", () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** Two tabs with one store; the first leads. */
  async function tabs(t) {
    const place = await endpoint(t);
    const first = await device(t, browser, place);
    const second = await device(t, browser, place, { context: first.context });
    const senders = [];
    for (const [name, { page }] of Object.entries({ first, second })) {
      page.on("request", (request) => request.url().endsWith("/push") && senders.push(name));
    }
    await first.call("open");
    await until("the first tab leads", () => first.call("status"), ({ leader }) => leader);
    await second.call("open");
    const writes = async (tab, id) => {
      const began = performance.now();
      await tab.call("write", [{ id, text: id }]);
      const sent = () => second.call("status");
      await until(`${id} is sent`, sent, ({ pending, failed }) => pending + failed === 0, PROMPTLY);
      return Math.round(performance.now() - began);
    };
    return { place, first, second, senders, writes };
  }

  test("one of them sends, promptly, what either writes", async (t) => {
    const { place, first, second, senders, writes } = await tabs(t);
    assert.equal((await second.call("status")).leader, false);
    const took = { first: [], second: [] };
    for (let round = 0; round < 5; round += 1) {
      took.first.push(await writes(first, `first ${round}`));
      took.second.push(await writes(second, `second ${round}`));
    }
    t.diagnostic(`milliseconds until what the leader wrote is sent: ${took.first.join(", ")}`);
    t.diagnostic(`milliseconds until what the other wrote is sent: ${took.second.join(", ")}`);
    assert.deepEqual([...new Set(senders)], ["first"]);
    assert.equal((await second.call("status")).leader, false);
    const other = await device(t, browser, place);
    await other.call("open");
    await other.call("run");
    assert.equal((await other.call("texts")).length, 10);
  });

  test("when the one that sends is closed, the other takes over", async (t) => {
    const { place, first, second, senders, writes } = await tabs(t);
    await writes(second, "before");
    await first.page.close();
    const began = performance.now();
    await until("the second tab leads", () => second.call("status"), ({ leader }) => leader, PROMPTLY);
    t.diagnostic(`the other tab leads ${Math.round(performance.now() - began)} ms after the first is closed`);
    senders.length = 0;
    await writes(second, "after");
    assert.deepEqual([...new Set(senders)], ["second"]);
    const other = await device(t, browser, place);
    await other.call("open");
    await other.call("run");
    assert.deepEqual(await other.call("texts"), ["after", "before"]);
  });

  test("when the store of the one that sends is closed, the other takes over", async (t) => {
    const { first, second, senders, writes } = await tabs(t);
    await first.call("close");
    await until("the second tab leads", () => second.call("status"), ({ leader }) => leader, PROMPTLY);
    await writes(second, "after");
    assert.deepEqual([...new Set(senders)], ["second"]);
  });
});
