import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { build, type Plugin, type ResolvedConfig } from "vite";
import type { Precache } from "./precache.ts";

const isData = (path: string) => path.endsWith(".json");

/**
 * Bundles the service worker into `sw.js`, once the build that it is to serve is there, and tells it what that has. It is
 * one classic script: not every browser runs modules as service workers.
 */
export function serviceWorker(source: string): Plugin {
  let config: ResolvedConfig;
  return {
    name: "fieldbook:service-worker",
    apply: "build",
    configResolved(resolved) {
      config = resolved;
    },
    async closeBundle(error) {
      if (error) return;
      const { root, build: page } = config;
      await build({
        root,
        configFile: false,
        publicDir: false,
        logLevel: "warn",
        // A classic script has no import.meta; all that is asked of it here is where the WebAssembly is.
        define: { __PRECACHE__: JSON.stringify(await listing(page.outDir)), "import.meta.url": "self.location.href" },
        build: {
          outDir: page.outDir,
          emptyOutDir: false,
          target: page.target,
          assetsInlineLimit: 0,
          modulePreload: false,
          rolldownOptions: { input: source, output: { format: "iife", entryFileNames: "sw.js" } },
        },
      });
    },
  };
}

async function listing(folder: string): Promise<Precache> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name !== "sw.js")
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
  const digest = createHash("sha256");
  for (const path of paths) digest.update(path).update(await readFile(join(folder, path)));
  const url = (path: string) => (path === "index.html" ? "/" : `/${path}`);
  return {
    version: digest.digest("hex").slice(0, 12),
    shell: paths.filter((path) => !isData(path)).map(url),
    data: paths.filter(isData).map(url),
  };
}
