import { spawnSync } from "node:child_process";

/** A Python that has `cryptography`. */
export function python() {
  const found = ["python3", "/usr/bin/python3"].find((program) => spawnSync(program, ["-c", "import cryptography"]).status === 0);
  if (!found) throw new Error("no Python with `cryptography`; `cargo xtask setup` installs one");
  return found;
}
