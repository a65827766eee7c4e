import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this project. */
export const project = dirname(dirname(fileURLToPath(import.meta.url)));
/** The installed package. */
export const installed = join(project, "node_modules/tidekeep");

/** Runs a compiler of this project, and returns whether it is content, and what it says. */
export function tsc(compiler, ...args) {
  const program = join(project, "node_modules", compiler, "bin/tsc");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { cwd: project, encoding: "utf8" });
  return { ok: status === 0, output: stdout + stderr };
}

/** Folders of the page without a bundler. */
export function plainFolders() {
  const { ok, output } = tsc("typescript", "--project", "tsconfig.scenario.json");
  if (!ok) {
    throw new Error(output);
  }
  return { "/": join(project, "plain"), "/tidekeep/": installed, "/scenario/": join(project, "dist/plain") };
}
