import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { device, endpoint, launch } from "./support/device.js";
import { until } from "./support/wait.js";

/** Notes as both have them, as the first device changes them, and then the second. */
const BEFORE = { id: "n", title: "Lima", tags: { place: "Peru", year: 2024 }, done: false };
const FIRST = { id: "n", title: "Lima", tags: { place: "Peru", year: 2025 }, done: true };
const SECOND = { id: "n", title: "Lima, again", tags: { place: "Perú", year: 2024 }, done: false };

describe("two devices that change one record apart", () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** Two devices whose conflicts are decided so; what the first did is at the endpoint, what the second did waits. */
  async function apart(t, conflict) {
    const place = await endpoint(t);
    const sync = { enabled: false, conflict };
    const [first, second] = [await device(t, browser, place), await device(t, browser, place)];
    for (const { call } of [first, second]) await call("open", { sync });
    await first.call("write", [BEFORE]);
    await ran(first);
    await ran(second);
    await first.call("write", [FIRST]);
    await ran(first);
    await second.call("write", [SECOND]);
    return { place, first, second, sync };
  }

  /** One round, which must succeed. */
  async function ran({ call }) {
    const { report, error } = await call("run");
    assert.equal(error, undefined, JSON.stringify(error));
    return report;
  }

  /** Rounds until both have what was decided, and nothing waits; gives the note. */
  async function agreed(...devices) {
    for (let round = 0; round < 2; round += 1) for (const one of devices) await ran(one);
    const notes = [];
    for (const { call } of devices) {
      const { pending, failed, conflicts } = await call("status");
      assert.deepEqual([pending, failed, conflicts], [0, 0, 0]);
      notes.push(await call("get", "n"));
    }
    assert.deepEqual(notes[0], notes[1]);
    return notes[0];
  }

  test("“merge” keeps what each of them changed, and says what it made", async (t) => {
    const { first, second } = await apart(t, "merge");
    assert.equal((await ran(second)).conflicts, 1);
    const merged = { id: "n", title: "Lima, again", tags: { place: "Perú", year: 2025 }, done: true };
    assert.deepEqual(await agreed(second, first), merged);
    const [settled] = await second.call("conflicts", { settled: true });
    assert.deepEqual([settled.by, settled.outcome, settled.local, settled.remote], ["merge", "value", SECOND, FIRST]);
  });

  test("“manual” waits over a reload, and what is chosen reaches both", async (t) => {
    const { first, second, sync } = await apart(t, "manual");
    assert.equal((await ran(second)).conflicts, 1);
    await second.page.reload();
    await second.page.waitForFunction(() => "device" in globalThis);
    await second.call("open", { sync });
    await second.call("write", [{ id: "other", text: "goes on" }]);
    await ran(second);
    await ran(first);
    assert.deepEqual(await first.call("get", "other"), { id: "other", text: "goes on" });
    assert.deepEqual(await first.call("get", "n"), FIRST);
    const [conflict, ...others] = await second.call("conflicts");
    assert.deepEqual([others.length, conflict.id, conflict.local, conflict.remote, conflict.base], [0, "notes/n", SECOND, FIRST, BEFORE]);
    const chosen = { ...FIRST, title: SECOND.title };
    await second.call("resolve", conflict.id, { value: chosen });
    assert.deepEqual(await agreed(second, first), chosen);
  });

  test("rounds that go by themselves merge, too, whoever comes first", async (t) => {
    const { first, second } = await apart(t, "merge");
    await first.call("write", [{ ...FIRST, more: "of the first" }]);
    await Promise.all([first.call("enable", true), second.call("enable", true)]);
    const both = async () => Promise.all([first, second].map(async ({ call }) => [await call("get", "n"), (await call("status")).pending]));
    const merged = { id: "n", title: "Lima, again", tags: { place: "Perú", year: 2025 }, done: true, more: "of the first" };
    const same = (notes) => notes.every(([note, pending]) => pending === 0 && JSON.stringify(Object.entries(note).sort()) === JSON.stringify(Object.entries(merged).sort()));
    await until("both have all", both, same, 15_000);
  });
});
