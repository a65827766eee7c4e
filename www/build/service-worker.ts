import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Plugin } from "vite";
import type { Precache } from "./precache.ts";

const isData = (path: string) => path.endsWith(".json");

/** Lists the finished build in `sw.js`, where it says `__PRECACHE__`. */
export function serviceWorker(): Plugin {
  let folder = "";
  return {
    name: "fieldbook:service-worker",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    async closeBundle() {
      const worker = join(folder, "sw.js");
      const source = await readFile(worker, "utf8");
      await writeFile(worker, source.replace("__PRECACHE__", JSON.stringify(await listing(folder))));
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
