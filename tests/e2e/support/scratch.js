import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "./children.js"; // They are killed before their folders go.

const folders = [];

process.on("exit", () => {
  // What was killed may still be letting go of its files.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

/** A folder that is gone when the tests are over. */
export async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), "tidekeep-e2e-"));
  folders.push(folder);
  return folder;
}
