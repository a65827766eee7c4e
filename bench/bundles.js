/** What an application would ship of each engine: one minified module, and what it loads besides. */

import { build } from "esbuild";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
/** Where the bundles are. */
export const dist = join(here, "dist");

export const engines = ["raw", "tidekeep", "idb", "dexie", "rxdb", "pouchdb", "localforage", "idb-keyval"];

/** Bundles every engine; answers the title, versions and bytes of each. */
export async function bundle() {
  rmSync(dist, { recursive: true, force: true });
  mkdirSync(join(dist, "engines"), { recursive: true });
  const wasm = join(modules, "tidekeep/tidekeep_bg.wasm");
  copyFileSync(wasm, join(dist, "engines/tidekeep_bg.wasm"));
  const facts = {};
  for (const engine of engines) {
    const file = join(dist, "engines", `${engine}.js`);
    await esbuild(join(here, "engines", `${engine}.js`), file);
    const { title, modules: used } = about(engine);
    const versions = used.map((name) => `${name} ${JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8")).version}`);
    const bytes = [readFileSync(file), ...(engine === "tidekeep" ? [readFileSync(wasm)] : [])];
    facts[engine] = { title, versions, size: { gzip: total(bytes, (part) => gzipSync(part, { level: 9 })), brotli: total(bytes, brotliCompressSync) } };
  }
  for (const page of ["page", "tab"]) await esbuild(join(here, `works/${page}.js`), join(dist, `${page}.js`), ["/engines/*"]);
  return facts;
}

/** The works that every engine does, and those of tidekeep alone, by name and in words. */
export async function described() {
  const { works } = await import("./works/works.js");
  const { own } = await import("./works/own.js");
  return [works, own].map((list) => list.map(([name, title]) => [name, title]));
}

function esbuild(entry, outfile, external = []) {
  const define = { "process.env.NODE_ENV": '"production"', global: "globalThis" };
  return build({ entryPoints: [entry], outfile, bundle: true, minify: true, format: "esm", target: "es2022", external: ["node:*", ...external], define, logLevel: "warning" });
}

/** An engine's own words: its module may not load outside a browser, so they are read from its source. */
function about(engine) {
  const source = readFileSync(join(here, "engines", `${engine}.js`), "utf8");
  const said = (name) => JSON.parse(source.match(new RegExp(`^export const ${name} = (.*);$`, "m"))[1]);
  return { title: said("title"), modules: said("modules") };
}

function total(parts, compress) {
  return parts.reduce((sum, part) => sum + compress(part).length, 0);
}
