import assert from "node:assert/strict";
import { test } from "node:test";
import { device, endpoint, launch } from "./support/device.js";
import { until } from "./support/wait.js";

/** Within so much another leads, milliseconds. */
const SOON = 10_000;

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
