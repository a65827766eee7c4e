import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { withEndpoint } from "./interface/endpoint.js";
import { installed, project, tsc } from "./support/paths.js";

const folder = join(project, "node_modules/.examples");

/** The examples of the types: the lines after each `@example`, to the end of its comment or the next tag. */
function documented() {
  const names = readdirSync(installed, { recursive: true }).filter((name) => name.endsWith(".d.ts"));
  const types = names.sort().map((name) => readFileSync(join(installed, name), "utf8")).join("\n");
  const comments = types.match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  return comments.flatMap((comment) => {
    const lines = comment.split("\n").map((line) => line.replace(/^\s*\*\/?\s?/, ""));
    const from = lines.findIndex((line) => line.trim() === "@example");
    if (from < 0) return [];
    const rest = lines.slice(from + 1);
    const to = rest.findIndex((line) => line.startsWith("@"));
    return [(to < 0 ? rest : rest.slice(0, to)).join("\n").trim()];
  });
}

/** The TypeScript of a page; `no-run` is for what needs something that is not here. */
function blocksOf(page) {
  const blocks = readFileSync(page, "utf8").matchAll(/```ts( no-run)?\n([\s\S]*?)```/g);
  return [...blocks].map(([, skipped, text]) => ({ run: !skipped, text }));
}

/** What the examples of single calls may speak of. */
const PREAMBLE = `
import { createStorage, init, passkeySupport, StorageError } from "tidekeep";
interface Place { id: string; name: string }
interface Note { id: string; place: string; text: string }
interface Known {
  notes: { key: string; value: Note; indexes: "place" };
  places: { key: string; value: Place; indexes: "name" };
}
const store = await createStorage<Known>({
  type: "memory",
  collections: { notes: { keyPath: "id", indexes: ["place"], search: ["place", "text"] }, places: { keyPath: "id", indexes: ["name"] } },
  sync: { endpoint: "https://endpoint.invalid/v1/space", enabled: false },
});
const notes = store.collection("notes");
const places = store.collection("places");
await notes.put({ id: "1", place: "Lisbon", text: "Tram 28" });
`;

/** An example as a module: a whole one brings its imports; others stand in a block, where they may name things anew. */
function asModule(example) {
  return /^import /m.test(example) ? example : `${PREAMBLE}{\n${example}\n}\n`;
}

describe("the examples", () => {
  const examples = documented();
  const readme = blocksOf(join(installed, "README.md"));
  const sealing = blocksOf(join(project, "../../docs/sealing.md"));
  const files = [
    ...examples.map((text, at) => ({ name: `types-${at}`, text: asModule(text), run: true })),
    ...readme.map(({ text, run }, at) => ({ name: `readme-${at}`, text, run })),
    ...sealing.map(({ text, run }, at) => ({ name: `sealing-${at}`, text, run })),
  ];
  let compiled;
  before(() => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    for (const { name, text } of files) writeFileSync(join(folder, `${name}.ts`), text);
    const options = ["--ignoreConfig", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,esnext.disposable,dom", "--types", ""];
    compiled = tsc("typescript", ...options, ...files.map(({ name }) => join(folder, `${name}.ts`)));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test("there are some, in the types, in the README and in the guide to sealing", () => {
    assert.ok(examples.length >= 12, `${examples.length} in the types`);
    assert.ok(readme.length >= 2, `${readme.length} in the README`);
    assert.ok(sealing.length >= 4, `${sealing.length} in the guide to sealing`);
  });

  test("they compile, strictly", () => assert.ok(compiled.ok, compiled.output));

  for (const { name, text, run } of files) {
    if (!run) continue;
    test(`${name} runs`, () => withEndpoint(() => import(pathToFileURL(join(folder, `${name}.js`)).href)));
  }
});
