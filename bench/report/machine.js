import { execFileSync } from "node:child_process";
import { cpus, platform, release, totalmem } from "node:os";

/** The machine in one line. */
export function machine() {
  const [{ model }, ...others] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${others.length + 1} × ${model.trim()}, ${memory} GiB, ${platform()} ${release()}, ${new Date().toISOString().slice(0, 10)}, commit ${commit()}`;
}

function commit() {
  return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" }).trim();
}
