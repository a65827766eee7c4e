import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { IMPATIENT, device, endpoint, launch } from "./support/device.js";
import { faults } from "./support/gate.js";
import { until } from "./support/wait.js";

const NOTES = ["one", "two", "three"].map((text) => ({ id: text, text }));
const UNSENT = ["four", "five"].map((text) => ({ id: text, text }));
const SENT = ["one", "three", "two"];

describe("a store that is emptied behind its back", () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** A device that has sent three notes, and has two more that the endpoint did not get. */
  async function halfSent(t) {
    const place = await endpoint(t);
    const made = await device(t, browser, place);
    await made.call("open", IMPATIENT);
    await made.call("write", NOTES);
    await until("the notes are sent", () => made.call("status"), ({ pending }) => pending === 0);
    place.gate.fault = faults.isGone();
    await made.call("write", UNSENT);
    await until("the page remembers what waits", () => made.call("remembered"), (text) => text?.endsWith(" 2"));
    return { place, ...made };
  }

  const filled = (call) => until("the store is filled again", () => call("texts"), (texts) => texts.length >= SENT.length);
  const incidents = (page) => page.evaluate(() => device.incidents);

  test("a database that is deleted under it is told with what was not sent, and filled again by itself", async (t) => {
    const { place, page, call } = await halfSent(t);
    await call("wipe");
    place.gate.fault = undefined;
    assert.deepEqual(await call("texts"), [], "nothing is pretended");
    assert.deepEqual(await incidents(page), [{ kind: "lost", reason: "emptied", unsynced: 2 }]);
    assert.deepEqual(await filled(call), SENT);
    await call("write", [{ id: "six", text: "six" }]);
    await until("what is written later is sent", () => call("status"), ({ pending, failed }) => pending + failed === 0);
    const other = await device(t, browser, place);
    await other.call("open", IMPATIENT);
    await other.call("run");
    assert.deepEqual(await other.call("texts"), ["one", "six", "three", "two"]);
    assert.equal((await incidents(page)).length, 1);
    assert.match(await call("remembered"), / 0$/);
  });

  test("a database that was deleted between sessions is told at opening, with what was not sent, and filled again", async (t) => {
    const { place, page, context, call } = await halfSent(t);
    await call("close");
    await page.close();
    place.gate.fault = undefined;
    const later = await device(t, browser, place, { context });
    await later.call("wipe");
    await later.call("open", IMPATIENT);
    await until("the loss is told", () => incidents(later.page), (told) => told.length > 0);
    assert.deepEqual(await incidents(later.page), [{ kind: "lost", reason: "emptied", unsynced: 2 }]);
    assert.deepEqual(await filled(later.call), SENT);
    await later.call("close");
    const again = await device(t, browser, place, { context });
    await again.call("open", IMPATIENT);
    assert.deepEqual(await again.call("texts"), SENT);
    assert.deepEqual(await incidents(again.page), [], "it is told once");
  });

  test("a database whose object stores were emptied is told, and filled again in the next round", async (t) => {
    const { place, page, call } = await halfSent(t);
    await call("empty");
    place.gate.fault = undefined;
    await call("run");
    assert.deepEqual(await filled(call), SENT);
    await until("the loss is told", () => incidents(page), (told) => told.length > 0);
    assert.deepEqual(await incidents(page), [{ kind: "lost", reason: "emptied", unsynced: 2 }]);
  });

  test("a store that the application destroys is no loss", async (t) => {
    const { place, page, context, call } = await halfSent(t);
    await call("destroy");
    assert.equal(await call("remembered"), null);
    await page.close();
    place.gate.fault = undefined;
    const later = await device(t, browser, place, { context });
    await later.call("open", IMPATIENT);
    assert.deepEqual(await filled(later.call), SENT);
    assert.deepEqual(await incidents(later.page), []);
  });
});
