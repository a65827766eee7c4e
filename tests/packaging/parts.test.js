import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createStorage } from "tidekeep";
import { shape } from "./interface/check.js";
import { project } from "./support/paths.js";
import { python } from "./support/python.js";

// The golden values with parts set apart, which Web Crypto made: what they are to Web Crypto, to Python, and here.

const vectors = (name) => JSON.parse(readFileSync(join(project, `../vectors/${name}-v1.json`), "utf8"));
const { dataKey, envelopes, refused } = vectors("parts");
const { unlockers, dataKeys } = vectors("sealing");
const records = [unlockers[0], dataKeys[0]];
const { passphrase } = unlockers[0];

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** What a tag of the value encoding says of some bytes. */
const typed = (type, { buffer }) => (type === "bytes" ? buffer : new globalThis[type](buffer));

/** Reads as much of the value encoding as the vectors hold; `part` reads what is set apart. */
function revived(found, part) {
  const each = (item) => revived(item, part);
  const fields = (object) => Object.fromEntries(Object.entries(object).map(([name, item]) => [name, each(item)]));
  if (Array.isArray(found)) return found.map(each);
  if (typeof found !== "object" || found === null) return found;
  if (!("$" in found)) return fields(found);
  const { $: tag, v } = found;
  const tags = { undefined: () => undefined, number: () => Number(v), date: () => new Date(v), set: () => new Set(v.map(each)) };
  Object.assign(tags, { map: () => new Map(v.map(([key, item]) => [each(key), each(item)])), object: () => fields(v), part: () => part(v) });
  return (tags[tag] ?? (() => typed(tag, Uint8Array.from(Buffer.from(v, "base64")))))();
}

const wanted = ({ value }) => shape(revived(JSON.parse(value)));

/** What a plaintext is by docs/formats.md: its JSON, and its parts. */
function split(plaintext) {
  assert.equal(plaintext[0], 1);
  const end = 5 + new DataView(plaintext.buffer).getUint32(1, true);
  return { json: JSON.parse(new TextDecoder().decode(plaintext.subarray(5, end))), there: (at, length) => plaintext.slice(end + at, end + at + length) };
}

async function bare(envelope, additionalData) {
  const key = await crypto.subtle.importKey("raw", bytes(dataKey), "AES-GCM", false, ["decrypt"]);
  const sealed = bytes(envelope);
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.subarray(22, 34), additionalData: bytes(additionalData) }, key, sealed.subarray(34)));
}

describe("golden values with parts set apart", () => {
  test("are what bare Web Crypto opens, read by the documentation alone", async () => {
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    for (const vector of envelopes) {
      const plaintext = await bare(vector.envelope, vector.additionalData);
      assert.equal(hex(plaintext), vector.plaintext, vector.name);
      const { json, there } = split(plaintext);
      const part = ([type, at, length]) => (type === "text" ? utf8.decode(there(at, length)) : typed(type, there(at, length)));
      assert.equal(shape(revived(json, part)), wanted(vector), vector.name);
    }
  });

  test("are what Python's cryptography opens", () => {
    const open = envelopes.map(({ collection, key, envelope }) => [collection, key, envelope]);
    const input = JSON.stringify({ database: "fieldbook", passphrase, keys: records.map(({ record }) => record), open });
    const { status, stdout, stderr } = spawnSync(python(), [join(project, "../../docs/examples/open.py")], { input, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    /** Python leaves the tags as they are, and tells bytes in hexadecimal. */
    const told = (found, there) => {
      if (Array.isArray(found)) return found.map((item) => told(item, there));
      if (typeof found !== "object" || found === null) return found;
      const fields = (object) => Object.fromEntries(Object.entries(object).map(([name, item]) => [name, told(item, there)]));
      if (found.$ === "object") return { $: "object", v: fields(found.v) };
      if (found.$ !== "part") return fields(found);
      const [type, at, length] = found.v;
      return Buffer.from(there(at, length)).toString(type === "text" ? "utf8" : "hex");
    };
    const expected = envelopes.map(({ plaintext }) => split(bytes(plaintext))).map(({ json, there }) => told(json, there));
    assert.deepEqual(JSON.parse(stdout).opened, expected);
  });

  test("open here, are written so where they are long, and what is no value is refused", async (t) => {
    await import("fake-indexeddb/auto");
    const options = { name: "fieldbook", type: "indexeddb" };
    const settled = (request) => new Promise((done, failed) => Object.assign(request, { onsuccess: () => done(request.result), onerror: failed }));
    const all = [...envelopes, ...refused];

    // The rows of secrets and keys are made here; then the golden bytes are put in them.
    const making = await createStorage(options);
    await making.credentials.unlock({ passphrase: "another passphrase" });
    for (const { key } of all) await making.credentials.set(key, "");
    await making.close();
    const database = await settled(indexedDB.open("fieldbook"));
    t.after(() => database.close());
    const rows = (name) => database.transaction(name, "readwrite").objectStore(name);
    const [row] = await settled(rows("tidekeep:keys").getAll());
    await settled(rows("tidekeep:keys").clear());
    for (const { recordKey, record } of records) await settled(rows("tidekeep:keys").put({ ...row, value: bytes(record).buffer }, recordKey));
    for (const { key, envelope } of all) {
      const found = await settled(rows("credentials").get(key));
      found._tidekeep.sealed = bytes(envelope);
      await settled(rows("credentials").put(found));
    }

    const store = await createStorage(options);
    t.after(() => store.destroy());
    await store.credentials.unlock({ passphrase });
    for (const vector of envelopes) assert.equal(shape(await store.credentials.get(vector.key)), wanted(vector), vector.name);
    for (const { name, key, code } of refused) await assert.rejects(store.credentials.get(key), { code }, name);

    const long = envelopes.filter(({ name }) => name.startsWith("as it is written"));
    assert.equal(long.length, 2);
    for (const { key, name, value, plaintext, additionalData } of long) {
      await store.credentials.set(key, revived(JSON.parse(value)));
      const { _tidekeep } = await settled(rows("credentials").get(key));
      assert.equal(hex(await bare(hex(_tidekeep.sealed), additionalData)), plaintext, name);
    }
  });
});
