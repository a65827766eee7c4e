import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
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

/** Compiles the scenario into a folder of the running process, since test files run side by side. */
export function compiledScenario() {
  const folder = mkdtempSync(join(tmpdir(), "tidekeep-packaging-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const { ok, output } = tsc("typescript", "--project", "tsconfig.scenario.json", "--outDir", folder);
  if (!ok) {
    throw new Error(output);
  }
  // Files of a temporary folder are CommonJS to Node unless told otherwise.
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  return folder;
}

/** Folders of the page without a bundler. */
export function plainFolders() {
  return { "/": join(project, "plain"), "/tidekeep/": installed, "/scenario/": compiledScenario() };
}
