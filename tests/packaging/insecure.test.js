import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { launch } from "./support/browser.js";
import { installed, project } from "./support/paths.js";
import { serve } from "./support/server.js";

/** A name that is not this machine's own, so that a page of it by http: is not secure. */
const HOST = "field.test";

test("on a page that is not secure nothing is sealed, nothing sealed is written in clear, and the rest works", async (t) => {
  const server = await serve({ "/": join(project, "tabs"), "/tidekeep/": installed });
  t.after(() => server.close());
  const browser = await launch(`--host-resolver-rules=MAP ${HOST} 127.0.0.1`);
  t.after(() => browser.close());
  const page = await browser.newPage();
  const { port } = new URL(server.address);
  await page.goto(`http://${HOST}:${port}/nothing.html`);
  const found = await page.evaluate(async () => {
    const { createStorage } = await import("/tidekeep/index.js");
    const store = await createStorage({ name: "insecure", type: "indexeddb", collections: { diary: { keyPath: "id", encrypted: true } } });
    const code = (call) => call.then(() => "succeeded", (error) => error.code);
    const codes = [
      await code(store.credentials.unlock({ passphrase: "correct horse battery staple" })),
      await code(store.credentials.unlock({ device: true })),
      await code(store.credentials.set("maps", "a secret")),
      await code(store.collection("diary").put({ id: "1", text: "a secret" })),
      await code(store.set("entry", "a secret", { encrypt: true })),
    ];
    await store.set("plain", "no secret");
    const plain = await store.get("plain");
    await store.close();
    const settled = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const database = await settled(indexedDB.open("insecure"));
    const rows = [];
    for (const name of database.objectStoreNames) rows.push(await settled(database.transaction(name).objectStore(name).getAll()));
    return { isSecureContext, codes, plain, rows: JSON.stringify(rows) };
  });
  assert.equal(found.isSecureContext, false);
  assert.deepEqual(found.codes, ["INSECURE_CONTEXT", "INSECURE_CONTEXT", "LOCKED", "LOCKED", "LOCKED"]);
  assert.equal(found.plain, "no secret");
  assert.match(found.rows, /no secret/);
  assert.doesNotMatch(found.rows, /a secret/);
});
